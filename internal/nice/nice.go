// Package nice runs work in the background behind everything else that the machine has to do.
//
// A goroutine that computes for long holds up others until Go preempts it, after ten milliseconds. The kernel is
// quicker: a thread of low priority, and with a long slice of time, gives way at once to one that wakes up. So such work runs
// on a thread of its own, and for the time that a Thread lasts Go may run one goroutine more than there are processors. Not
// for good: threads that look for work where there is none cost a tenth of a request.
//
// What runs here must hold no lock that others wait for: it may be made to wait while it has it.
package nice

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// priority is a nice value: a tenth of the weight of a thread with 0.
	priority = 10
	// slice is how long the kernel means to let such a thread run, and more than the 1.5 to 3 milliseconds of others. Since Linux 6.12
	// a thread that wakes up takes the place of one with a longer slice at once, whereas of one with the same it waits for the end
	// of the slice, which the kernel sees at the next tick, up to 4 milliseconds later.
	slice = 10 * time.Millisecond
)

// Thread runs functions, one after another, on a thread of low priority. Stop ends it.
type Thread struct{ work chan func() }

// processors counts the Threads and the loans there are: what they change belongs to the process.
var processors struct {
	sync.Mutex
	lent int
}

// Lend has Go run one goroutine more than there are processors until back is called, once. It is for work that waits for the
// disk, or pauses, on an ordinary goroutine: Go counts one in a system call as running until it looks, which may be 10
// milliseconds later, and meanwhile others had to wait with the processors idle.
func Lend() (back func()) {
	lend(1)
	return func() { lend(-1) }
}

// Processors is how many goroutines Go runs at a time without the loan.
func Processors() int {
	processors.Lock()
	defer processors.Unlock()
	return runtime.GOMAXPROCS(0) - min(processors.lent, 1)
}

// lend makes the loan while there is anybody who wants it.
func lend(n int) {
	processors.Lock()
	defer processors.Unlock()
	before := processors.lent
	processors.lent += n
	if (before > 0) != (processors.lent > 0) {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
	}
}

// Start makes a Thread. The one that starts it stops it.
func Start() *Thread {
	lend(1)
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
func (t *Thread) Stop() {
	close(t.work)
	lend(-1)
}

// Run runs fn on a thread of low priority of its own, and returns when it has. It borrows no processor, as a Thread does.
func Run(fn func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		Lower()
		fn()
	}()
	<-over
}

// Lower gives the calling goroutine a thread of low priority for the rest of its life.
func Lower() {
	runtime.LockOSThread() // and never unlocked: so the thread ends with the goroutine
	// It is a courtesy to others: where the kernel does not allow it, the work is done all the same.
	attr, err := unix.SchedGetAttr(0, 0)
	if err == nil {
		attr.Nice, attr.Runtime = max(attr.Nice, priority), uint64(slice)
		err = unix.SchedSetAttr(0, attr, 0)
	}
	if err != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), priority)
	}
}

// Pause waits. It takes a thread for that, and is exact to some 50 microseconds where time.Sleep may take a millisecond more.
//
// The thread keeps its place among those that run goroutines until Go takes it away, some 20 microseconds to 10 milliseconds
// later, and with it a goroutine that was just given a lock and is next there. So that one goes first.
func Pause(d time.Duration) {
	runtime.Gosched()
	left := unix.NsecToTimespec(d.Nanoseconds())
	for unix.Nanosleep(&left, &left) == unix.EINTR { // which leaves what is left of it
	}
}
