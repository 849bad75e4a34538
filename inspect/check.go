package inspect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Progress is told how far the check of a file has come; done and total are in units of the file's own.
type Progress func(file string, done, total int64)

// Check reads everything in dir and checks everything: each checksum, count and value of the snapshot, each record of
// the log, that the log goes on where the snapshot ends, that all of it belongs to one data set, and the report of
// the last start. The error is for a directory that is not there, or is none of holdfast's. progress may be nil.
//
// Beside a running server the snapshot may be replaced, and the segments that it made unnecessary removed, between
// the look at the one and at the other. What seems wrong then is looked at again.
func Check(fsys vfs.FS, dir string, progress Progress) (Report, error) {
	const tries = 5
	for try := 1; ; try++ {
		d, err := Open(fsys, dir)
		if err != nil {
			return Report{}, err
		}
		c := checker{Directory: d, table: commands.NewTable(), progress: progress}
		if c.run(try == tries) {
			return c.report(), nil
		}
	}
}

// checker is a check under way.
type checker struct {
	*Directory
	table    *commands.Table
	progress Progress

	base   *snapshot.Base // nil where there is none, or none that opens
	meta   snapshot.Meta  // of the base
	files  []FileReport   // all but the log's
	infos  []aof.SegmentInfo
	log    []FileReport // the segments, as infos has them, then what else is in the log's directory
	logEnd uint64
}

// run checks everything. It returns false, having done only a part, when the log does not fit the base and the base has
// been replaced meanwhile: unless that is final.
func (c *checker) run(final bool) bool {
	base := FileReport{File: engine.BaseName, Verdict: Fine}
	if c.has(engine.BaseName) {
		var err error
		if c.base, err = openBase(c.fs, c.basePath()); err != nil {
			base.blame(c.adviseOnBase(err))
		} else {
			c.meta = c.base.Meta()
		}
	}
	c.checkLog(base.Verdict == Fine)
	done := final || !c.logHasProblems() || !c.replaced()
	if c.base != nil {
		if done {
			c.meta = c.verify(c.base, &base)
		}
		if err := c.base.Close(); err != nil {
			base.blame(err)
		}
	}
	if c.has(engine.BaseName) {
		c.files = append(c.files, base)
	}
	return done
}

// adviseOnBase says what to do about a base.db that is none, and whether a start can finish an unfinished one.
func (c *checker) adviseOnBase(err error) error {
	if errors.Is(err, snapshot.ErrUnfinished) {
		if bad := snapshot.CheckRedo(c.fs, c.basePath(), nil); bad != nil {
			return fmt.Errorf("%w, and it cannot be finished: %w", snapshot.ErrUnfinished, bad)
		}
	}
	if !errors.Is(err, snapshot.ErrNotBase) {
		return err
	}
	return fmt.Errorf("%w; bring the file back from a copy, or see what a repair would do and what it would lose: holdfast check --dir %s --repair --dry-run",
		err, c.path)
}

func (c *checker) logHasProblems() bool {
	for _, f := range c.log {
		if len(f.Problems) > 0 {
			return true
		}
	}
	return false
}

// replaced reports whether the directory has another base now than the one that was opened.
func (c *checker) replaced() bool {
	base, err := openBase(c.fs, c.basePath())
	if err != nil {
		return false
	}
	now := base.Meta()
	return base.Close() == nil && (now.LSN != c.meta.LSN || now.Time != c.meta.Time)
}

// report puts the verdicts together.
func (c *checker) report() Report {
	r := Report{Dir: c.path, DataSet: c.dataSet(), Files: append(c.files, c.log...)}
	r.Files = append(r.Files, c.checkSnapshots()...)
	r.Files = append(r.Files, c.checkReport()...)
	r.Files = append(r.Files, c.others()...)
	sound := "no snapshot yet"
	if c.base != nil {
		sound = fmt.Sprintf("snapshot as of LSN %d", c.meta.LSN)
	}
	if len(c.infos) > 0 && !c.staged() {
		sound += fmt.Sprintf(", log up to LSN %d", c.logEnd)
	}
	r.conclude(sound)
	if r.Verdict == Damaged {
		r.Summary += fmt.Sprintf(", or see what a repair would do and what it would lose: holdfast check --dir %s --repair --dry-run", r.Dir)
	}
	return r
}

// dataSet is the id of the data set: the base's, else that of the first segment that has one; "" where nothing tells.
func (c *checker) dataSet() string {
	id := c.meta.ID
	for _, info := range c.infos {
		if id == [16]byte{} {
			id = info.ID
		}
	}
	if id == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// verify reads the whole of a base, or of a named snapshot, which is one.
func (c *checker) verify(base *snapshot.Base, f *FileReport) snapshot.Meta {
	return verifyBase(base, f, func(done, total int64) { c.tell(f.File, done, total) })
}

// checkSnapshots reads the named snapshots.
func (c *checker) checkSnapshots() (files []FileReport) {
	names, err := c.fs.List(filepath.Join(c.path, engine.SnapshotDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		f := FileReport{File: engine.SnapshotDir, Verdict: Fine}
		f.blame(err)
		return []FileReport{f}
	}
	for _, name := range names {
		f := FileReport{File: engine.SnapshotDir + "/" + name, Verdict: Fine}
		switch {
		case strings.HasSuffix(name, ".db"):
			c.checkSnapshot(filepath.Join(c.path, engine.SnapshotDir, name), &f)
		case strings.HasSuffix(name, ".tmp"), strings.HasSuffix(name, snapshot.TemporarySuffix):
			f.Verdict, f.Found = Pending, unfinished
		default:
			f.Verdict, f.Found = Ignored, foreign
		}
		files = append(files, f)
		if c.bare() && strings.HasSuffix(name, ".db") && files[0].File != engine.SnapshotDir {
			files = slices.Insert(files, 0, c.missing(engine.SnapshotDir, "it holds "+name))
		}
	}
	return files
}

func (c *checker) checkSnapshot(path string, f *FileReport) {
	const unneeded = ", or remove it: no start reads it"
	base, err := openBase(c.fs, path)
	if err == nil {
		c.verify(base, f)
		if n := len(f.Problems); n > 0 {
			f.Problems[n-1] += "; bring the file back from a copy" + unneeded
		}
		err = base.Close()
	}
	switch {
	case errors.Is(err, snapshot.ErrCorrupt): // which says already where to have it from
		err = fmt.Errorf("%w%s", err, unneeded)
	case errors.Is(err, snapshot.ErrNotBase):
		err = fmt.Errorf("%w; bring the file back from a copy%s", err, unneeded)
	}
	if err != nil {
		f.blame(err)
	}
}

// bare reports whether there is neither a base nor a log.
func (c *checker) bare() bool {
	return !c.has(engine.BaseName) && len(c.infos) == 0 && !c.logHasProblems()
}

// missing blames a file that says that there were data in a directory that is bare: a start refuses it.
func (c *checker) missing(file, says string) FileReport {
	f := FileReport{File: file, Verdict: Fine}
	f.blame(fmt.Errorf("%w: %s, and there is neither %s nor a segment in %s", engine.ErrDataMissing, says, engine.BaseName, engine.LogDir))
	return f
}

func (c *checker) tell(file string, done, total int64) {
	if c.progress != nil {
		c.progress(file, done, total)
	}
}

// checkReport reads what the last start left.
func (c *checker) checkReport() []FileReport {
	if !c.has(engine.ReportName) {
		return nil
	}
	f := FileReport{File: engine.ReportName, Verdict: Fine}
	report, err := engine.ReadReport(c.fs, c.path)
	if err != nil {
		err = fmt.Errorf("no recovery report: %w", err)
	} else if id := c.dataSet(); id != "" && report.DataSet != id {
		err = fmt.Errorf("it is of data set %s, and the directory of %s", report.DataSet, id)
	}
	switch {
	case report.FoundData() && c.bare():
		f = c.missing(engine.ReportName, "it tells of data set "+report.DataSet)
	case err != nil && c.bare(): // a start refuses that too
		f = c.missing(engine.ReportName, fmt.Sprintf("it cannot be read (%v), and may have told of it", err))
	case err != nil:
		f.blame(fmt.Errorf("%w; no data is lost by it, and the next start writes it anew", err))
	default:
		f.Found = fmt.Sprintf("start of %s: %s", clock(report.Time.UnixMilli()), report)
	}
	return []FileReport{f}
}

// others are the files that no verdict was given on.
func (c *checker) others() (files []FileReport) {
	for _, name := range c.names {
		f := FileReport{File: name, Verdict: Pending}
		switch {
		case name == engine.BaseName, name == engine.LogDir, name == engine.ReportName, name == engine.LockName,
			name == engine.SnapshotDir, name == "lost+found", strings.HasPrefix(name, "."):
			continue
		case name == engine.StagedName:
			f.Found = "the log was being turned on: the snapshot is the data, and the next start removes the log"
		case name == engine.QuarantineName:
			f.Verdict, f.Found = Ignored, "what a repair cut off"
		case name == engine.RestoredName:
			f.Verdict, f.Found = Ignored, "what a restore made this directory of"
		case name == engine.BaseName+".redo":
			f.Found = "a change of the snapshot that was interrupted; the next start finishes it"
			if err := snapshot.CheckRedo(c.fs, c.basePath(), c.base); err != nil && !errors.Is(err, fs.ErrNotExist) {
				f.Found = "a change of the snapshot that was interrupted"
				f.blame(err)
			}
		case strings.HasSuffix(name, ".tmp"), strings.HasSuffix(name, snapshot.TemporarySuffix):
			f.Found = unfinished
		default:
			f.Verdict, f.Found = Ignored, foreign
		}
		files = append(files, f)
	}
	return files
}

const (
	unfinished = "a running server's, or left unfinished: the next start removes it"
	foreign    = "not holdfast's"
)
