package engine_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
)

// A log's tail that names many keys of the base ends in the state that it left, whatever it did to them: keys of strings,
// which are fetched together before the replay, and others, in databases that have been exchanged or emptied meanwhile.
func TestATailThatNamesMuchOfTheBase(t *testing.T) {
	const keys = 1500
	r := open(t, setup{})
	for i := range keys {
		r.do(fmt.Sprintf("SET key:%d %0*d", i, i%90, i))
	}
	for i := range 40 {
		r.do(fmt.Sprintf("SET timed:%d %d PXAT 1900000000000", i, i))
		r.do(fmt.Sprintf("RPUSH list:%d a b c", i))
	}
	r.do("SELECT 1")
	r.do("SET key:1 elsewhere")
	r.do("SELECT 0")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	for i := range keys / 2 {
		key := i * 7 % keys
		switch i % 5 {
		case 0:
			r.do(fmt.Sprintf("DEL key:%d", key))
		case 1:
			r.do(fmt.Sprintf("APPEND key:%d more", key))
		case 2:
			r.do(fmt.Sprintf("PEXPIREAT key:%d 1900000000001", key))
		case 3:
			r.do(fmt.Sprintf("RENAME key:%d new:%d", key, key))
		default:
			r.do(fmt.Sprintf("SET key:%d anew", key))
		}
	}
	for i := range 40 {
		r.do(fmt.Sprintf("PERSIST timed:%d", i))
		r.do(fmt.Sprintf("LPOP list:%d", i))
	}
	r.do("SWAPDB 0 1")
	r.do("SET key:1 exchanged")
	r.do("SET key:2 exchanged")
	want := r.dump()
	r.mustClose(false)

	r = r.again()
	if got := r.dump(); !maps.Equal(got, want) {
		t.Errorf("after the restart: %d keys, and %d before", len(got), len(want))
	}
	r.do("FLUSHDB")
	want = r.dump()
	r.mustClose(false)
	if got := r.again().dump(); !maps.Equal(got, want) {
		t.Errorf("after FLUSHDB and a restart: %d keys, and %d before", len(got), len(want))
	}
}

// borderCases are what the base has, and what two records of the tail do to it; @k and @n are keys of the case's own. In one
// of them a key lapses, and in the last ones whole databases change.
var borderCases = [][3]string{
	{"SET @k 1", "SET @k 22", "APPEND @k 3"},
	{"SET @k 1", "SET @k 2", "DEL @k"},
	{"SET @k 1 PXAT 1900000000000", "SET @k 2", "DEL @k"},
	{"SET @k 1", "SET @k 2 PXAT 1900000000000", "DEL @k"},
	{"SET @n 1", "MSET @k 1 @n 2", "DEL @k @n"},
	{"MSET @k 1 @n 2", "MSET @k 3 @n 4", "DEL @n"},
	{"SET @k 1", "EVAL redis.call('DEL',KEYS[1]);redis.call('SET',KEYS[1],'x') 1 @k", "SET @k 2"},
	{"SET @k 1", "DEL @k", "APPEND @k 2"},
	{"SET @k 1", "GETDEL @k", "RPUSH @k a"},
	{"SET @k 1", "RENAME @k @n", "APPEND @k 2"},
	{"MSET @k 1 @n 2", "RENAME @k @n", "APPEND @n 3"},
	{"MSET @k 1 @n 2", "MSET @k 3 @n 4", "RENAME @n @k"},
	{"SET @k 1", "COPY @k @n", "APPEND @n 2"},
	{"SET @k 1 PXAT 1900000000000", "PERSIST @k", "APPEND @k 2"},
	{"SET @k 1", "PEXPIREAT @k 1900000000000", "SET @k 2 KEEPTTL"},
	{"SET @k 1 PXAT 1700000001000", "GET @k", "APPEND @k 2"},
	{"HSET @k f 1 g 2", "HINCRBY @k f 3", "HDEL @k g"},
	{"HSET @k f 1", "HDEL @k f", "HSET @k g 2"},
	{"RPUSH @k a b c", "LPOP @k", "RPUSH @k d"},
	{"RPUSH @k a b c", "DEL @k", "SET @k text"},
	{"RPUSH @k a b", "LMOVE @k @n LEFT RIGHT", "LMOVE @k @n LEFT RIGHT"},
	{"SADD @k a b", "SREM @k a", "SMOVE @k @n b"},
	{"ZADD @k 1 a 2 b", "ZINCRBY @k 5 a", "ZPOPMIN @k"},
	{"XADD @k 1-1 f v", "XADD @k 2-1 f w", "XDEL @k 1-1"},
	{"RPUSH @k " + strings.Repeat("element ", 20_000), "LPOP @k", "RPUSH @k last"}, // it lies in parts
	{"RPUSH @k " + strings.Repeat("element ", 20_000), "SET @k text", "DEL @k"},
	{"RPUSH @k " + strings.Repeat("element ", 20_000), "SET @k text", "APPEND @k more"},
	{"SET @k 1", "EVAL redis.call('DEL',KEYS[1]);redis.call('RPUSH',KEYS[1],'x');redis.call('SET',KEYS[2],'y') 2 @k @n", "LPUSH @k w"},
	{"SET @k " + big("large"), "SET @k " + big("larger"), "APPEND @k !"}, // no batch has room for the record
	{"SET @k 1 PXAT 1900000000000", "SET @k " + big("large"), "SET @k 2"},
	{"SELECT 1", "SELECT 1", "SELECT 1"},
	{"SET @k 1", "MOVE @k 2", "APPEND @k 2"},
	{"MSET @k 1 @n 2", "FLUSHDB", "APPEND @k 2"},
	{"SELECT 2", "SELECT 2", "SELECT 2"},
	{"MSET @k 1 @n 2", "SWAPDB 2 3", "APPEND @k 2"},
	{"SELECT 3", "SELECT 3", "SELECT 3"},
	{"SET @k 1", "SET @k 2", "APPEND @k 3"},
	{"SELECT 0", "SELECT 0", "SELECT 0"},
}

// The tail is taken in batches, whose keys are fetched while earlier records wait to be applied. What two records do to a key
// comes out as it was, whether they lie in one batch, at the edge of one, or some batches apart.
func TestTheEdgesOfABatch(t *testing.T) {
	for _, apart := range []int{0, 1, 1023, 3000} {
		t.Run(fmt.Sprint(apart), func(t *testing.T) {
			t.Parallel()
			r := open(t, setup{})
			all := func(step int) {
				for i, lines := range borderCases {
					names := strings.NewReplacer("@k", fmt.Sprint("key:", i), "@n", fmt.Sprint("other:", i))
					if reply := r.do(names.Replace(lines[step])); strings.HasPrefix(reply, "-") {
						t.Fatalf("%.100s: %s", lines[step], reply)
					}
				}
			}
			all(0)
			if err := r.checkpoint(); err != nil {
				t.Fatal(err)
			}
			r.setup.clock.advance(2000)
			all(1)
			for range apart {
				r.do("INCR filler")
			}
			all(2)
			want := r.dump()
			r.mustClose(false)

			r = r.again()
			if got := r.dump(); !maps.Equal(got, want) {
				t.Errorf("after the restart: %.1000v\nbefore: %.1000v", got, want)
			}
			if err := r.checkpoint(); err != nil { // with nothing left out that the base had
				t.Fatal(err)
			}
			r.mustClose(false)
			if got := r.again().dump(); !maps.Equal(got, want) {
				t.Errorf("after a checkpoint and another restart: %.1000v\nbefore: %.1000v", got, want)
			}
		})
	}
}

// Any changes to keys of the base, batches of them, come out as they were.
func TestARandomTail(t *testing.T) {
	rng := chance(t)
	lines := []func(key, other string, n int) string{
		func(key, _ string, n int) string { return fmt.Sprintf("SET s%s %0*d", key, n, n) },
		func(key, other string, n int) string { return fmt.Sprintf("MSET s%s %0*d h%s 2", key, n, n, other) },
		func(key, _ string, n int) string { return fmt.Sprintf("SET s%s %d PXAT %d", key, n, 1900000000000+n) },
		func(key, _ string, n int) string { return fmt.Sprintf("SET l%s %d", key, n) },
		func(key, _ string, n int) string { return fmt.Sprintf("APPEND s%s %d", key, n) },
		func(key, other string, _ int) string { return fmt.Sprintf("RENAME s%s s%s", key, other) },
		func(key, _ string, _ int) string { return fmt.Sprintf("DEL s%s h%[1]s l%[1]s", key) },
		func(key, _ string, n int) string { return fmt.Sprintf("PEXPIREAT s%s %d", key, 1900000000000+n) },
		func(key, _ string, n int) string { return fmt.Sprintf("HSET h%s f%d %d", key, n%5, n) },
		func(key, _ string, n int) string { return fmt.Sprintf("HDEL h%s f%d", key, n%5) },
		func(key, _ string, n int) string { return fmt.Sprintf("RPUSH l%s %d", key, n) },
		func(key, other string, _ int) string { return fmt.Sprintf("RPOPLPUSH l%s l%s", key, other) },
		func(key, _ string, n int) string { return fmt.Sprintf("SADD m%s %d", key, n) },
		func(key, other string, _ int) string { return fmt.Sprintf("SUNIONSTORE m%s m%[1]s m%s", key, other) },
	}
	r := open(t, setup{})
	change := func(times int) {
		for range times {
			key, other := fmt.Sprint(rng.IntN(150)), fmt.Sprint(rng.IntN(150))
			r.do(lines[rng.IntN(len(lines))](key, other, rng.IntN(60)))
			switch rng.IntN(800) {
			case 0:
				r.do("SWAPDB 0 1")
			case 1, 2, 3:
				r.do(fmt.Sprint("SELECT ", rng.IntN(2)))
			case 4:
				r.do("FLUSHDB")
			}
		}
	}
	for range 3 {
		change(1500)
		if err := r.checkpoint(); err != nil {
			t.Fatal(err)
		}
		change(3000 + rng.IntN(3000))
		want := r.dump()
		r.mustClose(false)
		r = r.again()
		if got := r.dump(); !maps.Equal(got, want) {
			t.Fatalf("after the restart: %d keys, and %d before", len(got), len(want))
		}
	}
}

// A record says what was under the keys that it gave strings to, where that was the same under all of them; it says so of
// the moment before each command.
func TestWhatARecordFound(t *testing.T) {
	const nothing, lasting = 1, 2
	r := open(t, setup{})
	var want []uint8
	for _, step := range []struct {
		line  string
		flags uint8
	}{
		{"SET a 1", nothing},
		{"SET a 2", lasting},
		{"SET a 3 EX 1000", lasting},
		{"SET a 4", 0},
		{"MSET a 5 b 1", 0},
		{"MSET a 6 b 2", lasting},
		{"MSET c 1 d 1", nothing},
		{"MSET e 1 e 2", 0},
		{"DEL a", 0},
		{"SET a 7 NX", nothing},
		{"SETEX b 1000 3", lasting},
		{"HSET h f 1", 0},
		{"SET h text", lasting},
		{"HSET lapsing f 1", 0},
		{"HPEXPIREAT lapsing 1900000000000 FIELDS 1 f", 0},
		{"SET lapsing text", 0},
		{"RENAME a c", lasting},
		{"EVAL redis.call('DEL',KEYS[1]);redis.call('SET',KEYS[1],'x') 1 c", nothing},
		{"EVAL redis.call('SET',KEYS[1],'x');redis.call('SET',KEYS[1],'y') 1 new", 0},
	} {
		if reply := r.do(step.line); strings.HasPrefix(reply, "-") {
			t.Fatalf("%s: %s", step.line, reply)
		}
		want = append(want, step.flags)
	}
	var got []uint8
	_, err := aof.Scan(r.setup.fs, filepath.Join(r.setup.dir, engine.LogDir), 0, func(_ aof.Position, record aof.Record) error {
		got = append(got, record.Flags)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the records say %v, %v; want %v", got, err, want)
	}
}

// Keys that a tail gives strings to are counted as before, with those that have a deadline, though nothing of them is fetched;
// and so does the base, once a checkpoint has told it.
func TestCountsOfKeysThatWereNotFetched(t *testing.T) {
	r := open(t, setup{})
	for i := range 300 {
		r.do(fmt.Sprintf("SET key:%d 1", i))
		r.do(fmt.Sprintf("SET due:%d 1 PXAT 1900000000000", i))
	}
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	for i := range 450 {
		r.do(fmt.Sprintf("SET key:%d 2", i))
		r.do(fmt.Sprintf("SET due:%d 2", i))
		r.do(fmt.Sprintf("SET key:%d 3 PXAT 1900000000000", i/3))
		r.do(fmt.Sprintf("MSET due:%d 4 key:%d 4", i/2, i/2))
	}
	r.do("DEL key:7 key:350 due:8 key:450")
	counts := func() string {
		_, told, _ := strings.Cut(r.do("INFO keyspace"), "db0:")
		told, _, _ = strings.Cut(told, ",avg_ttl=")
		return told
	}
	want := counts()
	if want != "keys=897,expires=149" {
		t.Errorf("INFO before the restart: %s", want)
	}
	for range 2 {
		r.mustClose(false)
		r = r.again()
		if got := counts(); got != want {
			t.Errorf("after a restart INFO says %s, and before %s", got, want)
		}
		if err := r.checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a record found under its keys is of no use to whoever comes behind it, be it the last of the tail and large.
func TestWhatTheLastRecordFound(t *testing.T) {
	r := open(t, setup{serving: make(chan struct{})}) // nothing is hydrated
	r.do("SET cold 1")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	r.do("SET new " + strings.Repeat("v", 300<<10)) // which found nothing
	r.mustClose(false)
	r = r.again()
	r.expect("SET cold 2", "+OK")
	r.expect("DBSIZE", ":2")
	r.expect("GET cold", "$1 2")
}

// A record that cannot be replayed refuses the start wherever it lies, and changes nothing.
func TestARefusalBehindManyRecords(t *testing.T) {
	r := open(t, setup{})
	for i := range 2000 {
		r.do(fmt.Sprintf("SET key:%d %d", i, i))
	}
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	for i := range 2500 {
		r.do(fmt.Sprintf("APPEND key:%d more", i))
	}
	r.do("SELECT 3")
	r.do("SET key elsewhere")
	r.mustClose(false)
	before := tree(t, r.setup.dir)
	as := r.setup
	as.settings = []string{"databases", "2"}
	if _, err := tryOpen(t, as); err == nil || !strings.Contains(err.Error(), "--databases 4") {
		t.Errorf("the start: %v", err)
	}
	if after := tree(t, r.setup.dir); after != before {
		t.Errorf("the refused start left\n%s\nof\n%s", after, before)
	}
	if n := len(r.again().dump()); n != 2501 {
		t.Errorf("%d keys afterwards", n)
	}
}
