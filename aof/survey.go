package aof

import (
	"errors"

	"holdfast/internal/vfs"
)

// What restores and repairs a log looks at it piece by piece: which files there are, what a stretch of it holds as if
// there were only some of them, and what lies behind damage. Nothing here changes a file.

// Survey describes the segments in dir by their own headers, oldest first, and reads no records: Last is what the next
// segment's name says, and of the newest segment First-1. misnamed are the damages of files with a segment's suffix
// and no LSN before it; List and Recover stop at those. Safe beside a running server.
func Survey(fsys vfs.FS, dir string) (segments []SegmentInfo, misnamed []*DamageError, err error) {
	named, _, misnamed, err := sortNames(fsys, dir)
	if err != nil {
		return nil, nil, err
	}
	segs, err := readHeaders(fsys, named)
	if err != nil {
		return nil, nil, err
	}
	for i, s := range segs {
		last := s.first - 1
		if i+1 < len(segs) {
			last = segs[i+1].first - 1
		}
		segments = append(segments, s.info(last, 0))
	}
	return segments, misnamed, nil
}

// ScanSegments is Scan as if the segments, oldest first, were all there are of the log of the data set id, and ended
// behind LSN through: what comes after is not read, though the segments behind it count in judging. Damage of
// headers is judged first of all, so that it may be reported before a record is handed out.
func ScanSegments(
	fsys vfs.FS, segments []SegmentInfo, id [16]byte, from, through uint64, fn func(Position, Record) error,
) (Recovery, error) {
	if from > through {
		return Recovery{Segments: len(segments)}, nil
	}
	named := make([]segment, len(segments))
	for i, s := range segments {
		named[i] = segment{path: s.File, first: s.First}
	}
	segs, err := readHeaders(fsys, named)
	if err != nil {
		return Recovery{}, err
	}
	w := walk{fs: fsys, id: id, segs: segs, from: from, emit: func(at Position, r Record) error {
		if err := fn(at, r); err != nil {
			return err
		}
		if r.LSN == through {
			return errThrough
		}
		return nil
	}}
	if err = w.run(); errors.Is(err, errThrough) {
		err = nil
	}
	return w.found, err
}

// errThrough ends a scan that has come as far as it was to.
var errThrough = errors.New("through")

// Remains hands fn every valid record of the data set id that begins in the segment at or behind an offset, at whatever
// byte: what is left where the log is damaged. Records in it need not follow one another. Bytes that look like
// records over and over are not all tried.
func Remains(fsys vfs.FS, s SegmentInfo, id [16]byte, offset int64, fn func(Position, Record) error) (err error) {
	f, err := fsys.OpenRead(s.File)
	if err != nil {
		return err
	}
	defer closing(f, &err)
	size, err := f.Size()
	if err != nil {
		return err
	}
	end, err := dataEnd(f, offset, size)
	if err != nil {
		return err
	}
	r := newReader(f, s.File, id, s.First, size)
	look := search{reader: r, n: s.First, last: s.First + uint64(size/recordMin), budget: crcWorkMax * size}
	for r.off = max(offset, HeaderBytes); r.off < end; {
		head, err := r.peek(recordMin)
		if err != nil || len(head) < recordMin {
			return err
		}
		valid, err := look.head(head, r.off)
		if err != nil || look.budget < 0 {
			return err
		}
		if !valid {
			r.off++
			continue
		}
		n := recordSize(head)
		b, err := r.peek(n)
		if err != nil {
			return err
		}
		if err := fn(Position{File: s.File, Offset: r.off, Bytes: n}, parseRecord(b)); err != nil {
			return err
		}
		r.off += n
	}
	return nil
}
