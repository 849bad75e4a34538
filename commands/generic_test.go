package commands

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/kv"
)

func TestDelCountsWhatItDeleted(t *testing.T) {
	s := newStage(t)
	s.do("MSET a 1 b 2 c 3")
	s.takeLog()
	s.expectAll([]step{
		{"EXISTS a a none", ":2"},
		{"DEL none", ":0"},
		{"DEL a a none b", ":2"},
	})
	s.expectChanges(2)
	s.expect("UNLINK c", ":1")
	s.expectLog("DEL a a none b", "UNLINK c")
	s.expectEvents("$ set 0 a", "$ set 0 b", "$ set 0 c", "g del 0 a", "g del 0 b", "g del 0 c")
}

func TestRename(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"RENAME none k", "-ERR no such key"},
		{"RENAMENX none none", "-ERR no such key"},
		{"SET k v EX 100", "+OK"},
		{"RENAME k k", "+OK"},
		{"RENAMENX k k", ":0"},
		{"RPUSH l x", ":1"},
		{"RENAMENX k l", ":0"},
	})
	s.takeLog()
	s.events = nil
	s.expect("RENAME k l", "+OK")
	s.expectChanges(1)
	s.expectLog("RENAME k l")
	s.expectEvents("g rename_from 0 k", "g rename_to 0 l")
	s.expect("TTL l", ":100")
	s.expect("TYPE l", "+string")
	s.expect("RENAMENX l m", ":1")
}

func TestMove(t *testing.T) {
	s := newStage(t)
	s.do("SET k v EX 100")
	s.do("RPUSH l x")
	s.takeLog()
	s.events = nil
	s.expectAll([]step{
		{"MOVE k 0", "-ERR source and destination objects are the same"},
		{"MOVE k 16", "-ERR DB index is out of range"},
		{"MOVE k -1", "-ERR DB index is out of range"},
		{"MOVE k x", "-ERR value is not an integer or out of range"},
		{"MOVE k 2147483648", "-ERR value is out of range, value must between -2147483648 and 2147483647"},
		{"MOVE none 1", ":0"},
		{"MOVE k 1", ":1"},
	})
	s.expectChanges(1)
	s.do("MOVE l 1")
	s.expectLog("MOVE k 1", "MOVE l 1")
	s.expectEvents("g move_from 0 k", "g move_to 1 k", "g move_from 0 l", "g move_to 1 l")
	s.user.DB = 1
	s.expect("TTL k", ":100")
	s.expect("MOVE k 0", ":1")
	s.expectLog("1> MOVE k 0")
}

// A key that is due in the other database is not in the way, and its end is logged before what takes its place.
func TestDueKeysInOtherDatabases(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.user.DB = 1
	s.do("SET k old PX 5")
	s.user.DB = 2
	s.do("SET k old PX 5")
	s.user.DB = 0
	s.takeLog()
	s.advance(5)
	s.expect("COPY k k DB 1", ":1")
	s.expect("MOVE k 2", ":1")
	s.expectLog("1> DEL k ; COPY k k DB 1", "2> DEL k ; MOVE k 2")
}

func TestCopy(t *testing.T) {
	s := newStage(t)
	s.do("SET k v EX 100")
	s.do("RPUSH l x y")
	s.takeLog()
	s.events = nil
	s.expectAll([]step{
		{"COPY k k", "-ERR source and destination objects are the same"},
		{"COPY k k DB 0", "-ERR source and destination objects are the same"},
		{"COPY k l", ":0"},
		{"COPY none l REPLACE", ":0"},
		{"COPY k l DB", "-ERR syntax error"},
		{"COPY k l DB 99", "-ERR DB index is out of range"},
		{"COPY k l REPLACE bogus", "-ERR syntax error"},
		{"COPY k m", ":1"},
		{"COPY l k db 3", ":1"},
		{"COPY l m replace", ":1"},
	})
	s.expectChanges(1)
	s.expectLog("COPY k m", "COPY l k db 3", "COPY l m replace")
	s.expectEvents("g copy_to 0 m", "g copy_to 3 k", "g copy_to 0 m")
	s.do("RPUSH l z") // the copies do not change with it
	s.expect("LLEN m", ":2")
	s.user.DB = 3
	s.expect("LRANGE k 0 -1", "*2 $1 x $1 y")
	s.expect("TTL k", ":-1")
}

func TestCopiesKeepTheirDeadlineAndEncoding(t *testing.T) {
	s := newStage(t)
	s.do("APPEND k 1")
	s.do("APPEND k 2")
	s.do("EXPIRE k 100")
	s.do("COPY k l")
	s.expect("TTL l", ":100")
	s.expect("OBJECT ENCODING l", "$3 raw")
}

func TestObjectEncoding(t *testing.T) {
	s := newStage(t)
	for value, encoding := range map[string]string{
		"1": "int", "-5": "int", "9223372036854775807": "int", "9223372036854775808": "embstr", "01": "embstr", "": "embstr",
		strings.Repeat("x", 44): "embstr", strings.Repeat("x", 45): "raw",
	} {
		s.run("SET", "k", value)
		if got := s.do("OBJECT ENCODING k"); got != fmt.Sprintf("$%d %s", len(encoding), encoding) {
			t.Errorf("%q is kept as %s", value, got)
		}
	}
	s.do("SET k 1")
	s.do("SETRANGE k 0 2")
	s.expect("OBJECT ENCODING k", "$3 raw")
	s.do("INCR k")
	s.expect("OBJECT ENCODING k", "$3 int")
	s.do("RPUSH l a")
	s.expect("OBJECT ENCODING l", "$9 quicklist")
	s.expect("OBJECT ENCODING none", "$-1")
}

// Redis shares small integers, unless eviction needs a date or a count of accesses for each key.
func TestObjectRefCount(t *testing.T) {
	s := newStage(t)
	s.do("MSET zero 0 last 9999 next 10000 minus -1 text x")
	s.do("RPUSH l 1")
	set := func(name, value string) {
		if err := s.world.Config.Set(config.RunTime, name, value); err != nil {
			t.Fatal(err)
		}
	}
	s.expectAll([]step{
		{"OBJECT REFCOUNT zero", ":2147483647"},
		{"OBJECT REFCOUNT last", ":2147483647"},
		{"OBJECT REFCOUNT next", ":1"},
		{"OBJECT REFCOUNT minus", ":1"},
		{"OBJECT REFCOUNT text", ":1"},
		{"OBJECT REFCOUNT l", ":1"},
		{"OBJECT REFCOUNT none", "$-1"},
	})
	set("maxmemory-policy", "allkeys-lru")
	s.expect("OBJECT REFCOUNT zero", ":2147483647")
	set("maxmemory", "1gb")
	s.expect("OBJECT REFCOUNT zero", ":1")
}

func TestObjectIdleTimeAndFreq(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.advance(7_000)
	for _, line := range []string{"EXISTS k", "TYPE k", "TTL k", "OBJECT ENCODING k"} {
		s.do(line) // none of them is an access
	}
	s.expect("OBJECT IDLETIME k", ":7")
	s.expect("TOUCH k none", ":1")
	s.expect("OBJECT IDLETIME k", ":0")
	s.expect("OBJECT FREQ none", "$-1")
	if reply := s.do("OBJECT FREQ k"); !strings.HasPrefix(reply, "-ERR An LFU maxmemory policy is not selected") {
		t.Error(reply)
	}
	if err := s.world.Config.Set(config.RunTime, "maxmemory-policy", "allkeys-lfu"); err != nil {
		t.Fatal(err)
	}
	s.expect("OBJECT FREQ k", ":0")
	if reply := s.do("OBJECT IDLETIME k"); !strings.HasPrefix(reply, "-ERR An LFU maxmemory policy is selected") {
		t.Error(reply)
	}
}

// Lookups that are for reading count as hits and misses; those of a write do not.
func TestHitsAndMisses(t *testing.T) {
	s := newStage(t)
	for _, line := range []string{"SET k v", "SETNX k v", "INCR n", "APPEND k v", "DEL none", "EXPIRE k 9", "RENAME k l",
		"PFADD p a", "PFADD p b", "XADD s 1-1 a b", "XGROUP CREATE s g 0"} {
		s.do(line)
	}
	if keys := s.world.Keys; keys.Hits != 0 || keys.Misses != 0 {
		t.Errorf("writes count as %d hits and %d misses", keys.Hits, keys.Misses)
	}
	for _, line := range []string{"GET l", "EXISTS l none", "TTL l", "STRLEN none", "OBJECT ENCODING l", "XACK s g 1-1",
		"XCLAIM s g c 0 1-1", "XAUTOCLAIM s g c 0 0", "XACK none g 1-1"} {
		s.do(line)
	}
	if keys := s.world.Keys; keys.Hits != 7 || keys.Misses != 3 {
		t.Errorf("%d hits and %d misses, wanted 7 and 3", keys.Hits, keys.Misses)
	}
}

// Keys that are due are not shown, though nobody has deleted them yet.
func TestDueKeysAreInvisible(t *testing.T) {
	s := newStage(t)
	s.do("SET due v PX 5")
	s.do("SET stays v")
	s.takeLog()
	s.advance(5)
	s.expect("KEYS *", "*1 $5 stays")
	s.expect("SCAN 0 COUNT 100", "*2 $1 0 *1 $5 stays")
	s.expect("DBSIZE", ":2")
	s.expectLog()
}

// RANDOMKEY deletes what is due, lest it look for another key for ever.
func TestRandomKeyAmongDueKeys(t *testing.T) {
	s := newStage(t)
	s.expect("RANDOMKEY", "$-1")
	s.do("SET a v PX 5")
	s.do("SET b v PX 5")
	s.takeLog()
	s.advance(5)
	s.expect("RANDOMKEY", "$-1")
	if records := s.takeLog(); len(records) != 1 || strings.Count(records[0], "DEL") != 2 {
		t.Errorf("logged %q", records)
	}
	s.do("SET only v")
	s.expect("RANDOMKEY", "$4 only")
}

// scanAll follows SCAN's cursor to its end and returns the keys.
func (s *stage) scanAll(options string, between func()) (keys []string) {
	s.t.Helper()
	cursor := "0"
	for calls := 0; calls == 0 || cursor != "0"; calls++ {
		if calls > 100_000 {
			s.t.Fatal("SCAN comes to no end")
		}
		words := strings.Fields(s.do("SCAN " + cursor + options)) // *2 $n cursor *n ($n key)…
		cursor = words[2]
		for i := 5; i < len(words); i += 2 {
			keys = append(keys, words[i])
		}
		between()
	}
	return keys
}

func TestScanSeesEachKeyThatStays(t *testing.T) {
	s := newStage(t)
	want := s.fill("stays", 260)
	calls := 0
	for _, options := range []string{"", " COUNT 4", " COUNT 1000 TYPE STRING"} {
		got := s.scanAll(options+" MATCH stays:*", func() {
			if calls++; calls%20 == 0 { // the table grows meanwhile
				s.fill(fmt.Sprintf("comes:%d", calls), 20)
			}
		})
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("SCAN 0%s found %d keys of %d", options, len(got), len(want))
		}
	}
}

// fill sets n keys, and returns them in order.
func (s *stage) fill(prefix string, n int) (keys []string) {
	s.t.Helper()
	words := []string{"MSET"}
	for i := range n {
		keys = append(keys, fmt.Sprintf("%s:%d", prefix, i))
		words = append(words, keys[i], "v")
	}
	s.run(words...)
	slices.Sort(keys)
	return keys
}

func TestScanOfASmallDatabaseTakesOneCall(t *testing.T) {
	s := newStage(t)
	s.expect("SCAN 0", "*2 $1 0 *0")
	s.run(append([]string{"DEL"}, s.fill("k", 300)[3:]...)...)
	words := strings.Fields(s.do("SCAN 0"))
	if len(words) != 3+1+2*3 || words[2] != "0" {
		t.Errorf("replied %q", words)
	}
}

func TestScanArguments(t *testing.T) {
	s := newStage(t)
	const syntax, cursor = "-ERR syntax error", "-ERR invalid cursor"
	s.do("RPUSH l x")
	s.expectAll([]step{
		{"SCAN ''", "*2 $1 0 *1 $1 l"},
		{"SCAN +0", "*2 $1 0 *1 $1 l"},
		{"SCAN ' 0'", cursor},
		{"SCAN 0x", cursor},
		{"SCAN +", cursor},
		{"SCAN 18446744073709551616", cursor},
		{"SCAN x COUNT x", cursor},
		{"SCAN 0 COUNT", syntax},
		{"SCAN 0 COUNT 0", syntax},
		{"SCAN 0 COUNT x", "-ERR value is not an integer or out of range"},
		{"SCAN 0 COUNT 9223372036854775807", "*2 $1 0 *1 $1 l"},
		{"SCAN 0 TYPE LIST", "*2 $1 0 *1 $1 l"},
		{"SCAN 0 TYPE string", "*2 $1 0 *0"},
		{"SCAN 0 TYPE none", "*2 $1 0 *0"},
		{"SCAN 0 MATCH x*", "*2 $1 0 *0"},
	})
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "+5", "18446744073709551615"} {
		f.Add([]byte(seed))
	}
	empty := kv.New(1, Types()).DB(0)
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, ok := parseCursor(b); ok {
			empty.Scan(n, func(e kv.Entry) { t.Errorf("found %q in an empty database", e.Key()) })
		}
	})
}

func TestFlush(t *testing.T) {
	s := newStage(t)
	s.do("MSET a 1 b 2")
	s.user.DB = 5
	s.do("RPUSH l x")
	s.takeLog()
	s.expectAll([]step{
		{"FLUSHDB bogus", "-ERR syntax error"},
		{"FLUSHALL SYNC ASYNC", "-ERR syntax error"},
		{"FLUSHDB async", "+OK"},
		{"FLUSHDB SYNC", "+OK"}, // nothing is left to delete
	})
	s.expectLog("5> FLUSHDB async")
	s.do("SET k v")
	s.takeLog()
	s.expect("FLUSHALL", "+OK")
	s.expectChanges(3)
	s.expectLog("5> FLUSHALL")
	s.expect("KEYS *", "*0")
	s.expect("FLUSHALL", "+OK")
	s.expectLog()
}

// watching makes another client watch the key in the database, does what is to be done, and reports whether EXEC fails.
func (s *stage) watching(db int, key string, lines ...string) (fails bool) {
	s.t.Helper()
	other := s.connect()
	other.DB = db
	s.as(other, "WATCH "+key)
	for _, line := range lines {
		s.do(line)
	}
	s.as(other, "MULTI")
	return s.as(other, "EXEC") == "*-1"
}

func TestFlushAndSwapFailTransactions(t *testing.T) {
	for _, x := range []struct {
		db    int
		key   string
		line  string
		fails bool
	}{
		{0, "k", "FLUSHDB", true},
		{0, "none", "FLUSHDB", false},
		{1, "there", "FLUSHDB", false},
		{1, "there", "FLUSHALL", true},
		{0, "k", "SWAPDB 0 1", true},
		{1, "k", "SWAPDB 0 1", true},     // it appears
		{0, "there", "SWAPDB 1 0", true}, // likewise
		{0, "none", "SWAPDB 0 1", false},
		{0, "k", "SWAPDB 0 0", false},
		{0, "k", "SWAPDB 1 2", false},
	} {
		s := newStage(t)
		s.user.DB = 1
		s.do("SET there v")
		s.user.DB = 0
		s.do("SET k v")
		if s.watching(x.db, x.key, x.line) != x.fails {
			t.Errorf("who watches %s in %d fails after %s: %v", x.key, x.db, x.line, !x.fails)
		}
	}
}

func TestSwapDB(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.takeLog()
	s.expectAll([]step{
		{"SWAPDB x 1", "-ERR invalid first DB index"},
		{"SWAPDB 1 x", "-ERR invalid second DB index"},
		{"SWAPDB 2147483648 1", "-ERR invalid first DB index"},
		{"SWAPDB 0 16", "-ERR DB index is out of range"},
		{"SWAPDB -1 0", "-ERR DB index is out of range"},
		{"SWAPDB 3 3", "+OK"},
	})
	s.expectLog()
	s.expect("SWAPDB 0 3", "+OK")
	s.expectLog("SWAPDB 0 3")
	s.expect("DBSIZE", ":0")
	s.user.DB = 3
	s.expect("GET k", "$1 v")
}

// A list that a swap brings serves who waits for it.
func TestSwapDBServesWaiters(t *testing.T) {
	s := newStage(t)
	s.user.DB = 1
	s.do("RPUSH l x")
	waiting := s.connect()
	s.as(waiting, "BLPOP l 0")
	s.do("SWAPDB 0 1")
	if got := delivered(waiting); got != "*2 $1 l $1 x" {
		t.Errorf("delivered %q", got)
	}
}
