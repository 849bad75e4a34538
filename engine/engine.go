// Package engine executes commands, logs their effects, recovers them, and writes checkpoints.
//
//	Run ──► dispatch ──► handler ──► record ──► log ──► Commit ──► reply
//	            (one lock)                     (aof)   (the gate)
//
// Commands run one at a time under one lock. A command that changed something leaves one record in the log's buffer; its
// reply bears the record's LSN, the gate, and must not leave before the log has passed it. A read bears the LSN of the
// newest record that touched what it read. The engine knows no sockets: who calls Run sees to the gates, with
// Commit and Passed.
//
// One lock and not one per shard: a batch holds it for microseconds, while transactions, scripts, blocking commands and
// checkpoints stay simple, and everything is linearizable.
package engine

import (
	"cmp"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/config"
	"holdfast/expiry"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/snapshot"
)

// Options are what an engine is built on.
type Options struct {
	FS     vfs.FS
	Dir    string
	Config *config.Config
	Clock  vfs.Clock
	Seed   uint64 // of SPOP's and RANDOMKEY's choices
	Log    *slog.Logger
	// Fatal is called when the log failed, so that memory is ahead of the disk, or the base, so that nobody knows what it has:
	// the process must end. It is called once; no reply leaves after it.
	Fatal func(error)
	// Events, where set, hears keyspace events, from the first moment on: of keys that lapsed while nobody served them.
	Events func(class byte, event string, db int, key []byte)
	// Stop is called by SHUTDOWN: whoever runs the engine is to close it, with a checkpoint or without.
	Stop func(checkpoint bool)
	// Serving, if any, is closed when the first clients have been served: only then does what can wait begin to take the
	// processors from them, which is hydration, and making a segment of the log ahead.
	Serving <-chan struct{}
	// RecordBytes is how long the body of a record in the log may be; 0 means aof.MaxBody.
	RecordBytes int
	// RunID and such, for INFO.
	Identity Identity
}

// Identity is what INFO says of the process.
type Identity struct {
	Version, RunID, ConfigFile, Executable string
	Port                                   int
}

// Engine is a running data set.
type Engine struct {
	o     Options
	world commands.World
	settings
	report Report

	mu lock // guards everything down to the next blank line
	// call is the one outermost call, used again and again; touched and body belong to it.
	call       commands.Call
	inner      [2]commands.Call // those within it, likewise: of EXEC, and of a script within EXEC
	depth      int              // so many of them are in use
	script     script
	body       []byte   // effects of the record under way
	touched    []uint64 // hashes of the keys that it changes
	touchedAll bool
	gate       uint64 // of the reply under way
	mail       mail
	told       config.Events // of the keyspace's
	absence    absence
	gates      gates
	log        *aof.Log // nil where no log is kept
	staged     bool     // the log is being turned on: nothing waits for it yet
	switching  bool     // the log is being turned on or off
	settled    []func() // to be called when it has been
	lsn        uint64   // of the last change
	changes    int64    // since the last checkpoint
	expireNext int      // the database where active expiry begins
	expireIdle bool     // DEBUG SET-ACTIVE-EXPIRE 0
	pause      pause
	timeouts   *expiry.Index
	blocked    map[uint64]*commands.Client // by ID: who waits
	awaiting   map[*commands.Client]awaited
	stats      stats
	outgrown   int64 // bytes: what was in use when maxmemory was set below it; 0 once it has come down
	scarce     int64 // the maxmemory of which the log says that it cannot be kept to
	full       fullness
	stopwatch  stopwatch
	redoing    redoing
	closing    bool   // Close has begun: no request is taken any more
	saved      bool   // SaveLast has succeeded
	generation uint64 // of the base: rises with each checkpoint
	hydration  hydration

	checkpoints checkpointer

	copies    copier
	history   history
	snapshots atomic.Int64 // the named ones

	running    atomic.Pointer[aof.Log]       // log, for those who do not hold the lock
	base       atomic.Pointer[snapshot.Base] // nil before the first checkpoint; changes under the lock
	sync       chan struct{}                 // to the syncer: somebody waits for the disk
	wake       chan struct{}                 // to the clockwork: something is due earlier than it thinks
	wakeAt     atomic.Int64
	lastSave   sync.Mutex // held by SaveLast; it comes before mu
	failed     atomic.Bool
	returning  atomic.Bool // memory is being given back to the system
	quit       chan struct{}
	background sync.WaitGroup
	lock       io.Closer
	lockIsNew  bool // this start made the lock file
}

// settings are the directives that the engine reads while it runs.
type settings struct {
	appendonly  config.Handle[bool]
	fsync       config.Handle[string]
	maxmemory   config.Handle[int64]
	policy      config.Handle[string]
	samples     config.Handle[int64]
	save        config.Handle[[]config.SaveRule]
	stopWrites  config.Handle[bool]
	retain      config.Handle[int64] // seconds
	retainBytes config.Handle[int64]
	events      config.Handle[config.Events]
	busyAfter   config.Handle[int64] // milliseconds
	slower      config.Handle[int64] // microseconds, -1 for none
	slowMax     config.Handle[int64]
	spike       config.Handle[int64] // milliseconds, 0 for none
	tracking    config.Handle[bool]
}

func newEngine(o Options) *Engine {
	o.RecordBytes = cmp.Or(o.RecordBytes, aof.MaxBody)
	e := &Engine{
		o: o,
		settings: settings{
			appendonly:  o.Config.Bool("appendonly"),
			fsync:       o.Config.String("appendfsync"),
			maxmemory:   o.Config.Bytes("maxmemory"),
			policy:      o.Config.String("maxmemory-policy"),
			samples:     o.Config.Int("maxmemory-samples"),
			save:        o.Config.SaveRules(),
			stopWrites:  o.Config.Bool("stop-writes-on-bgsave-error"),
			retain:      o.Config.Int("retain"),
			retainBytes: o.Config.Bytes("retain-bytes"),
			events:      o.Config.Events(),
			busyAfter:   o.Config.Int("busy-reply-threshold"),
			slower:      o.Config.Int("slowlog-log-slower-than"),
			slowMax:     o.Config.Int("slowlog-max-len"),
			spike:       o.Config.Int("latency-monitor-threshold"),
			tracking:    o.Config.Bool("latency-tracking"),
		},
		stopwatch: stopwatch{epoch: time.Now()},
		timeouts:  expiry.NewIndex(),
		blocked:   map[uint64]*commands.Client{},
		awaiting:  map[*commands.Client]awaited{},
		wake:      make(chan struct{}, 1),
		sync:      make(chan struct{}, 1),
		history:   history{wake: make(chan struct{}, 1)},
		quit:      make(chan struct{}),
	}
	e.world = commands.World{
		Keys:   kv.New(int(o.Config.Int("databases").Load()), commands.Types()),
		Config: o.Config,
		Table:  commands.NewTable(),
		Rand:   rand.New(rand.NewPCG(o.Seed, o.Seed)),
		Keeper: e,
		Events: o.Events,
		Clock:  o.Clock,
		Sleep:  time.Sleep,
		Secret: func(b []byte) { _, _ = crand.Read(b) }, // never fails
		Touched: func(_ int, key []byte) {
			e.touched = append(e.touched, e.world.Keys.Hash(key))
		},
		TouchedAll: func() { e.touchedAll = true },
		ExpireKey:  e.expireKey,
		RemoveKey:  e.removeKey,
		LapseKey:   e.lapseKey,
		Run:        e.nested,
		Send:       e.send,
		Refused:    e.refused,
		CountError: e.stats.failed,
		Room:       e.room,
		Interrupt:  e.interrupt,
		Held:       func() int64 { return e.world.Keys.Bytes() + 2*int64(cap(e.body)) },
		Beside:     func() int64 { return e.stats.memory.heap },
		ScriptLog:  e.scriptLog,
	}
	e.world.Users = commands.NewUsers(e.world.Table, o.Config)
	e.mu.init()
	e.world.Keys.SetCold(cold{e})
	e.stats.memory.sample(e.world.Keys.Bytes()) // before anything is loaded
	e.stats.start = o.Clock().UnixMilli()
	e.checkpoints.last.ended = e.stats.start // the `save` rules count from the start
	return e
}

// World is what commands work on. The server adds its clients to it before the first Run.
func (e *Engine) World() *commands.World { return &e.world }

// Do calls fn under the engine's lock. It is for a look: a script may be in its midst.
func (e *Engine) Do(fn func()) {
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	fn()
}

// Commit writes what was logged so far, and under `always` makes it durable. Replies whose gate has passed may
// leave then. ErrNoRoom passes: the replies wait for a Commit that succeeds. Any other error has been dealt with as
// fatal; no reply may leave after it.
func (e *Engine) Commit() error {
	log := e.currentLog()
	if log == nil {
		return nil
	}
	if e.spike.Load() > 0 {
		defer e.timeCommit(time.Now())
	}
	if err := log.Commit(); err != nil {
		return e.logFailed(err)
	}
	return nil
}

// timeCommit remembers a commit that began then if it took long.
func (e *Engine) timeCommit(began time.Time) {
	took := time.Since(began)
	if took < duration(e.spike.Load(), time.Millisecond) {
		return
	}
	event := "aof-write"
	if e.fsync.Load() == "always" {
		event = "aof-fsync-always"
	}
	e.Do(func() { e.spiked(event, took, e.o.Clock().UnixMilli()) })
}

// ErrNoRoom says that the disk is full: what was logged waits in memory, and a later Commit may succeed.
var ErrNoRoom = aof.ErrFull

// logFailed tells a full disk, which passes, from a log that has failed.
func (e *Engine) logFailed(err error) error {
	if errors.Is(err, aof.ErrFull) || errors.Is(err, aof.ErrClosed) {
		return err
	}
	return e.fail(err)
}

// Passed is the LSN up to which replies may leave now.
func (e *Engine) Passed() uint64 {
	if e.failed.Load() {
		return 0
	}
	if log := e.currentLog(); log != nil {
		return log.Gate()
	}
	return ^uint64(0)
}

// CommitCost estimates what one Commit takes.
func (e *Engine) CommitCost() time.Duration {
	if log := e.currentLog(); log != nil && e.fsync.Load() == "always" {
		return log.SyncTime()
	}
	return 0
}

func (e *Engine) currentLog() *aof.Log { return e.running.Load() }

// fail ends the process, in the way that the options say: memory is ahead of the disk.
func (e *Engine) fail(err error) error {
	_ = e.die(fmt.Errorf("the log failed, and memory is ahead of the disk now: %w", err))
	return err
}

// die has the process end, and tells the first reason for it.
func (e *Engine) die(reason error) error {
	if !e.failed.Swap(true) {
		e.o.Fatal(reason)
	}
	return reason
}

// ErrClosed says that the engine has been closed.
var ErrClosed = errors.New("the engine is closed")

// lastCheckpoint writes one for Close, and says what it means that there is no room for it.
func (e *Engine) lastCheckpoint() error {
	err := e.checkpointNow()
	if !vfs.NoRoom(err) {
		return err
	}
	meaning := "nothing is lost, the log has it: make room and start again"
	if e.currentLog() == nil {
		meaning = "without a log what came after the one before is lost: make room for the next time"
	}
	return fmt.Errorf("the last checkpoint could not be written: no room in %s; %s", e.o.Dir, meaning)
}

// Close ends background work, makes everything durable and lets go of the directory. With checkpoint it writes one
// first, so that the next start has no log to replay.
func (e *Engine) Close(checkpoint bool) error {
	e.mu.LockAnyway()
	if e.closing {
		e.mu.Unlock()
		return ErrClosed
	}
	e.closing = true
	e.dropScript(checkpoint)
	e.mu.Unlock()
	close(e.quit)
	e.background.Wait()

	var errs []error
	if e.script.stop != nil { // no script begins any more
		e.script.stop()
	}
	if checkpoint && !e.failed.Load() && !e.script.dropped && !(e.saved && e.changes == 0) {
		errs = append(errs, e.lastCheckpoint())
	}
	e.checkpoints.wait()
	if log := e.currentLog(); log != nil {
		errs = append(errs, log.Close())
	}
	if base := e.base.Load(); base != nil {
		errs = append(errs, base.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}
