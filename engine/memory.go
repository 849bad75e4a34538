package engine

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"syscall"

	"holdfast/internal/nice"
	"holdfast/internal/proc"
)

// memory is how the process's memory stands, as last sampled. All that it holds is what Redis calls used memory. What it
// has use for beside the keyspace, which counts itself, is less: the rest is garbage that waits to be collected, and what is free
// and has not gone back to the system.
//
// What lives on Go's heap is known as of the last collection only, so it is compared with the keyspace as it was then.
// The difference between that and a keyspace of now would call garbage used, and after FLUSHALL under maxmemory refuse
// writes for want of memory until the next collection. Nor is it the keyspace of the sample behind the collection: keys that have been
// evicted in between would count as something else, for which further keys would go, until none is left.
type memory struct {
	collections uint64 // so many there had been when heap was noted
	heap        int64  // bytes: what else lived on the heap than keys
	keyspace    int64  // bytes: as it was when last sampled
	outside     int64  // bytes: stacks, and the runtime's own
	gaps        int64  // bytes: between what lives on the heap, where other values of that size will go
	given       int64  // bytes: from the system, without what has gone back
	untouched   int64  // bytes: of those, what nobody had written to before anything was loaded, so that it is no memory; later it is as much
	startup     int64  // bytes: held then
}

func (m *memory) beside() int64 { return m.heap + m.outside }

// held is what the process holds of the system's memory, but for its code and the files that it maps: as the kernel counts it.
func (m *memory) held() int64 { return m.given - m.untouched }

// sample reads how Go's memory stands, with a keyspace of so many bytes.
func (m *memory) sample(keyspace int64) {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	m.outside = n(2)
	for heap := 3; heap < len(samples); heap++ {
		m.outside -= n(heap)
	}
	m.gaps, m.given = n(5), n(2)-n(6)
	if cycles := samples[0].Value.Uint64(); cycles != m.collections {
		m.collections, m.heap = cycles, max(0, n(1)-max(keyspace, m.keyspace))
	}
	m.keyspace = keyspace
	if m.startup == 0 {
		m.untouched = max(0, m.given-residentMemory(m.given))
		m.startup = m.held()
	}
}

// compact moves keys together for about a slice of time, and reports whether there is more to do.
func (e *Engine) compact(now int64) (more bool) {
	start := e.o.Clock()
	for e.world.Keys.Compact() {
		if took := e.o.Clock().Sub(start); took > expireSlice || took > expireLeast && e.mu.wanted() {
			e.spiked("active-defrag-cycle", took, now)
			return true
		}
	}
	return false
}

// ResidentMemory is what the process holds, as the kernel counts it; where it does not tell, as Go does.
func (e *Engine) ResidentMemory() int64 { return residentMemory(e.stats.memory.held()) }

// residentMemory is what the kernel counts of the process's own memory, in bytes; unknown where it does not tell.
func residentMemory(unknown int64) int64 {
	n, err := proc.OwnMemory(os.Getpid())
	if err != nil {
		return unknown
	}
	return n
}

// machineMemory is how many bytes the machine has; 0 where it does not tell.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// ReturnMemory is MEMORY PURGE: it collects garbage and gives free memory back to the system, in the background.
func (e *Engine) ReturnMemory() {
	if e.closing || e.returning.Swap(true) {
		return
	}
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		e.ReturnMemoryNow()
		e.returning.Store(false)
	}()
}

// ReturnMemoryNow does that before it returns. Buffers that have grown with the work go too. It collects once: what bbolt has
// left in pools goes the next time. The sweeping and the giving back are done behind whatever else there is to do: at ordinary priority a
// million keys kept clients waiting for 4 milliseconds at 45,000 requests a second, and so for 2. It takes one of Go's processors all
// the while, and a sync of the log may have another: without one more, a loop of two was left without for 14 milliseconds.
func (e *Engine) ReturnMemoryNow() {
	if log := e.currentLog(); log != nil {
		log.Shed()
	}
	defer nice.Lend()()
	nice.Run(debug.FreeOSMemory)
}
