// Package applications uses Go clients as applications do. It is a module of its own: they are no business of holdfast's.
package applications

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// address of the server under test.
func address(t *testing.T) string {
	t.Helper()
	host, port := os.Getenv("HOLDFAST_TEST_HOST"), os.Getenv("HOLDFAST_TEST_PORT")
	if host == "" || port == "" {
		t.Fatal("HOLDFAST_TEST_HOST and HOLDFAST_TEST_PORT say where the server is")
	}
	return net.JoinHostPort(host, port)
}

// client is one in a database of its own, for each protocol.
func client(t *testing.T, db, protocol int) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: address(t), DB: db, Protocol: protocol, ContextTimeoutEnabled: true})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// eachProtocol runs a test in RESP2 and RESP3.
func eachProtocol(t *testing.T, db int, test func(t *testing.T, c *redis.Client)) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) { test(t, client(t, db, protocol)) })
	}
}

func must[T any](t *testing.T) func(got T, err error) T {
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// A session cache: values with a time to live, counters, hashes scanned into structs.
func TestValues(t *testing.T) {
	eachProtocol(t, 1, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		equal(t, "set", must[string](t)(c.Set(ctx, "session:1", "alice", time.Hour).Result()), "OK")
		equal(t, "get", must[string](t)(c.Get(ctx, "session:1").Result()), "alice")
		if ttl := must[time.Duration](t)(c.TTL(ctx, "session:1").Result()); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("the time to live is %v", ttl)
		}
		if _, err := c.Get(ctx, "nothing").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("a missing key gives %v", err)
		}
		equal(t, "set if absent", must[bool](t)(c.SetNX(ctx, "session:1", "bob", 0).Result()), false)
		equal(t, "incr", must[int64](t)(c.IncrBy(ctx, "hits", 41).Result()), 41)
		equal(t, "float", must[float64](t)(c.IncrByFloat(ctx, "weight", 1.5).Result()), 1.5)
		must[int64](t)(c.HSet(ctx, "user:1", "name", "alice", "age", 30).Result())
		var user struct {
			Name string `redis:"name"`
			Age  int    `redis:"age"`
		}
		if err := c.HGetAll(ctx, "user:1").Scan(&user); err != nil || user.Name != "alice" || user.Age != 30 {
			t.Errorf("the user is %+v, %v", user, err)
		}
		must[int64](t)(c.ZAdd(ctx, "scores", redis.Z{Score: 2, Member: "b"}, redis.Z{Score: 1.5, Member: "a"}).Result())
		equal(t, "scores", must[[]redis.Z](t)(c.ZRangeWithScores(ctx, "scores", 0, -1).Result()), []redis.Z{{Score: 1.5, Member: "a"}, {Score: 2, Member: "b"}})
		must[int64](t)(c.SAdd(ctx, "tags", "x", "y").Result())
		equal(t, "tags", len(must[[]string](t)(c.SMembers(ctx, "tags").Result())), 2)
		for i := range 500 {
			must[string](t)(c.Set(ctx, "scan:"+strconv.Itoa(i), i, 0).Result())
		}
		seen := map[string]bool{}
		for iter := c.Scan(ctx, 0, "scan:*", 50).Iterator(); iter.Next(ctx); {
			seen[iter.Val()] = true
		}
		equal(t, "scanned keys", len(seen), 500)
	})
}

// A thousand commands in one pipeline; a transaction that is tried again until nobody comes between.
func TestPipelinesAndTransactions(t *testing.T) {
	eachProtocol(t, 2, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		cmds := must[[]redis.Cmder](t)(c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.RPush(ctx, "list", i)
			}
			return nil
		}))
		equal(t, "last push", cmds[999].(*redis.IntCmd).Val(), 1000)
		must[[]redis.Cmder](t)(c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "a", 1, 0)
			p.Incr(ctx, "a")
			return nil
		}))
		equal(t, "a", must[string](t)(c.Get(ctx, "a").Result()), "2")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 25 {
					increment(t, c, "counter")
				}
			})
		}
		all.Wait()
		equal(t, "counter", must[string](t)(c.Get(ctx, "counter").Result()), "200")
	})
}

// increment reads and writes under WATCH.
func increment(t *testing.T, c *redis.Client, key string) {
	for {
		err := c.Watch(t.Context(), func(tx *redis.Tx) error {
			n, err := tx.Get(t.Context(), key).Int()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			_, err = tx.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Set(t.Context(), key, n+1, 0)
				return nil
			})
			return err
		}, key)
		if errors.Is(err, redis.TxFailedErr) {
			continue
		}
		if err != nil {
			t.Error(err)
		}
		return
	}
}

// Messages arrive in order, by channel and by pattern.
func TestPubSub(t *testing.T) {
	eachProtocol(t, 3, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		sub := c.Subscribe(ctx, "news")
		if err := sub.PSubscribe(ctx, "chat.*"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			must[any](t)(sub.Receive(ctx)) // the confirmations
		}
		for i := range 100 {
			equal(t, "hearers", must[int64](t)(c.Publish(ctx, "news", i).Result()), 1)
		}
		must[int64](t)(c.Publish(ctx, "chat.go", "hello").Result())
		messages := sub.Channel()
		for i := range 100 {
			equal(t, "message", (<-messages).Payload, i)
		}
		last := <-messages
		equal(t, "pattern", last.Pattern+" "+last.Channel+" "+last.Payload, "chat.* chat.go hello")
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A consumer group: each entry goes to one consumer, what is not acknowledged is claimed by another.
func TestStreams(t *testing.T) {
	eachProtocol(t, 4, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		must[string](t)(c.XGroupCreateMkStream(ctx, "events", "workers", "0").Result())
		for i := range 50 {
			must[string](t)(c.XAdd(ctx, &redis.XAddArgs{Stream: "events", Values: map[string]any{"n": i}}).Result())
		}
		read := func(consumer string, count int64) []redis.XMessage {
			streams := must[[]redis.XStream](t)(c.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group: "workers", Consumer: consumer, Streams: []string{"events", ">"}, Count: count, Block: time.Second,
			}).Result())
			return streams[0].Messages
		}
		lost, rest := read("dies", 10), read("lives", 100)
		equal(t, "entries", fmt.Sprintln(len(lost), len(rest), lost[0].Values["n"], rest[0].Values["n"]), "10 40 0 10\n")
		for _, m := range rest {
			must[int64](t)(c.XAck(ctx, "events", "workers", m.ID).Result())
		}
		claimed, _, err := c.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: "events", Group: "workers", Consumer: "lives", Start: "0", Count: 100}).Result()
		if err != nil || len(claimed) != 10 {
			t.Fatalf("%d entries were claimed: %v", len(claimed), err)
		}
		equal(t, "pending", must[*redis.XPending](t)(c.XPending(ctx, "events", "workers").Result()).Consumers, map[string]int64{"lives": 10})
	})
}

// A script runs by its hash, and is loaded where it is not known.
func TestScripts(t *testing.T) {
	eachProtocol(t, 5, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		limit := redis.NewScript(`
			local n = redis.call('INCR', KEYS[1])
			if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
			return n <= tonumber(ARGV[1]) and 1 or 0`)
		must[string](t)(c.ScriptFlush(ctx).Result())
		for i := range 5 {
			allowed := must[int](t)(limit.Run(ctx, c, []string{"rate:1"}, 3, 60_000).Int())
			equal(t, "allowed", allowed == 1, i < 3)
		}
	})
}

// Who waits in a blocking pop is served; one whose context ends goes without.
func TestBlocking(t *testing.T) {
	eachProtocol(t, 6, func(t *testing.T, c *redis.Client) {
		got := make(chan []string, 1)
		go func() {
			got <- must[[]string](t)(c.BLPop(t.Context(), 10*time.Second, "queue").Result())
		}()
		must[int64](t)(c.RPush(t.Context(), "queue", "job").Result())
		equal(t, "popped", <-got, []string{"queue", "job"})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.BLPop(ctx, 10*time.Second, "queue").Result(); err == nil {
			t.Error("nothing was popped")
		}
	})
}

// A user with few rights, from its making to its end.
func TestUsers(t *testing.T) {
	c := client(t, 7, 3)
	ctx := t.Context()
	must[string](t)(c.ACLSetUser(ctx, "shop", "on", ">secret", "~shop:*", "+get", "+set", "+select", "+client|setinfo").Result())
	shop := redis.NewClient(&redis.Options{Addr: address(t), DB: 7, Username: "shop", Password: "secret"})
	must[string](t)(shop.Set(ctx, "shop:1", "x", 0).Result())
	if err := shop.Set(ctx, "other", "x", 0).Err(); !redis.HasErrorPrefix(err, "NOPERM") {
		t.Errorf("a forbidden key gives %v", err)
	}
	if err := shop.FlushAll(ctx).Err(); !redis.HasErrorPrefix(err, "NOPERM") {
		t.Errorf("a forbidden command gives %v", err)
	}
	equal(t, "entries", len(must[[]*redis.ACLLogEntry](t)(c.ACLLog(ctx, 10).Result())) >= 2, true)
	must[int64](t)(c.ACLDelUser(ctx, "shop").Result())
	if err := shop.Get(ctx, "shop:1").Err(); err == nil {
		t.Error("a user that is gone can read")
	}
	if err := shop.Close(); err != nil {
		t.Error(err)
	}
}
