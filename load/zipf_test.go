package load

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The far terms taken as an integral come to what adding all of them up does.
func TestZeta(t *testing.T) {
	for _, n := range []uint64{1, 2, 100, 10_000, 10_001, 300_000} {
		var want float64
		for i := n; i >= 1; i-- {
			want += math.Pow(float64(i), -zipfTheta)
		}
		if got := zeta(n, zipfTheta); math.Abs(got-want) > 1e-8*want {
			t.Errorf("zeta(%d) = %.12f, want %.12f", n, got, want)
		}
	}
}

// The most popular ranks come as often as the law says, and every rank that comes exists.
func TestZipfFollowsTheLaw(t *testing.T) {
	const n, draws, seed = 1000, 1_000_000, 1
	z, random := newZipf(n, zipfTheta), rand.New(rand.NewPCG(seed, seed))
	var counts [n]float64
	for range draws {
		counts[z.rank(random.Float64())]++
	}
	share := func(r int) float64 { return math.Pow(float64(r+1), -zipfTheta) / zeta(n, zipfTheta) }
	for _, r := range []int{0, 1} { // exact in this method; the others are approximations, some 4 % off
		if got, want := counts[r]/draws, share(r); math.Abs(got-want) > 0.02*want {
			t.Errorf("rank %d: share %.5f, want %.5f", r, got, want)
		}
	}
	for _, first := range []int{10, 100, n} {
		var got, want float64
		for r := range first {
			got, want = got+counts[r]/draws, want+share(r)
		}
		if math.Abs(got-want) > 0.05*want {
			t.Errorf("the first %d ranks: share %.4f, want %.4f", first, got, want)
		}
	}
}

func TestZipfOfFew(t *testing.T) {
	for n := uint64(1); n <= 5; n++ {
		z := newZipf(n, zipfTheta)
		seen := map[uint64]bool{}
		for i := range 1000 {
			seen[z.rank(float64(i)/1000)] = true
		}
		if got := z.rank(math.Nextafter(1, 0)); got >= n || uint64(len(seen)) != n {
			t.Errorf("of %d ranks: the last is %d, and %d come at all", n, got, len(seen))
		}
	}
}
