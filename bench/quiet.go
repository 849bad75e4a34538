package main

import (
	"context"
	"time"

	"holdfast/internal/proc"
	"holdfast/load"
)

// When a server counts as quiet: at most one clock tick in quietSpan, which is under 5 % of a core; -quick looks sooner.
const (
	quietSpan    = 200 * time.Millisecond
	quietWaitMax = 5 * time.Second
)

// lookWhenQuiet waits until the process has nothing left to do and takes a sample of it. What a run leaves behind to be
// done (a sync, a checkpoint, collecting garbage) is so counted as its own, and does not run into another server's turn.
// It looks once in span; quiet is false for a process that was still busy after quietWaitMax.
func lookWhenQuiet(ctx context.Context, pid int, span time.Duration) (seen load.Sample, quiet bool, err error) {
	deadline := time.Now().Add(quietWaitMax)
	used, err := proc.CPUTime(pid)
	for err == nil && !quiet && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return seen, false, context.Cause(ctx)
		case <-time.After(span):
		}
		before := used
		used, err = proc.CPUTime(pid)
		quiet = used-before <= proc.ClockTick
	}
	if err == nil {
		seen, err = load.Look(pid)
	}
	return seen, quiet, err
}
