package main

import (
	"math"
	"testing"
)

func TestGarbageIsKeptSmallBesideTheData(t *testing.T) {
	for _, c := range []struct {
		live, data int64
		want       int
	}{
		{0, 0, 1603},              // an empty server collects when it has 16 MiB
		{64 << 20, 64 << 20, 28},  // 16 MiB and a 32nd
		{64 << 20, 0, 28},         // less than lived a moment ago is no reason to collect sooner
		{640 << 20, 640 << 20, 5}, // 16 MiB and 20 MiB
		{64 << 30, 64 << 30, 3},   // the floor no longer counts
		{math.MaxInt32, 0, 3},
		{64 << 20, 128 << 20, 131},      // what has come since, 16 MiB, and a 32nd of all
		{1 << 20, 1 << 50, percentMost}, // not without bounds
	} {
		if got := garbagePercent(c.live, c.data); got != c.want {
			t.Errorf("%d live bytes of %d: GOGC %d, want %d", c.live, c.data, got, c.want)
		}
	}
}

func TestMemoryLimitLeavesRoomBesideTheData(t *testing.T) {
	if got := memoryLimit(0, 100<<20); got != math.MaxInt64 {
		t.Errorf("without maxmemory: %d", got)
	}
	if got, want := memoryLimit(800<<20, 500<<20), int64(882<<20); got != want {
		t.Errorf("with 800 MiB: %d, want %d", got, want)
	}
	if got, want := memoryLimit(25<<20, 800<<20), int64(882<<20); got != want {
		t.Errorf("with 25 MiB, when 800 MiB live: %d, want %d", got, want)
	}
}

// Memory goes back to the system when a process at rest holds much that it does not use, and not again for what it cannot get.
func TestMemoryIsReturnedAtRest(t *testing.T) {
	const mib = 1 << 20
	var m idleMemory
	busy := heapFigures{held: 200 * mib, allocated: 15 * mib}
	if m.worthReturning(busy, 100*mib, true) {
		t.Error("returned while 15 MiB were allocated in a period")
	}
	atRest := heapFigures{held: 200 * mib, allocated: busy.allocated + restBytes - 1}
	if full := m; full.worthReturning(atRest, 197*mib, true) {
		t.Error("returned for 3 of 200 MiB")
	}
	if m.worthReturning(atRest, 100*mib, false) {
		t.Error("returned in the midst of a checkpoint or a load")
	}
	if !m.worthReturning(atRest, 100*mib, true) {
		t.Error("kept 100 MiB of 200 at rest")
	}
	m.returned(heapFigures{held: 150 * mib, allocated: atRest.allocated}, 100*mib) // the kernel's rest: it cannot be had
	if m.worthReturning(heapFigures{held: 152 * mib, allocated: atRest.allocated}, 100*mib, true) {
		t.Error("returned again for what the last time left")
	}
	if !m.worthReturning(heapFigures{held: 250 * mib, allocated: atRest.allocated}, 100*mib, true) {
		t.Error("kept what has come since")
	}
	if !m.worthReturning(heapFigures{held: 150 * mib, allocated: atRest.allocated, free: 4 * mib}, 140*mib, true) {
		t.Error("kept what somebody let go of while memory was returned the last time")
	}
	worked := heapFigures{held: 150 * mib, allocated: atRest.allocated + 20*mib}
	m.worthReturning(worked, 150*mib, true) // busy in this period
	if !m.worthReturning(worked, 150*mib, true) {
		t.Error("kept what 20 MiB of work may have left")
	}
	if !m.worthReturning(heapFigures{held: 150 * mib, allocated: worked.allocated + 20*mib}, 50*mib, false) {
		t.Error("kept what FLUSHALL left while others are at work")
	}
	if m.worthReturning(heapFigures{held: 150 * mib, allocated: worked.allocated + 40*mib}, 50*mib, false) {
		t.Error("returned twice for one FLUSHALL")
	}
}

// What was needed counts for some periods more.
func TestWhatWasNeededLatelyCounts(t *testing.T) {
	var l lately
	for i, c := range []struct{ now, want int64 }{{5, 5}, {9, 9}, {3, 9}, {2, 9}, {1, 9}, {1, 3}, {7, 7}} {
		if got := l.most(c.now); got != c.want {
			t.Errorf("after figure %d, %d: %d, want %d", i, c.now, got, c.want)
		}
	}
}
