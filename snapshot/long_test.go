package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/vfs"
)

// A payload that comes in pieces is what it is when it comes at once, however long it is, and none of another length is taken.
func TestPutLong(t *testing.T) {
	dir := t.TempDir()
	c := NewChanges(vfs.OS(), dir, 1<<20)
	want := map[string][]byte{}
	for name, size := range map[string]int{"none": 0, "short": 100, "whole": chunk, "chunks": 3*chunk + 7} {
		text := bytes.Repeat([]byte("ab"), size/2+1)[:size]
		pieces := func(fn func([]byte) error) error {
			const piece = 1000
			for rest := text; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if err := fn(rest[:min(piece, len(rest))]); err != nil {
					return err
				}
			}
			return nil
		}
		if err := c.PutLong(1, []byte("other"), Record{Kind: 1}, int64(size)+1, pieces); err == nil {
			t.Errorf("%s: a byte that was announced is missing, and nobody said so", name)
		}
		must(t, errors.Join(c.Delete(1, []byte("other")), c.PutLong(1, []byte(name), Record{Kind: 1}, int64(size), pieces)))
		want[name] = text
	}
	_, err := WriteFresh(vfs.OS(), dir, "base.db", c, Meta{DBs: []DB{{Index: 0, Store: 1}}})
	must(t, errors.Join(err, c.Discard()))
	b, err := Open(filepath.Join(dir, "base.db"), OpenOptions{FS: vfs.OS(), ReadOnly: true})
	must(t, err)
	for name, text := range want {
		r, ok, err := b.Get(1, []byte(name))
		if must(t, err); !ok || !bytes.Equal(r.Payload, text) {
			t.Errorf("%s: %d bytes, %v", name, len(r.Payload), ok)
		}
	}
	found, err := b.Verify(nil)
	if must(t, errors.Join(err, b.Close())); found.Keys != int64(len(want)) {
		t.Errorf("%+v", found)
	}
}

// A base that is being written ends when it is told to, and leaves nothing.
func TestWriteFreshEnds(t *testing.T) {
	dir, stop := t.TempDir(), errors.New("enough")
	c := NewChanges(vfs.OS(), dir, 1<<20)
	must(t, c.Put(1, []byte("k"), Record{Kind: 1, Payload: []byte("v")}))
	c.EndBy(func() error { return stop })
	if _, err := WriteFresh(vfs.OS(), dir, "base.db", c, Meta{DBs: []DB{{Index: 0, Store: 1}}}); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	must(t, c.Discard())
	left, err := os.ReadDir(dir)
	if must(t, err); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
