package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/internal/proc"
)

// How a server ends before it is started again, and what it has not saved by then. Under a quiet load holdfast begins a
// checkpoint when its log is 15,000 records beyond the last one, under a flood of writes at 500,000; what is behind here is a
// little less, as much as a kill can find.
type ending struct {
	name     string
	kill     bool
	behind   uint64  // updates since the last save
	uncached bool    // the page cache is dropped before the start
	hydrates bool    // hydration is timed too
	bound    float64 // of the time to the first GET, as a share of Redis's from RDB; 0 for none
}

const (
	behindQuiet = 12_500
	behindFlood = 450_000
)

func endings(uncached bool) []ending {
	all := []ending{
		{name: "a clean stop", hydrates: true, bound: cleanStopBound},
		{name: "kill -9", kill: true, behind: behindQuiet, bound: killBound},
		{name: "kill -9 in a flood", kill: true, behind: behindFlood},
	}
	if uncached {
		all = append(all, ending{name: "a clean stop, uncached", uncached: true})
	}
	return all
}

// hydrationPoll lies between two questions whether hydration is complete; each makes it rest a moment.
const hydrationPoll = 20 * time.Millisecond

// restarts ends and starts every server in every way, round by round.
func (t *trial) restarts(ctx context.Context) error {
	ways := endings(t.o.Cold)
	firstGet := make([]sides, len(ways))
	var ready, anon sides
	for round := range t.o.Rounds {
		for w, way := range ways {
			for i, c := range t.contenders() {
				first, complete, err := t.restart(ctx, c, way)
				if err != nil {
					return err
				}
				firstGet[w].add(i, millis(first))
				t.say("round %d of %d: %s: first GET %.1f ms after %s", round+1, t.o.Rounds, c.name(), millis(first), way.name)
				if err := c.settle(ctx); err != nil {
					return err
				}
				if !way.hydrates {
					continue
				}
				own, _, err := proc.Resident(c.process.PID())
				if err != nil {
					return err
				}
				ready.add(i, millis(complete))
				anon.add(i, t.perKey(own))
			}
		}
	}
	for w, way := range ways {
		t.emit(t.row(firstGetAfter(way), 1, firstGet[w]).besideRDB().within(way.bound))
	}
	t.emit(t.row("all keys in memory after a clean stop, ms", 0, ready).besideRDB().within(hydrationBound))
	t.emit(t.row("restarted: RssAnon, bytes per key", 0, anon).besideRDB())
	return nil
}

// firstGetAfter is what the table calls the time to the first GET.
func firstGetAfter(way ending) string { return "first GET after " + way.name + ", ms" }

// restart ends a server and starts it again. first is the time to the first GET; complete, where that is timed, the time
// until every key is in memory, which with Redis is the same.
func (t *trial) restart(ctx context.Context, c *contender, way ending) (first, complete time.Duration, err error) {
	if err := t.end(ctx, c, way); err != nil {
		return 0, 0, err
	}
	if way.uncached {
		if err := dropCaches(); err != nil {
			return 0, 0, err
		}
	}
	begin := time.Now()
	if first, err = c.restart(ctx, t.someKey()); err != nil || !way.hydrates || c != t.holdfast {
		return first, first, err
	}
	err = c.await(ctx, hydrationPoll, startWaitMax, isHydrated)
	return first, time.Since(begin), c.wrap("hydration", err)
}

// end brings a server to where the way of ending begins, and ends it.
func (t *trial) end(ctx context.Context, c *contender, way ending) error {
	if err := c.rest(ctx); err != nil {
		return err
	}
	if !way.kill {
		return c.terminate()
	}
	if err := t.burst(ctx, c, way.behind); err != nil {
		return err
	}
	c.kill()
	return nil
}

// isHydrated reports whether hydration is over; that it gave up before its end is an error.
func isHydrated(fields info) (bool, error) {
	hydrating, err := fields.number("hydrating")
	if err != nil || hydrating != 0 {
		return false, err
	}
	if cold, err := fields.number("cold_keys"); err != nil || cold != 0 {
		return false, errors.Join(fmt.Errorf("hydration ended with %d keys missing", cold), err)
	}
	return true, nil
}
