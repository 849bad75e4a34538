package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// eventCommands are commands of every family, in an order in which most of them change something. "@sleep" lets time pass,
// "@other" begins a command of a second client, which may block.
var eventCommands = []string{
	// strings
	"SET k v", "SET k w", "SET k v EX 100", "SET k v KEEPTTL", "SET k v XX GET", "SET k v NX", "SETEX k 100 v", "PSETEX k 100000 v",
	"SETNX k v", "SETNX k2 v", "GETSET k x", "GETDEL k2", "GETDEL k2", "GET none", "GETEX k EX 50", "GETEX k PERSIST", "GETEX k",
	"GETEX k EXAT 1", "APPEND k ab", "APPEND k cd", "SETRANGE k 1 xx", "SETRANGE none 0 \"\"", "INCR n", "INCRBY n 5", "DECR n", "DECRBY n 2",
	"INCRBYFLOAT n 1.5", "MSET a 1 b 2", "MSETNX c 1 d 2", "MSETNX c 1 e 2", "SETBIT bits 7 1", "SETBIT bits 7 1", "BITFIELD bits SET u8 0 5 INCRBY u8 0 1",
	"BITFIELD bits GET u8 0", "BITOP AND bits2 bits bits", "BITOP AND bits2 none none", "PFADD hll a b", "PFADD hll a", "PFADD hll2 c",
	"PFMERGE hll3 hll hll2", "PFCOUNT hll hll2", "STRLEN none", "GETRANGE none 0 1", "MGET a none k", "SUBSTR none 0 1", "LCS none a",
	// generic
	"EXPIRE k 100", "EXPIRE k 50 GT", "PEXPIRE k 100000", "EXPIREAT k 99999999999", "PERSIST k", "PERSIST k", "EXPIRE k -1", "EXPIRE none 5",
	"SET k v", "PEXPIREAT k 1", "SET k v", "RENAME k k3", "RENAME k3 k4", "SET k v", "RENAME k k4", "RENAMENX k4 k5", "RENAMENX k5 a",
	"COPY a a2", "COPY a a2", "COPY a a2 REPLACE", "COPY a a9 DB 1", "MOVE a2 1", "MOVE none 1", "TOUCH a none", "EXISTS a none", "TYPE none",
	"TTL none", "PTTL none", "EXPIRETIME none", "OBJECT ENCODING none", "DUMP none", "DEL b none", "UNLINK c d none", "SORT none",
	"RPUSH list 3 1 2", "SORT list", "SORT list STORE sorted", "SORT none STORE sorted", "SORT none STORE sorted", "RANDOMKEY", "KEYS none", "SCAN 0 MATCH none",
	// lists
	"RPUSH l a b c d e f", "LPUSH l x y", "LPUSHX none a", "RPUSHX l z", "LSET l 0 q", "LINSERT l BEFORE a i", "LINSERT l BEFORE none i", "LREM l 1 i", "LREM l 1 none",
	"LTRIM l 0 5", "LTRIM l 0 -1", "LPOP l", "RPOP l", "LPOP l 2", "LPOP none", "RPOPLPUSH l l2", "LMOVE l l2 LEFT RIGHT", "LMOVE l2 l2 LEFT RIGHT", "LMPOP 2 none l LEFT COUNT 1",
	"LRANGE none 0 1", "LLEN none", "LINDEX none 0", "LPOS none a", "RPUSH l a", "BLPOP l 1", "BRPOP l2 1", "BLMOVE l2 l3 LEFT LEFT 1", "BRPOPLPUSH l3 l4 1", "BLMPOP 1 1 l4 LEFT", "LTRIM l4 5 1",
	"RPUSH l a", "LTRIM l 5 1",
	// sets
	"SADD s a b c d", "SADD s a", "SREM s a", "SREM s none", "SMOVE s s2 b", "SMOVE s s2 none", "SMOVE s s2 c", "SPOP s", "SADD s a b c", "SPOP s 2", "SPOP s 10", "SPOP none",
	"SADD s a b c", "SUNIONSTORE s3 s s2", "SINTERSTORE s3 s s2", "SDIFFSTORE s3 s s2", "SINTERSTORE s3 none s2", "SINTERSTORE s3 none s2", "SMEMBERS none", "SINTER s none", "SDIFF none s", "SCARD none",
	"SISMEMBER none a", "SRANDMEMBER none", "SMISMEMBER none a", "SINTERCARD 2 s none", "SREM s2 b c", "SSCAN none 0",
	// sorted sets
	"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZADD z 1 a", "ZADD z 2 a", "ZADD z INCR 1 a", "ZADD z XX 1 none", "ZINCRBY z 5 a", "ZREM z a", "ZREM z none", "ZPOPMIN z", "ZPOPMAX z", "ZPOPMIN z 0",
	"ZREMRANGEBYRANK z 0 0", "ZREMRANGEBYSCORE z 100 200", "ZREMRANGEBYLEX z [x [y", "ZADD z 1 a 2 b 3 c", "ZRANGESTORE z2 z 0 -1", "ZRANGESTORE z2 none 0 -1", "ZRANGESTORE z2 none 0 -1", "ZUNIONSTORE z2 2 z none",
	"ZINTERSTORE z2 1 z", "ZDIFFSTORE z2 2 z none", "ZINTERSTORE z2 2 z none", "ZMPOP 1 z MIN", "BZPOPMIN z 1", "BZPOPMAX z 1", "ZADD z 1 a", "BZMPOP 1 1 z MAX", "ZSCORE none a", "ZRANGE none 0 1",
	"ZCARD none", "ZRANK none a", "ZUNION 2 none z", "ZADD z 1 a 2 b", "ZREMRANGEBYRANK z 0 -1", "GEOADD geo 13 38 p 15 37 c", "GEOADD geo 13 38 p", "GEOSEARCHSTORE geo2 geo FROMMEMBER p BYRADIUS 500 km", "GEOSEARCHSTORE geo2 geo FROMLONLAT 0 0 BYRADIUS 1 m",
	"GEORADIUS geo 15 37 200 km STORE geo3", "GEOPOS none a", "GEODIST none a b",
	// hashes
	"HSET h a 1 b 2", "HSET h a 1", "HSETNX h a 1", "HSETNX h c 1", "HMSET h d 1", "HINCRBY h a 1", "HINCRBYFLOAT h a 1.5", "HDEL h a", "HDEL h none", "HDEL h b c d", "HGET none a", "HGETALL none", "HLEN none",
	"HMGET none a", "HEXISTS none a", "HKEYS none", "HRANDFIELD none", "HSTRLEN none a",
	// streams
	"XADD x 1-1 a b", "XADD x 2-1 a b", "XADD x MAXLEN 2 3-1 a b", "XADD x NOMKSTREAM 4-1 a b", "XTRIM x MAXLEN 2", "XTRIM x MAXLEN 5", "XDEL x 4-1", "XDEL x 9-9", "XSETID x 10-1", "XGROUP CREATE x g 0", "XGROUP CREATE x2 g 0 MKSTREAM",
	"XGROUP CREATECONSUMER x g c", "XGROUP CREATECONSUMER x g c", "XREADGROUP GROUP g c COUNT 1 STREAMS x >", "XREADGROUP GROUP g c9 COUNT 1 STREAMS x >", "XACK x g 3-1", "XGROUP SETID x g 0", "XREADGROUP GROUP g c STREAMS x >",
	"XCLAIM x g c2 0 3-1", "XAUTOCLAIM x g c3 0 0", "XGROUP DELCONSUMER x g c", "XGROUP DESTROY x g", "XGROUP DESTROY x g", "XLEN none", "XRANGE none - +", "XREAD STREAMS x 0", "XINFO STREAM none", "XPENDING none g",
	"XACK none g 1", "XCLAIM none g c 0 1", "XAUTOCLAIM none g c 0 0",
	// expiry, transactions, databases, waiting clients
	"SET soon v PX 5", "@sleep", "GET soon", "MULTI", "SET t 1", "LPUSH t2 a", "EXEC",
	"@other BLPOP wait 0", "RPUSH wait a", "@other BLMOVE wait wait2 LEFT LEFT 0", "RPUSH wait c", "@other BZPOPMIN waitz 0", "ZADD waitz 1 a",
	"SELECT 2", "SET k v", "DEL k", "SET k v", "SWAPDB 2 3", "FLUSHDB", "FLUSHALL",
}

// heard reads the events of a command, up to the mark that is published behind it. Channel and message are one line.
func heard(t *testing.T, ear, mouth *Conn, mark string) []string {
	t.Helper()
	must(t, mouth, "PUBLISH", "__keymark__:", mark)
	var events []string
	for {
		push, err := ear.Read()
		if err != nil {
			t.Fatalf("%v after %q", err, events)
		}
		if len(push.Elems) == 4 && push.Elems[2].Text == "__keymark__:" {
			if push.Elems[3].Text != mark {
				t.Fatalf("mark %s where %s was due", push.Elems[3].Text, mark)
			}
			return events
		}
		events = append(events, push.Elems[2].Text+" "+push.Elems[3].Text)
	}
}

// Every command has the same events as in Redis, in the same order, on both kinds of channels.
func TestKeyspaceEvents(t *testing.T) {
	type server struct{ mouth, other, ear *Conn }
	var servers []server
	for _, p := range []Program{subject, model} {
		addr := start(t, p, Options{Fsync: "no", Extra: []string{"--notify-keyspace-events", "KEAmn"}}).Addr
		s := server{dial(t, addr), dial(t, addr), dial(t, addr)}
		must(t, s.mouth, "CONFIG", "SET", "notify-keyspace-events", "KEAmn") // Redis's command line takes no such value
		must(t, s.ear, "PSUBSCRIBE", "__key*__:*")
		servers = append(servers, s)
	}
	for i, line := range eventCommands {
		if line == "@sleep" {
			time.Sleep(15 * time.Millisecond)
			continue
		}
		var events [2][]string
		for n, s := range servers {
			if words, ok := strings.CutPrefix(line, "@other "); ok {
				side := NewSide("", s.other.net.RemoteAddr().String(), nil, false)
				if err := s.other.Send(strings.Fields(words)...); err != nil {
					t.Fatal(err)
				}
				if err := side.await("blocked_clients", func(n int) bool { return n == 1 }); err != nil {
					t.Fatal(err)
				}
				side.Close()
				continue
			}
			words, err := SplitWords(line)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.mouth.Do(words...); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if slices.Contains([]string{"MULTI", "SET t 1", "LPUSH t2 a"}, line) {
				continue // the mark would be queued
			}
			events[n] = heard(t, s.ear, s.mouth, fmt.Sprint(i))
		}
		if !slices.Equal(events[0], events[1]) {
			t.Errorf("%s\n  holdfast  %q\n  redis     %q", line, events[0], events[1])
		}
	}
}
