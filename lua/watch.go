package lua

import (
	"errors"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// watch is the context of a state: gopher-lua calls Done before each instruction, on the goroutine that runs the script, so
// that this is where the script is watched. While all is well the answer is a channel on which nothing ever comes.
//
// Each instruction costs a call and a decrement by this. Rejected: a context that another goroutine cancels. It costs as much,
// since gopher-lua asks it as often, and cannot let others go on between two instructions.
type watch struct {
	left   int          // instructions to the next look at the clock
	alarm  *atomic.Bool // the collector has been at work since memory was last looked at
	worked bool         // it has been since libraries were last measured
	began  time.Time
	next   time.Duration // since then, when to ask the host again
	host   Host
	doom   error         // why the script ends, whatever it does
	cause  error         // what Err says
	ended  chan struct{} // closed
	limits Options
	limit  int64 // bytes that the script may take; 0 is no limit, below 0 not yet asked for
	paid   int64 // bytes that functions of ours asked for since memory was last looked at
	start  usage // when the script began, a little later
	beside int64 // bytes that lived on the heap then and were not the keyspace's
	allow  int64 // bytes that may have been made before what lives is counted
	sample []metrics.Sample
}

const (
	watchEvery = 16 // instructions between two looks at the clock
	lookEvery  = time.Millisecond
	// payAtOnce is how much may be asked for before memory is looked at, in bytes.
	payAtOnce = 8 << 20
)

// errMemory is what a script that takes too much memory is told, in the words of Lua 5.1.
var errMemory = errors.New("not enough memory")

// gopher-lua fills an array up to the index that is written to, with 16 bytes a place, in one instruction, and its own bound
// allows a GB. The bound is a variable of the library's, which is set here once, before anything runs. Beyond it an array has no
// length, so that it cannot be lower; what such instructions make brings the collector to work, and that is the alarm.
var _ = boundArrays(placesMax)

// placesMax is one more than the places of an array. An index from there on is a key like any other, which # and ipairs do not see.
const placesMax = 4 << 20

func boundArrays(places int) int {
	glua.MaxArrayIndex = places
	return places
}

func (w *watch) begin(o Options, host Host) {
	if w.ended == nil {
		w.ended = make(chan struct{})
		close(w.ended)
		w.sample = []metrics.Sample{
			{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"},
			{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
		}
	}
	w.worked = w.alarm.Swap(false) || w.worked
	w.host, w.limits, w.doom, w.began, w.next, w.left = host, o, nil, time.Now(), lookEvery, watchEvery
	w.limit, w.paid = -1, 0
}

// end forgets the script. After one that took much a collection lets the next one begin with a true account.
func (w *watch) end() {
	if w.limit > 0 && w.allow != w.limit {
		runtime.GC()
	}
	w.host, w.left = nil, watchEvery
}

// Done is asked before each instruction.
func (w *watch) Done() <-chan struct{} {
	w.left--
	if w.left > 0 && !w.alarm.Load() {
		return nil
	}
	return w.tick()
}

// Err says why the script ends.
func (w *watch) Err() error { return w.cause }

// Deadline and Value complete a context; nobody asks.
func (w *watch) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is nothing.
func (w *watch) Value(any) any { return nil }

func (w *watch) tick() <-chan struct{} {
	if w.doom != nil {
		return w.ended // again and again: pcall is no way out
	}
	w.left = watchEvery
	if w.host == nil {
		return nil
	}
	since, alarm := time.Since(w.began), w.alarm.Load()
	if since < w.next && !alarm {
		return nil
	}
	if since >= w.next {
		w.next = since + lookEvery
		if err := w.host.Look(); err != nil {
			w.doom, w.cause, w.left = err, err, 0
			return w.ended
		}
	}
	if err := w.checkMemory(0); err != nil {
		w.cause = err // it may be caught: what took the memory is let go then
		return w.ended
	}
	return nil
}

// spend is called by functions that go on for long without an instruction, once a step; it raises the error that ends the script.
func (w *watch) spend(l *glua.LState) {
	if done := w.Done(); done != nil {
		fail(l, "%s", w.cause.Error())
	}
}

// pay is called by functions before they make n bytes. It raises an error if they are too many, or if the script is to end.
func (w *watch) pay(l *glua.LState, n int64) {
	if w.paid += n; w.paid < payAtOnce {
		return
	}
	if err := w.checkMemory(n); err != nil {
		fail(l, "%s", err.Error())
	}
	w.left = 0
	w.spend(l)
}

// wantsMore is pay and spend for what is no function of Lua's: the reply that is written.
func (w *watch) wantsMore(n int64) error {
	if done := w.Done(); done != nil {
		return w.cause
	}
	if w.paid += n; w.paid < payAtOnce {
		return nil
	}
	return w.checkMemory(n)
}

// usage is how memory stands, in bytes.
type usage struct {
	made    int64 // on the heap, ever
	stacks  int64
	objects int64 // on the heap, with garbage
	live    int64 // on the heap, as of the last collection
	held    int64 // by the keyspace
}

func (w *watch) usage() (u usage) {
	metrics.Read(w.sample)
	n := func(i int) int64 { return int64(w.sample[i].Value.Uint64()) }
	u = usage{made: n(0), stacks: n(1), objects: n(2), live: n(3)}
	if w.limits.Held != nil {
		u.held = w.limits.Held()
	}
	return u
}

// checkMemory says whether n more bytes would be too many. As long as all that the script has made would not be too much, nobody
// asks how much of it lives; after that a collection tells, again and again as more is made.
func (w *watch) checkMemory(n int64) error {
	w.paid = 0
	w.worked = w.alarm.Swap(false) || w.worked
	now := w.usage()
	if w.limit < 0 {
		w.limit, w.start = w.limits.Memory(), now
		w.beside = max(now.live-now.held, 0)
		if w.limits.Beside != nil {
			w.beside = w.limits.Beside()
		}
		w.allow = w.limit
	}
	if w.limit == 0 {
		return nil
	}
	made := now.made - w.start.made + max(0, now.stacks-w.start.stacks) - max(0, now.held-w.start.held)
	if made+n <= w.allow {
		return nil
	}
	if n <= w.limit {
		w.allow = 0 // see end
		runtime.GC()
		now = w.usage()
		live := now.objects - now.held - w.beside + now.stacks - w.start.stacks
		if live+n <= w.limit {
			w.allow = made + n + max(w.limit-live, w.limit/collectShare)
			return nil
		}
	}
	return errMemory
}

// collectShare bounds how often a script makes collections necessary: not before it has made such a share of its limit.
const collectShare = 8

// ring sets the alarm whenever the collector has been at work, as long as alive says so. The collector frees an object that
// nobody holds, and tells of it; that makes the next one.
func ring(alarm, gone *atomic.Bool) {
	if gone.Load() {
		return
	}
	alarm.Store(true)
	runtime.AddCleanup(new([16]byte), func(int) { ring(alarm, gone) }, 0)
}
