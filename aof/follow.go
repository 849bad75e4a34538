package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/internal/vfs"
)

// Follower reads the records of a log while a server writes it, from one call to the next. It changes nothing and holds
// one segment open; one that is retired meanwhile may go before it is read to its end. One goroutine at a time may use it.
type Follower struct {
	fs   vfs.FS
	dir  string
	next uint64 // the LSN that comes next
	gap  func(first, last uint64)

	file     vfs.File // of the segment at hand; nil before the first, and between two
	path     string
	first    uint64 // its first LSN
	created  int64  // what its header says
	expected uint64 // the LSN of the record at the reader's offset
	r        *reader
}

// Follow makes a follower that hands out records from an LSN on. gap hears of LSNs that are in no segment any more, and that are
// therefore not handed out: the base alone has what they changed.
func Follow(fsys vfs.FS, dir string, from uint64, gap func(first, last uint64)) *Follower {
	return &Follower{fs: fsys, dir: dir, next: max(from, 1), gap: gap}
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
// behind it proves that it is damage.
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
		f.skip(named[0].first)
		at = 0
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
	f.file, f.path, f.first, f.created, f.expected = file, s.path, s.first, s.header.created, s.first
	f.r = newReader(file, s.path, s.header.id, s.first, s.size)
	return true, nil
}

// skip goes on at an LSN without what is before it.
func (f *Follower) skip(to uint64) {
	f.gap(f.next, to-1)
	f.next = to
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

// onward leaves the segment at hand if another one goes on from it, or has taken its place.
func (f *Follower) onward() (bool, error) {
	named, _, err := listNames(f.fs, f.dir)
	if err != nil {
		return false, err
	}
	for _, s := range named {
		if s.first > f.first {
			return f.leaveFor(s)
		}
	}
	gone, err := f.gone()
	if err != nil || !gone {
		return false, err
	}
	f.first = 0 // a log that is turned off and on may begin anew under the same name
	return true, f.Close()
}

// leaveFor leaves the segment at hand for the next that there is.
func (f *Follower) leaveFor(s segment) (bool, error) {
	if s.first < f.expected {
		return false, &DamageError{Kind: ErrCorrupt, Segment: s.path, LSN: s.first, Reason: "the segment before it has that LSN too"}
	}
	if s.first == f.expected {
		return true, f.Close()
	}
	// What was not there at the last look may have been written meanwhile.
	if more, err := f.last(); err != nil || more {
		return more, err
	}
	gone, err := f.gone()
	switch {
	case err != nil:
		return false, err
	case gone: // whole, as far as it came: the log was off then, or the segments between have been retired too
		f.skip(s.first)
		return true, f.Close()
	}
	return false, &DamageError{Kind: ErrCorrupt, Segment: f.path, Offset: f.r.off, LSN: f.expected,
		Reason: fmt.Sprintf("no record, and %s proves that LSN %d was durable", filepath.Base(s.path), s.first-1)}
}

// gone reports whether the segment at hand is no longer in the log, or another one is there under its name.
func (f *Follower) gone() (bool, error) {
	s := segment{path: f.path, first: f.first}
	err := s.readHeader(f.fs)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && s.damage == nil && s.header.created != f.created, err
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
