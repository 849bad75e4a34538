package nice

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// GiveWay lets whoever waits for this processor go first, and returns at once if nobody does. Work in the background calls it every some 50
// microseconds.
//
// A thread of low priority gives way to one that wakes up. One that is at work already it may push aside, when it has waited for long
// enough for its small share, and then it has the processor until the next tick, 4 milliseconds later: so long a server's loop
// was seen to wait, with the other processor idle.
func GiveWay() {
	// Not a raw call: Go is told, so that nothing which stops all goroutines waits for this one.
	_, _, _ = syscall.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
}
