package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Redis's own policies: which keys go, and that whoever is to know of it does. A limit of one byte makes room at every
// command, 64 keys at a time; the keys here are more than that, and a batch holds the lock, so nothing else does.

const evictedAtOnce = 64

// evictBatch executes a batch of which each command but the first makes room, and returns the keys that went, in order.
func (s *session) evictBatch(policy string, commands int) (gone []string) {
	s.t.Helper()
	before := len(s.heard())
	batch := [][][]byte{words("CONFIG SET maxmemory 1")}
	for range commands - 1 {
		batch = append(batch, words("PING"))
	}
	batch = append(batch, words("CONFIG SET maxmemory 0"))
	s.run(s.user, batch...)
	if !s.commit(0) {
		s.t.Fatalf("%s: the commit failed", policy)
	}
	for _, event := range s.heard()[before:] {
		if key, ok := strings.CutPrefix(event, "evicted 0/"); ok {
			gone = append(gone, key)
			delete(s.last(), place{0, key})
		}
	}
	if want := evictedAtOnce * commands; len(gone) != want {
		s.t.Fatalf("%s: %d keys went, not %d", policy, len(gone), want)
	}
	return gone
}

// evictable is a session with 200 keys of each of four kinds: volatile or plain, used lately and often or not. The
// volatile ones are due in the order of their numbers.
func evictable(t *testing.T, policy string) *session {
	t.Helper()
	s := begin(t, setup{settings: []string{"maxmemory-policy", policy, "maxmemory-samples", "10"}})
	for i := range 200 {
		s.pipeline(fmt.Sprintf("SET plain:idle:%d x", i), fmt.Sprintf("SET plain:used:%d x", i),
			fmt.Sprintf("SET volatile:idle:%d x PX %d", i, 10_000_000+i), fmt.Sprintf("SET volatile:used:%d x PX %d", i, 20_000_000+i))
	}
	s.pass(1_000_000)
	for i := range 200 {
		for range 40 {
			s.run(s.user, words(fmt.Sprintf("GET plain:used:%d", i)), words(fmt.Sprintf("GET volatile:used:%d", i)))
		}
	}
	return s
}

func TestEvictionTakesTheRightKeys(t *testing.T) {
	count := func(keys []string, word string) (n int) {
		for _, key := range keys {
			if strings.Contains(key, word) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		policy            string
		idle, volatile    int // at least so many of the keys that went, of 128
		used, plainAtMost int
	}{
		{"allkeys-lru", 120, 30, 8, 128},
		{"allkeys-lfu", 120, 30, 8, 128},
		{"allkeys-random", 30, 30, 128, 128},
		{"volatile-lru", 110, 128, 18, 0},
		{"volatile-lfu", 110, 128, 18, 0},
		{"volatile-random", 30, 128, 128, 0},
		{"volatile-ttl", 128, 128, 0, 0},
	} {
		t.Run(c.policy, func(t *testing.T) {
			s := evictable(t, c.policy)
			gone := s.evictBatch(c.policy, 2)
			if n := count(gone, "idle"); n < c.idle || len(gone)-n > c.used {
				t.Errorf("of %d keys that went %d were idle", len(gone), n)
			}
			if n := count(gone, "volatile"); n < c.volatile || len(gone)-n > c.plainAtMost {
				t.Errorf("of %d keys that went %d were volatile", len(gone), n)
			}
			if strings.HasSuffix(c.policy, "-random") && count(gone, "used") < 30 {
				t.Errorf("of %d keys that went by chance %d were used", len(gone), count(gone, "used"))
			}
			if c.policy == "volatile-ttl" && !slices.IsSortedFunc(gone, byNumber) {
				t.Errorf("not the first that is due goes first: %q", gone)
			}
			s.check("what has gone is gone, what has not is there")
		})
	}
}

// byNumber compares keys by the number that they end in.
func byNumber(a, b string) int {
	number := func(key string) (n int) {
		fmt.Sscan(key[strings.LastIndex(key, ":")+1:], &n)
		return n
	}
	return number(a) - number(b)
}

// Keys that went are deleted in the log, so a restart shows the same; the counter counts them; INFO and events say so.
func TestEvictionsAreLogged(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "allkeys-random", "volatile-ttl"} {
		t.Run(policy, func(t *testing.T) {
			s := evictable(t, policy)
			gone := s.evictBatch(policy, 3)
			if got := s.info("evicted_keys"); got != fmt.Sprint(len(gone)) {
				t.Errorf("evicted_keys is %s, and %d went", got, len(gone))
			}
			log := strings.Join(s.logged(), "\n") + "\n"
			for _, key := range gone {
				if !strings.Contains(log, "0: DEL "+key+"\n") {
					t.Errorf("that %s went is not in the log", key)
				}
			}
			s.mustClose(false)
			s.recovered(s.again("maxmemory-policy", policy), "after a restart")
		})
	}
}

const outOfMemory = "-OOM command not allowed when used memory > 'maxmemory'."

// noeviction takes nothing, the policies volatile-… nothing without a deadline: what would take memory is refused then, and
// everything else goes on.
func TestNothingToEvict(t *testing.T) {
	for _, policy := range []string{"noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"} {
		t.Run(policy, func(t *testing.T) {
			s := begin(t, setup{settings: []string{"maxmemory-policy", policy}})
			for i := range 300 {
				s.say(fmt.Sprintf("SET key%d value", i))
			}
			if policy == "noeviction" {
				s.say("PEXPIRE key0 1000000")
			}
			s.expect("CONFIG SET maxmemory 1", "+OK")
			s.expect("SET new value", outOfMemory)
			s.expect("RPUSH list value", outOfMemory)
			s.expect("GET key7", "$5 value")
			s.expect("DEL key8", ":1")
			s.expect("EXPIRE key9 100", ":1")
			s.expect("CONFIG SET maxmemory 0", "+OK")
			went := 1
			if policy != "noeviction" {
				went = 2 // key9 has a deadline now
			}
			s.expect("DBSIZE", fmt.Sprint(":", 300-went))
			s.expect("SET new value", "+OK")
		})
	}
}

// Keys that went for a command that was refused all the same are deleted in the log as well.
func TestEvictionsForARefusedCommandAreLogged(t *testing.T) {
	s := begin(t, setup{settings: []string{"maxmemory-policy", "volatile-ttl"}})
	s.pipeline("SET plain 1", "SET volatile 1 PX 1000000")
	before := len(s.logged())
	replies, gate := s.run(s.user, words("CONFIG SET maxmemory 1"), words("SET new value"))
	if got := plain(replies); got != "+OK "+outOfMemory || !s.commit(gate) {
		t.Fatal(got)
	}
	if log := s.logged()[before:]; !slices.Equal(log, []string{"0: DEL volatile"}) || gate == 0 {
		t.Errorf("logged is %q; the gate is %d", log, gate)
	}
}

// One key with a deadline is found among however many that have none, and a write that it makes room for is not refused.
func TestTheOneVolatileKeyIsFound(t *testing.T) {
	for _, policy := range []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"} {
		s := begin(t, setup{settings: []string{"maxmemory-policy", policy}})
		for i := range 3000 {
			s.run(s.user, words(fmt.Sprintf("SET key%d value", i)))
		}
		s.say("SET volatile value PX 1000000")
		s.run(s.user, words("CONFIG SET maxmemory 1"), words("PING"), words("CONFIG SET maxmemory 0"))
		if events := s.heard(); !slices.Contains(events, "evicted 0/volatile") {
			t.Errorf("%s does not find it; events: %q", policy, events[len(events)-1:])
		}
		s.expect("DBSIZE", ":3000")
	}
}

// Without any command, a limit that is lowered is kept to by the clockwork.
func TestEvictionGoesOnByItself(t *testing.T) {
	s := begin(t, setup{settings: []string{"maxmemory-policy", "allkeys-random"}})
	for i := range 3000 {
		s.run(s.user, words(fmt.Sprintf("SET key%d value", i)))
	}
	s.expect("CONFIG SET maxmemory 1", "+OK")
	s.until("all keys to go", func() (all bool) {
		s.engine.Do(func() { all = s.engine.Figures().Evicted == 3000 })
		return all
	})
}

// CLIENT NO-TOUCH: who looks leaves no trace, unless by TOUCH; what is written is new all the same.
func TestNoTouch(t *testing.T) {
	s := begin(t, setup{settings: []string{"maxmemory-policy", "allkeys-lru"}})
	s.say("SET key value")
	s.say("RPUSH list a")
	s.pass(100_000)
	quiet := s.connect()
	idle := func(key, want string) {
		t.Helper()
		s.expect("OBJECT IDLETIME "+key, want)
	}
	if reply := s.as(quiet, "CLIENT NO-TOUCH ON"); reply != "+OK" {
		t.Fatal(reply)
	}
	s.as(quiet, "GET key")
	s.as(quiet, "LRANGE list 0 -1")
	idle("key", ":100")
	idle("list", ":100")
	s.as(quiet, "TOUCH key")
	idle("key", ":0")
	s.pass(50_000)
	s.as(quiet, "GET key")
	idle("key", ":50")
	s.as(quiet, "SET key other")
	idle("key", ":0")
	s.pass(50_000)
	s.as(quiet, "CLIENT NO-TOUCH OFF")
	s.as(quiet, "GET key")
	idle("key", ":0")
	idle("list", ":200")
	s.do("LRANGE list 0 -1")
	idle("list", ":0")
}

// The statistics of commands tell how long they took: the sleep of a tenth of a second that somebody asked for.
func TestTimeOfCommandsIsCounted(t *testing.T) {
	s := begin(t, setup{})
	s.run(s.user, words("PING"), words("DEBUG SLEEP 0.1"), words("PING"))
	var calls, usec int64
	if _, err := fmt.Sscanf(s.info("cmdstat_debug"), "calls=%d,usec=%d,", &calls, &usec); err != nil || calls != 1 || usec < 100_000 || usec > 5_000_000 {
		t.Errorf("cmdstat_debug:%s, %v", s.info("cmdstat_debug"), err)
	}
	if _, err := fmt.Sscanf(s.info("cmdstat_ping"), "calls=%d,usec=%d,", &calls, &usec); err != nil || calls != 2 || usec > 90_000 {
		t.Errorf("cmdstat_ping:%s, %v", s.info("cmdstat_ping"), err)
	}
}
