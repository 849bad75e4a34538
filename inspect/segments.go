package inspect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"holdfast/aof"
	"holdfast/engine"
)

// Segments are the files of a log, the oldest first.
type Segments struct {
	Dir      string    `json:"dir"`
	Staged   bool      `json:"staged"` // the log is being turned on and does not count yet
	Segments []Segment `json:"segments"`
}

// Segment is a file of the log.
type Segment struct {
	File    string `json:"file"`
	First   uint64 `json:"first_lsn"`
	Last    uint64 `json:"last_lsn"` // First-1 where it holds nothing
	Records uint64 `json:"records"`
	Bytes   int64  `json:"bytes"` // of the file, most of which may be preallocated
	Created int64  `json:"created_unix_ms"`
	Damage  string `json:"damage,omitempty"`

	err error
}

// Segments lists the segments by their headers. Of the last one the records are read too: the others' last LSN is known
// from the name of the next. It is safe beside a running server.
func (d *Directory) Segments() (Segments, error) {
	infos, err := d.list()
	if err != nil {
		return Segments{}, err
	}
	s := Segments{Dir: d.logPath(), Staged: d.staged(), Segments: []Segment{}}
	for _, info := range infos {
		segment := Segment{
			File: filepath.Base(info.File), First: info.First, Last: info.Last, Records: info.Last + 1 - info.First,
			Bytes: info.Bytes, Created: info.Created, err: info.Damage,
		}
		if info.Damage != nil {
			segment.Damage = info.Damage.Error()
		}
		s.Segments = append(s.Segments, segment)
	}
	return s, nil
}

// list is aof.List, where a missing log is ErrNothing.
func (d *Directory) list() ([]aof.SegmentInfo, error) {
	infos, err := aof.List(d.fs, d.logPath())
	if errors.Is(err, fs.ErrNotExist) && !d.has(engine.LogDir) {
		return nil, fmt.Errorf("%w: %s has no log; its server ran with --appendonly no, or has never run", ErrNothing, d.path)
	}
	return infos, err
}

// newerAdvice is what to do about a file that this version cannot read yet.
const newerAdvice = "use the version of holdfast that wrote it"

// Damage is nil, or the damage of the first segment that has any.
func (s Segments) Damage() error {
	for _, segment := range s.Segments {
		if segment.err != nil {
			if errors.Is(segment.err, aof.ErrNewer) {
				return fmt.Errorf("%w; %s", segment.err, newerAdvice)
			}
			return fmt.Errorf("%w; bring the segment back from a copy", segment.err)
		}
	}
	return nil
}

// WriteText writes the list for people.
func (s Segments) WriteText(w io.Writer) error {
	if s.Staged {
		fmt.Fprintln(w, stagedNote)
	}
	t := newTable(w, "segment", "first LSN", "last LSN", "records", "bytes", "created", "damage")
	for _, segment := range s.Segments {
		last, created, damage := any(segment.Last), "-", "-"
		if segment.Records == 0 {
			last = "-"
		}
		if segment.Created != 0 {
			created = clock(segment.Created)
		}
		if segment.Damage != "" {
			damage = segment.Damage
		}
		t.row(segment.File, segment.First, last, segment.Records, segment.Bytes, created, damage)
	}
	return t.flush()
}

const stagedNote = "this log is just being turned on and does not count: the snapshot is the data; a start removes the log"
