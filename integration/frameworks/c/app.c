/* What an application does with hiredis: commands, binary values, pipelines, transactions, messages. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *what, int ok) {
	if (!ok) {
		fprintf(stderr, "%s is not as it should be\n", what);
		exit(1);
	}
}

static redisContext *dial(void) {
	redisContext *c = redisConnect(getenv("HOLDFAST_TEST_HOST"), atoi(getenv("HOLDFAST_TEST_PORT")));
	expect("the connection", c != NULL && c->err == 0);
	return c;
}

/* is reports whether a reply is this text, and frees it. */
static int is(void *reply, const char *text) {
	redisReply *r = reply;
	int ok = r != NULL && r->str != NULL && strcmp(r->str, text) == 0;
	freeReplyObject(r);
	return ok;
}

static int is_integer(void *reply, long long n) {
	redisReply *r = reply;
	int ok = r != NULL && r->type == REDIS_REPLY_INTEGER && r->integer == n;
	freeReplyObject(r);
	return ok;
}

static void values(redisContext *c) {
	redisReply *r;
	expect("FLUSHALL", is(redisCommand(c, "FLUSHALL"), "OK"));
	expect("SET", is(redisCommand(c, "SET %s %b", "bytes", "a\0b", (size_t)3), "OK"));
	r = redisCommand(c, "GET bytes");
	expect("GET", r->len == 3 && memcmp(r->str, "a\0b", 3) == 0);
	freeReplyObject(r);
	r = redisCommand(c, "GET nothing");
	expect("a missing key", r->type == REDIS_REPLY_NIL);
	freeReplyObject(r);
	r = redisCommand(c, "LPUSH bytes x");
	expect("an error", r->type == REDIS_REPLY_ERROR && strncmp(r->str, "WRONGTYPE", 9) == 0);
	freeReplyObject(r);
}

static void pipeline(redisContext *c) {
	redisReply *r;
	for (int i = 0; i < 1000; i++)
		redisAppendCommand(c, "INCR counter");
	for (int i = 1; i <= 1000; i++) {
		expect("a reply of the pipeline", redisGetReply(c, (void **)&r) == REDIS_OK);
		expect("INCR", is_integer(r, i));
	}
	expect("MULTI", is(redisCommand(c, "MULTI"), "OK"));
	expect("queueing", is(redisCommand(c, "INCR counter"), "QUEUED"));
	r = redisCommand(c, "EXEC");
	expect("EXEC", r->elements == 1 && r->element[0]->integer == 1001);
	freeReplyObject(r);
}

static void messages(redisContext *c) {
	redisContext *sub = dial();
	redisReply *r = redisCommand(sub, "SUBSCRIBE news");
	expect("SUBSCRIBE", r->elements == 3 && strcmp(r->element[0]->str, "subscribe") == 0);
	freeReplyObject(r);
	expect("PUBLISH", is_integer(redisCommand(c, "PUBLISH news hello"), 1));
	expect("a message", redisGetReply(sub, (void **)&r) == REDIS_OK);
	expect("its text", r->elements == 3 && strcmp(r->element[2]->str, "hello") == 0);
	freeReplyObject(r);
	redisFree(sub);
}

int main(void) {
	redisContext *c = dial();
	values(c);
	pipeline(c);
	messages(c);
	redisFree(c);
	printf("hiredis %d.%d.%d passed\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
	return 0;
}
