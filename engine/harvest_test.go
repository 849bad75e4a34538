package engine

import (
	"fmt"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/snapshot"
)

// What was taken while nobody poured is all there, in order, and the memory of a flood does not stay.
func TestAHarvestOfManyBaskets(t *testing.T) {
	const keys = 40 * basketItems
	var h harvest
	for round := range 2 {
		for i := range keys {
			size := i % 100
			if i == keys/2 {
				size = 4 * basketBytes
			}
			h.take(kv.Frozen{Store: 1, Key: fmt.Appendf(nil, "k%06d", i), Kind: 1, Text: make([]byte, size)})
		}
		h.take(kv.Frozen{Store: 1, Key: []byte("k000007"), Deleted: true})
		changes := snapshot.NewChanges(vfs.OS(), t.TempDir(), 1<<20)
		if err := h.pour(changes); err != nil {
			t.Fatal(err)
		}
		if got := changes.Len(); got < keys {
			t.Errorf("round %d: %d changes of %d came out", round, got, keys)
		}
		if err := changes.Discard(); err != nil {
			t.Fatal(err)
		}
		if len(h.baskets) != 0 || len(h.idle) != basketsKept {
			t.Errorf("round %d: %d baskets at hand and %d idle, want none and %d", round, len(h.baskets), len(h.idle), basketsKept)
		}
		for _, b := range h.idle {
			if cap(b.bytes) >= 2*basketBytes {
				t.Errorf("round %d: a basket of %d bytes is kept", round, cap(b.bytes))
			}
		}
	}
}
