package inspect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"holdfast/internal/plural"
	"holdfast/internal/vfs"
)

// Names in an AOF of several files, as Redis 7.0 and newer have it in the directory that appenddirname names.
const (
	aofManifest = "appendonly.aof.manifest"
	aofBase     = "appendonly.aof.1.base.rdb"
	aofRecords  = "appendonly.aof.1.incr.aof"
)

// ErrOutput: what is to be made is there already.
var ErrOutput = errors.New("something is there already")

// AOFExport is what became an AOF.
type AOFExport struct {
	To       string `json:"to"`
	Base     uint64 `json:"base_lsn"` // 0: it has no base, as the log reaches back to the beginning
	Keys     int64  `json:"keys"`     // of the base
	Last     uint64 `json:"lsn"`
	Commands int64  `json:"commands"`
}

// WriteText writes in a line what was written.
func (a AOFExport) WriteText(w io.Writer) error {
	from := "from the beginning"
	if a.Base > 0 {
		from = fmt.Sprintf("%s as of LSN %d", plural.Count(a.Keys, "key"), a.Base)
	}
	_, err := fmt.Fprintf(w, "wrote %s: %s, and %s up to LSN %d\n", a.To, from, plural.Count(a.Commands, "command"), a.Last)
	return err
}

// ExportAOF writes base and log as an AOF of several files into a directory that is not there, or is empty: the whole state, as of
// the newest record or of that which the filter's To or Until says. Where the log reaches back to its first record no base is
// needed. The manifest comes last: without it the files are no AOF.
func (d *Directory) ExportAOF(to string, f RecordFilter, stamps bool) (a AOFExport, notes []string, err error) {
	a.To = to
	infos, err := d.list()
	if err != nil {
		return a, nil, err
	}
	names, err := d.fs.List(to)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case len(names) > 0:
		return a, nil, fmt.Errorf("%w: %s holds %s", ErrOutput, to, names[0])
	case err != nil && !missing:
		return a, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.unmake(to, missing))
		}
	}()
	if err := d.fs.MkdirAll(to); err != nil {
		return a, nil, err
	}
	manifest := "file " + aofRecords + " seq 1 type i\n"
	f = RecordFilter{From: 1, To: f.To, Until: f.Until, Progress: f.Progress, Ended: f.Ended}
	if d.staged() || len(infos) == 0 || infos[0].First > 1 {
		at, err := d.aofBase(&a, f.Ended)
		if err != nil {
			return a, nil, err
		}
		if f.To != 0 && f.To < a.Base || f.Until != 0 && f.Until < at {
			return a, nil, fmt.Errorf("%w: the log does not reach back to its first record, and the snapshot is as of LSN %d, %s; holdfast restore builds older states",
				ErrNothing, a.Base, clock(at))
		}
		f.From = a.Base + 1
		manifest = "file " + aofBase + " seq 1 type b\n" + manifest
	}
	a.Last = a.Base
	err = vfs.WriteStream(d.fs, filepath.Join(to, aofRecords), func(w io.Writer) error {
		requests := NewRequests(w, stamps)
		if d.staged() {
			return nil
		}
		notes, err = d.Records(f, func(r Record) error {
			a.Last = r.LSN
			return requests.Record(r)
		})
		a.Commands = requests.Commands()
		return err
	})
	if err == nil {
		err = vfs.WriteFile(d.fs, filepath.Join(to, aofManifest), []byte(manifest))
	}
	return a, notes, err
}

// unmake removes what there is of an AOF that did not become whole, and its directory too if that was made for it.
func (d *Directory) unmake(to string, made bool) error {
	var paths []string
	for _, name := range []string{aofManifest, aofManifest + ".tmp", aofBase, aofRecords} {
		paths = append(paths, filepath.Join(to, name))
	}
	if made {
		paths = append(paths, to)
	}
	for _, path := range paths {
		if err := d.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// aofBase writes the base as an RDB file, and returns as of when it is, unix ms. ended is as in KeyFilter.
func (d *Directory) aofBase(a *AOFExport, ended func() error) (at int64, err error) {
	s, err := d.Snapshot()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	source, all := s.Source(), ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases, Ended: ended}}
	a.Base, at = source.About().LSN, source.About().Time
	plan, err := PlanRDB(source, all.KeyFilter)
	if err != nil {
		return 0, err
	}
	return at, vfs.WriteStream(d.fs, filepath.Join(a.To, aofBase), func(w io.Writer) error {
		x, err := NewRDB(w, plan, source.About().Time/1000, false)
		if err != nil {
			return err
		}
		done, err := Export(source, all, x)
		a.Keys = done.Keys
		return err
	})
}
