package inspect

import (
	"fmt"
	"io"
	"math"

	"holdfast/engine"
	"holdfast/internal/plural"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// Verify reads a snapshot whole and checks everything: bbolt's pages and free list, every checksum, the counts, the index of
// deadlines against the keys both ways, bbolt's own check, and that every value is one, and the functions are some.
func (s *Snapshot) Verify(progress func(done, total int64)) FileReport {
	f := FileReport{File: s.base.Path(), Verdict: Fine}
	verifyBase(s.base, &f, progress)
	return f
}

// verifyBase adds to f what is wrong with a base.
func verifyBase(base *snapshot.Base, f *FileReport, progress func(done, total int64)) snapshot.Meta {
	meta := base.Meta()
	report, err := base.Verify(progress)
	for _, problem := range report.Problems {
		f.blame(problem)
	}
	if more := report.Found - int64(len(report.Problems)); more > 0 {
		f.blame(fmt.Errorf("%w: %d more problems", snapshot.ErrCorrupt, more))
	}
	if err != nil && report.Found == 0 {
		f.blame(err)
	}
	if err == nil {
		if err = newSnapshot(base).verifyValues(); err != nil {
			f.blame(err)
		}
		if err = verifyFunctions(base.Path(), meta); err != nil {
			f.blame(err)
		}
	}
	f.LSN, f.Keys, f.TTLs = meta.LSN, report.Keys, report.Deadlines
	f.Found = fmt.Sprintf("LSN %d of %s: %s, %s, %s", f.LSN, clock(meta.Time), plural.Count(f.Keys, "key"), plural.Count(f.TTLs, "TTL"),
		plural.Count(report.Pages, "page"))
	return meta
}

// verifyFunctions reads what the base has beside its keys, but does not run the code in it.
func verifyFunctions(path string, meta snapshot.Meta) error {
	dump, err := engine.Functions(meta.Extra)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if dump == nil {
		return nil
	}
	if _, err = rdb.DecodeFunctions(dump, math.MaxInt64); err != nil {
		return fmt.Errorf("%w: %s: its checksum is right, yet its functions are none: %w", snapshot.ErrCorrupt, path, err)
	}
	return nil
}

// verifyValues reads every value: one in one piece as a start would, which finds what comes twice in it, and one in parts
// part by part.
func (s *Snapshot) verifyValues() error {
	return s.Source().Each(Scope{DB: AllDatabases}, func(e *Entry) error {
		v := e.Value.(*baseValue)
		if e.Kind == kv.String {
			return nil // any bytes are one, and Verify has read them
		}
		lapse := int64(0)
		err := e.Value.Walk(func(el outline.Element) error {
			if el.Deadline != 0 && (lapse == 0 || el.Deadline < lapse) {
				lapse = el.Deadline
			}
			return nil
		})
		if err != nil {
			return err
		}
		if lapse != e.Lapse {
			return v.blame(fmt.Errorf("the earliest deadline within it is %d, and its record says %d", lapse, e.Lapse))
		}
		if t := v.known(); !v.head.Parted && v.head.Size == int64(len(v.head.Payload)) {
			_, err := t.Decode(v.head.Payload)
			return v.blame(err)
		}
		return nil
	})
}

// WriteText writes the report on one file for people.
func (f FileReport) WriteText(w io.Writer) error {
	if f.Found != "" {
		fmt.Fprintln(w, f.Found)
	}
	for _, problem := range f.Problems {
		fmt.Fprintln(w, problem)
	}
	_, err := fmt.Fprintf(w, "%s is %s\n", f.File, f.Verdict)
	return err
}
