package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/internal/vfs"
)

// Follower reads the records of a log while a server writes it, from one call to the next. It changes nothing and holds
// one segment open; a segment that is retired meanwhile is read to its end. One goroutine at a time may use it.
type Follower struct {
	fs   vfs.FS
	dir  string
	next uint64 // the LSN that comes next

	file     vfs.File // of the segment at hand; nil before the first, and between two
	path     string
	first    uint64 // its first LSN
	expected uint64 // the LSN of the record at the reader's offset
	r        *reader
}

// Follow makes a follower that hands out records from an LSN on.
func Follow(fsys vfs.FS, dir string, from uint64) *Follower {
	return &Follower{fs: fsys, dir: dir, next: max(from, 1)}
}

// Close closes the segment at hand.
func (f *Follower) Close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// More hands fn the records that there are by now and have not been handed out, and returns how many. What is not a record
// yet is being written, or is the tail that a crash tore off: it is looked at again in the next call, unless a segment
// behind it proves that it is damage. ErrGap: the record that comes next is in no segment any more.
func (f *Follower) More(fn func(Position, Record) error) (n int, err error) {
	for {
		if f.file == nil {
			found, err := f.open()
			if err != nil || !found {
				return n, err
			}
		}
		got, err := f.read(fn)
		n += got
		if err != nil {
			return n, err
		}
		onward, err := f.onward()
		if err != nil || !onward {
			return n, err
		}
	}
}

// open opens the segment that holds the record that comes next; false where the log has not come so far.
func (f *Follower) open() (bool, error) {
	named, _, err := listNames(f.fs, f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // the server has not begun it yet
	}
	if err != nil {
		return false, err
	}
	at := -1
	for i, s := range named {
		if s.first <= f.next {
			at = i
		}
	}
	switch {
	case at < 0 && len(named) > 0:
		return false, &DamageError{Kind: ErrGap, Segment: named[0].path, LSN: f.next,
			Reason: fmt.Sprintf("%s begins at LSN %d; what comes before it is in no segment any more", filepath.Base(named[0].path), named[0].first)}
	case at < 0 || named[at].first == f.first:
		return false, nil
	}
	s := named[at]
	err = s.readHeader(f.fs)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // retired at this moment; the next look finds another
	}
	if err != nil {
		return false, err
	}
	if s.damage != nil {
		return false, s.damage
	}
	file, err := f.fs.OpenRead(s.path)
	if err != nil {
		return false, fmt.Errorf("open log segment: %w", err)
	}
	f.file, f.path, f.first, f.expected = file, s.path, s.first, s.first
	f.r = newReader(file, s.path, s.header.id, s.first, s.size)
	return true, nil
}

// read hands out what the segment at hand has.
func (f *Follower) read(fn func(Position, Record) error) (n int, err error) {
	if f.r.size, err = f.file.Size(); err != nil {
		return 0, fmt.Errorf("size of log segment %s: %w", f.path, err)
	}
	f.r.forget()
	for {
		at := f.r.off
		rec, kind, _, err := f.r.next(f.expected)
		if err != nil || kind != sound {
			return n, err
		}
		f.expected = rec.LSN + 1
		if rec.LSN < f.next {
			continue
		}
		f.next = rec.LSN + 1
		n++
		if err := fn(Position{File: f.path, Offset: at, Bytes: f.r.off - at}, rec); err != nil {
			return n, err
		}
	}
}

// onward leaves the segment at hand if another one goes on from it.
func (f *Follower) onward() (bool, error) {
	named, _, err := listNames(f.fs, f.dir)
	if err != nil {
		return false, err
	}
	for _, s := range named {
		if s.first <= f.first {
			continue
		}
		if s.first < f.expected {
			return false, &DamageError{Kind: ErrCorrupt, Segment: s.path, LSN: s.first, Reason: "the segment before it has that LSN too"}
		}
		if s.first > f.expected {
			// What was not there at the last look may have been written meanwhile.
			if n, err := f.last(); err != nil || n {
				return n, err
			}
			return false, &DamageError{Kind: ErrCorrupt, Segment: f.path, Offset: f.r.off, LSN: f.expected,
				Reason: fmt.Sprintf("no record, and %s proves that LSN %d was durable", filepath.Base(s.path), s.first-1)}
		}
		return true, f.Close()
	}
	return false, nil
}

// last reports whether the segment at hand has a sound record now, where it had none.
func (f *Follower) last() (bool, error) {
	size, err := f.file.Size()
	if err != nil {
		return false, fmt.Errorf("size of log segment %s: %w", f.path, err)
	}
	look := *f.r
	look.size = size
	look.buf = nil
	look.forget()
	_, kind, _, err := look.next(f.expected)
	return kind == sound, err
}
