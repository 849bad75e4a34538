package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// lock is the engine's lock. A script that takes long lets go of it again and again so that clients are told BUSY. What it has
// done by then is half of a record, so that everybody else waits for its end: Lock does, LockAnyway does not.
type lock struct {
	mu     sync.Mutex
	ended  *sync.Cond // midway has become false
	midway bool       // a script has let go of the lock in its midst

	waiting atomic.Int32 // goroutines that want the lock and did not find it free
}

func (l *lock) init() { l.ended = sync.NewCond(&l.mu) }

// Lock takes the lock when no script is in its midst.
func (l *lock) Lock() {
	l.take()
	for l.midway {
		l.ended.Wait()
	}
}

// LockAnyway takes the lock though a script may be in its midst: for those who look, and for those who serve clients then.
func (l *lock) LockAnyway() { l.take() }

func (l *lock) take() {
	if l.mu.TryLock() {
		return
	}
	l.waiting.Add(1)
	l.mu.Lock()
	l.waiting.Add(-1)
}

// wanted reports whether somebody waits for the lock: one who does the work of the background gives way then. It is asked by the
// one who has the lock.
func (l *lock) wanted() bool { return l.waiting.Load() > 0 }

// Pass lets go of the lock and takes it again, behind those who wait for it: a mutex alone would let the one who has it take it
// again before they have woken up, for a millisecond or two.
func (l *lock) Pass() {
	wanted := l.wanted()
	l.mu.Unlock()
	if wanted {
		runtime.Gosched() // the one who was woken up runs here and now
	}
	l.take()
}

// Unlock lets go of the lock.
func (l *lock) Unlock() { l.mu.Unlock() }
