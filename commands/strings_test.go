package commands

import (
	"strings"
	"testing"

	"holdfast/config"
)

// What is relative to the clock, or depends on what was there, is logged as what came of it.
func TestStringsAreLoggedAsTheirEffects(t *testing.T) {
	for _, x := range []struct{ before, line, record string }{
		{"", "SET k v", "SET k v"},
		{"", "SET k v NX", "SET k v"},
		{"SET k o", "SET k v XX GET", "SET k v"},
		{"", "SET k v EX 10", "SET k v PXAT 1700000010000"},
		{"", "SET k v PX 10 GET", "SET k v PXAT 1700000000010"},
		{"", "SET k v EXAT 1800000000", "SET k v PXAT 1800000000000"},
		{"", "SET k v PXAT 1800000000001 NX", "SET k v PXAT 1800000000001"},
		{"SET k o EX 9", "SET k v KEEPTTL", "SET k v KEEPTTL"},
		{"", "SET k v KEEPTTL", "SET k v"},
		{"", "SETEX k 10 v", "SET k v PXAT 1700000010000"},
		{"", "PSETEX k 10 v", "SET k v PXAT 1700000000010"},
		{"", "SETNX k v", "SETNX k v"},
		{"SET k o EX 9", "GETSET k v", "GETSET k v"},
		{"SET k o", "GETDEL k", "GETDEL k"},
		{"SET k o", "GETEX k EX 10", "PEXPIREAT k 1700000010000"},
		{"SET k o", "GETEX k PXAT 1800000000001", "PEXPIREAT k 1800000000001"},
		{"SET k o", "GETEX k EXAT 1", "DEL k"},
		{"SET k o EX 9", "GETEX k PERSIST", "PERSIST k"},
		{"", "MSET k v l w", "MSET k v l w"},
		{"", "MSETNX k v l w", "MSETNX k v l w"},
		{"SET k 10.5", "INCRBYFLOAT k 0.1", "SET k 10.6 KEEPTTL"},
		{"SET k 10 PX 5000", "INCR k", "INCR k"},
		{"SET k o", "APPEND k p", "APPEND k p"},
		{"SET k o", "SETRANGE k 4 p", "SETRANGE k 4 p"},
	} {
		s := newStage(t)
		if x.before != "" {
			s.do(x.before)
			s.takeLog()
		}
		s.do(x.line)
		s.expectLog(x.record)
	}
}

// What changes nothing, or is refused, is not logged and leaves everything as it was.
func TestStringsThatChangeNothing(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.do("RPUSH l a")
	s.takeLog()
	s.expectEvents("$ set 0 k", "l rpush 0 l")
	const (
		syntax  = "-ERR syntax error"
		integer = "-ERR value is not an integer or out of range"
	)
	s.expectAll([]step{
		{"SET k w NX", "$-1"},
		{"SET k w NX GET", "$1 v"},
		{"SET n w XX", "$-1"},
		{"SET l w GET", wrongType},
		{"SET k w NX XX", syntax},
		{"SET k w EX 1 KEEPTTL", syntax},
		{"SET k w EX 1 PX 1", syntax},
		{"SET k w EX", syntax},
		{"SET k w PERSIST", syntax},
		{"SET k w EX x", integer},
		{"SET k w EX 0", "-ERR invalid expire time in 'set' command"},
		{"SET k w PX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
		{"SET l w GET EX 0", "-ERR invalid expire time in 'set' command"},
		{"SETEX k -1 w", "-ERR invalid expire time in 'setex' command"},
		{"SETNX k w", ":0"},
		{"MSETNX n w k w", ":0"},
		{"MSET n w k", "-ERR wrong number of arguments for 'mset' command"},
		{"MSETNX n w k", "-ERR wrong number of arguments for 'msetnx' command"},
		{"GETSET l w", wrongType},
		{"GETDEL l", wrongType},
		{"GETDEL n", "$-1"},
		{"GETEX n EX x", "$-1"},
		{"GETEX l EX x", wrongType},
		{"GETEX k EX x", integer},
		{"GETEX k KEEPTTL", syntax},
		{"GETEX k NX", syntax},
		{"GETEX k PERSIST EX 1", syntax},
		{"GETEX k PERSIST", "$1 v"},
		{"GETEX k", "$1 v"},
		{"APPEND l w", wrongType},
		{"SETRANGE l 0 w", wrongType},
		{"SETRANGE k -1 w", "-ERR offset is out of range"},
		{"SETRANGE k 9 ''", ":1"},
		{"SETRANGE n 9 ''", ":0"},
		{"INCR k", integer},
		{"INCR l", wrongType},
		{"INCRBY l x", integer},
		{"DECRBY k -9223372036854775808", "-ERR decrement would overflow"},
		{"INCRBYFLOAT k 1", "-ERR value is not a valid float"},
		{"INCRBYFLOAT l x", wrongType},
	})
	s.expectLog()
	s.expectEvents()
	s.expect("MGET k l n", "*3 $1 v $-1 $-1")
}

func TestOptionsOfSetMayBeRepeated(t *testing.T) {
	s := newStage(t)
	s.expect("SET k v EX 1 EX 20 NX NX GET GET", "$-1")
	s.expect("TTL k", ":20")
	s.expect("GETEX k px 1 px 30000", "$1 v")
	s.expect("TTL k", ":30")
}

func TestStringEvents(t *testing.T) {
	s := newStage(t)
	for _, line := range []string{
		"SET k v EX 10", "GETEX k PERSIST", "GETEX k EX 10", "MSET k 1 l 2", "INCR k", "DECRBY k 3", "INCRBYFLOAT k 1",
		"APPEND k 0", "SETRANGE k 0 1", "GETEX k EXAT 1", "GETDEL l",
	} {
		s.do(line)
	}
	s.expectEvents(
		"$ set 0 k", "g expire 0 k", "g persist 0 k", "g expire 0 k", "$ set 0 k", "$ set 0 l", "$ incrby 0 k",
		"$ incrby 0 k", "$ incrbyfloat 0 k", "$ append 0 k", "$ setrange 0 k", "g del 0 k", "g del 0 l")
}

func TestMSetCountsAChangeForEachPair(t *testing.T) {
	s := newStage(t)
	s.do("MSET a 1 b 2 a 3")
	s.expectChanges(3)
	s.expect("GET a", "$1 3")
}

// Who replaces a string drops its deadline; who changes it in place keeps it.
func TestDeadlinesOfStrings(t *testing.T) {
	for line, keeps := range map[string]bool{
		"SET k 1": false, "SET k 1 KEEPTTL": true, "GETSET k 1": false, "MSET k 1": false, "INCR k": true,
		"INCRBYFLOAT k 0.5": true, "APPEND k 1": true, "SETRANGE k 0 1": true, "SETRANGE k 9 1": true, "GETEX k": true,
	} {
		s := newStage(t)
		s.do("SET k 0 EX 100")
		s.do(line)
		if left := s.do("TTL k"); (left == ":100") != keeps {
			t.Errorf("after %s the key has %s seconds left", line, left)
		}
	}
}

// Null has one form in RESP2 and another in RESP3.
func TestMissingStringsInRESP3(t *testing.T) {
	s := newStage(t)
	s.user.Proto = 3
	for _, line := range []string{"GET k", "GETDEL k", "GETEX k", "SET k v XX", "SET k v XX GET"} {
		s.expect(line, "_")
	}
	s.expect("MGET k l", "*2 _ _")
}

// A deadline that has passed when the log is replayed deletes nothing there: that is left to expiry.
func TestSetWithADeadlineInThePast(t *testing.T) {
	s := newStage(t)
	s.expect("SET k v PXAT 1", "+OK")
	s.expectLog("SET k v PXAT 1")
}

func TestStringsHaveALimit(t *testing.T) {
	s := newStage(t)
	if err := s.world.Config.Set(config.RunTime, "proto-max-bulk-len", "1mb"); err != nil {
		t.Fatal(err)
	}
	wide := strings.Repeat("x", 600)
	s.run("MSET", "a", wide, "b", wide)
	const tooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	s.expectAll([]step{
		{"LCS a b LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"},
		{"SETRANGE k 1048576 x", tooLong},
		{"SETRANGE k 9223372036854775807 x", tooLong},
		{"EXISTS k", ":0"},
		{"SETRANGE k 1048575 x", ":1048576"},
		{"APPEND k x", tooLong},
	})
}

// Long strings and short ones go through the same motions.
func TestAppendAndSetRangeOfAnyLength(t *testing.T) {
	for _, n := range []int{1, 43, 44, 45, 900, 1024, 5000} {
		s := newStage(t)
		want := ""
		for _, piece := range []string{"a", "bb", "ccc"} {
			want += strings.Repeat(piece, n)
			s.run("APPEND", "k", strings.Repeat(piece, n))
		}
		s.run("SETRANGE", "k", "1", "xyz")
		want = want[:1] + "xyz" + want[4:]
		if got := s.run("GETRANGE", "k", "0", "-1"); !strings.HasSuffix(got, " "+want) {
			t.Errorf("of %d bytes each: %.60s", n, got)
		}
		s.run("SETRANGE", "k", "40000", "end")
		if got := s.run("GETRANGE", "k", "-5", "-1"); got != "$5 \x00\x00end" {
			t.Errorf("behind the end: %q", got)
		}
	}
}

func FuzzPart(f *testing.F) {
	f.Add([]byte("abc"), int64(0), int64(-100))
	f.Add([]byte("abc"), int64(-1), int64(-9223372036854775808))
	f.Add([]byte(""), int64(9223372036854775807), int64(-1))
	f.Fuzz(func(t *testing.T, text []byte, start, end int64) {
		if got := part(text, start, end); !strings.Contains(string(text), string(got)) {
			t.Errorf("part(%q, %d, %d) = %q", text, start, end, got)
		}
	})
}

func FuzzSetOptions(f *testing.F) {
	f.Add("NX GET EX 5")
	f.Add("KEEPTTL XX PXAT")
	f.Add("PERSIST")
	f.Fuzz(func(t *testing.T, line string) {
		for _, command := range []string{"SET k v ", "GETEX k "} {
			s := newStage(t)
			s.do("SET k 0 EX 5")
			words := strings.Fields(command + line)
			reply := s.run(words...)
			if again := s.run(words...); (reply[0] == '-') != (again[0] == '-') {
				t.Errorf("%q replied %s, then %s", words, reply, again)
			}
		}
	})
}
