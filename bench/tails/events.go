package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/bench/rig"
	"holdfast/load"
)

// Sizes at scale 1.
const (
	dueKeys      = 1_000_000
	flushedKeys  = 5_000_000
	grownKeys    = 500_000
	listElements = 10_000_000
	logBytes     = 48 << 20 // three of holdfast's segments
	perPush      = 100      // elements that one RPUSH adds
	bigValue     = 64 << 10
	eventSpanMin = time.Second
	eventSpanMax = 2 * time.Minute
	dueIn        = time.Second // keys are due this long after the quiet time, and after half as long again as the telling takes
	growEvery    = 5           // requests of which one is a new key, where the table grows
	pollPause    = 20 * time.Millisecond
	bigList      = "biglist"
)

// An event is something that happens to a server under load.
type event struct {
	name    string
	prepare func(ctx context.Context, s *subject) error // nil: nothing; before the load begins
	happen  func(ctx context.Context, s *subject) error // until it is over
	load    func(s *subject) (load.Options, error)      // nil: goes on as before; otherwise its load, which begins with the event
	restart bool                                        // the server is started anew before that
}

func events() []event {
	return []event{
		{name: "nothing", happen: func(ctx context.Context, s *subject) error { return s.pause(ctx, s.o.Quiet) }},
		{name: "checkpoint", happen: checkpoint},
		{name: "collection", happen: func(_ context.Context, s *subject) error { return s.ask("MEMORY", "PURGE") }},
		{name: "growth", load: growing, happen: func(_ context.Context, s *subject) error { s.run.Wait(nil); return nil }},
		{name: "expiry", prepare: prepareExpiry, happen: expiry},
		{name: "flushall", prepare: func(ctx context.Context, s *subject) error {
			return s.write(ctx, []string{"SET", load.WordCounter, load.WordValue}, s.scaled(flushedKeys), 0, 0)
		}, happen: func(_ context.Context, s *subject) error { return s.ask("FLUSHALL") }},
		{name: "del", prepare: prepareList, happen: func(_ context.Context, s *subject) error { return s.ask("DEL", bigList) }},
		{name: "rotation", happen: func(ctx context.Context, s *subject) error {
			return s.write(ctx, []string{"SET", "big", load.WordValue}, logBytes/bigValue, 200, bigValue)
		}},
		{name: "hydration", load: (*subject).half, restart: true, happen: hydration},
	}
}

func eventNames() []string {
	var names []string
	for _, e := range events() {
		names = append(names, e.name)
	}
	return names
}

// checkpoint writes everything on redis, and what changed on holdfast.
func checkpoint(ctx context.Context, s *subject) error {
	if err := s.ask("BGSAVE"); err != nil {
		return err
	}
	return s.awaitInfo(ctx, "persistence", "rdb_bgsave_in_progress", func(n int64) bool { return n == 0 })
}

// growing is the load in which one request in growEvery is a new key, until they are all there.
func growing(s *subject) (load.Options, error) {
	o, err := s.half()
	o.Requests = s.scaled(grownKeys) * growEvery
	for i := range o.Workload.Operations {
		o.Workload.Operations[i].Weight = (growEvery - 1) / 2
	}
	o.Workload.Operations = append(o.Workload.Operations, load.Insert(1))
	return o, err
}

// prepareExpiry writes the keys that will be due, and says when: all of them at one moment, a little after the quiet time.
func prepareExpiry(ctx context.Context, s *subject) error {
	const far = "4102444800000" // 2100: the next commands set the moment
	n, began := s.scaled(dueKeys), time.Now()
	if err := s.write(ctx, []string{"SET", load.WordCounter, load.WordValue, "PXAT", far}, n, 0, 0); err != nil {
		return err
	}
	telling := time.Since(began) * 3 / 2
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.due = time.Now().Add(telling + warmUp + s.o.Quiet + dueIn)
	words := []string{"PEXPIREAT", load.WordCounter, strconv.FormatInt(s.due.UnixMilli(), 10)}
	return s.write(ctx, words, n, 0, 0)
}

// expiry waits for that moment, and then for the end of the keys.
func expiry(ctx context.Context, s *subject) error {
	if err := s.pause(ctx, time.Until(s.due)-pollPause); err != nil {
		return err
	}
	if err := s.enter(phaseEvent); err != nil { // only what comes now is the burst
		return err
	}
	n := s.scaled(dueKeys)
	return s.awaitInfo(ctx, "stats", "expired_keys", func(expired int64) bool { return uint64(expired) >= n*99/100 })
}

func prepareList(ctx context.Context, s *subject) error {
	words := append([]string{"RPUSH", bigList}, slices.Repeat([]string{load.WordValue}, perPush)...)
	return s.write(ctx, words, max(s.scaled(listElements)/perPush, 1), 0, 8)
}

// hydration ends at once on redis, which has loaded everything before it answers.
func hydration(ctx context.Context, s *subject) error {
	return s.awaitInfo(ctx, "persistence", "hydrating", func(n int64) bool { return n == 0 })
}

// write sends so many requests, each key in turn: as fast as replies come on a few pipelined connections, or at a rate on
// one. valueSize 0 is that of the load.
func (s *subject) write(ctx context.Context, words []string, n uint64, rate float64, valueSize int) error {
	w, err := load.Custom(words)
	if err != nil {
		return err
	}
	o := s.options()
	o.Workload, o.Keys, o.Keyspace, o.Requests, o.Rate = w, n, load.Sequential, n, rate
	o.Connections, o.Pipeline = 4, 64
	if valueSize > 0 {
		o.ValueBytes = valueSize
	}
	result, err := load.Await(ctx, o, nil)
	if err != nil {
		return err
	}
	return load.Report{Phase: result.Phases[0]}.Fault()
}

func (s *subject) scaled(n float64) uint64 { return uint64(max(n*s.o.Scale, 1)) }

// settle has the server save what it has, so that it does not begin to in the quiet time.
func (s *subject) settle(ctx context.Context) error {
	saved := func(n int64) bool { return n == 0 }
	if err := s.awaitInfo(ctx, "persistence", "rdb_bgsave_in_progress", saved); err != nil {
		return err
	}
	if err := s.ask("BGSAVE"); err != nil {
		return err
	}
	return s.awaitInfo(ctx, "persistence", "rdb_bgsave_in_progress", saved)
}

func (s *subject) ask(words ...string) error {
	_, err := s.process.Ask(words...)
	return err
}

// info is one number of INFO; 0 where the server has no such field.
func (s *subject) info(section, field string) (int64, error) {
	reply, err := s.process.Ask("INFO", section)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(strings.Join(reply, "")) {
		if value, found := strings.CutPrefix(line, field+":"); found {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, nil
}

func (s *subject) awaitInfo(ctx context.Context, section, field string, enough func(int64) bool) error {
	deadline := time.Now().Add(eventSpanMax)
	for {
		n, err := s.info(section, field)
		if err != nil || enough(n) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s stays at %d for %v", field, n, eventSpanMax)
		}
		if err := s.pause(ctx, pollPause); err != nil {
			return err
		}
	}
}

func (s *subject) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-timer.C:
		return nil
	}
}

// subject is a server under an event.
type subject struct {
	o       Options
	process *rig.Process
	run     *load.Run
	due     time.Time // of the keys that expiry is about

	phase  string                   // at hand
	before time.Duration            // stolen when it began
	stolen map[string]time.Duration // in the last phase of each name
}
