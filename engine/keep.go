package engine

import (
	"errors"
	"fmt"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/resp"
	"holdfast/snapshot"
)

// Finish ends a client's wait with a reply.
func (e *Engine) Finish(c *commands.Client, write func(*resp.Writer)) {
	if c.Blocked == nil {
		return
	}
	gate := e.gate
	e.giveUp(c, write)
	e.gate = gate
}

// Drop forgets what the client waits for, what it watches and what it has queued.
func (e *Engine) Drop(c *commands.Client) {
	if c.Blocked != nil {
		e.unblock(c)
	}
	e.world.Watches.Forget(c)
	c.Multi = nil
}

// Await calls done when everything logged so far is on disk, or reports that it is already.
func (e *Engine) Await(done func()) bool {
	if e.log == nil || e.log.Durable() >= e.lsn {
		return true
	}
	e.awaiting = append(e.awaiting, awaited{e.lsn, done})
	select {
	case e.sync <- struct{}{}:
	default:
	}
	return false
}

// awaited is somebody who waits for the disk to have an LSN.
type awaited struct {
	lsn  uint64
	done func()
}

// caughtUp tells those whose records are on disk now.
func (e *Engine) caughtUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.log == nil {
		return
	}
	durable := e.log.Durable()
	var left []awaited
	for _, a := range e.awaiting {
		if a.lsn <= durable {
			a.done()
		} else {
			left = append(left, a)
		}
	}
	e.awaiting = left
}

// SetActiveExpire turns the clockwork's expiry on or off.
func (e *Engine) SetActiveExpire(on bool) { e.expireIdle = !on }

// Shutdown is SHUTDOWN: it asks whoever runs the engine to stop it.
func (e *Engine) Shutdown(o commands.ShutdownOptions) error {
	if o.Abort {
		return resp.Error(resp.ErrNoShutdown) // one that has begun cannot be stopped
	}
	save := o.Save || !o.NoSave && len(e.save.Load()) > 0
	e.o.Stop(save)
	return nil
}

// Reload builds the hot layer anew from the disk, for DEBUG RELOAD and DEBUG LOADAOF. It holds the lock all the while.
func (e *Engine) Reload(fromLog bool) error {
	if e.checkpoints.running {
		return errors.New("a checkpoint is running")
	}
	if e.log != nil {
		if err := e.log.Sync(); err != nil {
			return e.fail(err)
		}
	}
	if !fromLog {
		if err := e.saveLocked(); err != nil {
			return err
		}
	}
	// The watches, waiters and clients stay; the keys come from the disk.
	for i := range e.world.Keys.Databases() {
		e.world.Keys.Flush(i)
	}
	report, lsn := e.report, e.lsn
	defer func() { e.report, e.lsn = report, lsn }()
	meta, err := e.loadBase()
	if err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	if e.log == nil {
		return nil
	}
	_, err = aof.Scan(e.o.FS, e.logDir(), meta.LSN+1, func(_ aof.Position, r aof.Record) error { return e.replay(r) })
	return err
}

// saveLocked writes a checkpoint in one go, under the lock that the caller holds.
func (e *Engine) saveLocked() error {
	changes := snapshot.NewChanges(e.o.FS, e.o.Dir, sortMemory)
	defer changes.Discard()
	e.checkpoints.harvest = harvest{}
	freeze := e.world.Keys.Freeze(true, e.checkpoints.harvest.take)
	for freeze.Step() {
	}
	meta := e.meta(freeze)
	err := e.checkpoints.harvest.pour(changes)
	if err == nil {
		_, err = snapshot.WriteFresh(e.o.FS, e.o.Dir, BaseName, changes, meta)
	}
	if err != nil {
		freeze.Abort()
		return err
	}
	for sweep := freeze.Commit(); sweep(); {
	}
	e.checkpoints.lsn, e.changes = meta.LSN, 0
	return nil
}
