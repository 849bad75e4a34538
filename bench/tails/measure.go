package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"holdfast/bench/rig"
	"holdfast/internal/proc"
	"holdfast/load"
)

const (
	valueBytes = 64
	share      = 0.7 // of what the slower server takes at a fixed rate
	probeSpan  = 2 * time.Second
	probeStep  = 0.95                  // from one rate that is tried to the next,
	probeLeast = share * share         // and the last of them, of what comes through as fast as replies come
	bearable   = 10 * time.Millisecond // the p99 of one that falls behind is more
	warmUp     = time.Second
	stopWait   = 2 * time.Minute

	phaseWarmUp = "warm-up"
	phaseQuiet  = "quiet"
	phaseEvent  = "event"
)

// Side is what was seen of one server.
type Side struct {
	Quiet, Event Waits
	Seconds      float64 // that the event lasted, its own second at least
}

// Waits are those of the requests of one phase, in milliseconds.
type Waits struct {
	P999, Max float64
	Stolen    float64 // from the machine meanwhile, all processors together
}

// figures are all numbers of a side.
func (s *Side) figures() []*float64 {
	return []*float64{&s.Quiet.P999, &s.Quiet.Max, &s.Quiet.Stolen, &s.Event.P999, &s.Event.Max, &s.Event.Stolen, &s.Seconds}
}

// middle is the median of the rounds, figure by figure.
func middle(rounds []Side) Side {
	var m Side
	for i, figure := range m.figures() {
		var all []float64
		for _, r := range rounds {
			all = append(all, *r.figures()[i])
		}
		*figure = rig.Median(all)
	}
	return m
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String is the side for the progress.
func (s Side) String() string {
	return fmt.Sprintf("p99.9 %.1f ms quiet, %.1f in the event; longest %.1f and %.1f; stolen %.0f and %.0f",
		s.Quiet.P999, s.Event.P999, s.Quiet.Max, s.Event.Max, s.Quiet.Stolen, s.Event.Stolen)
}

func (s *subject) options() load.Options {
	o := load.Defaults()
	o.Target.Address = s.process.Addr()
	o.Connections, o.Keys, o.ValueBytes, o.Patience = s.o.Clients, s.o.Keys, valueBytes, stopWait
	return o
}

// half is the load: GETs and SETs of random keys.
func (s *subject) half() (load.Options, error) {
	o := s.options()
	o.Rate = s.o.Rate
	var err error
	o.Workload, err = load.Mix("get=1,set=1")
	return o, err
}

// begin starts a program and fills it.
func begin(ctx context.Context, o Options, program rig.Program, dir string) (*subject, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	process, err := rig.Start(ctx, program, dir)
	if err != nil {
		return nil, err
	}
	s := &subject{o: o, process: process, stolen: map[string]time.Duration{}}
	if err := load.Fill(ctx, s.options(), nil); err != nil {
		process.Kill()
		return nil, process.Explain(err)
	}
	return s, nil
}

// affordable is 70 % of what the slower of the programs takes.
func affordable(ctx context.Context, o Options, programs []rig.Program, dir string) (float64, error) {
	slowest := math.Inf(1)
	for i, program := range programs {
		rate, err := capacity(ctx, o, program, filepath.Join(dir, fmt.Sprint("capacity", i)))
		if err != nil {
			return 0, fmt.Errorf("capacity of %s: %w", program.Name, err)
		}
		slowest = min(slowest, rate)
	}
	return math.Max(math.Floor(share*slowest), 1), nil
}

// capacity is the fixed rate that a program takes without falling behind. It is less than what comes through when requests
// come as fast as replies: those come many at a time, of which each costs less.
func capacity(ctx context.Context, o Options, program rig.Program, dir string) (float64, error) {
	s, err := begin(ctx, o, program, dir)
	if err != nil {
		return 0, err
	}
	defer s.process.Kill()
	closed, err := s.probe(ctx, 0)
	if err != nil {
		return 0, err
	}
	for rate := closed.Rate; ; rate *= probeStep {
		at, err := s.probe(ctx, rate)
		if err != nil || at.Latency.P99 <= bearable || rate < closed.Rate*probeLeast {
			return rate, err
		}
	}
}

// probe loads the program for a moment, at a rate or, at 0, as fast as replies come.
func (s *subject) probe(ctx context.Context, rate float64) (load.Phase, error) {
	o, err := s.half()
	if err != nil {
		return load.Phase{}, err
	}
	o.Rate = rate
	run, err := load.Start(ctx, o, phaseQuiet)
	if err != nil {
		return load.Phase{}, err
	}
	run.For(min(probeSpan, s.o.Quiet), nil)
	result, err := run.Stop()
	return result.Phase(phaseQuiet), err
}

// measure has one event happen to one program. The server has ended and its data are gone when it returns.
func measure(ctx context.Context, o Options, program rig.Program, e event, dir string) (side Side, err error) {
	s, err := begin(ctx, o, program, dir)
	if err != nil {
		return side, err
	}
	defer func() {
		s.process.Kill()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := s.ready(ctx, e); err != nil {
		return side, fmt.Errorf("prepare: %w", err)
	}
	if err := s.load(ctx, phaseWarmUp, (*subject).half); err != nil {
		return side, err
	}
	s.run.For(min(warmUp, o.Quiet), nil)
	if err := s.enter(phaseQuiet); err != nil {
		return side, err
	}
	s.run.For(o.Quiet, nil)
	if e.load != nil {
		return s.anew(ctx, program, dir, e)
	}
	if err := s.enter(phaseEvent); err != nil {
		return side, err
	}
	happened := s.happen(ctx, e)
	return s.finish(happened)
}

// ready does what the event needs beforehand. An event whose preparation ends at a given moment settles by itself.
func (s *subject) ready(ctx context.Context, e event) error {
	if e.prepare != nil {
		if err := e.prepare(ctx, s); err != nil {
			return err
		}
	}
	if !s.due.IsZero() {
		return nil
	}
	return s.settle(ctx)
}

// load begins a load.
func (s *subject) load(ctx context.Context, phase string, of func(*subject) (load.Options, error)) error {
	o, err := of(s)
	if err != nil {
		return err
	}
	if s.run, err = load.Start(ctx, o, phase); err != nil {
		return err
	}
	return s.note(phase)
}

// enter begins a phase of the load.
func (s *subject) enter(phase string) error {
	s.run.Phase(phase)
	return s.note(phase)
}

// note reads what was stolen in the phase before this one.
func (s *subject) note(phase string) error {
	now, err := proc.Stolen()
	s.stolen[s.phase] = now - s.before
	s.phase, s.before = phase, now
	return err
}

// happen waits for the end of the event, and for a second at least, or as long as it was quiet before.
func (s *subject) happen(ctx context.Context, e event) error {
	began := time.Now()
	if err := e.happen(ctx, s); err != nil {
		return err
	}
	s.run.For(min(eventSpanMin, s.o.Quiet)-time.Since(began), nil)
	return nil
}

// finish ends the load. The event is the last phase of its name: one may begin it anew once it has prepared.
func (s *subject) finish(happened error) (Side, error) {
	result, err := s.run.Stop()
	if happened != nil {
		return Side{}, errors.Join(happened, err)
	}
	if err != nil {
		return Side{}, s.process.Explain(err)
	}
	if err := s.note(""); err != nil {
		return Side{}, err
	}
	var side Side
	for _, p := range result.Phases {
		if p.Errors > 0 {
			return side, fmt.Errorf("the server refuses: %s", p.Complaint())
		}
		waits := Waits{milliseconds(p.Latency.P999), milliseconds(p.Latency.Max), milliseconds(s.stolen[p.Name])}
		switch p.Name {
		case phaseQuiet:
			side.Quiet = waits
		case phaseEvent:
			side.Event, side.Seconds = waits, p.Seconds
		}
	}
	return side, nil
}

// anew ends the load, starts the server on its data again where the event is that, and begins the event's own load.
func (s *subject) anew(ctx context.Context, program rig.Program, dir string, e event) (Side, error) {
	before, err := s.finish(nil)
	if err != nil {
		return before, err
	}
	if e.restart {
		if err := s.restart(ctx, program, dir); err != nil {
			return before, err
		}
	}
	if err := s.load(ctx, phaseEvent, e.load); err != nil {
		return before, err
	}
	after, err := s.finish(s.happen(ctx, e))
	after.Quiet = before.Quiet
	return after, err
}

// restart returns when the server answers again.
func (s *subject) restart(ctx context.Context, program rig.Program, dir string) error {
	if err := s.process.Terminate(stopWait); err != nil {
		return err
	}
	process, err := rig.Start(ctx, program, dir)
	if err != nil {
		return err
	}
	s.process = process
	loaded := func(n int64) bool { return n == 0 } // redis answers INFO before, and nothing else
	return s.awaitInfo(ctx, "persistence", "loading", loaded)
}
