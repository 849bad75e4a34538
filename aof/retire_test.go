package aof

import (
	"testing"

	"holdfast/internal/vfs"
)

// BytesBeyond is what Segments says, without the segments that are not asked for.
func TestBytesBeyond(t *testing.T) {
	l, _, _ := mustRecover(t, options(vfs.OS(), t.TempDir()), 0)
	for _, bodies := range [][]string{{"a", "b"}, {"c"}, {"d", "e", "f"}, nil} {
		if err := l.Cut(); err != nil {
			t.Fatal(err)
		}
		commit(t, l, bodies...)
	}
	commit(t, l, "g")
	for through := range uint64(9) {
		var want int64
		for _, s := range l.Segments() {
			if s.Last > through {
				want += s.Used
			}
		}
		if got := l.BytesBeyond(through); got != want || (want == 0) != (through >= 7) {
			t.Errorf("beyond LSN %d: %d bytes, Segments says %d", through, got, want)
		}
	}
}
