package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"holdfast/config"
	"holdfast/engine"
	"holdfast/server"
)

// Go lets the heap grow to twice what lives in it before it collects. Nearly all that lives here is the data, in pages
// without pointers, so a collection is cheap whatever their size, and half of the memory would be garbage for nothing.
// The garbage is kept to 16 MiB and a 32nd of the data instead, and, under maxmemory, near that. Data that have come since the last
// collection, or are about to come from the base, are no garbage: while they come nothing need be collected for them.
//
// What a load, a checkpoint or FLUSHALL has left goes back to the system once the process is at rest: Go alone would
// collect two minutes later, and then give back little by little. So a server at rest holds what it has use for. In the midst
// of a load it is left to Go: two collections in a row, and the memory going back, kept clients waiting for 10 ms.

const (
	garbageFloor = 16 << 20 // bytes
	limitRoom    = 32 << 20 // bytes beyond maxmemory, and a 16th, before collections become as frequent as they must
	garbageShare = 32       // one in so many bytes that live
	limitShare   = 16       // likewise, of maxmemory
	percentMost  = 100_000
	tunePeriod   = time.Second

	restBytes = 1 << 20 // what a process at rest allocates in a period, at most
	idleFloor = 1 << 20 // what it may hold beyond what it uses, in bytes,
	idleShare = 64      // and one in so many bytes more
	// What it has allocated since memory was given back last is garbage now, or was counted as used by a collection in the
	// middle of its work.
	workFloor = 8 << 20 // bytes,
	workShare = 16      // and one in so many bytes more
	// Where so much was let go of at once, as by FLUSHALL, it goes back whatever else is at work.
	fallFloor = 16 << 20 // bytes,
	fallShare = 4        // and one in so many bytes that are held
)

// collector tells Go's how much garbage may lie.
type collector struct {
	maxmemory config.Handle[int64]

	mu      sync.Mutex
	percent int          // GOGC and
	limit   int64        // GOMEMLIMIT as they were told last
	held    bool         // until it is released
	lately  lately       // of what was needed
	needed  func() int64 // bytes that the engine has use for, or will soon; nil until there is one
}

func newCollector(cfg *config.Config) *collector {
	return &collector{maxmemory: cfg.Bytes("maxmemory")}
}

// follow follows the size of the data until stop is closed. It begins before they are loaded: a start, which makes little
// garbage and is waited for, is over before the first collection.
func (c *collector) follow(stop <-chan struct{}) {
	ticker := time.NewTicker(tunePeriod)
	defer ticker.Stop()
	for {
		c.follows()
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}

// serve has it follow what the engine says, too, from now on.
func (c *collector) serve(eng *engine.Engine) {
	c.mu.Lock()
	c.needed = eng.NeededMemory
	c.mu.Unlock()
	c.follows()
}

// follows sets what the data ask for that the engine has use for now, or that lived when garbage was collected last.
func (c *collector) follows() {
	c.mu.Lock()
	defer c.mu.Unlock()
	live, data := readHeap().live, int64(0)
	if c.needed != nil {
		data = c.needed()
	}
	data = max(live, c.lately.most(data))
	if c.held {
		return
	}
	if p := garbagePercent(live, data); p*5 < c.percent*4 || p*4 > c.percent*5 {
		c.percent = p
		debug.SetGCPercent(p) // stops the world for some microseconds, hence not for every small change
	}
	if l := memoryLimit(c.maxmemory.Load(), data); l != c.limit {
		c.limit = l
		debug.SetMemoryLimit(l)
	}
}

// lately are the last figures of some periods. What was needed a moment ago is garbage now, but for giveBack, which sees it go, to
// collect: if Go were told at once, the next command would have it to do.
type lately [4]int64

// most takes a figure, and returns the greatest.
func (l *lately) most(now int64) int64 {
	copy(l[1:], l[:])
	l[0] = now
	return slices.Max(l[:])
}

// hold leaves collections to who asks for one, and to GOMEMLIMIT, until release. Else whoever allocates next, and that is a client's command,
// would begin one, and sweep up all that FLUSHALL has left before it gets anything: Go means to be done when the garbage that is allowed
// has been made, and that is next to none beside so little data.
func (c *collector) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.percent, c.held = -1, true
	debug.SetGCPercent(c.percent)
}

func (c *collector) release() {
	c.mu.Lock()
	c.held = false
	c.mu.Unlock()
	c.follows()
}

// giveBack gives back what a process at rest does not need, until stop is closed; and at work too what FLUSHALL leaves, and
// what there is beyond maxmemory, as after it was lowered: the keys that have left memory are garbage that no new one makes the
// runtime collect. What could not be had last time it leaves.
func (c *collector) giveBack(eng *engine.Engine, srv *server.Server, stop <-chan struct{}) {
	ticker := time.NewTicker(tunePeriod)
	defer ticker.Stop()
	var idle idleMemory
	for {
		now, used, atRest := readHeap(), eng.LiveMemory(), eng.AtRest()
		if idle.worthReturning(now, used, atRest) || now.held-idle.kept > memoryLimit(c.maxmemory.Load(), used) {
			c.hold()
			srv.Shed()
			if atRest {
				runtime.GC() // what bbolt has left in pools, a page for each that a checkpoint wrote, outlives one collection
			}
			eng.ReturnMemoryNow()
			c.release()
			idle.returned(readHeap(), eng.LiveMemory())
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}

// heapFigures are how Go's memory stands, in bytes.
type heapFigures struct {
	live      int64 // in use, as the last collection found
	held      int64 // given by the system and not given back
	allocated int64 // ever
	free      int64 // of what is held, by nothing
}

func readHeap() heapFigures {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return heapFigures{live: n(0), held: n(1) - n(2), allocated: n(3), free: n(4)}
}

// idleMemory says when memory is to be given back.
type idleMemory struct {
	allocated int64 // ever, a period ago
	used      int64 // likewise
	kept      int64 // held beyond what was in use, right after memory was given back last: it cannot be had
	given     int64 // allocated ever, as of then
}

// worthReturning reports whether the process is at rest and holds much that it does not use, or has worked since it gave memory
// back last; or whether a great part of what it used is gone since it was asked last. Allocating nothing alone is no rest: GET
// and SET do not, nor does a checkpoint that waits for the disk, and what that has made is garbage only later, when there may be
// too little new work for memory to be given back again.
func (m *idleMemory) worthReturning(now heapFigures, used int64, atRest bool) bool {
	atRest = atRest && now.allocated-m.allocated < restBytes
	fell := m.used-used > max(fallFloor, now.held/fallShare)
	m.allocated, m.used = now.allocated, used
	idle := idleFloor + now.held/idleShare
	return fell || atRest && (now.free > idle || now.held-used-m.kept > idle || now.allocated-m.given > workFloor+now.held/workShare)
}

func (m *idleMemory) returned(now heapFigures, used int64) {
	m.allocated, m.given, m.kept = now.allocated, now.allocated, max(0, now.held-used)
}

// garbagePercent is GOGC, which counts from what lived when garbage was collected last.
func garbagePercent(live, data int64) int {
	live = max(live, 1<<20)
	data = max(live, data)
	return int(min(percentMost, 100*(data-live+garbageFloor+data/garbageShare)/live))
}

// memoryLimit is GOMEMLIMIT for a maxmemory in bytes, with room for what is not data. Where more than that lives, as when maxmemory
// has been lowered, collections could not help, and would follow each other without an end.
func memoryLimit(maxmemory, live int64) int64 {
	if maxmemory <= 0 {
		return math.MaxInt64
	}
	data := max(maxmemory, live)
	return data + data/limitShare + limitRoom
}
