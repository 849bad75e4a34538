// What an application does with ioredis: values, pipelines, transactions, scripts, messages, streams, a lost connection.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { host, port } from "./server.mjs";

const connect = (db) => new Redis({ host, port, db });
const r = connect(1);
await r.flushdb();
assert.equal(await r.set("k", "v", "EX", 100), "OK");
assert.equal(await r.get("k"), "v");
assert.equal(await r.get("nothing"), null);
assert.deepEqual(await r.getBuffer("k"), Buffer.from("v"));
await r.hset("h", { a: 1, b: 2 });
assert.deepEqual(await r.hgetall("h"), { a: "1", b: "2" });
await r.zadd("z", 1.5, "x", 2, "y");
assert.deepEqual(await r.zrange("z", 0, -1, "WITHSCORES"), ["x", "1.5", "y", "2"]);
await assert.rejects(r.lpush("k", 1), /WRONGTYPE/);

const pipeline = r.pipeline();
for (let i = 0; i < 1000; i++) pipeline.rpush("list", i);
const replies = await pipeline.exec();
assert.deepEqual(replies.at(-1), [null, 1000]);
assert.deepEqual(await r.multi().set("a", 1).incr("a").exec(), [[null, "OK"], [null, 2]]);

const w = connect(1);
await w.watch("a");
await r.set("a", 9);
assert.equal(await w.multi().set("a", 1).exec(), null);

r.defineCommand("double", { numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], ARGV[1]) * 2" });
await r.script("FLUSH");
assert.equal(await r.double("n", 21), 42);
assert.equal(await r.double("n", 0), 42);

await r.mset(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`scan:${i}`, i])));
const seen = new Set();
for await (const keys of r.scanStream({ match: "scan:*", count: 40 })) keys.forEach((k) => seen.add(k));
assert.equal(seen.size, 300);

const sub = connect(0);
const heard = [];
sub.on("message", (channel, text) => heard.push(`${channel} ${text}`));
sub.on("pmessage", (pattern, channel, text) => heard.push(`${pattern} ${channel} ${text}`));
assert.equal(await sub.subscribe("news"), 1);
assert.equal(await sub.psubscribe("chat.*"), 2);
assert.equal(await r.publish("news", "hello"), 1);
assert.equal(await r.publish("chat.js", "there"), 1);
await sub.ping();
assert.deepEqual(heard, ["news hello", "chat.* chat.js there"]);

await r.xgroup("CREATE", "events", "group", "0", "MKSTREAM");
const ids = [];
for (let i = 0; i < 10; i++) ids.push(await r.xadd("events", "*", "n", i));
const [[, entries]] = await r.xreadgroup("GROUP", "group", "a", "COUNT", 4, "STREAMS", "events", ">");
assert.deepEqual(entries.map(([id]) => id), ids.slice(0, 4));
assert.equal(await r.xack("events", "group", ...ids.slice(0, 3)), 3);

const popped = w.blpop("queue", 10);
await r.rpush("queue", "job");
assert.deepEqual(await popped, ["queue", "job"]);

// The connection is lost: the client comes back, with its database and its subscriptions.
await r.client("KILL", "TYPE", "pubsub");
await r.client("KILL", "TYPE", "normal", "SKIPME", "no").catch(() => {});
assert.equal(await r.get("k"), "v");
while ((await r.publish("news", "again")) === 0);
await sub.ping();
assert.equal(heard.at(-1), "news again");
[r, w, sub].forEach((c) => c.disconnect());
console.log("ioredis", JSON.parse(readFileSync("node_modules/ioredis/package.json")).version, "passed");
