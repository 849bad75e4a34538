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

// A segment that has ended is as long as what it holds, at the latest when the log is closed, whoever comes to trim it.
func TestSegmentsThatHaveEndedAreTrimmed(t *testing.T) {
	dir := t.TempDir()
	o := options(vfs.OS(), dir)
	o.inline, o.Ahead = false, make(chan struct{}) // nobody trims before Close does
	l, _, _ := mustRecover(t, o, 0)
	const more = 2
	for range trimsWaiting + more {
		commit(t, l, bodiesOf(1, 50)...)
		if err := l.Cut(); err != nil {
			t.Fatal(err)
		}
	}
	longer := func() (n int) {
		for _, s := range l.Segments()[:trimsWaiting+more] {
			if info, err := os.Stat(s.File); err != nil || info.Size() < s.Bytes {
				t.Errorf("%s: %v, %v", s.File, info, err)
			} else if info.Size() > s.Bytes {
				n++
			}
		}
		return n
	}
	if n := longer(); n != trimsWaiting {
		t.Errorf("%d segments wait to be trimmed", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := longer(); n != 0 {
		t.Errorf("%d segments were not trimmed", n)
	}
	o.Ahead = nil
	l, _, _ = mustRecover(t, o, 0)
	commit(t, l, bodiesOf(1, 50)...)
	if err := l.Cut(); err != nil {
		t.Fatal(err)
	}
	ended := l.Segments()[trimsWaiting+more]
	for size := ended.Bytes + 1; size != ended.Bytes; {
		info, err := os.Stat(ended.File)
		if err != nil {
			t.Fatal(err)
		}
		size = info.Size()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
