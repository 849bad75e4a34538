package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Names in the data directory.
const (
	LogDir     = "aof"
	LockName   = "LOCK"
	ReportName = "recovery.json"
)

// Why a start is refused.
var (
	// ErrInUse: another process has the directory.
	ErrInUse = errors.New("the data directory is in use")
	// ErrNotOurs: the directory holds something else.
	ErrNotOurs = errors.New("not a data directory")
	// ErrLogIgnored: the settings would leave out data that only the log has.
	ErrLogIgnored = errors.New("the log holds newer data than the base")
	// ErrLogMissing: the base says that a log goes on from it, and there is none.
	ErrLogMissing = errors.New("the log is missing")
	// ErrDataMissing: there is neither base nor log, and something says that there was.
	ErrDataMissing = errors.New("the data is missing")
)

// Open starts an engine on a directory: lock, base, log, checks, report. Whatever is not right refuses the start and
// leaves the directory as it was.
func Open(o Options) (_ *Engine, err error) {
	started := o.Clock()
	e := newEngine(o)
	if err := e.loadUsers(); err != nil {
		return nil, err
	}
	if err := e.claim(); err != nil {
		return nil, e.advise(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(e.advise(err), e.unclaim())
		}
	}()
	meta, err := e.openBase()
	if err != nil {
		return nil, err
	}
	if err := e.openLog(meta); err != nil {
		return nil, err
	}
	if err := e.tidy(); err != nil {
		return nil, err
	}
	e.finishReport(started)
	if err := e.writeReport(); err != nil {
		if !vfs.NoRoom(err) {
			return nil, err
		}
		o.Log.Warn("the recovery report could not be written", "error", err, "report", e.report.String())
	}
	e.watchSettings()
	e.beginHydration()
	e.background.Add(4)
	go e.clockwork()
	go e.syncer()
	go e.hydrate()
	go e.historian()
	return e, nil
}

// tidy clears away what an earlier process left unfinished, now that the start is not going to be refused.
func (e *Engine) tidy() error {
	if err := snapshot.RemoveTemporary(e.o.FS, e.o.Dir); err != nil {
		return err
	}
	if err := DropWork(e.o.FS, e.o.Dir); err != nil {
		return err
	}
	if err := e.openSnapshots(); err != nil {
		return err
	}
	return e.setStraysAside()
}

// claim makes sure that the directory is ours or empty, makes it where it is missing, and locks it.
func (e *Engine) claim() error {
	names, err := e.o.FS.List(e.o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := e.o.FS.MkdirAll(e.o.Dir); err != nil {
			return fmt.Errorf("making the data directory %s: %w", e.o.Dir, err)
		}
	case err != nil:
		return fmt.Errorf("reading the data directory %s: %w", e.o.Dir, err)
	case !ours(names):
		return fmt.Errorf("%w: %s holds %s and nothing of holdfast's; give an empty or a new directory with --dir",
			ErrNotOurs, e.o.Dir, names[slices.IndexFunc(names, foreign)])
	}
	e.lockIsNew = !slices.Contains(names, LockName)
	e.lock, err = lockDir(e.o.FS, e.o.Dir)
	return err
}

// lockDir takes the data directory for this process.
func lockDir(fsys vfs.FS, dir string) (io.Closer, error) {
	lock, err := fsys.Lock(filepath.Join(dir, LockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%w: another process serves %s; stop it, or give another directory with --dir", ErrInUse, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the data directory %s: %w", dir, err)
	}
	return lock, nil
}

// unclaim lets go of everything after a start that was refused, and leaves nothing behind.
func (e *Engine) unclaim() error {
	var errs []error
	if base := e.base.Load(); base != nil {
		errs = append(errs, base.Close())
	}
	if log := e.currentLog(); log != nil {
		errs = append(errs, log.Close())
	}
	errs = append(errs, e.lock.Close())
	if e.lockIsNew {
		errs = append(errs, e.o.FS.Remove(filepath.Join(e.o.Dir, LockName)))
	}
	return errors.Join(errs...)
}

// ours reports whether the names are those of a data directory, or of one that is as good as empty.
func ours(names []string) bool {
	for _, name := range names {
		if name == BaseName || name == LogDir || name == LockName {
			return true
		}
	}
	return !slices.ContainsFunc(names, foreign)
}

// foreign reports whether a file makes a directory somebody else's. A crash of the first start may leave its report alone, whole or not.
func foreign(name string) bool {
	return name != "lost+found" && strings.TrimSuffix(name, ".tmp") != ReportName && !strings.HasPrefix(name, ".")
}

// openBase opens the base, whose keys are cold then; without one the data set begins here.
func (e *Engine) openBase() (snapshot.Meta, error) {
	base, err := snapshot.Open(e.basePath(), e.baseOptions())
	if errors.Is(err, fs.ErrNotExist) {
		return snapshot.Meta{}, nil
	}
	if err != nil {
		return snapshot.Meta{}, err
	}
	e.base.Store(base)
	e.measureBase()
	meta := base.Meta()
	e.lsn, e.checkpoints.lsn = meta.LSN, meta.LSN
	e.checkpoints.last.ended = meta.Time
	e.report.Base = &BaseReport{File: BaseName, LSN: meta.LSN, Time: meta.Time}
	for _, d := range meta.DBs {
		e.report.Base.count(d)
	}
	return meta, e.restore(meta)
}

// restore makes the keys of the base the keyspace's, all of them cold.
func (e *Engine) restore(meta snapshot.Meta) error {
	for _, d := range meta.DBs {
		if d.Index >= e.world.Keys.Databases() {
			return fmt.Errorf("the base %s has keys in database %d, but --databases allows only %d; give at least --databases %d",
				e.basePath(), d.Index, e.world.Keys.Databases(), d.Index+1)
		}
		e.world.Keys.Restore(d.Index, uint32(d.Store), int(d.Keys), int(d.Deadlines))
	}
	x, err := decodeExtra(meta.Extra)
	if err != nil {
		return fmt.Errorf("%s: %w", e.basePath(), err)
	}
	if err := e.world.LoadFunctions(x.functions); err != nil {
		return fmt.Errorf("%w: %s: its checksum is right, yet its functions are none: %w", snapshot.ErrCorrupt, e.basePath(), err)
	}
	return nil
}

// openLog replays what the log has beyond the base, and opens it for what comes, in the way that the settings ask for.
func (e *Engine) openLog(meta snapshot.Meta) error {
	segments, err := e.segments(meta)
	if err != nil {
		return err
	}
	if err := e.refuseWithoutData(segments); err != nil {
		return err
	}
	if err := e.identify(meta, segments); err != nil {
		return err
	}
	if !e.appendonly.Load() {
		if err := errors.Join(e.refuseToIgnore(segments, meta), e.refuseToForget(segments, meta)); err != nil {
			return err
		}
		if err := e.dropStaged(&meta); err != nil {
			return err
		}
		if err := e.forsakeLog(&meta); err != nil {
			return err
		}
		return e.number(&meta, segments)
	}
	if err := e.refuseWithoutLog(segments, meta); err != nil {
		return err
	}
	policy, err := aof.ParsePolicy(e.fsync.Load())
	if err != nil {
		return err
	}
	if err := e.dropStaged(&meta); err != nil {
		return err
	}
	if err := e.dropOvertaken(meta, segments); err != nil {
		return err
	}
	if err := e.number(&meta, segments); err != nil {
		return err
	}
	tail := newReplayer(e)
	defer tail.close()
	options := e.logOptions(policy)
	options.Replayed = tail.finish
	log, recovery, err := aof.Recover(options, meta.LSN, tail.take)
	if err != nil {
		return err
	}
	e.report.Log = &LogReport{
		Segments: recovery.Segments, From: recovery.From, To: recovery.To, Records: recovery.Records, Bytes: recovery.Bytes,
		CutFile: recovery.CutFile, CutOffset: recovery.CutOffset, CutBytes: recovery.CutBytes,
	}
	e.changes = recovery.Records
	e.setLog(log)
	e.lsn = max(e.lsn, log.Last())
	return e.vouchForLog(&meta)
}

// number makes LSN 1 of the state that an import left at LSN 0, before a log goes on from it: LSN 0 is the empty beginning, and
// where a log begins behind that, older states are built from the log alone.
func (e *Engine) number(meta *snapshot.Meta, segments []aof.SegmentInfo) error {
	if meta.LSN > 0 || len(segments) > 0 || !slices.ContainsFunc(meta.DBs, func(d snapshot.DB) bool { return d.Keys > 0 }) {
		return nil
	}
	meta.LSN = 1
	if _, err := e.base.Load().Apply(snapshot.NewChanges(e.o.FS, e.o.Dir, sortMemory), *meta); err != nil {
		return fmt.Errorf("giving the imported state an LSN: %w", err)
	}
	e.lsn, e.checkpoints.lsn, e.report.Base.LSN = meta.LSN, meta.LSN, meta.LSN
	return nil
}

func (e *Engine) logDir() string { return filepath.Join(e.o.Dir, LogDir) }

func (e *Engine) logOptions(policy aof.Policy) aof.Options {
	return aof.Options{
		FS: e.o.FS, Dir: e.logDir(), ID: e.report.ID, Policy: policy, Clock: e.o.Clock,
		SegmentBytes: e.o.Config.Bytes("segment-bytes").Load(), Spare: e.reservedRoom,
		Ahead: e.o.Serving, Failed: func(err error) { _ = e.fail(err) },
	}
}

// segments are those of a log that counts: not of one that was just being turned on. Where their names alone say that the log
// reaches the base, the records of the last one are not read: Last is before its first then.
func (e *Engine) segments(meta snapshot.Meta) ([]aof.SegmentInfo, error) {
	if staged, err := e.isStaged(); staged || err != nil {
		return nil, err
	}
	segments, misnamed, err := aof.Survey(e.o.FS, e.logDir())
	if n := len(segments); err == nil && len(misnamed) == 0 && e.appendonly.Load() && n > 0 && segments[n-1].Last >= meta.LSN {
		return segments, nil
	}
	if err == nil {
		segments, err = aof.List(e.o.FS, e.logDir())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return segments, err
}

// identify finds the data set's id: the base's, else the log's, else a new one.
func (e *Engine) identify(meta snapshot.Meta, segments []aof.SegmentInfo) error {
	e.report.ID = meta.ID
	if meta.ID != [16]byte{} {
		return nil
	}
	for _, s := range segments {
		if s.ID != [16]byte{} {
			e.report.ID = s.ID
			return nil
		}
	}
	_, err := rand.Read(e.report.ID[:])
	return err
}

// refuseWithoutLog stops a start whose base says that a log went on from it, where that is not there.
func (e *Engine) refuseWithoutLog(segments []aof.SegmentInfo, meta snapshot.Meta) error {
	if !meta.Logged {
		return nil
	}
	if staged, err := e.isStaged(); staged || err != nil {
		return err // no log counts, and everything is in the base
	}
	found := "holds no segment"
	if n := len(segments); n > 0 {
		if segments[n-1].Last >= meta.LSN || segments[n-1].Damage != nil && !endsAtSeal(segments[n-1]) {
			return nil
		}
		found = fmt.Sprintf("ends at LSN %d", segments[n-1].Last)
	}
	return fmt.Errorf("%w: %s was written with a log going on after LSN %d, and %s %s; bring the segments back, or accept the loss of what they held with: holdfast check --dir %s --repair",
		ErrLogMissing, e.basePath(), meta.LSN, e.logDir(), found, e.o.Dir)
}

// refuseToForget is refuseWithoutLog for a start that wants no log, where the last one had one, or may have had, as its report cannot
// be read, or one was turned on since. Without such a start the base may be a snapshot in a directory of its own.
func (e *Engine) refuseToForget(segments []aof.SegmentInfo, meta snapshot.Meta) error {
	last, err := ReadReport(e.o.FS, e.o.Dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && last.Log == nil && !last.precedes(meta) {
		return nil
	}
	return e.refuseWithoutLog(segments, meta)
}

// refuseWithoutData stops a start that would begin a new data set where there was one: its snapshots are there, or the report of
// its last start. One that cannot be read may have told of it.
func (e *Engine) refuseWithoutData(segments []aof.SegmentInfo) error {
	if e.base.Load() != nil || len(segments) > 0 {
		return nil
	}
	nothing := fmt.Sprintf("and there is neither %s nor a segment in %s; nothing has been changed; bring them back from a copy, or", e.basePath(), e.logDir())
	names, err := snapshotNames(e.o.FS, e.o.Dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("%w: %s holds %s, %s begin from a snapshot with: holdfast check --dir %s --repair",
			ErrDataMissing, filepath.Join(e.o.Dir, SnapshotDir), names[0]+snapshotSuffix, nothing, e.o.Dir)
	}
	path := filepath.Join(e.o.Dir, ReportName)
	last, err := ReadReport(e.o.FS, e.o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !last.FoundData():
		return nil
	case err != nil:
		return fmt.Errorf("%w, it seems: %s, which would tell of it, cannot be read (%w), %s begin a new data set by removing %s", ErrDataMissing, path, err, nothing, path)
	}
	return fmt.Errorf("%w: %s tells of data set %s, %s begin a new data set by removing %s", ErrDataMissing, path, last.DataSet, nothing, path)
}

// endsAtSeal reports whether the last segment has the seal of one that another followed, which is not there.
func endsAtSeal(last aof.SegmentInfo) bool { return errors.Is(last.Damage, aof.ErrGap) }

// refuseToIgnore stops a start without a log over a directory whose log has what the base has not.
func (e *Engine) refuseToIgnore(segments []aof.SegmentInfo, meta snapshot.Meta) error {
	for _, s := range segments {
		if s.Damage != nil && (meta.Logged || !endsAtSeal(s)) {
			return s.Damage
		}
	}
	if n := len(segments); n > 0 && segments[n-1].Last > meta.LSN {
		return fmt.Errorf("%w: %s goes up to LSN %d, %s to %d; start once with --appendonly yes and say CONFIG SET appendonly no, which moves everything into the base",
			ErrLogIgnored, segments[n-1].File, segments[n-1].Last, e.basePath(), meta.LSN)
	}
	return nil
}
