package commands

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestScoresAreGivenAsTheOptionsSay(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"ZADD z XX 1 a", ":0"},
		{"ZADD z 1 a 2 b 3 a", ":2"},
		{"ZADD z NX 9 a 9 c", ":1"},
		{"ZADD z XX CH 8 a 8 d", ":1"},
		{"ZADD z GT CH 7 a 10 b", ":1"},
		{"ZADD z LT CH 9 a 1 b 5 e", ":2"},
		{"ZADD z INCR 1.5 a", "$3 9.5"},
		{"ZADD z INCR GT -1 a", "$-1"},
		{"ZADD z XX INCR 1 none", "$-1"},
		{"ZINCRBY z -inf a", "$4 -inf"},
		{"ZINCRBY z inf a", "-ERR resulting score is not a number (NaN)"},
		{"ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"},
		{"ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
		{"ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"},
		{"ZADD z 1 a x b", "-ERR value is not a valid float"},
		{"ZADD z NX 1", "-ERR syntax error"},
		{"ZRANGE z 0 -1 WITHSCORES", "*8 $1 a $4 -inf $1 b $1 1 $1 e $1 5 $1 c $1 9"},
		{"ZMSCORE z b none a", "*3 $1 1 $-1 $4 -inf"},
		{"ZCARD z", ":4"},
	})
}

func TestRanks(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"ZADD z 1 a 2 b 2 c", ":3"},
		{"ZRANK z b", ":1"},
		{"ZREVRANK z b", ":1"},
		{"ZREVRANK z a", ":2"},
		{"ZRANK z b withscore", "*2 :1 $1 2"},
		{"ZREVRANK z a WITHSCORE", "*2 :2 $1 1"},
		{"ZRANK z none", "$-1"},
		{"ZRANK z none WITHSCORE", "*-1"},
		{"ZRANK none a WITHSCORE", "*-1"},
		{"ZRANK z a SCORE", "-ERR syntax error"},
		{"ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"},
	})
	s.user.Proto = 3
	s.expect("ZRANK z b WITHSCORE", "*2 :1 ,2")
	s.expect("ZRANK z none WITHSCORE", "_")
}

func TestScoredRepliesInRESP3(t *testing.T) {
	s := newStage(t)
	s.user.Proto = 3
	s.expectAll([]step{
		{"ZADD z 1 a 2.5 b inf c 4 d 5 e", ":5"},
		{"ZADD z INCR 1 a", ",2"},
		{"ZSCORE z c", ",inf"},
		{"ZRANGE z 0 1 WITHSCORES", "*2 *2 $1 a ,2 *2 $1 b ,2.5"},
		{"ZUNION 1 z WITHSCORES", "*5 *2 $1 a ,2 *2 $1 b ,2.5 *2 $1 d ,4 *2 $1 e ,5 *2 $1 c ,inf"},
		{"ZPOPMIN z", "*2 $1 a ,2"},
		{"ZPOPMIN z 1", "*1 *2 $1 b ,2.5"},
		{"ZMPOP 1 z MIN", "*2 $1 z *1 *2 $1 d ,4"},
		{"BZPOPMAX z 0", "*3 $1 z $1 c ,inf"},
		{"ZRANDMEMBER z 1 WITHSCORES", "*1 *2 $1 e ,5"},
		{"ZSCAN z 0", "*2 $1 0 *2 $1 e $1 5"},
		{"ZMPOP 1 none MIN", "_"},
		{"ZSCORE none a", "_"},
		{"ZPOPMIN none", "*0"},
	})
}

// Whatever holds no sorted set is refused before anything changes.
func TestSortedSetCommandsRefuseOtherTypes(t *testing.T) {
	s := newStage(t)
	hold(s, "s")
	s.expect("ZADD z 1 a", ":1")
	s.takeLog()
	for _, line := range []string{
		"ZADD s 1 a", "ZADD s XX 1 a", "ZINCRBY s 1 a", "ZREM s a", "ZREMRANGEBYRANK s 0 0", "ZREMRANGEBYSCORE s 0 0",
		"ZREMRANGEBYLEX s - +", "ZCARD s", "ZSCORE s a", "ZMSCORE s a", "ZRANK s a", "ZREVRANK s a", "ZCOUNT s 0 0",
		"ZLEXCOUNT s - +", "ZRANGE s 0 0", "ZREVRANGE s 0 0", "ZRANGEBYSCORE s 0 0", "ZREVRANGEBYSCORE s 0 0",
		"ZRANGEBYLEX s - +", "ZREVRANGEBYLEX s + -", "ZRANGESTORE z s 0 0", "ZPOPMIN s", "ZPOPMAX s 0",
		"ZMPOP 2 none s MIN", "ZRANDMEMBER s", "ZRANDMEMBER s 1", "ZSCAN s 0", "ZUNION 2 z s", "ZINTER 2 none s",
		"ZDIFF 2 z s", "ZINTERCARD 2 z s", "ZUNIONSTORE z 2 z s", "ZINTERSTORE z 2 none s", "ZDIFFSTORE z 2 z s",
		"BZPOPMIN none s z 0", "BZPOPMAX s 0", "BZMPOP 0 2 s z MIN",
	} {
		s.expect(line, wrongType)
		s.expectChanges(0)
	}
	s.expectLog()
	s.expect("ZRANGE z 0 -1", "*1 $1 a")
}

func TestWhatSortedSetCommandsCountLogAndTell(t *testing.T) {
	s := newStage(t)
	for _, x := range []struct {
		line    string
		changes int
		log     []string // nil: nothing is logged
		events  []string
	}{
		{"ZADD z 1 a 2 b 3 c 4 d", 4, []string{"ZADD z 1 a 2 b 3 c 4 d"}, []string{"z zadd 0 z"}},
		{"ZADD z 1 a", 0, nil, nil},
		{"ZADD z CH 2 a 9 e", 2, []string{"ZADD z CH 2 a 9 e"}, []string{"z zadd 0 z"}},
		{"ZADD z INCR 2 a", 1, []string{"ZADD z INCR 2 a"}, []string{"z zincr 0 z"}},
		{"ZINCRBY z 0 a", 0, nil, nil},
		{"ZADD none XX 1 a", 0, nil, nil},
		{"ZPOPMIN z 2", 2, []string{"ZPOPMIN z 2"}, []string{"z zpopmin 0 z"}},
		{"ZPOPMIN z 0", 0, nil, nil},
		{"ZMPOP 2 none z MAX COUNT 9", 3, []string{"ZPOPMAX z 3"}, []string{"z zpopmax 0 z", "g del 0 z"}},
		{"ZADD z 1 a 2 b 3 c 4 d", 4, []string{"ZADD z 1 a 2 b 3 c 4 d"}, []string{"z zadd 0 z"}},
		{"ZREM z a none b", 2, []string{"ZREM z a none b"}, []string{"z zrem 0 z"}},
		{"ZREM z a", 0, nil, nil},
		{"ZREMRANGEBYRANK z 5 9", 0, nil, nil},
		{"ZREMRANGEBYRANK z 0 -1", 2, []string{"ZREMRANGEBYRANK z 0 -1"}, []string{"z zremrangebyrank 0 z", "g del 0 z"}},
		{"ZADD z 1 a 1 b 1 c 1 d", 4, []string{"ZADD z 1 a 1 b 1 c 1 d"}, []string{"z zadd 0 z"}},
		{"ZREMRANGEBYLEX z [d +", 1, []string{"ZREMRANGEBYLEX z [d +"}, []string{"z zremrangebylex 0 z"}},
		{"ZRANGESTORE y z 0 0", 1, []string{"ZRANGESTORE y z 0 0"}, []string{"z zrangestore 0 y"}},
		{"ZRANGESTORE y z 9 9", 1, []string{"ZRANGESTORE y z 9 9"}, []string{"g del 0 y"}},
		{"ZRANGESTORE y z 9 9", 0, nil, nil},
		{"ZUNIONSTORE y 1 z", 1, []string{"ZUNIONSTORE y 1 z"}, []string{"z zunionstore 0 y"}},
		{"ZINTERSTORE y 2 z y", 1, []string{"ZINTERSTORE y 2 z y"}, []string{"z zinterstore 0 y"}},
		{"ZDIFFSTORE y 2 z y", 1, []string{"ZDIFFSTORE y 2 z y"}, []string{"g del 0 y"}},
		{"BZPOPMIN none z 0", 1, []string{"ZPOPMIN z"}, []string{"z zpopmin 0 z"}},
		{"BZMPOP 0 1 z MAX COUNT 1", 1, []string{"ZPOPMAX z 1"}, []string{"z zpopmax 0 z"}},
		{"ZREMRANGEBYSCORE z 1 1", 1, []string{"ZREMRANGEBYSCORE z 1 1"}, []string{"z zremrangebyscore 0 z", "g del 0 z"}},
	} {
		s.do(x.line)
		if s.changes != x.changes {
			t.Errorf("%s counted %d changes, wanted %d", x.line, s.changes, x.changes)
		}
		s.expectLog(x.log...)
		s.expectEvents(x.events...)
	}
}

func TestBlockedClientsGetMembersInTheirOrder(t *testing.T) {
	s := newStage(t)
	first, second, third := s.connect(), s.connect(), s.connect()
	s.as(first, "BZPOPMIN none z 0")
	s.as(second, "BZMPOP 5 1 z MAX COUNT 2")
	s.as(third, "BZPOPMAX z 1")
	s.expect("ZADD z 1 a 2 b 3 c", ":3")
	if got := delivered(first); got != "*3 $1 z $1 a $1 1" {
		t.Errorf("the first got %s", got)
	}
	if got := delivered(second); got != "*2 $1 z *2 *2 $1 c $1 3 *2 $1 b $1 2" {
		t.Errorf("the second got %s", got)
	}
	s.expectLog("ZADD z 1 a 2 b 3 c", "ZPOPMIN z", "ZPOPMAX z 2")
	hold(s, "z")
	s.advance(1000)
	s.timeOut()
	if got := delivered(third); got != "*-1" {
		t.Errorf("the third got %s", got)
	}
}

// Plain sets are inputs too: each member has the score 1.
func TestPlainSetsCombineWithSortedOnes(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"SADD s a b", ":2"},
		{"SADD n 1 2 3", ":3"},
		{"ZADD z 10 b 20 c", ":2"},
		{"ZUNION 2 s z WITHSCORES", "*6 $1 a $1 1 $1 b $2 11 $1 c $2 20"},
		{"ZINTER 2 z s WEIGHTS 1 5 WITHSCORES", "*2 $1 b $2 15"},
		{"ZDIFF 2 z s", "*1 $1 c"},
		{"ZDIFF 2 s z WITHSCORES", "*2 $1 a $1 1"},
		{"ZUNION 1 n WEIGHTS 7 WITHSCORES", "*6 $1 1 $1 7 $1 2 $1 7 $1 3 $1 7"},
		{"ZINTERCARD 2 s z", ":1"},
		{"ZUNIONSTORE s 2 s z", ":3"},
		{"TYPE s", "+zset"},
	})
}

func TestSortedSetsGrowLarge(t *testing.T) {
	s := newStage(t)
	s.set("zset-max-listpack-entries", "2")
	s.set("zset-max-listpack-value", "4")
	s.expectAll([]step{
		{"ZADD z 1 a 2 b", ":2"},
		{"OBJECT ENCODING z", "$8 listpack"},
		{"ZADD z 3 c", ":1"},
		{"OBJECT ENCODING z", "$8 skiplist"},
		{"ZADD long 1 abcde", ":1"},
		{"OBJECT ENCODING long", "$8 skiplist"},
		{"ZREM z c b", ":2"},
		{"OBJECT ENCODING z", "$8 skiplist"},
		{"ZRANGESTORE z z 0 -1", ":1"},
		{"OBJECT ENCODING z", "$8 listpack"},
	})
}

// An iteration meets every member that is there all the while.
func TestZScanMeetsWhatStays(t *testing.T) {
	s := newStage(t)
	const members = 300
	for i := range members {
		s.do(fmt.Sprintf("ZADD z %d stays:%d %d goes:%d", i, i, i, i))
	}
	met, cursor := map[string]bool{}, "0"
	for round := range 10_000 {
		words := strings.Fields(s.do("ZSCAN z " + cursor + " COUNT 20"))
		for i := 4; i < len(words); i += 4 { // "*2 $1 0 *4 $3 m:1 $1 5 …": a member is every fourth word
			met[words[i+1]] = true
		}
		s.do(fmt.Sprintf("ZADD z %d comes:%d", round, round))
		s.do(fmt.Sprintf("ZREM z goes:%d", round))
		s.do(fmt.Sprintf("ZINCRBY z 1000 stays:%d", round%members))
		if cursor = words[2]; cursor == "0" {
			break
		}
	}
	for i := range members {
		if !met[fmt.Sprintf("stays:%d", i)] {
			t.Errorf("stays:%d was not met", i)
		}
	}
}

func TestRandomMembers(t *testing.T) {
	s := newStage(t)
	for i := range 200 {
		s.do(fmt.Sprintf("ZADD z %d m%d", i, i))
	}
	distinct := func(line string, want int) {
		t.Helper()
		words := slices.DeleteFunc(strings.Fields(s.do(line)), func(w string) bool { return w[0] != 'm' })
		slices.Sort(words)
		if n := len(words); n != want || len(slices.Compact(words)) != want {
			t.Errorf("%s gave %d members, %d of them different", line, n, len(slices.Compact(words)))
		}
	}
	distinct("ZRANDMEMBER z 5", 5)
	distinct("ZRANDMEMBER z 100 WITHSCORES", 100)
	distinct("ZRANDMEMBER z 500", 200)
	s.expect("ZADD one 1 m", ":1")
	s.expect("ZRANDMEMBER one -3 WITHSCORES", "*6 $1 m $1 1 $1 m $1 1 $1 m $1 1")
	s.expect("ZRANDMEMBER z -1000000000000", "-ERR value is out of range")
	s.expect("ZRANDMEMBER z -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")

	s.do("ZREMRANGEBYRANK z 20 -1")
	seen := map[string]int{}
	for range 400 {
		seen[s.do("ZRANDMEMBER z")]++
	}
	for member, n := range seen { // 20 expected; the stage's chance is always the same
		if n > 40 {
			t.Errorf("%s came %d times of 400", member, n)
		}
	}
	if len(seen) != 20 {
		t.Errorf("only %d of 20 members came in 400 draws", len(seen))
	}
}

// Sorted sets that grow and shrink by any commands are the same after the log has been replayed (see stage).
func TestSortedSetsSurviveReplay(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStage(t)
	s.set("zset-max-listpack-entries", "12")
	key := func() string { return string(rune('k' + r.IntN(3))) }
	member := func() string { return fmt.Sprintf("%0*d", 1+r.IntN(20), r.IntN(30)) }
	score := func() string { return fmt.Sprint(float64(r.IntN(40)-20) / 4) }
	end := func() string { return [...]string{"MIN", "MAX"}[r.IntN(2)] }
	for range 600 {
		s.do([]string{
			fmt.Sprintf("ZADD %s %s %s %s %s %s %s", key(), score(), member(), score(), member(), score(), member()),
			fmt.Sprintf("ZADD %s GT CH %s %s %s %s", key(), score(), member(), score(), member()),
			fmt.Sprintf("ZADD %s NX INCR %s %s", key(), score(), member()),
			fmt.Sprintf("ZINCRBY %s %s %s", key(), score(), member()),
			fmt.Sprintf("ZREM %s %s %s", key(), member(), member()),
			fmt.Sprintf("ZPOP%s %s %d", end(), key(), r.IntN(4)),
			fmt.Sprintf("ZMPOP 2 %s %s %s COUNT %d", key(), key(), end(), 1+r.IntN(3)),
			fmt.Sprintf("ZREMRANGEBYSCORE %s %s %s", key(), score(), score()),
			fmt.Sprintf("ZREMRANGEBYRANK %s %d %d", key(), r.IntN(9), r.IntN(9)),
			fmt.Sprintf("ZRANGESTORE %s %s %d %d", key(), key(), r.IntN(3), 5+r.IntN(9)),
			fmt.Sprintf("ZUNIONSTORE %s 2 %s %s WEIGHTS %s %s", key(), key(), key(), score(), score()),
			fmt.Sprintf("ZDIFFSTORE %s 2 %s %s", key(), key(), key()),
		}[r.IntN(12)])
	}
	if len(s.log) < 300 {
		t.Errorf("only %d of 600 commands changed anything", len(s.log))
	}
}

func TestParseDouble(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-0": math.Copysign(0, -1), "3.0": 3, ".5": 0.5, "5.": 5, "+5": 5, "1e5": 1e5, "0x10": 16, "0x.8": 0.5,
		"-0X1P-2": -0.25, "inf": math.Inf(1), "-Infinity": math.Inf(-1), "5e-324": 5e-324, "0e-400": 0, "0x0p-9999": 0,
	} {
		f, fits, ok := parseDouble([]byte(text))
		if !ok || !fits || f != want || math.Signbit(f) != math.Signbit(want) {
			t.Errorf("%q: %v, %v, %v", text, f, fits, ok)
		}
	}
	for _, text := range []string{"1e400", "-1e400", "1e-400", "0x1p-9999", "0x1p9999"} {
		if f, fits, ok := parseDouble([]byte(text)); !ok || fits {
			t.Errorf("%q: %v, %v, %v", text, f, fits, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+", ".", "e5", "1e", "1 ", " 1", "1_0", "0x", "0xg", "0x.", "0x_1", "0b1", "1p2", "nan", "+-1", "--1",
		"+inf ", "infin", "1\x00",
	} {
		if f, _, ok := parseDouble([]byte(text)); ok {
			t.Errorf("%q: %v", text, f)
		}
	}
}

func FuzzParseDouble(f *testing.F) {
	for _, text := range []string{"1", "-0x1.8p4", "inf", "1e400", "nan", "1_0", "( 1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, fits, ok := parseDouble(b); math.IsNaN(v) || fits && !ok {
			t.Errorf("%q: %v, %v, %v", b, v, fits, ok)
		}
		if v, _, ok := parseScoreEnd(b); math.IsNaN(v) || !ok && v != 0 {
			t.Errorf("an end %q: %v, %v", b, v, ok)
		}
		if e, ok := parseLexEnd(b); ok && e.Below && e.Above {
			t.Errorf("%q is below and above", b)
		}
	})
}
