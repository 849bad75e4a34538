package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// draw samples n keys of store 1 and counts them. The seed is fixed: what is fair is so within bounds only.
func draw(t *testing.T, b *Base, n int) map[string]int {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	counts := map[string]int{}
	for range n {
		key, ok, err := b.Sample(1, rng.IntN)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		counts[string(key)]++
	}
	return counts
}

// TestSamplesAreFair compares how often groups of neighbouring keys come up. Trees of some sizes have a last page, or
// a last branch page, with next to nothing in it; others have grown or shrunk at one end. Of ways that take any
// child with the same chance, a chi-square of 2,000 to 17,000 would come.
func TestSamplesAreFair(t *testing.T) {
	unraced(t)
	put := func(n, bytes int) func(c both) {
		return func(c both) {
			for i := range n {
				c.put(1, manyKey(i), Record{Payload: make([]byte, i*2/n*bytes)})
			}
		}
	}
	for _, test := range []struct {
		name         string
		fresh, later func(c both)
		most         float64 // chi-square with 9 degrees of freedom: of a perfect sample 28 in one of a thousand
	}{
		{"a page", put(11, 0), nil, 40},
		{"two pages", put(19, 0), nil, 40},
		{"two branch pages", put(361, 0), nil, 40},
		{"two branch pages and some", put(400, 0), nil, 40},
		{"two sizes of values", put(manyKeys, 800), nil, 300},
		{"grown at one end", put(manyKeys, 0), func(c both) {
			for i := range 300 {
				c.put(1, fmt.Sprintf("before all %d", i), Record{})
			}
		}, 60},
		{"shrunk at one end", put(manyKeys, 0), func(c both) {
			for i := range 1000 {
				if i%15 > 0 {
					c.delete(1, manyKey(i))
				}
			}
		}, 60},
	} {
		dir := t.TempDir()
		c := newChanges(t, vfs.OS(), dir, newModel(1))
		test.fresh(c)
		c.fresh(vfs.OS(), dir)
		b := open(t, dir, OpenOptions{})
		if test.later != nil {
			test.later(c)
			c.apply(b)
		}
		keys := slices.Sorted(maps.Keys(c.m.stores[1]))
		if chi, groups := chiSquare(t, keys, draw(t, b, 10_000)); chi > test.most {
			t.Errorf("%s: chi-square is %.1f, of %d", test.name, chi, groups)
		}
	}
}

// chiSquare says how far the counts of ten groups of keys are from equal.
func chiSquare(t *testing.T, keys []string, counts map[string]int) (chi float64, groups [10]int) {
	t.Helper()
	var sizes [len(groups)]int
	drawn := 0
	for i, key := range keys {
		group := i * len(groups) / len(keys)
		sizes[group]++
		groups[group] += counts[key]
		drawn += counts[key]
		delete(counts, key)
	}
	if len(counts) > 0 {
		t.Errorf("%d keys that are not there were sampled", len(counts))
	}
	for i, n := range groups {
		want := float64(drawn) * float64(sizes[i]) / float64(len(keys))
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	return chi, groups
}

// TestSamplesOfAllKinds: the empty key, long keys and those of large values come up like any other.
func TestSamplesOfAllKinds(t *testing.T) {
	dir := t.TempDir()
	c := newChanges(t, vfs.OS(), dir, newModel(1))
	c.put(1, "", Record{})
	for i := range 3 {
		c.put(1, fmt.Sprint(i), Record{Payload: make([]byte, 3*chunk)})
		c.put(1, strings.Repeat(fmt.Sprint(i), 40_000*(i+1)), Record{Payload: []byte("of a long key")})
	}
	c.fresh(vfs.OS(), dir)
	counts := draw(t, open(t, dir, OpenOptions{}), 700)
	for key := range c.m.stores[1] {
		if n := counts[key]; n < 20 {
			t.Errorf("key %.10q (%d bytes) came up %d times of 700", key, len(key), n)
		}
		delete(counts, key)
	}
	if len(counts) > 0 {
		t.Errorf("%d keys that are not there were sampled", len(counts))
	}
}

func TestSamplesOfNothing(t *testing.T) {
	dir := t.TempDir()
	c := newChanges(t, vfs.OS(), dir, newModel(1, 2))
	for i := range manyKeys {
		c.put(2, manyKey(i), Record{})
	}
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})
	for i := range manyKeys {
		c.delete(2, manyKey(i))
	}
	c.apply(b)
	for _, store := range []Store{1, 2, 77} { // never had any; has no more; is not there
		if key, ok, err := b.Sample(store, rand.IntN); key != nil || ok || err != nil {
			t.Errorf("store %d: %q, %t, %v", store, key, ok, err)
		}
	}
}

// TestOneSeedOneSample, and the caller's panic is the caller's.
func TestOneSeedOneSample(t *testing.T) {
	dir := t.TempDir()
	damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	b := open(t, dir, OpenOptions{})
	one, _, err := b.Sample(1, func(n int) int { return n / 3 })
	must(t, err)
	two, _, err := b.Sample(1, func(n int) int { return n / 3 })
	if err != nil || string(one) != string(two) {
		t.Errorf("%q, %q, %v", one, two, err)
	}
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v", p)
		}
	}()
	_, _, err = b.Sample(1, func(int) int { panic("mine") })
	t.Errorf("Sample said %v", err)
}

func TestSamplesOfADamagedTree(t *testing.T) {
	dir := t.TempDir()
	damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	forge(t, dir, func(v *view, h header, p func(uint64) page) { // a cycle
		branch := p(manyRoot(t, v, h))
		for i := range branch.count() {
			binary.NativeEndian.PutUint64(branch[pageHeader+i*elementSize+8:], branch.id())
		}
	})
	if _, ok, err := open(t, dir, OpenOptions{}).Sample(1, rand.IntN); ok || !errors.Is(err, ErrCorrupt) {
		t.Errorf("Sample: %t, %v", ok, err)
	}
}

func BenchmarkSample(b *testing.B) {
	dir, _ := benchBase(b)
	base := openBench(b, dir)
	rng := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, ok, err := base.Sample(1, rng.IntN); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
