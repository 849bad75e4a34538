package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestKeysAreNamed(t *testing.T) {
	for _, i := range []uint64{0, 7, 10, 999_999_999_999} {
		if got, want := string(appendKey(nil, keyPrefix, i)), fmt.Sprintf("key:%012d", i); got != want || len(got) != keyBytes {
			t.Errorf("key %d is %q, want %q", i, got, want)
		}
	}
}

// draw draws so many keys and counts each.
func draw(t *testing.T, s *keySpace, draws int) map[uint64]int {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	counts := map[uint64]int{}
	for range draws {
		key := s.choose(random)
		if key >= s.first+s.there.Load() {
			t.Fatalf("%s: key %d does not exist", s.distribution, key)
		}
		counts[key]++
	}
	return counts
}

func TestUniformKeys(t *testing.T) {
	const n, each = 100, 10_000
	for key, count := range draw(t, newKeySpace(n, Uniform), n*each) {
		if math.Abs(float64(count)-each) > 6*math.Sqrt(each) {
			t.Errorf("key %d came %d times in %d", key, count, n*each)
		}
	}
}

func TestSequentialKeysComeInTurn(t *testing.T) {
	s := newKeySpace(3, Sequential)
	for i := range uint64(7) {
		if got := s.choose(nil); got != i%3 {
			t.Errorf("draw %d is key %d", i, got)
		}
	}
}

// Zipf's popular keys are scattered over the key space; those of latest are the last.
func TestUnevenKeys(t *testing.T) {
	const n, draws = 1000, 200_000
	share := 1 / zeta(n, zipfTheta)
	zipf := draw(t, newKeySpace(n, Zipfian), draws)
	if got := float64(zipf[mix(0)%n]) / draws; got < 0.95*share {
		t.Errorf("the most popular key has a share of %.4f, want %.4f at least", got, share)
	}
	latest := newKeySpace(n, Latest)
	for range 5 {
		latest.insert()
	}
	latest.insert() // never arrives
	for _, key := range []uint64{n + 1, n + 4, n, n + 3, n + 2} {
		latest.arrived(key)
	}
	counts := draw(t, latest, draws)
	if got := float64(counts[n+4]) / draws; math.Abs(got-share) > 0.05*share {
		t.Errorf("the newest key has a share of %.4f, want %.4f", got, share)
	}
}

func TestValuesAreTheirKeys(t *testing.T) {
	for _, size := range []int{1, 5, 16, 17, 64, 5000} {
		v := newValues(size, 9)
		first, second := v.append(nil, 7, 1), v.append([]byte("x"), 7, 2)[1:]
		if len(first) != size || len(second) != size {
			t.Fatalf("of %d bytes: %d and %d", size, len(first), len(second))
		}
		if (string(first) == string(second)) != (size <= stampBytes) {
			t.Errorf("of %d bytes: versions are %q and %q", size, first, second)
		}
		for _, value := range [][]byte{first, second, v.append(nil, 7, math.MaxUint64)} {
			if !v.isOf(7, int64(size), value[:min(size, stampBytes)]) {
				t.Errorf("of %d bytes: %q is not its own", size, value)
			}
		}
		if v.isOf(8, int64(size), first) && size > 1 || v.isOf(7, int64(size)+1, first) || v.isOf(7, int64(size), nil) {
			t.Errorf("of %d bytes: a wrong value passes", size)
		}
	}
}
