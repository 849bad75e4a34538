package inspect

import (
	"errors"
	"fmt"
	"io"

	"holdfast/engine"
	"holdfast/internal/plural"
)

// NamedSnapshots are the snapshots of a directory, the oldest state first.
type NamedSnapshots struct {
	Dir       string          `json:"dir"`
	Snapshots []NamedSnapshot `json:"snapshots"`
}

// NamedSnapshot is a copy of the base, and the log that goes on from it.
type NamedSnapshot struct {
	Name     string `json:"name"`
	Time     int64  `json:"time_unix_ms,omitempty"`
	LSN      uint64 `json:"lsn"`
	Keys     int64  `json:"keys"`
	Bytes    int64  `json:"bytes"`
	LogTo    uint64 `json:"log_to_lsn,omitempty"` // every record from LSN+1 to here is in a segment; 0: not all are, or there are none
	LogBytes int64  `json:"log_bytes,omitempty"`  // of those segments
	Problem  string `json:"problem,omitempty"`    // why the file cannot be read
}

// NamedSnapshots lists the snapshots that were made by name and those that retain made, whose names begin with auto-. It
// is safe beside a running server.
func (d *Directory) NamedSnapshots() (NamedSnapshots, error) {
	list := NamedSnapshots{Dir: d.path, Snapshots: []NamedSnapshot{}}
	infos, err := engine.Snapshots(d.fs, d.path)
	if err != nil {
		return list, err
	}
	log, err := d.logBehind()
	if err != nil {
		return list, err
	}
	for _, info := range infos {
		s := NamedSnapshot{
			Name: info.Name, Time: info.Time, LSN: info.LSN, Keys: info.Keys, Bytes: info.Bytes, Problem: info.Problem,
		}
		if s.Problem == "" {
			s.LogTo, s.LogBytes = log(info.LSN)
		}
		list.Snapshots = append(list.Snapshots, s)
	}
	return list, nil
}

// logBehind tells how far the log goes on behind an LSN, and in how many bytes; 0 if it does not, or not without a hole.
func (d *Directory) logBehind() (func(lsn uint64) (to uint64, bytes int64), error) {
	segments, err := d.list()
	if err != nil && !errors.Is(err, ErrNothing) {
		return nil, err
	}
	if d.staged() {
		segments = nil
	}
	return func(lsn uint64) (to uint64, bytes int64) {
		if len(segments) == 0 || segments[0].First > lsn+1 {
			return 0, 0
		}
		for _, s := range segments {
			if s.Last > lsn {
				to, bytes = s.Last, bytes+s.Bytes
			}
		}
		return to, bytes
	}, nil
}

// WriteText writes the list for people.
func (s NamedSnapshots) WriteText(w io.Writer) error {
	t := newTable(w, "name", "time", "LSN", "keys", "bytes", "log behind it")
	for _, n := range s.Snapshots {
		if n.Problem != "" {
			t.row(n.Name, "-", "-", "-", "-", n.Problem)
			continue
		}
		log := "-"
		if n.LogTo > 0 {
			log = fmt.Sprintf("to LSN %d, %s", n.LogTo, plural.Count(n.LogBytes, "byte"))
		}
		t.row(n.Name, clock(n.Time), n.LSN, n.Keys, n.Bytes, log)
	}
	return t.flush()
}
