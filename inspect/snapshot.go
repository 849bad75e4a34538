package inspect

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/snapshot"
)

// Snapshot is a base that is open for reading.
type Snapshot struct {
	base  *snapshot.Base
	types *kv.Types
	dbs   []snapshot.DB // in the order of their numbers
}

// OpenSnapshot opens the base in file. While it is open, no server can start on it.
func OpenSnapshot(fsys vfs.FS, file string) (*Snapshot, error) {
	base, err := openBase(fsys, file)
	if err != nil {
		return nil, err
	}
	return newSnapshot(base), nil
}

func newSnapshot(base *snapshot.Base) *Snapshot {
	dbs := base.Meta().DBs
	slices.SortFunc(dbs, func(a, b snapshot.DB) int { return cmp.Compare(a.Index, b.Index) })
	return &Snapshot{base: base, types: commands.Types(), dbs: dbs}
}

// Close closes the file.
func (s *Snapshot) Close() error { return s.base.Close() }

// SnapshotInfo is what a base says of itself.
type SnapshotInfo struct {
	File      string   `json:"file"`
	Format    int      `json:"format"`
	DataSet   string   `json:"data_set"` // in hexadecimal
	LSN       uint64   `json:"lsn"`
	Time      int64    `json:"time_unix_ms"`
	Logged    bool     `json:"logged"` // a log goes on from it
	FileBytes int64    `json:"file_bytes"`
	PageBytes int      `json:"page_bytes"`
	Pages     int64    `json:"pages"`
	FreePages int64    `json:"free_pages"`
	Keys      int64    `json:"keys"`
	TTLs      int64    `json:"ttls"` // keys that expire, or in which something does
	Databases []DBInfo `json:"databases"`
}

// DBInfo counts a database.
type DBInfo struct {
	DB   int   `json:"db"`
	Keys int64 `json:"keys"`
	TTLs int64 `json:"ttls"`
}

// Info reads the base's meta. It takes the same time whatever the size of the base.
func (s *Snapshot) Info() (SnapshotInfo, error) {
	meta := s.base.Meta()
	stats, err := s.base.Stats()
	if err != nil {
		return SnapshotInfo{}, err
	}
	info := SnapshotInfo{
		File: s.base.Path(), Format: meta.Format, DataSet: hex.EncodeToString(meta.ID[:]), LSN: meta.LSN, Time: meta.Time,
		Logged: meta.Logged, FileBytes: stats.FileBytes, PageBytes: stats.PageBytes, Pages: stats.Pages,
		FreePages: stats.FreePages, Databases: []DBInfo{},
	}
	for _, db := range s.dbs {
		info.Databases = append(info.Databases, DBInfo{db.Index, db.Keys, db.Deadlines})
		info.Keys += db.Keys
		info.TTLs += db.Deadlines
	}
	return info, nil
}

// WriteText writes the info for people.
func (i SnapshotInfo) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("file", i.File)
	t.row("format", i.Format)
	t.row("data set", i.DataSet)
	t.row("LSN", i.LSN)
	t.row("time", clock(i.Time))
	if i.Logged {
		t.row("log", fmt.Sprintf("goes on from LSN %d", i.LSN+1))
	} else {
		t.row("log", "none: the snapshot is all there is")
	}
	size := fmt.Sprintf("%d bytes", i.FileBytes)
	if ahead := i.FileBytes - i.Pages*int64(i.PageBytes); ahead > 0 {
		size += fmt.Sprintf(", %d of them allocated ahead for pages to come", ahead)
	}
	t.row("size", size)
	t.row("pages", fmt.Sprintf("%d of %d bytes, %d of them free", i.Pages, i.PageBytes, i.FreePages))
	t.row("keys", i.Keys)
	t.row("TTLs", fmt.Sprintf("%d, of keys or of fields in them", i.TTLs))
	if err := t.flush(); err != nil || len(i.Databases) == 0 {
		return err
	}
	return writeDBs(w, i.Databases)
}

func writeDBs(w io.Writer, dbs []DBInfo) error {
	fmt.Fprintln(w)
	t := newTable(w, "database", "keys", "TTLs")
	for _, db := range dbs {
		t.row(db.DB, db.Keys, db.TTLs)
	}
	return t.flush()
}
