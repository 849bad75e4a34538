package main

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"holdfast/config"
)

// Go lets the heap grow to twice what lives in it before it collects. Nearly all that lives here is the data, in pages
// without pointers, so a collection is cheap whatever their size, and half of the memory would be garbage for nothing.
// The garbage is kept to 64 MiB and an eighth of the data instead, and, under maxmemory, near that.

const (
	garbageFloor = 64 << 20 // bytes
	garbageShare = 8        // one in so many bytes that live
	tunePeriod   = time.Second
)

// tuneCollector follows the size of the data until stop is closed.
func tuneCollector(cfg *config.Config, stop <-chan struct{}) {
	limit := cfg.Bytes("maxmemory")
	ticker := time.NewTicker(tunePeriod)
	defer ticker.Stop()
	percent, bound := 0, int64(0)
	for {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if p := garbagePercent(int64(live[0].Value.Uint64())); p*5 < percent*4 || p*4 > percent*5 {
			percent = p
			debug.SetGCPercent(p) // stops the world for some microseconds, hence not for every small change
		}
		if b := memoryLimit(limit.Load()); b != bound {
			bound = b
			debug.SetMemoryLimit(b)
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}

// garbagePercent is GOGC for so many live bytes.
func garbagePercent(live int64) int {
	live = max(live, 1<<20)
	return int(min(1000, 100*(garbageFloor+live/garbageShare)/live))
}

// memoryLimit is GOMEMLIMIT for a maxmemory in bytes, with room for what is not data.
func memoryLimit(maxmemory int64) int64 {
	if maxmemory <= 0 {
		return math.MaxInt64
	}
	return maxmemory + maxmemory/garbageShare + garbageFloor
}
