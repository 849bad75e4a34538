package aof

import "testing"

// Each write counts its records, each sync itself.
func TestFigures(t *testing.T) {
	_, o := disk(t, Always, 1)
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, "one")
	commit(t, l, "two", "three", "four")
	l.SetPolicy(No)
	commit(t, l, "five")
	f := l.Figures()
	if f.Batches.Count() != 3 || f.Batches.Sum() != 5 || f.Batches.Below(2) != 2 || f.Batches.Below(4) != 3 {
		t.Errorf("%d writes of %d records", f.Batches.Count(), f.Batches.Sum())
	}
	if f.Syncs.Count() != 2 {
		t.Errorf("%d syncs, want 2", f.Syncs.Count())
	}
}
