package engine

import (
	"time"

	"holdfast/expiry"
	"holdfast/internal/nice"
)

// clockwork is the goroutine for whatever happens because time passes: keys that are due, waits that end, pauses
// that end, `save` rules. It sleeps until the next such moment; who makes an earlier one wakes it.
func (e *Engine) clockwork() {
	defer e.background.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var pace pace
	for {
		select {
		case <-e.quit:
			return
		case <-e.wake:
		case <-timer.C:
		}
		for e.chime(&pace) {
			select {
			case <-e.quit:
				return
			default:
			}
			nice.Pause(pace.rest)
		}
		timer.Reset(e.untilNext())
	}
}

// pace keeps the clockwork from taking all the time there is when a million keys are due at once: while clients are served it
// rests for three times as long as it had the lock, and longer the more of them there are.
type pace struct {
	served int64         // commands, as of the last slice
	rest   time.Duration // before the next one
}

const restPerSlice = 3

// follow sets the rest behind a slice that took so long, when so many commands have been served in all.
func (p *pace) follow(served int64, wanted bool, took time.Duration) {
	lately := served - p.served
	p.served, p.rest = served, 0
	if lately > 0 || wanted {
		p.rest = turns{pause: restPerSlice * took, each: commandTime}.rest(lately)
	}
}

// chime does what is due now, for a slice of time, and reports whether there is more to do at once.
func (e *Engine) chime(pace *pace) (more bool) {
	e.mu.Lock()
	start := time.Now()
	now := e.tick()
	before := e.lsn
	e.gate = 0
	if e.pause.until > 0 && e.pause.until <= now {
		e.Unpause()
	}
	e.timeOut(now)
	e.stats.sample(now, e.keysMemory())
	more = e.expireDue(now)
	more = e.evictOn(now) || more
	more = e.compact(now) || more
	more = e.sweepSubscriptions() || more
	e.serve(now)
	if e.world.Tracking.Pending() {
		e.broadcast(nil)
	}
	e.foresee()
	e.refusesWrites() // so that it is told when there is room again
	changed := e.lsn != before
	pace.follow(e.stats.commands, e.mu.wanted(), time.Since(start))
	e.mu.Unlock()
	e.considerCheckpoint(now)
	if changed && e.Commit() != nil {
		return false
	}
	return more
}

// heartbeat bounds the clockwork's sleep: rules that look at a rate are looked at so often.
const heartbeat = 100 * time.Millisecond

func (e *Engine) untilNext() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.o.Clock().UnixMilli()
	next := min(e.nextDue(), now+heartbeat.Milliseconds())
	e.wakeAt.Store(next)
	return time.Duration(max(0, next-now)) * time.Millisecond
}

func (e *Engine) nextDue() int64 {
	next := e.nextTimeout()
	if !e.expireIdle && e.pause.until == 0 {
		next = min(next, e.world.Keys.NextDeadline())
	}
	return next
}

// rouse wakes the clockwork if something is due before it means to wake.
func (e *Engine) rouse() {
	next := e.nextDue()
	if next == expiry.Never || next >= e.wakeAt.Load() {
		return
	}
	e.wakeAt.Store(next)
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// sleep waits, and reports whether it was to the end rather than until the engine closed.
func (e *Engine) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-e.quit:
		return false
	case <-timer.C:
		return true
	}
}

// syncer makes the log durable once a second under `everysec`, and whenever somebody waits for that.
func (e *Engine) syncer() {
	defer e.background.Done()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	asked := false // and not yet done
	for {
		select {
		case <-e.quit:
			return
		case <-e.sync:
			asked = true
		case <-ticker.C:
		}
		log := e.currentLog()
		if log == nil || !asked && (e.fsync.Load() != "everysec" || log.Durable() == log.Last()) {
			continue
		}
		err := log.Sync()
		if err != nil {
			_ = e.logFailed(err)
		}
		if e.failed.Load() {
			return
		}
		asked = err != nil // which passes
		e.caughtUp()
	}
}
