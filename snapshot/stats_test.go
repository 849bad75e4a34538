package snapshot

import (
	"errors"
	"math/rand/v2"
	"testing"

	"holdfast/internal/vfs"
)

// TestStatsTellWhatIsFree, at once and after a reopening, as Verify counts it.
func TestStatsTellWhatIsFree(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	for _, readOnly := range []bool{false, true} {
		b, err := Open(basePath(dir), OpenOptions{ReadOnly: readOnly})
		must(t, err)
		compare := func(what string) Stats {
			t.Helper()
			s, err := b.Stats()
			must(t, err)
			r, err := b.Verify(nil)
			must(t, err)
			if s.FreePages != r.FreePages || s.Pages != r.Pages {
				t.Errorf("%s: %+v, and Verify finds %d of %d pages free", what, s, r.FreePages, r.Pages)
			}
			return s
		}
		compare("after Open")
		if !readOnly {
			c := newChanges(t, vfs.OS(), dir, m)
			for i := range manyKeys {
				c.delete(1, manyKey(i))
			}
			c.apply(b)
			if s := compare("after an Apply"); s.FreePages <= s.Pages/2 {
				t.Errorf("with nearly all deleted: %+v", s)
			}
		}
		must(t, b.Close())
		if _, err := b.Stats(); !errors.Is(err, ErrClosed) {
			t.Errorf("Stats of a closed base: %v", err)
		}
	}
}
