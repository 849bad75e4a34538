package integration

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// Doubles are read and printed as Redis does: scores of any bits, in any notation, and texts that are nearly numbers.
func TestDoubles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var scores []string
	for len(scores) < 3000 {
		if f := math.Float64frombits(rng.Uint64()); !math.IsNaN(f) {
			scores = append(scores, doubleText(rng, f))
		}
		scores = append(scores, doubleText(rng, float64(rng.Int64()>>rng.IntN(63))/math.Pow10(rng.IntN(20))))
	}
	var nearly []string
	for range 300 {
		text := []byte(scores[rng.IntN(len(scores))])
		text[rng.IntN(len(text))] = "0123456789+-.eExXpPinfatyNAN_ \x00("[rng.IntN(32)]
		nearly = append(nearly, string(text))
	}
	for _, protocol := range []string{"2", "3"} {
		ours, theirs := bothServers(t)
		same := func(args ...string) {
			t.Helper()
			a, errA := ours.Do(args...)
			b, errB := theirs.Do(args...)
			if errA != nil || errB != nil {
				t.Fatalf("%.100q: %v, %v", args, errA, errB)
			}
			for i := range b.Elems { // one element says more than a long reply
				if i < len(a.Elems) && !bytes.Equal(a.Elems[i].Raw, b.Elems[i].Raw) {
					t.Errorf("%.100q, element %d\n  holdfast  %s\n  redis     %s", args, i, a.Elems[i], b.Elems[i])
				}
			}
			if len(a.Elems) != len(b.Elems) || a.Elems == nil && !bytes.Equal(a.Raw, b.Raw) {
				t.Errorf("%.100q\n  holdfast  %.300s\n  redis     %.300s", args, a, b)
			}
		}
		must(t, ours, "HELLO", protocol)
		must(t, theirs, "HELLO", protocol)
		add := []string{"ZADD", "z"}
		for i, score := range scores {
			add = append(add, score, fmt.Sprint(i))
		}
		same(add...)
		same("ZRANGE", "z", "0", "-1", "WITHSCORES")
		for i := 0; i+200 <= len(scores); i += 200 {
			same(append([]string{"ZADD", "small"}, add[2+2*i:2+2*(i+60)]...)...)
			same("ZSCAN", "small", "0")
			same("ZPOPMAX", "small", "100")
		}
		for _, text := range nearly {
			same("ZADD", "z", "XX", text, "nobody")
			same("ZCOUNT", "z", text, "1e300")
			same("ZCOUNT", "z", "-1e300", "("+text)
		}
	}
}

// doubleText writes f in one of the ways there are.
func doubleText(rng *rand.Rand, f float64) string {
	switch rng.IntN(6) {
	case 0:
		return strconv.FormatFloat(f, 'x', -1, 64)
	case 1:
		return strconv.FormatFloat(f, 'f', -1, 64)
	case 2:
		return strconv.FormatFloat(f, 'e', 25, 64)
	case 3:
		return strconv.FormatFloat(f, 'G', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}
