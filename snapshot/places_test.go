package snapshot

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"holdfast/internal/vfs"
)

// TestPlacesAreThoseOfTheTransaction: an old reader finds its own buckets after newer ones were remembered.
func TestPlacesAreThoseOfTheTransaction(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	b := open(t, dir, OpenOptions{})
	kind := func(v *view, root uint64) byte {
		t.Helper()
		keys, err := (&storeView{v, root, 1}).tree(tableKeys)
		must(t, err)
		value, ok, err := keys.find(appendStored(nil, []byte(manyKey(1))))
		must(t, err)
		h, sound := parseHead(value)
		if !ok || !sound {
			t.Fatal("the key is missing")
		}
		return h.kind
	}
	tx, old, root, err := b.begin("reading the old state")
	must(t, err)
	if got := kind(&old, root); got != 0 {
		t.Errorf("at first the kind is %d", got)
	}
	c := newChanges(t, vfs.OS(), dir, m)
	for round := byte(1); round <= 3; round++ {
		c.put(1, manyKey(1), Record{Kind: round})
		c.apply(b)
		if r, ok, err := b.Get(1, []byte(manyKey(1))); !ok || err != nil || r.Kind != round {
			t.Errorf("Get in round %d: %v, %t, %v", round, r, ok, err)
		}
		if got := kind(&old, root); got != 0 {
			t.Errorf("to the old reader the kind is %d in round %d", got, round)
		}
	}
	must(t, end(tx, nil))
	m.meta.DBs[0].Store = 7 // a store that is dropped is not remembered
	m.stores[7] = map[string]modelRecord{}
	delete(m.stores, 1)
	c.apply(b)
	if _, ok, err := b.Get(1, []byte(manyKey(1))); ok || err != nil {
		t.Errorf("Get of a dropped store: %t, %v", ok, err)
	}
	m.check(t, b)
}

func TestGetAllocatesLittle(t *testing.T) {
	dir := t.TempDir()
	c := newChanges(t, vfs.OS(), dir, newModel(1))
	for i := range manyKeys {
		c.put(1, fmt.Sprint(i), Record{Payload: make([]byte, 80)})
	}
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})
	key := []byte("77")
	allocations := testing.AllocsPerRun(1000, func() {
		if _, ok, err := b.Get(1, key); !ok || err != nil {
			t.Fatal(ok, err)
		}
	})
	if allocations > 8 { // four of them in bbolt
		t.Errorf("a Get allocates %.0f times", allocations)
	}
}
