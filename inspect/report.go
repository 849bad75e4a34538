package inspect

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/plural"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// Verdict is what a check says of a file, or of a directory.
type Verdict string

// The verdicts, from the harmless to the worst.
const (
	Fine    Verdict = "fine"
	Ignored Verdict = "ignored" // not holdfast's
	Pending Verdict = "pending" // left unfinished; the next start deals with it
	Unread  Verdict = "unread"  // cannot be judged, because of damage elsewhere
	InUse   Verdict = "in use"  // a server is writing it
	Failed  Verdict = "failed"  // cannot be read, or not by this version
	Damaged Verdict = "damaged"
)

// worse lists what makes a directory less than fine, the worst first.
func worse() []Verdict { return []Verdict{Damaged, Failed, InUse} }

// verdictOn judges by an error.
func verdictOn(err error) Verdict {
	var damage *aof.DamageError
	switch {
	case errors.Is(err, snapshot.ErrLocked):
		return InUse
	case errors.Is(err, aof.ErrNewer):
		return Failed
	case errors.As(err, &damage), errors.Is(err, snapshot.ErrCorrupt), errors.Is(err, engine.ErrLogMissing), errors.Is(err, engine.ErrDataMissing),
		errors.Is(err, rdb.ErrCorrupt), errors.Is(err, rdb.ErrChecksum):
		return Damaged
	}
	return Failed
}

// Report is the outcome of a check.
type Report struct {
	Dir     string       `json:"dir"`
	DataSet string       `json:"data_set"` // in hexadecimal; zeroes where nothing says it
	Verdict Verdict      `json:"verdict"`  // Fine, InUse, Failed or Damaged
	Summary string       `json:"summary"`
	Files   []FileReport `json:"files"`
}

// FileReport is the verdict on one file. Numbers that mean nothing for the kind of file are left out.
type FileReport struct {
	File     string   `json:"file"` // within the directory
	Verdict  Verdict  `json:"verdict"`
	Found    string   `json:"found,omitempty"` // what the file holds, in words
	Problems []string `json:"problems,omitempty"`

	LSN     uint64 `json:"lsn,omitempty"` // of a base
	Keys    int64  `json:"keys,omitempty"`
	TTLs    int64  `json:"ttls,omitempty"`
	First   uint64 `json:"first_lsn,omitempty"` // of a segment
	Last    uint64 `json:"last_lsn,omitempty"`
	Records int64  `json:"records,omitempty"`
}

// blame adds a problem that was not told before; the verdict is that on the worst one.
func (f *FileReport) blame(err error) {
	if text := err.Error(); !slices.Contains(f.Problems, text) {
		f.Problems = append(f.Problems, text)
	}
	verdict := verdictOn(err)
	for _, v := range worse() {
		if v == verdict || v == f.Verdict {
			f.Verdict = v
			return
		}
	}
}

// conclude gives the directory its verdict.
func (r *Report) conclude(sound string) {
	files, problems := 0, 0
	for _, f := range r.Files {
		if len(f.Problems) > 0 {
			files++
			problems += len(f.Problems)
		}
	}
	r.Verdict = Fine
	for _, v := range worse() {
		if slices.ContainsFunc(r.Files, func(f FileReport) bool { return f.Verdict == v }) {
			r.Verdict = v
			break
		}
	}
	found := fmt.Sprintf("%s in %s", plural.Count(problems, "problem"), plural.Count(files, "file"))
	switch r.Verdict {
	case Fine:
		r.Summary = sound
	case Damaged:
		r.Summary = found + "; bring what is damaged back from a copy"
	case InUse:
		r.Summary = "a server is writing the snapshot; try again, or stop the server"
	default:
		r.Summary = found + "; not everything could be read"
	}
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	t := newTable(w, "file", "verdict", "found")
	for _, f := range r.Files {
		found := f.Found
		if found == "" {
			found = "-"
		}
		t.row(f.File, f.Verdict, found)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, f := range r.Files {
		for _, problem := range f.Problems {
			fmt.Fprintf(w, "%s: %s\n", f.File, problem)
		}
	}
	_, err := fmt.Fprintf(w, "%s is %s: %s\n", r.Dir, r.Verdict, r.Summary)
	return err
}
