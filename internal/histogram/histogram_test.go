package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBuckets(t *testing.T) {
	for i := range buckets {
		if bucket(least(i)) != i || i > 0 && bucket(least(i)-1) != i-1 {
			t.Errorf("bucket %d begins at %d", i, least(i))
		}
	}
	if bucket(math.MaxInt64) != buckets-1 {
		t.Error("what is too large is not in the last one")
	}
}

func TestAgainstSortedNumbers(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var h Histogram
	var all []int64
	var sum int64
	for range 5000 {
		n := int64(rng.Uint64() >> (24 + rng.IntN(40)))
		times := rng.Int64N(3)
		h.Add(n, times)
		sum += n * times
		for range times {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	if h.Sum() != sum || h.Count() != int64(len(all)) {
		t.Errorf("sum %d, count %d; want %d, %d", h.Sum(), h.Count(), sum, len(all))
	}
	for shift := range 40 {
		bound := int64(1) << shift
		want, _ := slices.BinarySearch(all, bound)
		if got := h.Below(bound); got != int64(want) {
			t.Errorf("%d below %d, want %d", got, bound, want)
		}
	}
	for _, share := range []float64{0, 0.01, 0.5, 0.99, 0.999, 1} {
		at := max(int(math.Ceil(share*float64(len(all))))-1, 0)
		if got, want := h.Quantile(share), all[at]; got < want || float64(got) > float64(want)*(1+1.0/parts) {
			t.Errorf("quantile %v is %d, want %d", share, got, want)
		}
	}
}

func TestEmpty(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Sum() != 0 || h.Quantile(0.5) != 0 || h.Below(1<<20) != 0 {
		t.Error("an empty one is not empty")
	}
	h.Add(-5, 1)
	if h.Sum() != 0 || h.Quantile(1) != 0 || h.Count() != 1 {
		t.Error("a negative number is not taken for none")
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Histogram
	for i := range b.N {
		h.Add(int64(i), 16)
	}
}
