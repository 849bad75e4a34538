package commands

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"

func TestListsFromBothEnds(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"LPUSHX l a", ":0"},
		{"RPUSH l b c", ":2"},
		{"LPUSH l a z", ":4"},
		{"RPUSHX l d", ":5"},
		{"LRANGE l 0 -1", "*5 $1 z $1 a $1 b $1 c $1 d"},
		{"LRANGE l 3 100", "*2 $1 c $1 d"},
		{"LRANGE l 3 2", "*0"},
		{"LRANGE l -9223372036854775808 9223372036854775807", "*5 $1 z $1 a $1 b $1 c $1 d"},
		{"LRANGE missing 0 -1", "*0"},
		{"LINDEX l -1", "$1 d"},
		{"LINDEX l 5", "$-1"},
		{"LINDEX missing nonsense", "$-1"},
		{"LPOP l", "$1 z"},
		{"RPOP l 2", "*2 $1 d $1 c"},
		{"LPOP l 0", "*0"},
		{"LPOP l -1", "-ERR value is out of range, must be positive"},
		{"LLEN l", ":2"},
		{"RPOP l 9223372036854775807", "*2 $1 b $1 a"},
		{"LPOP l", "$-1"},
		{"LPOP l 0", "*-1"},
		{"LLEN l", ":0"},
		{"LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"},
	})
}

func TestListsInRESP3SayNull(t *testing.T) {
	s := newStage(t)
	s.user.Proto = 3
	for _, line := range []string{
		"LPOP l", "LPOP l 2", "LINDEX l 0", "LPOS l a", "LMOVE l m LEFT LEFT", "RPOPLPUSH l m", "LMPOP 1 l LEFT",
	} {
		s.expect(line, "_")
	}
}

func TestListEdits(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"LSET l 0 x", "-ERR no such key"},
		{"LINSERT l BEFORE a x", ":0"},
		{"LREM l 0 a", ":0"},
		{"LTRIM l 0 1", "+OK"},
		{"LTRIM l a 1", "-ERR value is not an integer or out of range"},
		{"RPUSH l a b c a", ":4"},
		{"LSET l -1 d", "+OK"},
		{"LSET l 4 x", "-ERR index out of range"},
		{"LSET l x x", "-ERR value is not an integer or out of range"},
		{"LINSERT l AFTER b x", ":5"},
		{"LINSERT l before a first", ":6"},
		{"LINSERT l AFTER nowhere x", ":-1"},
		{"LINSERT l beside a x", "-ERR syntax error"},
		{"LRANGE l 0 -1", "*6 $5 first $1 a $1 b $1 x $1 c $1 d"},
		{"LTRIM l 1 -2", "+OK"},
		{"LRANGE l 0 -1", "*4 $1 a $1 b $1 x $1 c"},
		{"LREM l -1 b", ":1"},
		{"LREM l 0 b", ":0"},
		{"LTRIM l 5 9", "+OK"},
		{"LLEN l", ":0"},
	})
}

func TestLposOptions(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"RPUSH l a b c 1 2 3 c c", ":8"},
		{"LPOS l c", ":2"},
		{"LPOS l c RANK -2", ":6"},
		{"LPOS l c COUNT 0", "*3 :2 :6 :7"},
		{"LPOS l c COUNT 2 RANK -1", "*2 :7 :6"},
		{"LPOS l c COUNT 0 MAXLEN 7", "*2 :2 :6"},
		{"LPOS l c RANK -9223372036854775808", ":7"},
		{"LPOS l nothing", "$-1"},
		{"LPOS l nothing COUNT 1", "*0"},
		{"LPOS missing c COUNT 1", "*0"},
		{"LPOS missing c RANK 0", "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"},
		{"LPOS l c COUNT x", "-ERR COUNT can't be negative"},
		{"LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"},
		{"LPOS l c COUNT 1 RANK", "-ERR syntax error"},
	})
}

func TestMovesBetweenLists(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"RPUSH l a b c", ":3"},
		{"LMOVE l m LEFT right", "$1 a"},
		{"RPOPLPUSH l m", "$1 c"},
		{"LRANGE m 0 -1", "*2 $1 c $1 a"},
		{"LMOVE m m LEFT RIGHT", "$1 c"},
		{"LMOVE m m LEFT LEFT", "$1 a"},
		{"RPOPLPUSH l l", "$1 b"},
		{"LMOVE l m sideways LEFT", "-ERR syntax error"},
		{"LMPOP 3 none l m RIGHT COUNT 9", "*2 $1 l *1 $1 b"},
		{"LMPOP 3 none l m RIGHT COUNT 9", "*2 $1 m *2 $1 c $1 a"},
		{"LMPOP 3 none l m RIGHT", "*-1"},
		{"LMPOP 0 l LEFT", "-ERR numkeys should be greater than 0"},
		{"LMPOP 9223372036854775807 l LEFT", "-ERR syntax error"},
		{"LMPOP 1 l LEFT COUNT 0", "-ERR count should be greater than 0"},
		{"LMPOP 1 l LEFT COUNT 1 COUNT 1", "-ERR syntax error"},
	})
}

// Whatever holds no list is refused before anything changes.
func TestListCommandsRefuseOtherTypes(t *testing.T) {
	s := newStage(t)
	hold(s, "s")
	s.expect("RPUSH l a", ":1")
	s.takeLog()
	for _, line := range []string{
		"LPUSH s a", "RPUSHX s a", "LPOP s", "RPOP s 1", "LLEN s", "LRANGE s 0 0", "LINDEX s x", "LSET s x a",
		"LINSERT s BEFORE a b", "LREM s 0 a", "LTRIM s 0 0", "LPOS s a", "LMOVE s l LEFT LEFT", "LMOVE l s LEFT LEFT",
		"RPOPLPUSH s s", "LMPOP 2 none s LEFT", "BLPOP none s l 0", "BRPOP s 0", "BLMOVE l s LEFT LEFT 0",
		"BLMOVE s l LEFT LEFT 0", "BRPOPLPUSH s l 0", "BLMPOP 0 2 s l LEFT",
	} {
		s.expect(line, wrongType)
		s.expectChanges(0)
	}
	s.expectLog()
	s.expect("LRANGE l 0 -1", "*1 $1 a")
}

// hold puts a string under the key, and into the log.
func hold(s *stage, key string) {
	s.t.Helper()
	s.expect("SET "+key+" string", "+OK")
}

func TestWhatListCommandsCountLogAndTell(t *testing.T) {
	s := newStage(t)
	for _, x := range []struct {
		line    string
		changes int
		log     []string // nil: nothing is logged
		events  []string
	}{
		{"RPUSH l a b c d", 4, []string{"RPUSH l a b c d"}, []string{"l rpush 0 l"}},
		{"LPUSHX l z", 1, []string{"LPUSHX l z"}, []string{"l lpush 0 l"}},
		{"LPUSHX none z", 0, nil, nil},
		{"LPOP l", 1, []string{"LPOP l"}, []string{"l lpop 0 l"}},
		{"LPOP l 0", 0, nil, nil},
		{"LSET l 0 a", 1, []string{"LSET l 0 a"}, []string{"l lset 0 l"}},
		{"LSET l 9 a", 0, nil, nil},
		{"LINSERT l BEFORE a a", 1, []string{"LINSERT l BEFORE a a"}, []string{"l linsert 0 l"}},
		{"LINSERT l BEFORE none a", 0, nil, nil},
		{"LREM l 0 a", 2, []string{"LREM l 0 a"}, []string{"l lrem 0 l"}},
		{"LREM l 0 a", 0, nil, nil},
		{"LTRIM l 0 -1", 0, nil, []string{"l ltrim 0 l"}},
		{"LTRIM l 1 -1", 1, []string{"LTRIM l 1 -1"}, []string{"l ltrim 0 l"}},
		{"LMOVE l m LEFT RIGHT", 1, []string{"LMOVE l m LEFT RIGHT"}, []string{"l rpush 0 m", "l lpop 0 l"}},
		{"RPOPLPUSH l m", 1, []string{"RPOPLPUSH l m"}, []string{"l lpush 0 m", "l rpop 0 l", "g del 0 l"}},
		{"RPOPLPUSH l m", 0, nil, nil},
		{"RPOPLPUSH m m", 1, []string{"RPOPLPUSH m m"}, []string{"l lpush 0 m", "l rpop 0 m"}},
		{"LMPOP 2 l m RIGHT COUNT 5", 2, []string{"RPOP m 2"}, []string{"l rpop 0 m", "g del 0 m"}},
		{"LMPOP 2 l m RIGHT COUNT 5", 0, nil, nil},
		{"RPUSH l a", 1, []string{"RPUSH l a"}, []string{"l rpush 0 l"}},
		{"LREM l 0 a", 1, []string{"LREM l 0 a"}, []string{"l lrem 0 l", "g del 0 l"}},
		{"RPUSH l a", 1, []string{"RPUSH l a"}, []string{"l rpush 0 l"}},
		{"LTRIM l 1 0", 1, []string{"LTRIM l 1 0"}, []string{"l ltrim 0 l", "g del 0 l"}},
	} {
		s.do(x.line)
		if s.changes != x.changes {
			t.Errorf("%s counted %d changes, wanted %d", x.line, s.changes, x.changes)
		}
		s.expectLog(x.log...)
		s.expectEvents(x.events...)
	}
}

// A list that grows and shrinks by any commands is the same after the log has been replayed (see stage).
func TestListsSurviveReplay(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStage(t)
	key := func() string { return string(rune('k' + r.IntN(3))) }
	element := func() string { return strings.Repeat(string(rune('a'+r.IntN(4))), 1+r.IntN(400)) }
	side := func() string { return [...]string{"LEFT", "RIGHT"}[r.IntN(2)] }
	for range 600 {
		s.do([]string{
			fmt.Sprintf("LPUSH %s %s %s", key(), element(), element()),
			fmt.Sprintf("RPUSH %s %s %s %s", key(), element(), element(), element()),
			fmt.Sprintf("LPOP %s %d", key(), r.IntN(3)),
			fmt.Sprintf("RPOP %s", key()),
			fmt.Sprintf("LSET %s %d %s", key(), r.IntN(9)-4, element()),
			fmt.Sprintf("LREM %s %d %s", key(), r.IntN(3)-1, element()),
			fmt.Sprintf("LTRIM %s %d -%d", key(), r.IntN(2), 1+r.IntN(2)),
			fmt.Sprintf("LMOVE %s %s %s %s", key(), key(), side(), side()),
			fmt.Sprintf("LMPOP 2 %s %s %s COUNT %d", key(), key(), side(), 1+r.IntN(3)),
		}[r.IntN(9)])
	}
	if len(s.log) < 300 {
		t.Errorf("only %d of 600 commands changed anything", len(s.log))
	}
}
