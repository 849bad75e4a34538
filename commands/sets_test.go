package commands

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/kv"
	"holdfast/sets"
)

func TestSetsGainAndLoseMembers(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"SADD s 3 1 2 1", ":3"},
		{"SADD s 1", ":0"},
		{"SMEMBERS s", "*3 $1 1 $1 2 $1 3"},
		{"SISMEMBER s 01", ":0"},
		{"SMISMEMBER s 1 x", "*2 :1 :0"},
		{"SREM s 7 2 2", ":1"},
		{"SMOVE s t 9", ":0"},
		{"SMOVE s t 3", ":1"},
		{"SMOVE s s 1", ":1"},
		{"SMOVE s s 2", ":0"},
		{"SMOVE s t 1", ":1"},
		{"EXISTS s", ":0"},
		{"SCARD t", ":2"},
		{"SET str v", "+OK"},
		{"SMOVE t str 1", wrongType},
		{"SCARD t", ":2"},
		{"SREM t 1 3", ":2"},
		{"SCARD t", ":0"},
	})
}

func TestSetsSayWhatChanged(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct{ line, log, events string }{
		{"SADD s a b c d e f", "SADD s a b c d e f", "s sadd 0 s"},
		{"SADD s a", "", ""},
		{"SREM s z", "", ""},
		{"SREM s a", "SREM s a", "s srem 0 s"},
		{"SMOVE s t z", "", ""},
		{"SMOVE s s b", "", ""},
		{"SMOVE s t b", "SMOVE s t b", "s srem 0 s|s sadd 0 t"},
		{"SADD s b", "SADD s b", "s sadd 0 s"},
		{"SMOVE t s b", "SMOVE t s b", "s srem 0 t|g del 0 t"},
		{"SRANDMEMBER s 3", "", ""},
		{"SPOP s 0", "", ""},
		{"SPOP s 9", "DEL s", "s spop 0 s|g del 0 s"},
		{"SADD s a", "SADD s a", "s sadd 0 s"},
		{"SPOP s", "SREM s a", "s spop 0 s|g del 0 s"},
		{"SADD s 1 2", "SADD s 1 2", "s sadd 0 s"},
		{"SREM s 1 2 3", "SREM s 1 2 3", "s srem 0 s|g del 0 s"},
		{"SADD s 1 2", "SADD s 1 2", "s sadd 0 s"},
		{"SUNIONSTORE u s", "SUNIONSTORE u s", "s sunionstore 0 u"},
		{"SINTERSTORE u s s", "SINTERSTORE u s s", "s sinterstore 0 u"},
		{"SDIFFSTORE u s missing", "SDIFFSTORE u s missing", "s sdiffstore 0 u"},
		{"SDIFFSTORE u s s", "SDIFFSTORE u s s", "g del 0 u"},
		{"SINTERSTORE u s missing", "", ""},
	} {
		s.do(c.line)
		split := func(text string) []string {
			if text == "" {
				return nil
			}
			return strings.Split(text, "|")
		}
		s.expectLog(split(c.log)...)
		s.expectEvents(split(c.events)...)
	}
}

func TestSetChangesCountByMembers(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		line    string
		changes int
	}{
		{"SADD s a b c d e f a", 6}, {"SADD s a", 0}, {"SREM s a b z", 2}, {"SMOVE s t c", 2}, {"SADD s c", 1}, {"SMOVE s t c", 1},
		{"SPOP s", 1}, {"SPOP s 5", 2}, {"SUNIONSTORE u t", 1}, {"SDIFFSTORE u t t", 1},
	} {
		if s.do(c.line); s.changes != c.changes {
			t.Errorf("%s: %d changes, not %d", c.line, s.changes, c.changes)
		}
	}
}

// members are those of the set under a key, in its order.
func (s *stage) members(key string) []string {
	s.t.Helper()
	e, there := s.world.Keys.DB(0).Peek([]byte(key))
	if !there {
		return nil
	}
	if e.Kind() != kv.Set {
		s.t.Fatalf("%s holds no set", key)
	}
	found := []string{}
	for member := range e.Value().(*sets.Set).All() {
		found = append(found, string(member))
	}
	return found
}

// What SPOP takes is what it replies, and the log names it, in several commands when it is much.
func TestPopTakesWhatItReplies(t *testing.T) {
	for _, prefix := range []string{"", "m"} {
		s := newStage(t)
		const n = 3000
		line := []string{"SADD", "s"}
		for i := range n {
			line = append(line, prefix+strconv.Itoa(i))
		}
		s.run(line...)
		for _, count := range []int{1, 700, 2000} {
			had := map[string]bool{}
			for _, m := range s.members("s") {
				had[m] = true
			}
			before := len(s.log)
			popped := strings.Fields(s.do(fmt.Sprintf("SPOP s %d", count)))[1:]
			for i := 1; i < len(popped); i += 2 {
				if !had[popped[i]] {
					t.Fatalf("%s was popped and was no member, or came twice", popped[i])
				}
				delete(had, popped[i])
			}
			left := s.members("s")
			for _, m := range left {
				if !had[m] {
					t.Fatalf("%s is left and was popped", m)
				}
			}
			if len(popped) != 2*count || len(left) != len(had) {
				t.Fatalf("%d words for %d members, %d left of %d", len(popped), count, len(left), len(had))
			}
			if record := s.log[before]; len(record) != (count+popBatch-1)/popBatch || string(record[0].Args[0]) != "SREM" {
				t.Fatalf("%d commands in the log for %d members", len(record), count)
			}
		}
	}
}

func TestRandomMembersAreDistinctUnlessCountedNegatively(t *testing.T) {
	s := newStage(t)
	line := []string{"SADD", "s"}
	for i := range 200 {
		line = append(line, fmt.Sprint("m", i))
	}
	s.run(line...)
	for _, count := range []int{1, 50, 66, 67, 150, 199, 200, 500, -1, -300} {
		words := strings.Fields(s.do(fmt.Sprintf("SRANDMEMBER s %d", count)))
		seen := map[string]bool{}
		for i := 2; i < len(words); i += 2 {
			seen[words[i]] = true
		}
		want := min(count, 200)
		if count < 0 {
			want = -count
		}
		if len(words) != 1+2*want || count > 0 && len(seen) != want || count < -1 && len(seen) == want {
			t.Errorf("%d: %d words, %d different", count, len(words), len(seen))
		}
	}
	s.expect("SRANDMEMBER s -9223372036854775807", "-ERR value is out of range")
	s.expectLog("SADD s " + strings.Join(line[2:], " "))
}

func TestSetsInRESP3AreSets(t *testing.T) {
	s := newStage(t)
	s.user.Proto = 3
	s.expectAll([]step{
		{"SADD s 1 2", ":2"},
		{"SMEMBERS s", "~2 $1 1 $1 2"},
		{"SMEMBERS missing", "~0"},
		{"SINTER s s", "~2 $1 1 $1 2"},
		{"SUNION missing", "~0"},
		{"SDIFF s missing", "~2 $1 1 $1 2"},
		{"SRANDMEMBER s 5", "*2 $1 1 $1 2"},
		{"SRANDMEMBER missing", "_"},
		{"SPOP missing", "_"},
		{"SPOP missing 1", "~0"},
		{"SPOP s 2", "~2 $1 1 $1 2"},
	})
}

// A key that is there from the first call to the last is seen, whatever else comes and goes; also by steps of one.
func TestSetScanSeesWhatStays(t *testing.T) {
	s := newStage(t)
	for i := range 500 {
		s.do(fmt.Sprintf("SADD s stays:%d other:%d", i, i))
	}
	seen, cursor := map[string]bool{}, "0"
	for i := 0; ; i++ {
		words := strings.Fields(s.do("SSCAN s " + cursor + " COUNT 1 MATCH stays:*"))
		for k := 5; k < len(words); k += 2 {
			seen[words[k]] = true
		}
		if cursor = words[2]; cursor == "0" {
			break
		}
		s.do(fmt.Sprintf("SREM s other:%d", i))
		s.do(fmt.Sprintf("SADD s new:%d new:%d new:%d", i, i+1000, i+2000))
	}
	if len(seen) != 500 {
		t.Errorf("%d of 500 members were seen", len(seen))
	}
}

func TestTheDirectiveBoundsSetsOfIntegers(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		most     string
		encoding string
	}{{"3", "intset"}, {"2", "hashtable"}, {"0", "hashtable"}, {"9223372036854775807", "intset"}} {
		if err := s.world.Config.Set(config.RunTime, "set-max-intset-entries", c.most); err != nil {
			t.Fatal(err)
		}
		s.do("DEL s")
		s.do("SADD s 1 2 3")
		s.expect("OBJECT ENCODING s", fmt.Sprintf("$%d %s", len(c.encoding), c.encoding))
	}
}
