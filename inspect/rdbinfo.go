package inspect

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
)

// RDBInfo is what an RDB file says of itself, and how many keys it has.
type RDBInfo struct {
	File      string           `json:"file"`
	Version   int              `json:"rdb_version"`
	Says      map[string]Bytes `json:"says"` // by name: "redis-ver", "ctime"
	Time      int64            `json:"time_unix_ms,omitempty"`
	FileBytes int64            `json:"file_bytes"`
	Summed    bool             `json:"checksum"` // there is one, and it is right
	Keys      int64            `json:"keys"`
	TTLs      int64            `json:"ttls"`
	Functions int              `json:"functions,omitempty"` // libraries
	Databases []DBInfo         `json:"databases"`
}

// Info reads the file to its end: its checksum is there, and what it says before of how many keys there are is a hint.
func (s *RDBSource) Info(ctx context.Context, progress func(done, total int64)) (RDBInfo, error) {
	info := RDBInfo{File: s.path, FileBytes: s.size, Says: map[string]Bytes{}, Databases: []DBInfo{}}
	err := s.Each(Scope{DB: AllDatabases, Progress: progress, Ended: ctx.Err}, func(e *Entry) error {
		at := slices.IndexFunc(info.Databases, func(db DBInfo) bool { return db.DB == e.DB })
		if at < 0 {
			at = len(info.Databases)
			info.Databases = append(info.Databases, DBInfo{DB: e.DB})
		}
		db := &info.Databases[at]
		db.Keys++
		info.Keys++
		if e.Deadline != 0 {
			db.TTLs++
			info.TTLs++
		}
		return nil
	})
	if err != nil {
		return RDBInfo{}, err
	}
	slices.SortFunc(info.Databases, func(a, b DBInfo) int { return a.DB - b.DB })
	info.Version, info.Summed, info.Functions, info.Time = s.read.Version, s.read.Summed, s.read.Functions, s.time
	for name, value := range s.read.Aux {
		info.Says[name] = Bytes(value)
	}
	return info, nil
}

// WriteText writes the info for people.
func (i RDBInfo) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("file", i.File)
	t.row("format", fmt.Sprintf("RDB version %d", i.Version))
	if i.Time != 0 {
		t.row("time", clock(i.Time))
	}
	t.row("size", fmt.Sprintf("%d bytes", i.FileBytes))
	if i.Summed {
		t.row("checksum", "right")
	} else {
		t.row("checksum", "none")
	}
	t.row("keys", i.Keys)
	t.row("TTLs", i.TTLs)
	if i.Functions > 0 {
		t.row("libraries", fmt.Sprintf("%d, of functions", i.Functions))
	}
	for _, name := range slices.Sorted(maps.Keys(i.Says)) {
		t.row("says "+Bytes(name).word(), i.Says[name].word())
	}
	if err := t.flush(); err != nil || len(i.Databases) == 0 {
		return err
	}
	return writeDBs(w, i.Databases)
}
