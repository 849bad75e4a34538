package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// With `retain` a history is kept, from which every LSN and every millisecond of the last so many seconds can be built
// again: a chain of automatic snapshots, snapshots/auto-<LSN, 20 digits>.db, and the log from the oldest of them on.
//
//	auto-…120       auto-…450            auto-…900
//	│ segments from LSN 121 on …                          live │
//	          ▲ horizon: now less `retain`
//
// Invariants
//
//  1. Where there is a snapshot of the chain, every record behind it is in a segment. So a snapshot is removed, and its
//     directory synced, before the segments that only it needs.
//  2. There is a snapshot as old as the horizon, or the log goes back to LSN 1: the empty beginning needs no file.
//     Shorter it is only where the history itself is younger, or where `retain-bytes` forbids more.
//  3. The log has no holes: a checkpoint makes it durable before the base has its records (see writeCheckpoint), and a
//     log that the base has overtaken without it ends the history (see dropOvertaken).
//
// An automatic snapshot is a copy of the base as it is, which no commit waits for; it costs the writing of the base's
// size. So one is made when the log since the last has grown larger than the base, when a quarter of the time has
// passed, or when `retain-bytes` calls for a shorter chain.
//
// Each step may be the last before a crash: what the next one begins with is read from the directory.
//
// Rejected: a chain of full copies without the log, which knows only its own moments; a bbolt file that keeps its
// old pages, which no checkpoint could then reuse; removing the log by age alone, which leaves a start of the log
// without a state to apply it to.

const (
	// strayPrefix begins the name of a snapshot that is no part of the history, in the place of automaticPrefix if it had that.
	strayPrefix = "stray-"
	// historyBeat is the pause between two looks at the history.
	historyBeat = time.Second
	// retainedSegment is the size from which on a checkpoint begins another segment where segments are kept, in bytes; or
	// retainedPart, as a part of a full segment, or of the log that calls for a snapshot.
	retainedSegment = 16 << 20
	retainedPart    = 4
)

// history is what retention keeps.
type history struct {
	kept atomic.Bool   // there are automatic snapshots, so it is not for checkpoints to retire segments
	wake chan struct{} // to its keeper: a checkpoint is done

	mu       sync.Mutex // held during a step; guards what follows
	read     bool       // the directory has been read
	autos    []anchor   // the oldest first
	copyTime time.Duration
	tooSmall bool // retain-bytes has been called too small
	unlogged bool // it has been said that there is no history without a log

	figures historyFigures // guarded by the engine's lock
}

// historyFigures are for INFO: the oldest state that can be built again, and what the history takes.
type historyFigures struct {
	lsn   uint64
	time  int64 // unix ms
	bytes int64
}

// automaticName is the name of the automatic snapshot at an LSN.
func automaticName(lsn uint64) string { return fmt.Sprintf("%s%020d", automaticPrefix, lsn) }

// automaticLSN undoes automaticName.
func automaticLSN(name string) (lsn uint64, ok bool) {
	lsn, err := strconv.ParseUint(strings.TrimPrefix(name, automaticPrefix), 10, 64)
	return lsn, err == nil && name == automaticName(lsn)
}

// historian looks after the history, whenever a checkpoint is done and once in a while.
func (e *Engine) historian() {
	defer e.background.Done()
	ticker := time.NewTicker(historyBeat)
	defer ticker.Stop()
	for {
		err := e.keepHistory()
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, aof.ErrClosed) {
			e.o.Log.Error("the history could not be looked after; nothing of it is lost, and it is tried again", "error", err)
			if !e.sleep(retryAfter) {
				return
			}
		}
		select {
		case <-e.quit:
			return
		case <-e.history.wake:
		case <-ticker.C:
		}
	}
}

// retire removes the segments that a checkpoint has made unnecessary. Where a history is kept, its keeper sees to them.
func (e *Engine) retire(log *aof.Log, lsn uint64) error {
	if e.keepsHistory() {
		select {
		case e.history.wake <- struct{}{}:
		default:
		}
		return nil
	}
	if err := log.Retire(lsn); err != nil {
		return fmt.Errorf("removing log segments that the base has made unnecessary: %w", err)
	}
	return nil
}

func (e *Engine) keepsHistory() bool { return e.retain.Load() > 0 || e.history.kept.Load() }

// cut begins a new segment, so that the ones before it can go as whole files. Where they are kept there would soon be
// many small ones, each of them opened by a start; there a segment is filled to a part at least.
func (e *Engine) cut(log *aof.Log) error {
	if e.keepsHistory() {
		least := min(retainedSegment, e.o.Config.Bytes("segment-bytes").Load()/retainedPart)
		if limit := e.retainBytes.Load(); limit > 0 {
			least = min(least, limit/automaticLimit/retainedPart)
		}
		if segments := log.Segments(); segments[len(segments)-1].Used < least {
			return nil
		}
	}
	return log.Cut()
}

// keepHistory takes a step.
func (e *Engine) keepHistory() error {
	e.history.mu.Lock()
	defer e.history.mu.Unlock()
	return e.historyStep()
}

// historyStep makes the automatic snapshot that is due, if any, and removes what is no longer needed.
func (e *Engine) historyStep() (err error) {
	if !e.keepsHistory() {
		return nil
	}
	defer func() {
		if err != nil {
			e.history.read = false // what the step left is in the directory
		}
	}()
	if err := e.readHistory(); err != nil {
		return err
	}
	if e.retain.Load() == 0 {
		return e.endHistory()
	}
	c, ok, err := e.survey()
	if err != nil || !ok {
		return err
	}
	if c.due() {
		if err := e.takeAutomatic(); err != nil {
			return err
		}
		if c, ok, err = e.survey(); err != nil || !ok {
			return err
		}
	}
	return e.shorten(c)
}

// readHistory finds the automatic snapshots in the directory. One that cannot be read, or is another data set's, is no part
// of the chain, and stays.
func (e *Engine) readHistory() error {
	h := &e.history
	if h.read {
		return nil
	}
	names, err := snapshotNames(e.o.FS, e.o.Dir)
	if err != nil {
		return err
	}
	var autos []anchor
	for _, name := range names {
		lsn, automatic := automaticLSN(name)
		if !automatic {
			continue
		}
		info, err := describeSnapshot(e.o.FS, SnapshotPath(e.o.Dir, name))
		if err == nil && (info.LSN != lsn || info.ID != e.report.ID) {
			err = fmt.Errorf("it is of LSN %d of data set %x", info.LSN, info.ID)
		}
		if err != nil {
			e.o.Log.Warn("an automatic snapshot is not used, and left as it is", "name", name, "error", err)
			continue
		}
		autos = append(autos, anchor{info.LSN, info.Time, info.Bytes})
	}
	h.autos, h.read = autos, true
	h.kept.Store(len(autos) > 0)
	return nil
}

// endHistory drops the chain once nobody wants it, and then leaves the log to the checkpoints.
func (e *Engine) endHistory() error {
	e.o.Log.Warn("retain is 0: the history is dropped", "snapshots", len(e.history.autos))
	if err := e.dropAutomatic(len(e.history.autos)); err != nil {
		return err
	}
	e.mu.Lock()
	log, lsn := e.log, e.checkpoints.lsn
	e.history.figures = historyFigures{}
	e.mu.Unlock()
	if log == nil {
		return nil
	}
	return log.Retire(lsn)
}

// survey looks at the history; ok is false where there is none, as no log is kept or that is just changing.
func (e *Engine) survey() (c chain, ok bool, err error) {
	e.mu.Lock()
	log, switching := e.log, e.switching
	e.mu.Unlock()
	e.tellUnlogged(log == nil && !switching)
	if log == nil || switching {
		return c, false, nil
	}
	c = chain{
		log: log, segments: log.Segments(), now: e.o.Clock().UnixMilli(),
		retain: e.retain.Load() * 1000, limit: e.retainBytes.Load(),
	}
	first := c.segments[0].First
	if first == 1 {
		c.anchors = append(c.anchors, anchor{})
	}
	for _, a := range e.history.autos {
		if a.lsn+1 >= first {
			c.anchors = append(c.anchors, a)
		}
	}
	c.base, err = e.baseAnchor()
	if errors.Is(err, snapshot.ErrClosed) {
		return c, false, nil // just replaced: a checkpoint is about to end, and to wake the keeper
	}
	if err != nil {
		return c, false, err
	}
	c.restUntil = c.last().time + automaticRest*e.history.copyTime.Milliseconds()
	return c, true, nil
}

// tellUnlogged says, once, that retain has nothing to keep.
func (e *Engine) tellUnlogged(unlogged bool) {
	h := &e.history
	if unlogged && !h.unlogged {
		e.o.Log.Warn("retain keeps the log, and none is kept: there is no history to restore from; say appendonly yes, or retain 0",
			"retain_seconds", e.retain.Load())
	}
	h.unlogged = unlogged
}

func (e *Engine) baseAnchor() (anchor, error) {
	base := e.base.Load()
	if base == nil {
		return anchor{}, nil
	}
	size, err := copyBytes(base)
	meta := base.Meta()
	return anchor{meta.LSN, meta.Time, size}, err
}

// shorten removes what is older than the history need be: snapshots first, the oldest first, then segments.
func (e *Engine) shorten(c chain) error {
	index, limited := c.floor()
	floor, figures := c.base, historyFigures{}
	if index >= 0 {
		floor = c.anchors[index]
		figures = historyFigures{floor.lsn, floor.time, c.bytes(index)}
		if floor.lsn == 0 {
			figures.time = c.segments[0].Created
		}
	}
	needless := slices.IndexFunc(e.history.autos, func(a anchor) bool { return index >= 0 && a.lsn >= floor.lsn })
	if needless < 0 {
		needless = len(e.history.autos)
	}
	e.tell(c, figures, limited && (needless > 0 || len(c.segments) > 1 && c.segments[0].Last <= floor.lsn))
	if err := e.dropAutomatic(needless); err != nil {
		return err
	}
	e.mu.Lock()
	e.history.figures = figures
	e.mu.Unlock()
	if err := c.log.Retire(floor.lsn); err != nil {
		return fmt.Errorf("removing log segments that the history has no more use for: %w", err)
	}
	return nil
}

// tell says what the limit does to the history.
func (e *Engine) tell(c chain, f historyFigures, shortened bool) {
	h := &e.history
	if small := !c.fits(); small != h.tooSmall {
		if h.tooSmall = small; small {
			e.o.Log.Warn("retain-bytes is too small for a snapshot and the log behind it: no history is kept beyond it",
				"retain_bytes", c.limit, "base_bytes", c.base.bytes)
		}
	}
	if shortened {
		e.o.Log.Info("retain-bytes makes the history shorter than retain asks for", "retain_bytes", c.limit, "from_lsn", f.lsn,
			"from", time.UnixMilli(f.time).UTC())
	}
}

// dropAutomatic removes the n oldest automatic snapshots, durably.
func (e *Engine) dropAutomatic(n int) error {
	if n == 0 {
		return nil
	}
	e.copies.job.Lock()
	defer e.copies.job.Unlock()
	for _, a := range e.history.autos[:n] {
		err := e.o.FS.Remove(SnapshotPath(e.o.Dir, automaticName(a.lsn)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an automatic snapshot: %w", err)
		}
	}
	if err := e.o.FS.SyncDir(filepath.Join(e.o.Dir, SnapshotDir)); err != nil {
		return fmt.Errorf("removing automatic snapshots: %w", err)
	}
	e.history.autos = slices.Delete(e.history.autos, 0, n)
	e.history.kept.Store(len(e.history.autos) > 0)
	return nil
}

// takeAutomatic makes an automatic snapshot of the base as it is. Its name is known only when it has been made: a
// checkpoint may come before the copy begins.
func (e *Engine) takeAutomatic() error {
	e.copies.job.Lock()
	defer e.copies.job.Unlock()
	if err := e.makeSnapshotDir(); err != nil {
		return err
	}
	unnamed := filepath.Join(e.o.Dir, SnapshotDir, "auto"+snapshot.TemporarySuffix)
	if err := removeIfThere(e.o.FS, unnamed); err != nil {
		return err
	}
	started := time.Now() // a stopwatch
	if err := e.copyBase(unnamed); err != nil {
		return err
	}
	a, err := e.nameAutomatic(unnamed)
	if err != nil {
		return errors.Join(fmt.Errorf("naming an automatic snapshot: %w", err), removeIfThere(e.o.FS, unnamed))
	}
	h := &e.history
	h.copyTime = time.Since(started)
	h.autos = append(slices.DeleteFunc(h.autos, func(old anchor) bool { return old.lsn == a.lsn }), a)
	h.kept.Store(true)
	e.o.Log.Info("automatic snapshot", "lsn", a.lsn, "bytes", a.bytes, "ms", h.copyTime.Milliseconds())
	return nil
}

// nameAutomatic gives a copy of the base the name that says its LSN, durably.
func (e *Engine) nameAutomatic(unnamed string) (anchor, error) {
	info, err := describeSnapshot(e.o.FS, unnamed)
	if err != nil {
		return anchor{}, err
	}
	if err := e.o.FS.Rename(unnamed, SnapshotPath(e.o.Dir, automaticName(info.LSN))); err != nil {
		return anchor{}, err
	}
	return anchor{info.LSN, info.Time, info.Bytes}, e.o.FS.SyncDir(filepath.Dir(unnamed))
}

func removeIfThere(fsys vfs.FS, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// dropOvertaken removes a log that the base has overtaken while no log was kept: whatever history it belonged to has a
// hole behind it. The base has everything that it held.
func (e *Engine) dropOvertaken(meta snapshot.Meta, segments []aof.SegmentInfo) error {
	if len(segments) == 0 || meta.Logged {
		return nil
	}
	for _, s := range segments {
		if s.Damage != nil && !endsAtSeal(s) {
			return nil // a start has something to say about that
		}
	}
	newest := segments[len(segments)-1]
	last := newest.Last
	if last > meta.LSN || last == meta.LSN && !endsAtSeal(newest) { // a crash may have left that of a log that was being dropped
		return nil
	}
	e.o.Log.Warn("no log was kept for a time: what was retained before is dropped", "log_lsn", last, "base_lsn", meta.LSN)
	return e.dropLog()
}

// setStraysAside gives snapshots from beyond the newest record another name: a repair, or an older base in the base's place, has
// taken back what they have, and LSNs behind it are given out anew, to other records. Whoever took such a snapshot for the state
// at its LSN would mix two histories. They are no part of this one then, and nobody drops them but by hand.
func (e *Engine) setStraysAside() error {
	names, err := snapshotNames(e.o.FS, e.o.Dir)
	if err != nil {
		return err
	}
	moved := false
	for _, name := range names {
		if !e.isStray(name) {
			continue
		}
		stray := strayName(names, name)
		if err := e.o.FS.Rename(SnapshotPath(e.o.Dir, name), SnapshotPath(e.o.Dir, stray)); err != nil {
			return fmt.Errorf("setting a snapshot aside: %w", err)
		}
		e.o.Log.Warn("a snapshot knows more than base and log, and is no part of the history", "name", stray, "last_lsn", e.lsn)
		if _, automatic := automaticLSN(name); automatic {
			e.snapshots.Add(1)
		}
		moved = true
	}
	if !moved {
		return nil
	}
	if err := e.o.FS.SyncDir(filepath.Join(e.o.Dir, SnapshotDir)); err != nil {
		return fmt.Errorf("setting snapshots aside: %w", err)
	}
	return nil
}

// isStray reports whether a snapshot is from beyond the newest record. Of one that cannot be read nobody will build a state.
func (e *Engine) isStray(name string) bool {
	if strings.HasPrefix(name, strayPrefix) {
		return false
	}
	if lsn, automatic := automaticLSN(name); automatic {
		return lsn > e.lsn
	}
	info, err := describeSnapshot(e.o.FS, SnapshotPath(e.o.Dir, name))
	return err == nil && info.ID == e.report.ID && info.LSN > e.lsn
}

// strayName is a name for a snapshot that is set aside, other than those there are.
func strayName(names []string, name string) string {
	stray := strayPrefix + strings.TrimPrefix(name, automaticPrefix)
	for n := 2; slices.Contains(names, stray); n++ {
		stray = fmt.Sprintf("%s%d-%s", strayPrefix, n, strings.TrimPrefix(name, automaticPrefix))
	}
	return stray
}
