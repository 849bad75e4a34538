package snapshot

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// headsBase is a base of short and long values, opened for reading only.
func headsBase(t *testing.T) *Base {
	t.Helper()
	dir := t.TempDir()
	changes := NewChanges(vfs.OS(), dir, 1<<20)
	var err error
	for i := range 3000 {
		err = errors.Join(err, changes.Put(1, fmt.Append(nil, "key ", i), Record{Kind: 1, Payload: []byte(strings.Repeat("v", i))}))
	}
	err = errors.Join(err, changes.Put(1, []byte("long"), Record{Kind: 1, Payload: []byte(strings.Repeat("l", 5*chunk+7))}))
	if err == nil {
		_, err = WriteFresh(vfs.OS(), dir, "base.db", changes, Meta{DBs: []DB{{Store: 1}}})
	}
	if err = errors.Join(err, changes.Discard()); err != nil {
		t.Fatal(err)
	}
	b, err := Open(filepath.Join(dir, "base.db"), OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Pages that a reader has let go come back when they are touched.
func TestReaderDoesWithoutPages(t *testing.T) {
	b := headsBase(t)
	for range 3 {
		keys := 0
		err := b.Heads(1, nil, func(key []byte, h Head) error {
			keys++
			b.touched.Store(relieveEvery) // the next batch lets all pages go
			if string(key) == "long" {
				if h.Size != 5*chunk+7 || len(h.Payload) >= 2*chunk {
					t.Errorf("%d of %d bytes are in the head", len(h.Payload), h.Size)
				}
			} else if h.Size != int64(len(h.Payload)) {
				t.Errorf("%s: %d of %d bytes", key, len(h.Payload), h.Size)
			}
			return nil
		})
		if err != nil || keys != 3001 {
			t.Fatalf("%d keys, %v", keys, err)
		}
		if b.touched.Load() >= relieveEvery {
			t.Error("no pages were let go")
		}
	}
	if report, err := b.Verify(nil); err != nil || report.Keys != 3001 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A long value comes in pieces, until the reader has had enough.
func TestEachChunk(t *testing.T) {
	b := headsBase(t)
	enough := errors.New("enough")
	if _, err := b.EachChunk(1, []byte("long"), func([]byte) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	pieces, size := 0, 0
	ok, err := b.EachChunk(1, []byte("long"), func(piece []byte) error {
		pieces, size = pieces+1, size+len(piece)
		return nil
	})
	if !ok || err != nil || pieces != 6 || size != 5*chunk+7 {
		t.Errorf("%d bytes in %d pieces, %v", size, pieces, err)
	}
}

func TestCompareKeys(t *testing.T) {
	long := []byte(strings.Repeat("a", MaxPlainKey+1))
	for _, c := range []struct {
		a, b []byte
		want int
	}{{[]byte("a"), []byte("b"), -1}, {[]byte("z"), long, -1}, {long, []byte("\xff"), 1}, {long, long, 0}, {nil, []byte{0}, -1}} {
		if got := CompareKeys(c.a, c.b); got != c.want {
			t.Errorf("%.10q and %.10q: %d", c.a, c.b, got)
		}
	}
}
