package engine

import (
	"errors"
	"fmt"
	"slices"

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

// Drop forgets what the client waits for, what it watches, what it has subscribed to and what it has queued.
func (e *Engine) Drop(c *commands.Client) {
	if c.Blocked != nil && c.Blocked.Script {
		c.Blocked = nil // the script goes on
	} else if c.Blocked != nil {
		e.unblock(c)
	}
	e.pause.held = slices.DeleteFunc(e.pause.held, func(o *commands.Client) bool { return o == c })
	e.world.Watches.Forget(c)
	e.world.Unsubscribe(c)
	if c.Monitoring {
		e.world.Monitors.Remove(c)
	}
	e.world.LeaveCaches(c)
	e.world.Tracking.Leave(c.Tracking)
	c.Tracking = nil
	c.Left = true
	c.Multi = nil
}

// LogEnds are the LSNs of the newest record and of the newest that is on disk; kept is false where no log is.
func (e *Engine) LogEnds() (newest, durable uint64, kept bool) {
	if e.log == nil {
		return e.lsn, 0, false
	}
	return e.lsn, e.log.Durable(), true
}

// Await calls done when everything logged so far is on disk, unless the client no longer waits then.
func (e *Engine) Await(c *commands.Client, done func()) {
	e.awaiting[c] = awaited{e.lsn, done}
	select {
	case e.sync <- struct{}{}:
	default:
	}
}

// awaited is what a client that waits for the disk to have an LSN is told by.
type awaited struct {
	lsn  uint64
	done func()
}

// caughtUp tells those whose records are on disk now.
func (e *Engine) caughtUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.log != nil {
		e.settleAwaiting(e.log.Durable())
	}
}

func (e *Engine) settleAwaiting(durable uint64) {
	for c, a := range e.awaiting {
		if a.lsn <= durable {
			delete(e.awaiting, c)
			a.done()
		}
	}
}

// SetActiveExpire turns the clockwork's expiry on or off.
func (e *Engine) SetActiveExpire(on bool) { e.expireIdle = !on }

// Shutdown is SHUTDOWN: it asks whoever runs the engine to stop it. Where no log has the data it is saved before that.
func (e *Engine) Shutdown(o commands.ShutdownOptions, failed func(error)) error {
	if o.Abort {
		return resp.Error(resp.ErrNoShutdown) // one that has begun cannot be stopped
	}
	if e.script.busy && !o.NoSave {
		return resp.Error(e.world.Scripts.Busy())
	}
	save := o.Save || !o.NoSave && len(e.save.Load()) > 0
	if save && !o.Force && !e.keepsLog() {
		e.saveAndStop(failed)
		return nil
	}
	e.o.Stop(save)
	return nil
}

// Reload builds the hot layer anew from the disk, for DEBUG RELOAD and DEBUG LOADAOF. It holds the lock all the while.
func (e *Engine) Reload(fromLog bool) error {
	if e.checkpoints.running {
		return errors.New("a checkpoint is running")
	}
	if fromLog && e.switching {
		return errors.New("the log is being turned on or off, and what is on the disk is not all")
	}
	if e.log != nil {
		if err := e.log.Sync(); err != nil {
			return e.logFailed(err)
		}
	}
	if !fromLog {
		if err := e.saveLocked(); err != nil {
			return err
		}
	}
	if err := e.reread(); err != nil {
		return e.die(fmt.Errorf("a part of the data is in memory now, and must not pass for all: %w", err))
	}
	return nil
}

// reread forgets what is in memory, and reads it from the disk. The watches, waiters and clients stay. On an error a part is there.
func (e *Engine) reread() error {
	e.silenceEvents()
	defer e.listen(e.told)
	for i := range e.world.Keys.Databases() {
		e.world.Keys.Flush(i)
	}
	if err := e.world.LoadFunctions(nil); err != nil {
		return err
	}
	var from uint64
	if base := e.base.Load(); base != nil {
		if err := e.restore(base.Meta()); err != nil {
			return err
		}
		from = base.Meta().LSN
	}
	if e.log == nil {
		return nil
	}
	lsn := e.lsn
	defer func() { e.lsn = lsn }()
	_, err := aof.Scan(e.o.FS, e.logDir(), from+1, func(_ aof.Position, r aof.Record) error { return e.replay(r) })
	return err
}

// saveLocked writes a checkpoint in one go, under the lock that the caller holds.
func (e *Engine) saveLocked() error {
	changes := snapshot.NewChanges(e.o.FS, e.o.Dir, sortMemory)
	e.checkpoints.harvest = harvest{}
	freeze := e.world.Keys.Freeze(e.checkpoints.harvest.take)
	meta := e.meta(freeze)
	_, err := e.store(freeze, changes, meta, unlocked{})
	if err = errors.Join(err, changes.Discard()); err != nil {
		for sweep := freeze.Abort(); sweep(); {
		}
		return err
	}
	for sweep := freeze.Commit(); sweep(); {
	}
	e.generation++
	e.checkpoints.lsn, e.changes = meta.LSN, 0
	e.reportSaved()
	return nil
}

// unlocked is a lock for those who have it already.
type unlocked struct{}

func (unlocked) Lock()        {}
func (unlocked) Unlock()      {}
func (unlocked) wanted() bool { return false }
