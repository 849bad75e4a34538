package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// The log can be turned on and off while the server runs. Neither ever leaves the directory without the data:
//
//	on   a marker says that the log in aof/ does not count yet; the log begins; a checkpoint puts what it lacks into
//	     the base; the marker goes. Until then writes have the promise they had before.
//	off  the log is made durable and ends; a checkpoint takes over what only it had; then its segments go.
//
// A start that finds the marker removes the log that did not count, and then the marker.

// StagedName is the marker's file in the data directory.
const StagedName = "aof.staged"

// watchSettings follows the directives that can change while the engine runs.
func (e *Engine) watchSettings() {
	e.watchPolicy()
	e.watchEvents()
	e.fsync.OnChange(func(s string) error {
		policy, err := aof.ParsePolicy(s)
		if err != nil || e.log == nil {
			return err
		}
		e.log.SetPolicy(policy)
		if err := e.log.Sync(); err != nil && !errors.Is(err, ErrNoRoom) { // what has no room yet waits under every policy
			return e.logFailed(err)
		}
		return nil
	})
	e.o.Config.OnChangeLast("appendonly", func(value func(name string) string) error {
		return e.turn(value("appendonly") == "yes", value("appendfsync"))
	})
}

// turn begins to turn the log on or off, which cannot be taken back.
func (e *Engine) turn(on bool, fsync string) error {
	switch {
	case on == (e.log != nil): // or on its way there
		return nil
	case e.closing:
		return ErrClosed
	case e.switching:
		return errors.New("the last change of appendonly is still under way; try again when aof_rewrite_in_progress is 0")
	case on:
		return e.turnOn(fsync)
	}
	return e.turnOff()
}

func (e *Engine) turnOn(fsync string) error {
	policy, err := aof.ParsePolicy(fsync)
	if err != nil {
		return err
	}
	if err := e.dropLog(); err != nil {
		return err
	}
	marker := filepath.Join(e.o.Dir, StagedName)
	if err := vfs.WriteFile(e.o.FS, marker, []byte("The log in "+LogDir+" is being turned on and does not count yet.\n")); err != nil {
		return err
	}
	log, _, err := aof.Recover(e.logOptions(policy), e.lsn, func(aof.Record) error {
		return errors.New("BUG: a record in a log that has just begun")
	})
	if err != nil {
		return err
	}
	e.staged, e.switching = true, true
	e.setLog(log)
	e.background.Add(1)
	go e.finishSwitch(func() error {
		if err := log.Sync(); err != nil {
			return e.logFailed(err)
		}
		return e.unmark()
	})
	return nil
}

func (e *Engine) turnOff() error {
	log := e.log
	if err := log.Sync(); err != nil {
		return e.logFailed(err)
	}
	e.settleAwaiting(log.Durable())
	e.setLog(nil)
	e.switching = true
	e.background.Add(1)
	go e.finishSwitch(func() error {
		if err := log.Close(); err != nil {
			return err
		}
		return e.dropLog()
	})
	return nil
}

// finishSwitch writes the checkpoint that makes the other way of keeping complete, then does the last step.
// Until it succeeds it tries again: the directory is whole all the while.
func (e *Engine) finishSwitch(last func() error) {
	defer e.background.Done()
	for {
		err := e.checkpointNow()
		if err == nil {
			err = last()
		}
		if err == nil {
			break
		}
		e.o.Log.Error("turning the log on or off waits for a checkpoint", "error", err)
		if !e.sleep(retryAfter) {
			return
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.staged, e.switching = false, false
	e.gates.touchAll(e.lsn) // what was logged while the log did not count is not noted by key, and may not be on disk
	for _, done := range e.settled {
		done()
	}
	e.settled = nil
}

// Settled reports whether the way of keeping is not about to change, or calls done when it has.
func (e *Engine) Settled(done func()) bool {
	if e.switching {
		e.settled = append(e.settled, done)
	}
	return !e.switching
}

// setLog changes the log that commands append to. Under the lock.
func (e *Engine) setLog(log *aof.Log) {
	e.log = log
	e.running.Store(log)
}

// dropStaged removes a log that did not count when the server stopped.
func (e *Engine) dropStaged(meta *snapshot.Meta) error {
	staged, err := e.isStaged()
	if !staged || err != nil {
		return err
	}
	if err := e.dropLog(); err != nil { // which makes room, and is not missed before the marker goes
		return err
	}
	if err := e.forsakeLog(meta); err != nil {
		return err
	}
	return e.unmark()
}

// forsakeLog takes back the base's word that a log goes on from it, as none does now: what is dropped from here on is not to be
// missed by a later start. Without room for that the word stands.
func (e *Engine) forsakeLog(meta *snapshot.Meta) error { return e.noteLogged(meta, false) }

// vouchForLog has the base say that a log goes on from it, before the first record in it is acknowledged: without it a later start is
// not to take the base for all there is. Without room for that the next checkpoint says it.
func (e *Engine) vouchForLog(meta *snapshot.Meta) error { return e.noteLogged(meta, true) }

// noteLogged changes what the base says of a log that goes on from it, if there is a base.
func (e *Engine) noteLogged(meta *snapshot.Meta, logged bool) error {
	base := e.base.Load()
	if base == nil || meta.Logged == logged {
		return nil
	}
	to := *meta
	to.Logged = logged
	_, err := base.Apply(snapshot.NewChanges(e.o.FS, e.o.Dir, sortMemory), to)
	if vfs.NoRoom(err) {
		e.o.Log.Warn("no room to note in the base whether a log goes on from it", "logged", logged, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("noting in %s whether a log goes on from it: %w", e.basePath(), err)
	}
	*meta = to
	return nil
}

// isStaged reports whether a log was being turned on when the last process ended.
func (e *Engine) isStaged() (bool, error) {
	_, err := e.o.FS.Stat(filepath.Join(e.o.Dir, StagedName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// unmark removes the marker, durably. It may be called again after it failed.
func (e *Engine) unmark() error {
	if err := e.o.FS.Remove(filepath.Join(e.o.Dir, StagedName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return e.o.FS.SyncDir(e.o.Dir)
}

// dropLog removes all segments, the oldest first, so that what is left is always a log's end.
func (e *Engine) dropLog() error {
	names, err := e.o.FS.List(e.logDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := e.o.FS.Remove(filepath.Join(e.logDir(), name)); err != nil {
			return fmt.Errorf("removing a log that the base has made unnecessary: %w", err)
		}
	}
	return e.o.FS.SyncDir(e.logDir())
}
