package engine

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
)

// memory is what the process holds beside the keyspace, as last sampled: together with what the keyspace counts itself
// it is what Redis calls used memory. Garbage that waits to be collected is not in it.
//
// What lives on Go's heap is known as of the last collection only, so it is compared with the keyspace as it was then.
// The difference between that and a keyspace of now would call garbage used, and after FLUSHALL under maxmemory refuse
// writes for want of memory until the next collection.
type memory struct {
	collections uint64 // so many there had been when heap was noted
	heap        int64  // bytes: what else lived on the heap than keys
	outside     int64  // bytes: stacks, and the runtime's own
	gaps        int64  // bytes: between what lives on the heap, where other values of that size will go
	startup     int64  // bytes: both at the first sample
}

func (m *memory) beside() int64 { return m.heap + m.outside }

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
	m.gaps = n(5)
	if cycles := samples[0].Value.Uint64(); cycles != m.collections {
		m.collections, m.heap = cycles, max(0, n(1)-keyspace)
	}
	if m.startup == 0 {
		m.startup = m.beside()
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

// processMemory is what the process holds of the system's memory, in bytes, but for its code.
func processMemory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
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

// ReturnMemoryNow does that before it returns. Buffers that have grown with the work go too. It collects twice: what bbolt has
// left in pools, a page for each that a checkpoint wrote, outlives one collection.
func (e *Engine) ReturnMemoryNow() {
	if log := e.currentLog(); log != nil {
		log.Shed()
	}
	runtime.GC()
	debug.FreeOSMemory()
}
