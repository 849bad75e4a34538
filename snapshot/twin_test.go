package snapshot

import (
	"fmt"
	"os"
	"testing"

	"holdfast/internal/vfs"
)

// TestBothHeaderPagesLeadToTheLastChange, however it was made: damage to either costs nothing.
func TestBothHeaderPagesLeadToTheLastChange(t *testing.T) {
	for _, whole := range []int{0, 1 << 20} { // by a redo file in several commits, or in one
		t.Run(fmt.Sprint("whole=", whole), func(t *testing.T) {
			dir := t.TempDir()
			m := small(t, dir)
			b := open(t, dir, OpenOptions{})
			b.limits.whole, b.limits.entries = whole, 3
			c := newChanges(t, vfs.OS(), dir, m)
			for round := range 2 { // an odd and an even transaction
				m.meta.LSN++
				for i := range 10 {
					c.put(1, fmt.Sprint("key:", i), Record{Payload: fmt.Append(nil, round)})
				}
				c.apply(b)
				content, err := os.ReadFile(basePath(dir))
				must(t, err)
				for harmed := range 2 {
					copies := t.TempDir()
					content[harmed*os.Getpagesize()+pageHeader+20] ^= 1
					must(t, os.WriteFile(basePath(copies), content, 0o600))
					content[harmed*os.Getpagesize()+pageHeader+20] ^= 1
					harmedBase := open(t, copies, OpenOptions{})
					if diff := m.differs(harmedBase); diff != nil {
						t.Errorf("round %d, without header page %d: %v", round, harmed, diff)
					}
					on := newChanges(t, vfs.OS(), copies, m.clone()) // which writes it anew
					on.m.meta.LSN++
					on.put(1, "after", Record{Payload: []byte("value")})
					on.apply(harmedBase)
					on.m.check(t, harmedBase)
				}
			}
		})
	}
}
