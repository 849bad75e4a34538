package main

import (
	"math"
	"slices"
	"testing"
)

func TestLoopCounts(t *testing.T) {
	for processors, want := range map[int][]int{1: {1}, 2: {1, 2}, 6: {1, 2, 4, 6}, 16: {1, 2, 4, 8, 16}} {
		if got := loopCounts(processors); !slices.Equal(got, want) {
			t.Errorf("%d processors: %v, not %v", processors, got, want)
		}
	}
}

func TestLoopsAreTold(t *testing.T) {
	args := withLoops(Holdfast("holdfast"), 4).Args("dir", "1", "always")
	if n := len(args); args[n-2] != "--loops" || args[n-1] != "4" {
		t.Errorf("%q", args)
	}
}

func TestCommandMicros(t *testing.T) {
	info := "# Commandstats\r\ncmdstat_get:calls=10,usec=25,usec_per_call=2.50,rejected_calls=0,failed_calls=0\r\n" +
		"cmdstat_config|resetstat:calls=1,usec=1000\r\ncmdstat_info:calls=1,usec=1000\r\ncmdstat_set:calls=1,usec=5\r\n"
	if got := commandMicros([]string{info}); got != 30 {
		t.Errorf("%v", got)
	}
	if got := commandMicros([]string{"# Commandstats\r\n"}); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}
