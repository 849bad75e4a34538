package engine_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/vfs"
)

// heard are the keyspace events so far.
func (r *rig) heard() (events []string) {
	r.engine.Do(func() { events = slices.Clone(r.events) })
	return events
}

// logged are the commands in the log, "database: words".
func (r *rig) logged() (lines []string) {
	r.t.Helper()
	_, err := aof.Scan(r.setup.fs, filepath.Join(r.setup.dir, engine.LogDir), 0, func(_ aof.Position, record aof.Record) error {
		return aof.Commands(record.Body, func(db int, args [][]byte) error {
			lines = append(lines, fmt.Sprintf("%d: %s", db, joined(args)))
			return nil
		})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return lines
}

func joined(args [][]byte) string {
	parts := make([]string, len(args))
	for i := range args {
		parts[i] = string(args[i])
	}
	return strings.Join(parts, " ")
}

// expired waits until so many keys have expired since the start.
func (r *rig) expired(n int) {
	r.t.Helper()
	r.until(fmt.Sprint(n, " keys to expire"), func() bool { return r.info("expired_keys") == fmt.Sprint(n) })
}

// onDisk waits until the log on disk has everything.
func (r *rig) onDisk() {
	r.t.Helper()
	r.until("the log to be on disk", func() (done bool) {
		r.engine.Do(func() {
			f := r.engine.Figures()
			done = f.DurableLSN == f.LastLSN
		})
		return done
	})
}

// What lapsed while nobody served it is counted in the report, and deleted right after the start, by deletes in the log
// and with an event for each; wherever it lay.
func TestKeysThatLapsedWhileDown(t *testing.T) {
	for _, based := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the base %v", based), func(t *testing.T) {
			s := begin(t, setup{})
			const n = 100
			for i := range n {
				s.say(fmt.Sprintf("SET brief%d v PX %d", i, 1000+i))
			}
			s.pipeline("SET long v PX 500000", "SET forever v", "SELECT 2", "RPUSH list a b", "PEXPIRE list 2000", "SELECT 0")
			s.mustClose(based)
			s.setup.clock.advance(10_000)
			for range 10 { // however the start and whoever listens to events come together
				fsys, dir := leftBy(t, s.setup.fs.(*vfs.Faulty), vfs.Everything, 1)
				as := s.setup
				as.fs, as.dir = fsys, dir
				r := open(t, as)
				if got := r.engine.Report(); got.Lapsed != n+1 || got.TTLs != 1 || got.Keys != n+3 {
					t.Errorf("the report: %d keys, %d TTLs pending, %d lapsed", got.Keys, got.TTLs, got.Lapsed)
				}
				r.expired(n + 1)
				r.expect("DBSIZE", ":2")
				r.onDisk()
				var want []string
				for i := range n {
					want = append(want, fmt.Sprintf("0/brief%d", i))
				}
				want = append(want, "2/list")
				for _, key := range want {
					if !slices.Contains(r.heard(), "expired "+key) {
						t.Fatalf("no event said that %s expired; events: %q", key, r.heard())
					}
				}
				if lines := r.logged(); !slices.Contains(lines, "0: DEL brief7") || !slices.Contains(lines, "2: DEL list") {
					t.Errorf("the log has no delete of what lapsed: %.300q", lines)
				}
				r.mustClose(false)
				if got := r.again().engine.Report(); got.Lapsed != 0 || got.TTLs != 1 || got.Keys != 2 {
					t.Errorf("the next report: %d keys, %d TTLs pending, %d lapsed", got.Keys, got.TTLs, got.Lapsed)
				}
			}
		})
	}
}

// Keys go though nobody asks for them, in all databases, and the deletes are on disk by themselves: a clock that is
// set back later brings nothing back.
func TestKeysExpireByThemselves(t *testing.T) {
	fsys, dir := disk(t)
	r := open(t, setup{fs: fsys, dir: dir})
	r.expect("SET a v PX 100", "+OK")
	r.expect("SET b v PX 5000", "+OK")
	c := r.connect()
	r.as(c, "SELECT 3")
	r.as(c, "SET c v PX 100")
	r.setup.clock.advance(99)
	r.expect("GET a", "$1 v")
	r.expect("PTTL a", ":1")
	r.setup.clock.advance(1)
	r.expired(2)
	r.onDisk()
	if want := []string{"expired 0/a", "expired 3/c"}; !slices.Equal(r.heard()[len(r.heard())-2:], want) {
		t.Errorf("events: %q, not %q at the end", r.heard(), want)
	}
	as := r.setup
	as.clock = newClock() // before they expired
	as.fs, as.dir = leftBy(t, fsys, vfs.OnlySynced, 1)
	again := open(t, as)
	again.expect("EXISTS a b", ":1")
	again.expect("DBSIZE", ":1")
}

// A key that is due is gone for whoever asks, even before anybody deleted it; and it is deleted by who asks.
func TestActiveExpiryCanBeTurnedOff(t *testing.T) {
	r := open(t, setup{})
	r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	for _, key := range []string{"a", "b", "c"} {
		r.expect("SET "+key+" v PX 100", "+OK")
	}
	waiting := r.connect()
	r.as(waiting, "BLPOP queue 5")
	r.setup.clock.advance(10_000)
	r.await(waiting) // the clockwork has been at work
	if got := r.info("expired_keys"); got != "0" {
		t.Errorf("%s keys expired by themselves", got)
	}
	r.expect("DBSIZE", ":3")
	r.expect("GET a", null)
	r.expect("EXISTS b", ":0")
	r.expect("DBSIZE", ":1")
	r.expect("KEYS *", "*0")
	r.expect("SET c w NX", "+OK")
	r.expect("TTL c", ":-1")
	if want := []string{"expired 0/a", "expired 0/b", "expired 0/c"}; r.info("expired_keys") != "3" || !containsInOrder(r.heard(), want) {
		t.Errorf("expired_keys is %s, events are %q", r.info("expired_keys"), r.heard())
	}
	r.expect("SET d v PX 100", "+OK")
	r.setup.clock.advance(200)
	r.expect("DEBUG SET-ACTIVE-EXPIRE 1", "+OK")
	r.expired(4)
}

func containsInOrder(all, want []string) bool {
	for _, text := range all {
		if len(want) > 0 && text == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

// A watched key that expires fails the transaction, whoever noticed; one that was due before it was watched does not.
func TestWatchedKeysThatExpire(t *testing.T) {
	r := open(t, setup{})
	transaction := func(want string) {
		t.Helper()
		r.expect("MULTI", "+OK")
		r.expect("PING", "+QUEUED")
		r.expect("EXEC", want)
	}
	r.expect("SET a v PX 100", "+OK")
	r.expect("WATCH a", "+OK")
	transaction("*1 +PONG")
	r.expect("WATCH a", "+OK")
	r.setup.clock.advance(100)
	r.expired(1)
	transaction("*-1")

	r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	r.expect("SET a v PX 100", "+OK")
	r.expect("WATCH a", "+OK")
	r.setup.clock.advance(100)
	transaction("*-1") // nobody has deleted it

	r.expect("SET a v PX 100", "+OK")
	r.setup.clock.advance(100)
	r.expect("WATCH a", "+OK") // due already
	transaction("*1 +PONG")

	r.expect("WATCH missing", "+OK")
	transaction("*1 +PONG")

	r.expect("SET a v PX 100", "+OK")
	r.expect("WATCH a", "+OK")
	r.expect("PEXPIRE a 500", ":1") // a change like any other
	transaction("*-1")
}

// Within a transaction time stands still; what it set is exact, and survives as it is.
func TestDeadlinesInATransaction(t *testing.T) {
	s := begin(t, setup{})
	c := s.user
	for _, line := range []string{
		"MULTI", "SET a v PX 100", "PTTL a", "RPUSH l x", "PEXPIRE l 100", "PEXPIRETIME l", "SET b v", "PEXPIRE b -1", "EXISTS b",
		"SET c v EX 10", "GETEX c PERSIST", "PTTL c", "COPY a d", "PEXPIRETIME d",
	} {
		s.as(c, line)
	}
	s.expect("EXEC", fmt.Sprintf("*13 +OK :100 :1 :1 :%d +OK :1 :0 +OK $1 v :-1 :1 :%[1]d", beginning+100))
	s.setup.clock.advance(50)
	s.mustClose(false)
	r := s.again()
	r.expect("PTTL a", ":50")
	r.expect("PTTL l", ":50")
	r.expect("PTTL d", ":50")
	r.expect("TTL c", ":-1")
	r.setup.clock.advance(50)
	r.expired(3)
	r.expect("KEYS *", "*1 $1 c")
}

// However a deadline was given, it is the same moment after a restart, from the log as from the base.
func TestDeadlinesAreAbsolute(t *testing.T) {
	lines := []string{
		"SET k v EX 100", "SET k v PX 100000", "SET k v PXAT 1700000100000", "SET k v EXAT 1700000100", "SETEX k 100 v",
		"PSETEX k 100000 v", "SET k v; EXPIRE k 100", "SET k v; PEXPIRE k 100000", "SET k v; EXPIREAT k 1700000100",
		"SET k v; GETEX k EX 100", "SET j v EX 100; RENAME j k", "SET j v EX 100; COPY j k", "SET k 5 EX 100; INCR k",
		"RPUSH k x y; EXPIRE k 100; LPOP k", "SET k v EX 100; APPEND k w", "SET k v EX 100; SET k w KEEPTTL",
		"SET k v EX 5; EXPIRE k 100 GT", "SET k v EX 100; SETRANGE k 0 w", "SET k 1.5 EX 100; INCRBYFLOAT k 1",
	}
	for _, checkpoint := range []bool{false, true} {
		for _, line := range lines {
			r := open(t, setup{})
			for _, part := range strings.Split(line, ";") {
				if reply := r.do(part); strings.HasPrefix(reply, "-") {
					t.Fatalf("%s: %s", part, reply)
				}
			}
			r.mustClose(checkpoint)
			r.setup.clock.advance(30_000)
			r = r.again()
			if got, want := r.do("PEXPIRETIME k"), fmt.Sprint(":", beginning+100_000); got != want {
				t.Errorf("%s, checkpoint %v: deadline %s, not %s", line, checkpoint, got, want)
			}
			r.expect("PTTL k", ":70000")
			r.mustClose(false)
		}
	}
}

// A blocked client's timeout and a key's deadline are told apart by what comes first.
func TestABlockedClientAndAnExpiry(t *testing.T) {
	r := open(t, setup{})
	c := r.connect()
	r.as(c, "BLPOP queue 10")
	r.expect("SET brief v PX 5000", "+OK")
	r.setup.clock.advance(6000)
	r.expired(1)
	select {
	case l := <-c.mail:
		t.Errorf("the client was told %q before its time", l.reply)
	default:
	}
	r.expect("RPUSH queue x", ":1")
	if l := r.await(c); l.reply != "*2 $5 queue $1 x" {
		t.Errorf("BLPOP: %q", l.reply)
	}
}
