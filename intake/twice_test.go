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

// A key that is large in one place and small in another is told with the line of the small one, and which one is large; of two
// large ones the later is told.
func TestKeyTwiceInJSON(t *testing.T) {
	long := `{"db":0,"key":"k","type":"string","value":"` + strings.Repeat("a", longLine) + `"}` + "\n"
	short := `{"db":0,"key":"k","type":"string","value":"short"}` + "\n"
	elsewhere := `{"db":1,"key":"k","type":"string","value":"short"}` + "\n"
	parts := setOfLines("k")
	for _, c := range []struct{ text, want string }{
		{short + elsewhere + long, "line 1: " + `the key "k" is there twice: line 3 has it too`},
		{long + elsewhere + short, "line 3: " + `the key "k" is there twice: line 1 has it too`},
		{short + elsewhere + parts, "line 1: " + `the key "k" is there twice: line 3 has it too`},
		{parts + elsewhere + long, "line 4: " + `the key "k" is there twice: line 1 has it too`},
	} {
		in, o, root := openFile(t, "x.json", c.text), options(), t.TempDir()
		o.Memory = 2 << 20
		_, err := IntoDirectory(t.Context(), in, filepath.Join(root, "a"), o)
		if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.200v, want %s", err, c.want)
		}
		o.SkipBad = true
		if r, err := IntoDirectory(t.Context(), in, filepath.Join(root, "b"), o); err != nil || r.Keys != 2 || r.Skipped != 1 {
			t.Errorf("%s, left out: %v, %.300v", c.want, err, r)
		}
	}
}
