package intake

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// A file that has a key twice is damaged.
func TestKeyTwice(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(t, w.DB(0, 3, 0))
	for _, key := range []string{"a", "b", "a"} {
		writeValue(t, w, key, kv.Set, 3, func(i int) outline.Element { return element2(outline.Member, long(i), "", "") })
	}
	must(t, w.End())
	in, o, root := openFile(t, "dump.rdb", file.String()), options(), t.TempDir()
	if _, err := IntoDirectory(t.Context(), in, filepath.Join(root, "a"), o); !errors.Is(err, rdb.ErrCorrupt) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("%v", err)
	}
	o.SkipBad = true
	r, err := IntoDirectory(t.Context(), in, filepath.Join(root, "b"), o)
	if must(t, err); r.Keys != 2 || r.Skipped != 1 {
		t.Errorf("%+v", r)
	}
}
