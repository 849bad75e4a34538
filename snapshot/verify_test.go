package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// Entries that are sound by themselves and that no record has are found.
func TestVerifyOfWhatBelongsToNoRecord(t *testing.T) {
	one, big := appendStored(nil, []byte("one")), appendStored(nil, []byte("big"))
	for _, c := range []struct {
		table table
		key   []byte
		want  string
	}{
		{tableDeadlines, appendDeadlineKey(nil, 5000, one), "the entry belongs to no record"},
		{tableDeadlines, appendDeadlineKey(nil, 5000, appendStored(nil, []byte("gone"))), "the entry belongs to no record"},
		{tableParts, appendPartKey(nil, one, spaceParts, 0), "the part belongs to no record"},
		{tableParts, appendPartKey(nil, one, spaceChunks, 0), "the part belongs to no record"},
		{tableParts, appendPartKey(nil, big, spaceParts, 0), "the part belongs to no record"},
		{tableParts, appendPartKey(nil, appendStored(nil, []byte("gone")), spaceParts, 0), "the part belongs to no record"},
		{tableParts, appendPartKey(nil, big, spaceChunks, 2), "the chunk is beyond its value's end"},
		{tableParts, appendPartKey(nil, big, spaceChunks, 1<<48), "the chunk is beyond its value's end"},
		{tableParts, []byte("no part key"), "the part makes no sense"},
	} {
		t.Run(fmt.Sprintf("%x", c.key), func(t *testing.T) {
			dir := t.TempDir()
			m := newModel(1)
			ch := newChanges(t, vfs.OS(), dir, m)
			ch.put(1, "one", Record{Payload: []byte("1")})
			ch.put(1, "big", Record{Payload: bytes.Repeat([]byte("b"), 2*chunk)})
			ch.fresh(vfs.OS(), dir)
			b := open(t, dir, OpenOptions{})
			must(t, b.update(func(w *writer) error {
				return w.put(c.table, 1, c.key, seal(c.key, make([]byte, sumSize+1)))
			}))
			report, err := b.Verify(nil)
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(fmt.Sprint(report.Problems), c.want) {
				t.Errorf("%v; problems %v", err, report.Problems)
			}
		})
	}
}
