package aof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// A segment that another one follows ends in a seal behind its last record. It is written when the other one has its name for
// good, so that a log whose newest segment somebody took away is not mistaken for one that ends there. It has the shape of a
// record too short to be one. It is not synced: where a crash took it, it proves nothing, as in segments of before there were any.
//
//	length u32 = 8 │ CRC32C u32, as of a record │ LSN u64 that the next segment begins with
const sealBytes = lsnAt + 8

// newSeal makes the seal of a segment, by its seed, for a next segment.
func newSeal(seed uint32, next uint64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, sealBytes-lsnAt)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, next)
	binary.LittleEndian.PutUint32(b[crcAt:], recordCRC(b, seed))
	return b
}

// isSeal reports whether b begins with the seal behind the record before LSN next.
func isSeal(b []byte, seed uint32, next uint64) bool {
	return len(b) >= sealBytes && recordSize(b) == sealBytes && recordLSN(b) == next && storedCRC(b) == recordCRC(b[:sealBytes], seed)
}

// sealedSize is what is left of the segment once another one follows. One that is full to the last bytes has no seal.
func (s liveSegment) sealedSize() int64 {
	if s.off+sealBytes <= s.size {
		return s.off + sealBytes
	}
	return s.off
}

// seal writes the seal behind the last record. It needs no sync.
func (s liveSegment) seal(next uint64) error {
	if s.sealedSize() == s.off {
		return nil
	}
	_, err := s.file.WriteAt(newSeal(s.seed, next), s.off)
	return err
}

// trim gives back the zeroes behind the seal, and closes the file. It needs no sync either.
func (s liveSegment) trim() error {
	var way nice.Way
	return errors.Join(vfs.Shrink(s.file, s.sealedSize(), way.Give), s.file.Close())
}

// missing judges a seal at the end of the last segment that the walk knows of: what followed is not there, unless it was begun
// meanwhile. Of a log that ends before the base its caller asks more than where it ends.
func (w *walk) missing(r *reader) error {
	if w.next < w.from {
		return nil
	}
	named, _, _, err := sortNames(w.fs, filepath.Dir(r.path))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(named, func(s segment) bool { return s.first >= w.next }) {
		return nil
	}
	return &DamageError{Kind: ErrGap, Segment: r.path, Offset: w.end, LSN: w.next,
		Reason: fmt.Sprintf("it ends with the seal that it got when %s followed, which is not there", segmentName(w.next))}
}

// unseal takes the seal off the last segment that is left in dir, since those behind it are gone for good.
func unseal(fsys vfs.FS, dir string) error {
	segs, _, _, err := sortNames(fsys, dir)
	if err != nil || len(segs) == 0 {
		return err
	}
	s := segs[len(segs)-1]
	if err := s.readHeader(fsys); err != nil {
		return err
	}
	if s.damage != nil {
		return nil
	}
	end, err := sealAt(fsys, s)
	if err != nil || end == 0 {
		return err
	}
	return zeroFrom(fsys, s.path, end)
}

// sealAt returns where a segment's seal lies; 0 if it has none.
func sealAt(fsys vfs.FS, s segment) (at int64, err error) {
	f, err := fsys.OpenRead(s.path)
	if err != nil {
		return 0, fmt.Errorf("open log segment: %w", err)
	}
	defer closing(f, &err)
	r := newReader(f, s.path, s.header.id, s.first, s.size)
	for next := s.first; ; next++ {
		_, kind, _, err := r.next(next)
		switch {
		case err != nil:
			return 0, err
		case kind == sealed:
			return r.off, nil
		case kind != sound:
			return 0, nil
		}
	}
}
