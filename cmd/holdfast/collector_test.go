package main

import (
	"math"
	"testing"
)

func TestGarbageIsKeptSmallBesideTheData(t *testing.T) {
	for _, c := range []struct {
		live int64
		want int
	}{
		{0, 1000},       // an empty server collects seldom
		{64 << 20, 56},  // 32 MiB and a sixteenth
		{640 << 20, 11}, // 32 MiB and 40 MiB
		{64 << 30, 6},   // the floor no longer counts
		{math.MaxInt32, 7},
	} {
		if got := garbagePercent(c.live); got != c.want {
			t.Errorf("%d live bytes: GOGC %d, want %d", c.live, got, c.want)
		}
	}
}

func TestMemoryLimitLeavesRoomBesideTheData(t *testing.T) {
	if got := memoryLimit(0); got != math.MaxInt64 {
		t.Errorf("without maxmemory: %d", got)
	}
	if got, want := memoryLimit(800<<20), int64(882<<20); got != want {
		t.Errorf("with 800 MiB: %d, want %d", got, want)
	}
}
