package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"holdfast/internal/proc"
)

const (
	spillShare   = 5       // maxmemory is this part of what the loaded data took
	spillWarm    = 200_000 // keys asked for before anything is measured
	spillHot     = 1_000   // keys that are asked for again and again
	spillBatch   = 5_000   // GETs timed together
	spillPairs   = 4       // of batches, per round: hot keys, then random ones
	bytesPerMega = 1e6

	// spillLeast is what the process itself needs, with room for some keys; a fifth of few keys is less than that.
	spillLeast = 16 << 20
)

// spill restarts holdfast with a fifth of the memory that its data took, and compares GETs of keys that are only on disk
// with GETs of keys that are in memory.
func (t *trial) spill(ctx context.Context) error {
	limit := max(t.used/spillShare, spillLeast)
	c, err := t.squeeze(ctx, limit)
	if err != nil {
		return err
	}
	memory := watch(func() (int64, error) { return proc.OwnMemory(c.process.PID()) })
	hot, costs, err := t.timeCold(ctx, c)
	peak, watched := memory.peakBytes()
	if err != nil {
		return err
	}
	if watched != nil {
		return watched
	}
	served, err := c.process.Ask("DBSIZE")
	if err != nil {
		return c.wrap("DBSIZE", err)
	}
	if len(served) != 1 || served[0] != strconv.FormatUint(t.keys, 10) {
		return fmt.Errorf("%s: it has %s keys of %d", c.name(), served, t.keys)
	}
	one := func(figures ...float64) (s sides) {
		for _, figure := range figures {
			s.add(holdfastColumn, figure)
		}
		return s
	}
	resident := one(float64(peak) / bytesPerMega)
	t.emit(t.row("spill: keys served", 0, one(float64(t.keys))))
	t.emit(t.row("spill: maxmemory, MB", 1, one(float64(limit)/bytesPerMega)))
	t.emit(t.row("spill: RssAnon at its peak, MB", 1, resident).beside(one(float64(limit)/bytesPerMega), "× maxmemory"))
	t.emit(t.row("spill: GET of a key in memory, µs", 1, one(hot...)))
	t.emit(t.row("spill: what a cold key adds, µs", 1, one(costs...)).itself("µs").within(coldGetBound))
	return nil
}

// squeeze restarts holdfast on its data with so much memory, and waits until it has fetched what has room.
func (t *trial) squeeze(ctx context.Context, limit int64) (*contender, error) {
	if err := t.end(ctx, t.holdfast, ending{}); err != nil {
		return nil, err
	}
	size := strconv.FormatInt(limit, 10)
	program := holdfast(t.o.Holdfast, "--maxmemory", size, "--maxmemory-policy", "spill")
	program.Settings["maxmemory"], program.Settings["maxmemory-policy"] = size, "spill"
	c := t.holdfast
	c.program = program
	if _, err := c.restart(ctx, t.someKey()); err != nil {
		return nil, err
	}
	isFull := func(fields info) (bool, error) {
		hydrating, err := fields.number("hydrating")
		return hydrating == 0, err
	}
	if err := c.await(ctx, hydrationPoll, startWaitMax, isFull); err != nil {
		return nil, c.wrap("hydration", err)
	}
	return c, c.send(ctx, lookups(min(spillWarm, t.keys), t.keys))
}

// timeCold times batches of single GETs in turn: of a few keys, and of random ones. hot are the means of the former in
// microseconds, costs what a key adds that is not in memory: the difference of the means by the share of cold keys.
func (t *trial) timeCold(ctx context.Context, c *contender) (hot, costs []float64, err error) {
	ctx, stop := c.process.During(ctx)
	defer stop()
	client, err := dial(ctx, c.process.Addr())
	if err != nil {
		return nil, nil, err
	}
	defer client.close()
	few := func(n uint64) uint64 { return scattered(n%spillHot, t.keys) }
	random := func(n uint64) uint64 { return mix(t.o.Seed^mix(n)) % t.keys }
	for pair := range uint64(t.o.Rounds * spillPairs) {
		if _, err := timeGets(client, spillHot, few); err != nil { // so that they are in memory
			return nil, nil, c.wrap("GET", because(ctx, err))
		}
		inMemory, err := timeGets(client, spillBatch, few)
		if err != nil {
			return nil, nil, c.wrap("GET", because(ctx, err))
		}
		share, err := t.coldShare(c)
		if err != nil {
			return nil, nil, err
		}
		mixed, err := timeGets(client, spillBatch, func(n uint64) uint64 { return random(pair*spillBatch + n) })
		if err != nil {
			return nil, nil, c.wrap("GET", because(ctx, err))
		}
		hot = append(hot, micros(inMemory))
		costs = append(costs, micros(mixed-inMemory)/share)
		t.say("spill: GET %.1f µs in memory, %.1f µs of random keys, %.0f %% of which are cold", micros(inMemory), micros(mixed), 100*share)
	}
	return hot, costs, nil
}

// timeGets is the mean time of a GET.
func timeGets(client *conn, count uint64, key func(n uint64) uint64) (time.Duration, error) {
	begin := time.Now()
	for n := range count {
		if err := client.get(key(n)); err != nil {
			return 0, err
		}
	}
	return time.Since(begin) / time.Duration(count), nil
}

// coldShare is the share of the keys that are not in memory. Without any there is nothing to measure.
func (t *trial) coldShare(c *contender) (float64, error) {
	fields, err := askInfo(c.process, "persistence")
	if err != nil {
		return 0, err
	}
	cold, err := fields.number("cold_keys")
	if err != nil {
		return 0, err
	}
	if cold == 0 {
		return 0, fmt.Errorf("%s: every key is in memory, above maxmemory", c.name())
	}
	return float64(cold) / float64(t.keys), nil
}
