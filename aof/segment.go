package aof

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/internal/vfs"
)

// SegmentInfo describes one segment.
type SegmentInfo struct {
	File    string // path
	First   uint64
	Last    uint64   // First-1 when it holds no record
	Bytes   int64    // size of the file
	Used    int64    // bytes that header and records take; 0 when the records were not read
	Created int64    // unix ms; 0 when the header is damaged
	ID      [16]byte // of the data set; zero when the header is damaged
	Damage  error    // a *DamageError, or nil
}

// segment is one file of the log as found on disk, with its header judged.
type segment struct {
	path   string
	first  uint64
	size   int64
	header header
	damage *DamageError // of the header
}

// info describes a segment whose last LSN is known.
func (s segment) info(last uint64, used int64) SegmentInfo {
	info := SegmentInfo{File: s.path, First: s.first, Last: last, Bytes: s.size, Used: used,
		Created: s.header.created, ID: s.header.id}
	if s.damage != nil {
		info.Damage = s.damage
	}
	return info
}

// listNames finds segments (by name, in order) and the temporary files of a log.
func listNames(fsys vfs.FS, dir string) (segments []segment, temps []string, err error) {
	segments, temps, misnamed, err := sortNames(fsys, dir)
	if err == nil && len(misnamed) > 0 {
		err = misnamed[0]
	}
	if err != nil {
		return nil, nil, err
	}
	return segments, temps, nil
}

// sortNames is listNames, with what is named like a segment and is none.
func sortNames(fsys vfs.FS, dir string) (segments []segment, temps []string, misnamed []*DamageError, err error) {
	names, err := fsys.List(dir)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("list log segments: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			temps = append(temps, filepath.Join(dir, name))
			continue
		}
		first, ok, damage := parseSegmentName(dir, name)
		switch {
		case damage != nil:
			misnamed = append(misnamed, damage)
		case ok:
			segments = append(segments, segment{path: filepath.Join(dir, name), first: first})
		}
	}
	slices.SortFunc(segments, func(a, b segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return segments, temps, misnamed, nil
}

// readHeader fills in what the file itself says.
func (s *segment) readHeader(fsys vfs.FS) (err error) {
	f, err := fsys.OpenRead(s.path)
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	defer closing(f, &err)
	if s.size, err = f.Size(); err != nil {
		return fmt.Errorf("size of log segment %s: %w", s.path, err)
	}
	b := make([]byte, HeaderBytes)
	n, err := readAt(f, b, 0)
	if err != nil {
		return fmt.Errorf("read log segment %s at offset 0: %w", s.path, err)
	}
	s.header, s.damage = parseHeader(b[:n], s.path, s.first)
	return nil
}

// claimedBy judges whether the segment belongs to the data set.
func (s *segment) claimedBy(id [16]byte) error {
	if s.damage == nil && s.header.id != id {
		return &DamageError{Kind: ErrForeign, Segment: s.path, LSN: s.first,
			Reason: fmt.Sprintf("data-set id %x, expected %x", s.header.id, id)}
	}
	return nil
}

// readAt reads as much of b as the file has. The end of the file is no error.
func readAt(f vfs.File, b []byte, off int64) (int, error) {
	n, err := f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// closing closes f, which is no longer needed, behind whatever else was to be returned.
func closing(f vfs.File, err *error) {
	if closed := f.Close(); closed != nil {
		*err = errors.Join(*err, closed)
	}
}
