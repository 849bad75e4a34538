package intake

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// shrinking are files that end, after so many readings, where they are read.
type shrinking struct {
	vfs.FS
	left *int
}

func (s shrinking) OpenRead(path string) (vfs.File, error) {
	f, err := s.FS.OpenRead(path)
	return shrinkingFile{f, s.left}, err
}

type shrinkingFile struct {
	vfs.File
	left *int
}

func (f shrinkingFile) ReadAt(b []byte, off int64) (int, error) {
	if *f.left--; *f.left < 0 {
		return 0, io.EOF
	}
	return f.File.ReadAt(b, off)
}

// largeFile has a large set and a long string.
func largeFile(t *testing.T) (path string) {
	t.Helper()
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(t, w.DB(0, 2, 0))
	writeValue(t, w, "set", kv.Set, 9000, func(i int) outline.Element { return element2(outline.Member, long(i), "", "") })
	long := bytes.Repeat([]byte("*1\r\n$4\r\nPING\r\n"), 90_000)
	must(t, w.PutText(rdb.Key{Name: []byte("long"), Kind: kv.String}, int64(len(long)), func(fn func([]byte) error) error { return fn(long) }))
	must(t, w.End())
	path = filepath.Join(t.TempDir(), "dump.rdb")
	must(t, os.WriteFile(path, file.Bytes(), 0o600))
	return path
}

// A file that becomes shorter while a value of it is read a second time leaves nothing of that value.
func TestSkippingWhatBecameShorter(t *testing.T) {
	path := largeFile(t)
	for reads, whole := 2, false; !whole; reads++ {
		left := reads
		in, err := Open(vfs.OS(), path)
		must(t, err)
		must(t, in.Close())
		in.keys, in.fs = nil, shrinking{vfs.OS(), &left}
		must(t, in.openKeys(path))
		o := options()
		o.SkipBad, o.Memory = true, 2<<20
		r, err := IntoDirectory(t.Context(), in, filepath.Join(t.TempDir(), "new"), o)
		if must(t, errors.Join(err, in.Close())); r.Commands != 0 || r.Keys == 2 && r.Skipped > 1 || r.Keys < 2 && r.Skipped != 1 {
			t.Errorf("after %d readings: %+v", reads, r)
		}
		whole = left > 0
	}
}

// Over the wire nothing is sent in the place of what a value has no more.
func TestSendingWhatBecameShorter(t *testing.T) {
	path, torn := largeFile(t), 0
	for reads, whole := 2, false; !whole; reads++ {
		left := reads
		in := newInput(shrinking{vfs.OS(), &left}, path)
		in.aof = []part{{path: filepath.Join(filepath.Dir(path), "more.aof")}}
		must(t, os.WriteFile(in.aof[0].path, []byte(requests("SET behind 1")), 0o600))
		must(t, in.openKeys(path))
		in.fs = vfs.OS()
		f := &fakeServer{}
		o := ServerOptions{Options: options(), Target: f.listen(t)}
		o.SkipBad = true
		_, err := IntoServer(t.Context(), in, o)
		must(t, in.Close())
		switch sent := f.sent(); {
		case errors.Is(err, errChanged):
			if torn++; strings.Contains(sent, "SET long") || strings.Contains(sent, "SET behind") {
				t.Errorf("after %d readings a torn value arrived: %v", reads, err)
			}
		case errors.Is(err, rdb.ErrNotRDB): // not even its head could be read
		case err != nil:
			t.Errorf("after %d readings: %v", reads, err)
		case !strings.Contains(sent, "SET behind 1"):
			t.Errorf("after %d readings something is missing", reads)
		}
		whole = left > 0
	}
	if torn < 2 {
		t.Errorf("torn %d times", torn)
	}
}
