package engine

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"holdfast/internal/plural"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Report is what a start found and did. It stands in the data directory as recovery.json until the next start.
type Report struct {
	ID      [16]byte    `json:"-"`
	DataSet string      `json:"data_set"`
	Time    time.Time   `json:"time"`
	Millis  int64       `json:"took_ms"`
	Base    *BaseReport `json:"base,omitempty"`
	Log     *LogReport  `json:"log,omitempty"`
	Keys    int64       `json:"keys"`
	TTLs    int64       `json:"ttls_pending"`
	Lapsed  int64       `json:"ttls_lapsed"`
	Saved   bool        `json:"saved,omitempty"` // it found nothing, and a base has been written since
}

// BaseReport is the snapshot that a start used.
type BaseReport struct {
	File string `json:"file"`
	LSN  uint64 `json:"lsn"`
	Time int64  `json:"time_unix_ms"`
	Keys int64  `json:"keys"`
	TTLs int64  `json:"ttls"`
}

func (b *BaseReport) count(d snapshot.DB) {
	b.Keys += d.Keys
	b.TTLs += d.Deadlines
}

// LogReport is what a start replayed, and the torn tail that it cut.
type LogReport struct {
	Segments  int    `json:"segments"`
	From      uint64 `json:"from_lsn"`
	To        uint64 `json:"to_lsn"`
	Records   int64  `json:"records"`
	Bytes     int64  `json:"bytes"`
	CutFile   string `json:"cut_file,omitempty"`
	CutOffset int64  `json:"cut_offset,omitempty"`
	CutBytes  int64  `json:"cut_bytes,omitempty"`
}

// ReadReport reads what the last start left in a data directory.
func ReadReport(fsys vfs.FS, dir string) (r Report, err error) {
	const most = 1 << 20 // more than a report ever has
	text, err := vfs.ReadFile(fsys, filepath.Join(dir, ReportName), most)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return Report{}, err
	}
	return r, nil
}

// FoundData reports whether there was a base or a log, which has a segment from its beginning on, or a base has been written since.
func (r Report) FoundData() bool { return r.Base != nil || r.Log != nil || r.Saved }

// precedes reports whether a base was written after the start, and not put there by somebody from elsewhere or from before.
func (r Report) precedes(meta snapshot.Meta) bool {
	return r.DataSet == hex.EncodeToString(meta.ID[:]) && meta.Time >= r.Time.UnixMilli()
}

// Report tells what the start found.
func (e *Engine) Report() Report { return e.report }

// lapsedCounted bounds the counting of TTLs that lapsed while the server was down, in each database: a start does not
// wait for millions of them.
const lapsedCounted = 100_000

func (e *Engine) finishReport(started time.Time) {
	now := e.o.Clock()
	r := &e.report
	r.DataSet, r.Time, r.Millis = hex.EncodeToString(r.ID[:]), now.UTC(), now.Sub(started).Milliseconds()
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		r.Keys += int64(db.Len())
		r.TTLs += int64(db.Deadlines())
		r.Lapsed += int64(db.Lapsed(now.UnixMilli(), lapsedCounted))
	}
	r.TTLs -= r.Lapsed
}

// String is the report in a few lines for people.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case r.Base == nil && (r.Log == nil || r.Log.Records == 0):
		b.WriteString("nothing to recover: a new data set")
	case r.Base == nil:
		b.WriteString("no snapshot yet")
	default:
		fmt.Fprintf(&b, "snapshot %s at LSN %d with %s", r.Base.File, r.Base.LSN, plural.Count(r.Base.Keys, "key"))
	}
	if l := r.Log; l != nil && l.Records > 0 {
		fmt.Fprintf(&b, "; log replayed from LSN %d to %d: %s, %s", l.From, l.To, plural.Count(l.Records, "record"), plural.Count(l.Bytes, "byte"))
	}
	if l := r.Log; l != nil && l.CutBytes > 0 {
		fmt.Fprintf(&b, "; torn tail of %s, never acknowledged, cut from %s at offset %d", plural.Count(l.CutBytes, "byte"), l.CutFile, l.CutOffset)
	}
	if r.Base != nil || r.Log != nil && r.Log.Records > 0 {
		fmt.Fprintf(&b, "; %s, %d with a TTL pending, %d lapsed meanwhile; %d ms", plural.Count(r.Keys, "key"), r.TTLs, r.Lapsed, r.Millis)
	}
	return b.String()
}

// reportSaved has the report of a start that found nothing say that there is a base now, so that this is missed if it is gone.
func (e *Engine) reportSaved() {
	if e.report.FoundData() || e.checkpoints.reported {
		return
	}
	report := e.report
	report.Saved = true
	if err := e.putReport(report); err != nil {
		e.o.Log.Warn("the recovery report could not be written; the next checkpoint tries again", "error", err)
		return
	}
	e.checkpoints.reported = true
}

func (e *Engine) writeReport() error { return e.putReport(e.report) }

func (e *Engine) putReport(report Report) error {
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(e.o.Dir, ReportName)
	if err := vfs.WriteFile(e.o.FS, path, append(text, '\n')); err != nil {
		return fmt.Errorf("writing the recovery report %s: %w", path, err)
	}
	return nil
}
