package aof

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/vfs"
)

// Until there is time for it no segment is made ahead, and one that is needed is made on the spot; what a kill has left of one
// made ahead is no hindrance.
func TestNothingIsMadeAheadOfItsTime(t *testing.T) {
	dir := t.TempDir()
	next := filepath.Join(dir, nextTemp)
	if err := os.WriteFile(next, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(vfs.OS(), dir)
	o.inline, o.Ahead = false, make(chan struct{})
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, bodiesOf(20, 200)...)
	if n := len(l.Segments()); n < 2 {
		t.Errorf("20 records of 200 bytes are in %d segment", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(next); err != nil || info.Size() != 100 {
		t.Errorf("what was left of a segment made ahead: %v, %v", info, err)
	}

	begin := make(chan struct{})
	o.Ahead = begin
	l, found, _ := mustRecover(t, o, 0)
	if found.Records != 20 {
		t.Errorf("%d records were found", found.Records)
	}
	close(begin)
	for l.ready.Load() == 0 {
		l.awaitNext()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(next); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a segment made ahead is left: %v", err)
	}
}

// A glance sees the records that Scan sees, and has no opinion of what is behind the last; damage before it is told.
func TestGlance(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, bodiesOf(10, 200)...)
	glance := func() (lsns []uint64, err error) {
		err = Glance(vfs.OS(), dir, 3, func(_ Position, r Record) error {
			lsns = append(lsns, r.LSN)
			return nil
		})
		return lsns, err
	}
	if lsns, err := glance(); err != nil || len(lsns) != 8 || lsns[0] != 3 {
		t.Errorf("%v, %v", lsns, err)
	}
	last := l.Segments()[len(l.Segments())-1]
	edit(t, last.File, func(b []byte) []byte { b[HeaderBytes+crcAt] ^= 1; return b })
	if lsns, err := glance(); err != nil || lsns[len(lsns)-1] != last.First-1 {
		t.Errorf("a damaged record in the last segment: %v, %v", lsns, err)
	}
	edit(t, pathOf(dir, 1), func(b []byte) []byte { b[HeaderBytes+crcAt] ^= 1; return b })
	if _, err := glance(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged record in the first segment: %v", err)
	}
}
