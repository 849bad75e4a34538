package snapshot

import (
	"math/rand/v2"
	"testing"

	"holdfast/internal/vfs"
)

// TestTouches: what is foreseen is what Apply writes, but for branch pages, the meta and the free list.
func TestTouches(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := newModel(1, 2)
	c := newChanges(t, vfs.OS(), dir, m)
	const keys = 20_000
	for i := range keys {
		c.put(1, manyKey(i), Record{Payload: make([]byte, 60)})
	}
	c.put(2, "a", Record{Parted: true})
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})
	b.limits.whole = keys // one transaction
	for name, change := range map[string]func(){
		"nothing":       func() {},
		"one key":       func() { c.put(1, manyKey(77), Record{}) },
		"a stretch":     func() { changeKeys(c, rng, 5000, 1000) },
		"random keys":   func() { changeKeys(c, rng, 0, keys) },
		"another store": func() { c.put(2, "b", Record{}); must(t, c.ch.Put(7, []byte("in no store"), Record{})) },
		"parts":         func() { c.putPart(2, "a", 1, "p"); c.putPart(2, "a", 2, "p"); c.put(2, "a", Record{Parted: true}) },
	} {
		change()
		foreseen, err := b.Touches(c.ch)
		must(t, err)
		r := c.apply(b)
		if r.Pages < foreseen/2 || r.Pages > foreseen+foreseen/10+20 {
			t.Errorf("%s: %d pages were foreseen and %d written", name, foreseen, r.Pages)
		}
		t.Logf("%s: %d pages foreseen, %d written", name, foreseen, r.Pages)
	}
}

func changeKeys(c both, rng *rand.Rand, from, n int) {
	for range n / 10 {
		c.put(1, manyKey(from+rng.IntN(n)), Record{Payload: make([]byte, 60)})
	}
}
