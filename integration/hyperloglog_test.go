package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// The bytes of a HyperLogLog are those of Redis, whatever was added in which order, and wherever it becomes dense.
func TestHyperLogLogBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	ours, theirs := bothServers(t)
	same := func(args ...string) {
		t.Helper()
		a, b := must(t, ours, args...), must(t, theirs, args...)
		if !bytes.Equal(a.Raw, b.Raw) {
			t.Fatalf("%.80q\n  holdfast  %.200q\n  redis     %.200q", args, a.Raw, b.Raw)
		}
	}
	for _, limit := range []string{"3000", "200", "6000"} {
		same("CONFIG", "SET", "hll-sparse-max-bytes", limit)
		for round := range 300 {
			key, other := fmt.Sprintf("%s:%d", limit, rng.IntN(4)), fmt.Sprintf("%s:%d", limit, rng.IntN(4))
			switch rng.IntN(20) {
			case 0:
				same("PFCOUNT", key)
			case 1:
				same("PFCOUNT", key, other)
			case 2:
				same("PFMERGE", key, other)
			case 3:
				same("DEL", key)
			default:
				args := []string{"PFADD", key}
				for range rng.IntN(1 + round) {
					args = append(args, fmt.Sprint(rng.IntN(100_000)))
				}
				same(args...)
			}
			same("GET", key)
		}
	}
}
