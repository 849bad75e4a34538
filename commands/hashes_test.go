package commands

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/config"
)

func TestHashes(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"HSET h a 1 b 2", ":2"},
		{"HSET h a 3 c 4", ":1"},
		{"HSET h a 3 c", "-ERR wrong number of arguments for 'hset' command"},
		{"HMSET h d 5", "+OK"},
		{"HSETNX h d 6", ":0"},
		{"HSETNX h e 6", ":1"},
		{"HGET h a", "$1 3"},
		{"HGET h z", "$-1"},
		{"HMGET h a z b", "*3 $1 3 $-1 $1 2"},
		{"HMGET missing a b", "*2 $-1 $-1"},
		{"HGETALL h", "*10 $1 a $1 3 $1 b $1 2 $1 c $1 4 $1 d $1 5 $1 e $1 6"},
		{"HKEYS h", "*5 $1 a $1 b $1 c $1 d $1 e"},
		{"HVALS h", "*5 $1 3 $1 2 $1 4 $1 5 $1 6"},
		{"HLEN h", ":5"},
		{"HEXISTS h a", ":1"},
		{"HEXISTS h z", ":0"},
		{"HSTRLEN h a", ":1"},
		{"HSTRLEN h z", ":0"},
		{"HDEL h a z a", ":1"},
		{"HDEL h b c d", ":3"},
		{"EXISTS h", ":1"},
		{"HDEL h e", ":1"},
		{"EXISTS h", ":0"},
		{"HGETALL h", "*0"},
		{"HSCAN h 0", "*2 $1 0 *0"},
	})
	s.user.Proto = 3
	s.expectAll([]step{
		{"HGET h a", "_"},
		{"HGETALL h", "%0"},
		{"HSET h a 1", ":1"},
		{"HGETALL h", "%1 $1 a $1 1"},
		{"HRANDFIELD h 1 WITHVALUES", "*1 *2 $1 a $1 1"},
	})
}

// A wrong type is refused by each command, and nothing is done.
func TestHashCommandsWantAHash(t *testing.T) {
	s := newStage(t)
	s.expect("RPUSH l a", ":1")
	s.takeLog()
	for _, line := range []string{
		"HSET l a 1", "HMSET l a 1", "HSETNX l a 1", "HGET l a", "HMGET l a", "HGETALL l", "HKEYS l", "HVALS l", "HLEN l",
		"HDEL l a", "HEXISTS l a", "HSTRLEN l a", "HINCRBY l a 1", "HINCRBYFLOAT l a 1", "HRANDFIELD l", "HRANDFIELD l 1", "HSCAN l 0",
	} {
		s.expect(line, wrongType)
	}
	s.expectLog()
}

func TestHashChanges(t *testing.T) {
	s := newStage(t)
	s.do("HSET h a 1 b 2 c 3")
	s.expectChanges(3)
	s.do("HINCRBY h a 5")
	s.do("HINCRBYFLOAT h a 0.5")
	s.do("HSETNX h d 1")
	s.do("HSETNX h d 1")
	s.do("HDEL h z")
	s.do("HDEL h a b z")
	s.expectChanges(2)
	s.do("HDEL h c d")
	s.expectLog("HSET h a 1 b 2 c 3", "HINCRBY h a 5", "HSET h a 6.5", "HSETNX h d 1", "HDEL h a b z", "HDEL h c d")
	s.expectEvents("h hset 0 h", "h hincrby 0 h", "h hincrbyfloat 0 h", "h hset 0 h", "h hdel 0 h", "h hdel 0 h", "g del 0 h")
}

// What a command answers does not depend on the form, whenever it changes.
func TestFormsOfAHashAnswerAlike(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	small, large := newStage(t), newStage(t)
	large.set("hash-max-listpack-entries", "7")
	for range 3000 {
		field, n := fmt.Sprintf("f%d", rng.IntN(20)), rng.IntN(100)
		lines := []string{
			fmt.Sprintf("HSET h %s %d other%d %d", field, n, n%7, n), fmt.Sprintf("HDEL h %s other%d", field, n%7),
			fmt.Sprintf("HINCRBY h %s %d", field, n), fmt.Sprintf("HGET h %s", field), fmt.Sprintf("HMGET h %s f1 f2", field),
			fmt.Sprintf("HSETNX h %s %d", field, n), "HLEN h", fmt.Sprintf("HSTRLEN h %s", field), fmt.Sprintf("HEXISTS h %s", field),
		}
		line := lines[rng.IntN(len(lines))]
		if a, b := small.do(line), large.do(line); a != b {
			t.Fatalf("%s: %s from a small hash, %s from a large one", line, a, b)
		}
	}
	if a, b := small.do("DEBUG DIGEST"), large.do("DEBUG DIGEST"); a != b {
		t.Errorf("digests %s and %s", a, b)
	}
	large.expect("OBJECT ENCODING h", "$9 hashtable")
}

// set gives a directive a value.
func (s *stage) set(directive, value string) {
	s.t.Helper()
	if err := s.world.Config.Set(config.RunTime, directive, value); err != nil {
		s.t.Fatal(err)
	}
}

// HRANDFIELD draws each field, from either form, with and without repetition, and replies as many as it says.
func TestHrandfieldDrawsAll(t *testing.T) {
	for _, entries := range []string{"512", "3"} {
		s := newStage(t)
		s.set("hash-max-listpack-entries", entries)
		for i := range 40 {
			s.do(fmt.Sprintf("HSET h f%d v%d", i, i))
		}
		for _, count := range []string{"3", "20", "39", "-5"} {
			seen := map[string]bool{}
			for range 400 {
				words := strings.Fields(s.do("HRANDFIELD h " + count + " WITHVALUES"))
				n := 0
				once := map[string]bool{}
				for i := 2; i < len(words); i += 4 {
					if strings.TrimPrefix(words[i], "f") != strings.TrimPrefix(words[i+2], "v") {
						t.Fatalf("%s came with %s", words[i], words[i+2])
					}
					if once[words[i]] && count[0] != '-' {
						t.Fatalf("%s came twice", words[i])
					}
					seen[words[i]], once[words[i]] = true, true
					n++
				}
				if want := strings.TrimPrefix(count, "-"); fmt.Sprint(n) != want {
					t.Fatalf("%d fields, not %s", n, want)
				}
			}
			if len(seen) != 40 {
				t.Errorf("with %s entries, count %s: %d of 40 fields were drawn", entries, count, len(seen))
			}
		}
	}
	s := newStage(t)
	s.do("HSET h f v")
	s.expect("HRANDFIELD h -9223372036854775807", "-ERR value is out of range")
}
