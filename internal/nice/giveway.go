package nice

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Way is how work in the background lets others go first. Its zero value is ready; it is for one goroutine.
//
// A thread of low priority gives way to one that wakes up. One that is at work already it may push aside, when it has waited for long
// enough for its small share, and then it has the processor until the next tick, 4 milliseconds later: so long a server's loop
// was seen to wait, with the other processor idle.
type Way struct {
	mine time.Time // until then nobody is let go first
}

// wayShare is what the work gets where there is always somebody else: a part in so many, about what its priority would give it. The
// kernel takes more than that from one who gives way often.
const wayShare = 9

// Give lets whoever waits for this processor go first, and returns at once if nobody does. The work calls it every some 50 microseconds.
func (w *Way) Give() {
	began := time.Now()
	if began.Before(w.mine) {
		return
	}
	// Not a raw call: Go is told, so that nothing which stops all goroutines waits for this one.
	_, _, _ = syscall.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	w.waited(began, time.Now())
}

// waited makes up for a wait.
func (w *Way) waited(from, to time.Time) { w.mine = to.Add(to.Sub(from) / (wayShare - 1)) }
