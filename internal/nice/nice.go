// Package nice runs work in the background behind everything else that the machine has to do.
//
// A goroutine that computes for long holds up others until Go preempts it, after ten milliseconds. The kernel is
// quicker: a thread of low priority gives way at once to one that wakes up. So such work runs on a thread of its own, and Go
// is given one more thread than there are processors to run goroutines on (see cmd/holdfast).
//
// What runs here must hold no lock that others wait for: it may be made to wait while it has it.
package nice

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// priority is a nice value: a tenth of the weight of a thread with 0.
const priority = 10

// Thread runs functions, one after another, on a thread of low priority. Stop ends it.
type Thread struct{ work chan func() }

// Start makes a Thread. The one that starts it stops it.
func Start() *Thread {
	t := &Thread{work: make(chan func())}
	go func() {
		Lower()
		for fn := range t.work {
			fn()
		}
	}()
	return t
}

// Do runs fn and returns when it has.
func (t *Thread) Do(fn func()) { <-t.Begin(fn) }

// Begin has fn run; the channel is closed when it has.
func (t *Thread) Begin(fn func()) (done <-chan struct{}) {
	over := make(chan struct{})
	t.work <- func() {
		defer close(over)
		fn()
	}
	return over
}

// Stop ends the thread after what it is doing.
func (t *Thread) Stop() { close(t.work) }

// Lower gives the calling goroutine a thread of low priority for the rest of its life.
func Lower() {
	runtime.LockOSThread() // and never unlocked: so the thread ends with the goroutine
	// It is a courtesy to others: where the kernel does not allow it, the work is done all the same.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), priority)
}
