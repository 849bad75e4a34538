package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"holdfast/aof"
	"holdfast/internal/nice"
	"holdfast/kv"
	"holdfast/snapshot"
)

// A checkpoint writes the keyspace, as it stood at one LSN, into the base, while commands go on:
//
//	cut      a new segment begins in the log; under the lock the keyspace is frozen (kv.Freeze) at LSN X
//	harvest  slices of well under a millisecond encode the frozen keys under the lock; between them what was
//	         encoded moves on into a sorter that spills to disk
//	write    the sorted changes go into bbolt, X with them
//	retire   log segments that hold nothing beyond X may go, unless a history is kept (retain.go)
//
// A crash at any point leaves the base as it was or as it is to be, and the log whole.

const (
	// sortMemory bounds what the sorter holds in memory, in bytes: of a small keyspace no more than one in sortShare of its own.
	sortMemory      = 32 << 20
	sortMemoryLeast = 4 << 20
	sortShare       = 64
	// BaseName is the base's file in the data directory.
	BaseName = "base.db"
	// retryAfter is the pause after a checkpoint that failed.
	retryAfter = 5 * time.Second
)

// checkpointer is the state of checkpoints. The engine's lock guards it, but for what belongs to the running one.
type checkpointer struct {
	running  bool
	writing  atomic.Bool   // as running, for who does not hold the lock
	idle     chan struct{} // closed when none is running
	waiting  []func(error)
	harvest  harvest
	pouring  int64 // bytes of another one, which is on its way into the sorter
	failing  bool
	retryAt  int64
	lastGood int64        // unix ms of the last that succeeded
	lsn      uint64       // of the last one
	appended atomic.Int64 // bytes, to the log
	outlook  atomic.Pointer[outlook]
	baseFile baseFile
	reported bool // the recovery report tells of the base; only who writes a checkpoint asks
	last     checkpointFigures
}

// baseFile is how big the base is, as of the last checkpoint.
type baseFile struct{ page, used, free int64 } // bytes of a page, of the file in use, and free in it

type checkpointFigures struct {
	started, ended, millis int64 // unix ms, unix ms, ms
	keys, bytes, pages     int64
	slice                  time.Duration // the longest
}

func (c *checkpointer) wait() {
	if c.idle != nil {
		<-c.idle
	}
}

// Checkpoint starts a checkpoint in the background; false means that one is running already. done is called at
// its end, under the lock.
func (e *Engine) Checkpoint(done func(error)) bool {
	if e.checkpoints.running || e.closing {
		return false
	}
	if done != nil {
		e.checkpoints.waiting = append(e.checkpoints.waiting, done)
	}
	e.begin()
	go func() { _ = e.runCheckpoint() }()
	return true
}

// restCommands is how many commands a second a server at rest gets, at most: of so many no collection of some milliseconds, once in a
// while, keeps one in a hundred waiting.
const restCommands = 1000

// AtRest reports whether no checkpoint is being written and few commands are served: what takes the processor for
// milliseconds now keeps next to nobody waiting.
func (e *Engine) AtRest() (rest bool) {
	if e.checkpoints.writing.Load() {
		return false
	}
	e.Do(func() { rest = e.stats.rate.below(restCommands) })
	return rest
}

func (e *Engine) begin() {
	e.checkpoints.running = true
	e.checkpoints.writing.Store(true)
	e.checkpoints.idle = make(chan struct{})
	e.checkpoints.last.started = e.o.Clock().UnixMilli()
}

// checkpointNow writes a checkpoint before it returns, after the one that may be running.
func (e *Engine) checkpointNow() error {
	for {
		e.mu.Lock()
		if !e.checkpoints.running {
			e.begin()
			e.mu.Unlock()
			return e.runCheckpoint()
		}
		idle := e.checkpoints.idle
		e.mu.Unlock()
		<-idle
	}
}

// runCheckpoint writes one, and tells who waits.
func (e *Engine) runCheckpoint() error {
	defer nice.Lend()()
	err := e.writeCheckpoint()
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.checkpoints
	c.last.ended = e.o.Clock().UnixMilli()
	c.last.millis = c.last.ended - c.last.started
	c.failing = err != nil
	if err == nil {
		c.lastGood = c.last.ended
	}
	if err != nil {
		c.retryAt = c.last.ended + retryAfter.Milliseconds()
		e.o.Log.Error(e.failedCheckpoint(), "error", err)
	} else {
		e.o.Log.Info("checkpoint", "lsn", c.lsn, "keys", c.last.keys, "bytes", c.last.bytes, "ms", c.last.millis)
	}
	c.harvest = harvest{}
	c.running = false
	c.writing.Store(false)
	for _, done := range c.waiting {
		done(err)
	}
	c.waiting = nil
	close(c.idle)
	return err
}

// failedCheckpoint says what it means that one failed.
func (e *Engine) failedCheckpoint() string {
	if !e.keepsLog() {
		return "the checkpoint failed; the base is as it was, and what has changed since is in memory alone"
	}
	return "the checkpoint failed; the base is as it was, and nothing is lost"
}

func (e *Engine) writeCheckpoint() error {
	log := e.currentLog()
	if log != nil {
		// Without room for another segment the old one goes on: those before it can go all the same.
		err := e.cut(log)
		if errors.Is(err, aof.ErrFull) {
			e.o.Log.Warn("no new log segment; the log goes on in the old one", "error", err)
		} else if err != nil {
			return e.logFailed(err)
		}
	}
	freeze, meta, pending := e.freeze()
	changes := snapshot.NewChanges(e.o.FS, e.o.Dir, sortMemoryFor(freeze.Bytes))
	var result snapshot.Result
	err := e.syncLog(log)
	if err == nil {
		result, err = e.store(freeze, changes, meta, &e.mu)
	}
	if err = errors.Join(err, changes.Discard()); err != nil {
		e.finish(freeze.Abort)
		return err
	}
	e.published(freeze, meta, result, pending)
	e.reportSaved()
	if log != nil {
		return e.retire(log, meta.LSN)
	}
	return nil
}

// syncLog makes durable what a checkpoint is about to put into the base. Else a power cut under `everysec` could leave a base
// ahead of its log, and a hole in the log that no history gets across.
func (e *Engine) syncLog(log *aof.Log) error {
	if log == nil {
		return nil
	}
	if err := log.Sync(); err != nil {
		return e.logFailed(err)
	}
	return nil
}

// store writes the frozen keys into the base.
func (e *Engine) store(freeze *kv.Freeze, changes *snapshot.Changes, meta snapshot.Meta, mu locker) (result snapshot.Result, err error) {
	behind := nice.Start()
	defer behind.Stop()
	if base := e.base.Load(); base != nil && base.Replaced() { // and the last checkpoint could not open what is in its place
		if err := e.reopen(mu, behind); err != nil {
			return snapshot.Result{}, err
		}
	}
	if err := e.gather(freeze, changes, mu, behind); err != nil {
		return snapshot.Result{}, err
	}
	base, replaced := e.base.Load(), false
	behind.Do(func() { result, replaced, err = e.write(base, changes, meta) })
	switch {
	case replaced:
		err = errors.Join(err, e.reopen(mu, behind))
	case errors.Is(err, snapshot.ErrFailed):
		err = e.baseFailed(err)
	}
	return result, err
}

// baseFailed ends the process when nobody knows what is in the base's file, as a sync of it has failed. The log goes on from
// what was there before, and a start makes the change whole. Where there is none, what is in memory is nowhere else: then the
// process goes on, though no checkpoint succeeds any more.
func (e *Engine) baseFailed(err error) error {
	if e.currentLog() == nil {
		return fmt.Errorf("no further checkpoint can succeed before a restart, and what was not saved is in memory alone: %w", err)
	}
	return e.die(fmt.Errorf("the base failed, and is in doubt until the next start has repeated its last change: %w", err))
}

// write puts the changes into the base. replaced says that the file which bears its name must be opened, as it is another one.
func (e *Engine) write(base *snapshot.Base, changes *snapshot.Changes, meta snapshot.Meta) (result snapshot.Result, replaced bool, err error) {
	if base == nil {
		result, err = snapshot.WriteFresh(e.o.FS, e.o.Dir, BaseName, changes, meta)
		return result, err == nil, err
	}
	rewrite, err := e.worthRewriting(base, changes)
	if err != nil {
		return snapshot.Result{}, false, err
	}
	if rewrite {
		result, err = base.Rewrite(changes, meta)
	} else {
		result, err = base.Apply(changes, meta)
	}
	return result, base.Replaced(), err
}

// worthRewriting reports whether a new file costs less than changing the old one: where most keys changed, or most pages
// would be written anyway, or over half of the file is free; and whether there is room for one.
func (e *Engine) worthRewriting(base *snapshot.Base, changes *snapshot.Changes) (bool, error) {
	stats, err := base.Stats()
	if err != nil {
		return false, err
	}
	var keys int64
	for _, db := range base.Meta().DBs {
		keys += db.Keys
	}
	changed, used := int64(changes.Len()), stats.Pages-stats.FreePages
	worth := changed > keys/2 && changed > smallCheckpoint || stats.FreePages > stats.Pages/2 && stats.Pages > smallBase
	if !worth && changed > used/2 && used > smallBase {
		touched, err := base.Touches(changes)
		if err != nil {
			return false, err
		}
		worth = touched > used/2
	}
	if !worth {
		return false, nil
	}
	free, err := e.o.FS.Free(e.o.Dir)
	return free > used*int64(stats.PageBytes)+2*changes.Bytes(), err // pages may be half empty
}

// sortMemoryFor is what the sorter may hold for a checkpoint of a keyspace of so many bytes.
func sortMemoryFor(keyspace int64) int {
	return int(min(max(keyspace/sortShare, sortMemoryLeast), sortMemory))
}

const (
	smallCheckpoint = 10_000 // keys
	smallBase       = 4_096  // pages
)

// reopen makes the file that bears the base's name now the base. Who reads the base under the lock, as the hot layer does,
// never meets the old one closed.
func (e *Engine) reopen(mu locker, behind *nice.Thread) (err error) {
	var base *snapshot.Base
	behind.Do(func() { base, err = e.openUnlocked() })
	if err != nil {
		return err
	}
	mu.Lock()
	old := e.base.Swap(base)
	mu.Unlock()
	if old != nil {
		behind.Do(func() { err = e.letGo(old) })
	}
	return err
}

const (
	unlockTries = 200
	unlockPause = 10 * time.Millisecond
)

// openUnlocked opens the base. Somebody who looks at a new file, as `check` does, may have it locked from the moment on
// that it has its name; one who takes longer than the tries makes the checkpoint fail, and the next one begins here.
func (e *Engine) openUnlocked() (*snapshot.Base, error) {
	for try := 1; ; try++ {
		base, err := snapshot.Open(e.basePath(), e.baseOptions())
		if !errors.Is(err, snapshot.ErrLocked) || try == unlockTries || !e.sleep(unlockPause) {
			return base, err
		}
	}
}

// freeze makes the cut. pending is the count of changes that the checkpoint covers.
func (e *Engine) freeze() (f *kv.Freeze, m snapshot.Meta, pending int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checkpoints.last.slice = 0
	e.checkpoints.harvest = harvest{}
	f = e.world.Keys.Freeze(e.checkpoints.harvest.take)
	return f, e.meta(f), e.changes
}

// meta is what the base is to say of a checkpoint that begins now. A log that is just being turned on does not count as long as its
// marker is there, and is not to be missed from then on.
func (e *Engine) meta(f *kv.Freeze) snapshot.Meta {
	m := snapshot.Meta{
		Format: snapshot.Format, ID: e.report.ID, LSN: e.lsn, Time: e.o.Clock().UnixMilli(), Logged: e.log != nil,
	}
	m.Extra = extra{functions: e.world.DumpFunctions()}.encode()
	for _, db := range f.DBs {
		m.DBs = append(m.DBs, snapshot.DB{
			Index: db.Index, Store: snapshot.Store(db.Store), Keys: int64(db.Keys), Deadlines: int64(db.Deadlines),
		})
	}
	return m
}

// gather takes the frozen keys in slices. What needs no lock is done behind everything else.
func (e *Engine) gather(freeze *kv.Freeze, into *snapshot.Changes, mu locker, behind *nice.Thread) (err error) {
	var mine harvest
	defer func() {
		mu.Lock()
		e.checkpoints.pouring = 0
		mu.Unlock()
	}()
	slicer := e.checkpointSlicer(mu)
	for more := true; more; {
		more = slicer.next(freeze.Step)
		mu.Lock()
		e.checkpoints.harvest, mine = mine, e.checkpoints.harvest
		e.checkpoints.pouring = mine.size()
		mu.Unlock()
		if behind.Do(func() { err = mine.pour(into) }); err != nil {
			return err
		}
	}
	return nil
}

// published notes that the base has the checkpoint.
func (e *Engine) published(freeze *kv.Freeze, m snapshot.Meta, r snapshot.Result, pending int64) {
	e.mu.Lock()
	e.checkpoints.lsn = m.LSN
	e.checkpoints.last.keys, e.checkpoints.last.bytes, e.checkpoints.last.pages = r.Keys, r.Bytes, r.Pages
	e.changes -= pending
	e.measureBase()
	e.foresee() // the log makes a segment as soon as old ones go
	e.mu.Unlock()
	e.finish(freeze.Commit)
}

// measureBase notes how big the base is.
func (e *Engine) measureBase() {
	if stats, err := e.base.Load().Stats(); err == nil {
		page := int64(stats.PageBytes)
		e.checkpoints.baseFile = baseFile{page, page * (stats.Pages - stats.FreePages), page * stats.FreePages}
	}
}

// outlook is what of the next checkpoint is known, as of when so many bytes had been appended to the log.
type outlook struct {
	appended int64
	changed  int64 // bytes
	keys     int64
	record   int64 // bytes of one in the log, about
	base     baseFile
}

// foresee notes what is known of the next checkpoint.
func (e *Engine) foresee() {
	c := &e.checkpoints
	if e.log == nil {
		c.outlook.Store(nil)
		return
	}
	o := outlook{appended: c.appended.Load(), keys: e.changes, record: recordLeast, base: c.baseFile}
	written := e.logBytes()
	if tail := int64(e.lsn - c.lsn); tail > 0 {
		o.record = max(recordLeast, written/tail)
	} else if before := c.outlook.Load(); before != nil {
		o.record = before.record
	}
	o.changed = min(written, e.world.Keys.Bytes())
	c.outlook.Store(&o)
}

// reservedRoom estimates what the next checkpoint takes of the disk at most, with what the log may hold by then. The log begins
// no segment in that room, so that the disk is never so full of log that no checkpoint can make it short.
func (e *Engine) reservedRoom() int64 {
	o, log := e.checkpoints.outlook.Load(), e.currentLog()
	if o == nil || log == nil {
		return 0
	}
	more := e.checkpoints.appended.Load() - o.appended + log.Ahead()
	return o.base.room(o.changed+more, o.keys+more/o.record)
}

// recordLeast is what no record of the log takes less than, in bytes and about.
const recordLeast = 64

// touchedMost bounds the pages of the base that are there twice while it changes, in bytes: those of two transactions.
const touchedMost = 16 << 20

// room is what a checkpoint of so many bytes, of so many keys, takes beside this base. The bytes are there sorted, and then once
// more, in the redo file; when that has its name the sorted ones go, and pages come, which may be half empty, with copies of the
// pages that they replace. What is free in the base is not to be found outside. A base that is new has no redo file, but what
// belongs to a collection is sorted twice.
func (b baseFile) room(changed, keys int64) int64 {
	if b.used == 0 {
		return 4 * changed
	}
	touched := min(keys*b.page, b.used, touchedMost)
	return changed + max(changed, touched+2*changed-b.free)
}

// finish ends a freeze, in slices.
func (e *Engine) finish(end func() (sweep func() bool)) {
	e.mu.Lock()
	sweep := end()
	e.generation++
	e.mu.Unlock()
	slicer := e.checkpointSlicer(&e.mu)
	for slicer.next(sweep) {
	}
}

// considerCheckpoint starts a checkpoint when a rule says so.
func (e *Engine) considerCheckpoint(now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.checkpoints
	if c.running || e.changes == 0 || c.failing && now < c.retryAt || !e.dueForCheckpoint(now) {
		return
	}
	e.Checkpoint(nil)
}

// What a start may have to replay. Replaying costs a microsecond a record, and some 3 more where the key must be fetched from a big base. A quiet
// server keeps that below what anybody notices; under a flood of writes a checkpoint costs more than it saves, so they are
// fewer, and keep to a share of the time.
const (
	replayQuiet      = 15_000 // records
	replayRecords    = 500_000
	replayBytes      = 128 << 20
	flood            = 10_000 // commands a second
	restShare        = 3      // a checkpoint that took a second is followed by so many seconds without one
	restMillisAtMost = 10_000
	shortPause       = 1000 // ms between checkpoints on a disk that has no room for another segment
)

func (e *Engine) dueForCheckpoint(now int64) bool {
	c := &e.checkpoints
	since := now - c.last.ended
	for _, rule := range e.save.Load() {
		if e.changes >= rule.Changes && since/1000 >= rule.Seconds {
			return true
		}
	}
	if e.log == nil || since < min(restShare*c.last.millis, restMillisAtMost) {
		return false
	}
	if e.log.Short() && since >= shortPause {
		return true // what it makes unnecessary gives room
	}
	tail := e.lsn - c.lsn
	if tail > replayQuiet && !e.hydration.running && e.stats.rate.perSecond() < flood {
		return true // a start reads the base as it is: both at a time would take from clients what there is
	}
	return tail > replayRecords || e.logBytes() > replayBytes
}

// logBytes is what a start would have to replay, roughly: the live segment is counted whole.
func (e *Engine) logBytes() int64 {
	return e.log.BytesBeyond(e.checkpoints.lsn)
}

func (e *Engine) baseOptions() snapshot.OpenOptions {
	return snapshot.OpenOptions{FS: e.o.FS, Between: e.pace}
}

func (e *Engine) basePath() string { return filepath.Join(e.o.Dir, BaseName) }
