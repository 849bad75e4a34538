package aof

import (
	"errors"
	"io/fs"
	"testing"

	"holdfast/internal/vfs"
)

// largeLog has a segment of two mebibytes, of which a server lets go bit by bit, and what is read of it at a time is less.
func largeLog(t *testing.T) (*Log, Options) {
	t.Helper()
	o := options(vfs.OS(), t.TempDir())
	o.SegmentBytes = 4 << 20
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, bodiesOf(20, 100<<10)...)
	return l, o
}

// retireAll begins a new segment and removes the others, as a checkpoint does.
func retireAll(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := l.Retire(l.Last()); err != nil {
		t.Fatal(err)
	}
}

func TestAFollowerOfARetiredSegment(t *testing.T) {
	l, o := largeLog(t)
	var gaps [][2]uint64
	f := Follow(o.FS, o.Dir, 1, func(first, last uint64) { gaps = append(gaps, [2]uint64{first, last}) })
	defer f.Close()
	var last uint64
	more := func() {
		t.Helper()
		if _, err := f.More(func(_ Position, r Record) error { last = r.LSN; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	more()
	commit(t, l, "unseen", "too")
	retireAll(t, l)
	commit(t, l, "behind")
	more()
	if last != 23 || len(gaps) != 1 || gaps[0] != [2]uint64{21, 22} {
		t.Errorf("came to LSN %d, without %v", last, gaps)
	}
}

// What is not there any more is not called damaged, nor is its end taken for the log's.
func TestAScanOfARetiredSegment(t *testing.T) {
	for _, followed := range []bool{false, true} {
		l, o := largeLog(t)
		if followed {
			if err := l.Cut(); err != nil {
				t.Fatal(err)
			}
			commit(t, l, "behind")
		}
		_, err := Scan(o.FS, o.Dir, 1, func(_ Position, r Record) error {
			if r.LSN == 5 {
				retireAll(t, l)
			}
			return nil
		})
		if !errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*DamageError)) {
			t.Errorf("another segment follows, %v: %v", followed, err)
		}
	}
}
