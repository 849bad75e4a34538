package main

import (
	"context"
	"fmt"
	"time"
)

const (
	quietLoad     = 3 * time.Second // how long the modest load runs on a quiet server
	pollUnderLoad = 50 * time.Millisecond
	samplesEnough = 1000 // for a 99th percentile
)

// hydration compares the GETs of a modest load while holdfast hydrates with those when it is quiet.
func (t *trial) hydration(ctx context.Context) error {
	var took, quiet, during sides
	for round := range t.o.Rounds {
		busy, samples, err := t.hydrateUnderLoad(ctx)
		if err != nil {
			return err
		}
		if err := t.holdfast.settle(ctx); err != nil {
			return err
		}
		calm, err := t.loadFor(ctx, t.holdfast, t.pace(false), quietLoad)
		if err != nil {
			return err
		}
		took.add(holdfastColumn, millis(busy))
		during.add(holdfastColumn, p99(samples))
		quiet.add(holdfastColumn, p99(calm))
		t.few(fmt.Sprintf("GETs during hydration, round %d", round+1), samples)
		t.say("round %d of %d: p99 of GETs %.0f µs during hydration, %.0f µs after it", round+1, t.o.Rounds, p99(samples), p99(calm))
	}
	t.emit(t.row("all keys in memory, under a load of GETs, ms", 0, took))
	t.emit(t.row("GET p99, quiet, µs", 0, quiet))
	t.emit(t.row("GET p99, during hydration, µs", 0, during).besideQuiet(quiet).within(hydrationP99Bound))
	return nil
}

// hydrateUnderLoad restarts holdfast and loads it from its first reply until hydration is over.
func (t *trial) hydrateUnderLoad(ctx context.Context) (time.Duration, []sample, error) {
	c := t.holdfast
	if err := t.end(ctx, c, ending{}); err != nil {
		return 0, nil, err
	}
	begin := time.Now()
	if _, err := c.restart(ctx, t.someKey()); err != nil {
		return 0, nil, err
	}
	var took time.Duration
	samples, err := t.loadWhile(ctx, c, t.pace(false), func(ctx context.Context) error {
		err := c.await(ctx, pollUnderLoad, startWaitMax, isHydrated)
		took = time.Since(begin)
		return c.wrap("hydration", err)
	})
	return took, samples, err
}

// loadWhile loads a server while something is done, and returns what the load saw.
func (t *trial) loadWhile(ctx context.Context, c *contender, p pace, do func(context.Context) error) ([]sample, error) {
	c.quiet = false
	served, stop := c.process.During(ctx)
	defer stop()
	load := p.start(served, c.process.Addr())
	done := do(ctx)
	samples, err := load.stop()
	if done != nil {
		return nil, done
	}
	return samples, c.wrap("load", err)
}

// loadFor loads a server for so long.
func (t *trial) loadFor(ctx context.Context, c *contender, p pace, d time.Duration) ([]sample, error) {
	return t.loadWhile(ctx, c, p, func(ctx context.Context) error { return pause(ctx, d) })
}

// few remarks on a percentile that rests on too few samples.
func (t *trial) few(what string, samples []sample) {
	if len(samples) < samplesEnough {
		t.remark(fmt.Sprintf("%s keys: %s: only %d samples", millions(t.keys), what, len(samples)))
	}
}
