package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/bench/rig"
	"holdfast/load"
)

// How a new server is filled and the length of a run is found.
const (
	fillFactor   = 5 // requests per key: random keys then cover 99.3 % of the key space
	fillPipeline = 16

	probeRequests    = 20_000
	probeDurationMin = 150 * time.Millisecond // a shorter probe says little; it is repeated with more requests
	requestsMax      = 20_000_000
)

// A Bench measures two programs, left and right, in turn. The ratios are left divided by right.
type Bench struct {
	left, right Program
	load        Load
	dir         string // of all data; ours
	rounds      int
	requests    int // per run; 0: to be found
	duration    time.Duration
	progress    io.Writer
}

func newBench(o Options, dir string, progress io.Writer) *Bench {
	b := &Bench{
		left: Holdfast(o.Holdfast), right: Redis(o.Redis), load: o.Load,
		dir: dir, rounds: o.Rounds, requests: o.Requests, duration: o.Duration, progress: progress,
	}
	if o.Twin {
		b.left = Redis(o.Redis)
		b.left.Name = "twin"
	}
	return b
}

// measure measures one row. Whatever goes wrong is in the result; the servers have ended and their data are gone when it
// returns.
func (b *Bench) measure(ctx context.Context, row Row) (result Result) {
	result.Row = row
	dir, err := os.MkdirTemp(b.dir, "row-")
	if err != nil {
		result.Err = err
		return result
	}
	defer func() { result.Err = errors.Join(result.Err, os.RemoveAll(dir)) }()

	pair, err := b.startPair(ctx, row, dir)
	if err != nil {
		result.Err = err
		return result
	}
	defer pair.kill()
	if err := b.rate(ctx, pair); err != nil {
		result.Err = err
		return result
	}
	result.Left, result.Right, result.Remarks = pair[0].runs, pair[1].runs, append(pair[0].remarks, pair[1].remarks...)
	return result
}

// A side is one of the two servers of a row and what was measured of it.
type side struct {
	*rig.Process
	name    string
	row     Row
	load    Load
	runs    []Measured
	remarks []string
}

type pair [2]*side

func (p pair) kill() {
	for _, s := range p {
		s.Kill()
	}
}

// startPair starts both servers, each on an empty directory below dir.
func (b *Bench) startPair(ctx context.Context, row Row, dir string) (pair, error) {
	var started pair
	for i, prog := range []Program{b.left, b.right} {
		data := filepath.Join(dir, strconv.Itoa(i))
		err := os.Mkdir(data, 0o700)
		var process *rig.Process
		if err == nil {
			process, err = rig.Start(ctx, prog.Under(row.Policy), data)
		}
		if err != nil && i == 1 {
			started[0].Kill()
		}
		if err != nil {
			return pair{}, err
		}
		started[i] = &side{Process: process, name: prog.Name, row: row, load: b.load}
	}
	return started, nil
}

// rate fills both servers, finds how many requests a run has, and runs the rounds.
func (b *Bench) rate(ctx context.Context, servers pair) error {
	for _, s := range servers {
		if err := s.fill(ctx); err != nil {
			return err
		}
	}
	requests := b.requests
	if requests == 0 {
		var err error
		if requests, err = b.calibrate(ctx, servers); err != nil {
			return err
		}
	}
	for round := range b.rounds {
		for _, s := range servers {
			if err := b.settleDisk(); err != nil {
				return err
			}
			if err := s.run(ctx, requests); err != nil {
				return err
			}
		}
		l, r := servers[0], servers[1]
		fmt.Fprintf(b.progress, "%s: round %d of %d, %d requests: %s %.0f/s, %s %.0f/s\n",
			l.row.Name(), round+1, b.rounds, requests, l.name, l.runs[round].RPS, r.name, r.runs[round].RPS)
	}
	return nil
}

// calibrate finds how many requests take the wanted time, as the mean of both servers. Both then get the same number:
// the work is compared, not the time. It warms both up as well.
func (b *Bench) calibrate(ctx context.Context, servers pair) (int, error) {
	var secondsPerRequest float64 // summed over both
	for _, s := range servers {
		probe, err := s.probe(ctx, min(probeDurationMin, b.duration))
		if err != nil {
			return 0, err
		}
		secondsPerRequest += 1 / probe.RPS
	}
	requests := b.duration.Seconds() * float64(len(servers)) / secondsPerRequest
	return b.load.wholeBatches(requests, servers[0].row.Pipeline), nil
}

// wholeBatches rounds to a number of requests that gives every client the same number of whole pipelines.
func (l Load) wholeBatches(requests float64, pipeline int) int {
	batch := l.Clients * pipeline
	return max(int(min(requests, requestsMax))/batch, 1) * batch
}

// settleDisk writes back what either server left in the page cache, so that nobody pays for the other's writes.
func (b *Bench) settleDisk() error {
	d, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return errors.Join(fmt.Errorf("syncfs %s: %w", b.dir, err), d.Close())
	}
	return d.Close()
}

// send runs the row's load on this server.
func (s *side) send(ctx context.Context, what Requests, requests, pipeline int) (Observed, error) {
	return s.sendWith(ctx, s.load, what, requests, pipeline)
}

// sendWith runs a load on this server; without the server there is no load.
func (s *side) sendWith(ctx context.Context, l Load, what Requests, requests, pipeline int) (Observed, error) {
	ctx, cancel := s.During(ctx)
	defer cancel()
	seen, err := l.Run(ctx, s.Port, what, requests, pipeline)
	if err != nil && !errors.Is(err, context.Canceled) {
		err = s.Explain(fmt.Errorf("%s: %w", s.name, err))
	}
	return seen, err
}

// fill writes the keys that the workload reads. Our generator writes each once, redis-benchmark random ones.
func (s *side) fill(ctx context.Context) error {
	what := s.row.Workload.Fill
	if what == nil {
		return nil
	}
	filler, requests := s.load, s.load.wholeBatches(float64(fillFactor*s.load.Keys), fillPipeline)
	if filler.Generator == ours {
		filler.Keyspace, requests = load.Sequential, filler.Keys
	}
	if _, err := s.sendWith(ctx, filler, *what, requests, fillPipeline); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

// prepare gives a run its start.
func (s *side) prepare() error {
	for _, command := range s.row.Workload.Before {
		if _, err := s.Ask(command...); err != nil {
			return s.Explain(fmt.Errorf("%s: prepare: %w", s.name, err))
		}
	}
	return nil
}

// probe runs the load, longer each time, until a run takes at least so long.
func (s *side) probe(ctx context.Context, atLeast time.Duration) (Observed, error) {
	for requests := probeRequests; ; requests *= 4 {
		if err := s.prepare(); err != nil {
			return Observed{}, err
		}
		seen, err := s.send(ctx, s.row.Workload.Load, requests, s.row.Pipeline)
		if err != nil {
			return Observed{}, fmt.Errorf("calibrate: %w", err)
		}
		if float64(requests)/seen.RPS >= atLeast.Seconds() || requests*4 > requestsMax {
			return seen, nil
		}
	}
}

// run is one measured run.
func (s *side) run(ctx context.Context, requests int) error {
	if err := s.prepare(); err != nil {
		return err
	}
	before, _, err := cpuTimeWhenQuiet(ctx, s.PID())
	if err != nil {
		return s.Explain(fmt.Errorf("%s: %w", s.name, err))
	}
	seen, err := s.send(ctx, s.row.Workload.Load, requests, s.row.Pipeline)
	if err != nil {
		return err
	}
	after, quiet, err := cpuTimeWhenQuiet(ctx, s.PID())
	if err != nil {
		return s.Explain(fmt.Errorf("%s: %w", s.name, err))
	}
	if !quiet {
		s.remarks = append(s.remarks, fmt.Sprintf("%s was still busy %v after run %d", s.name, quietWaitMax, len(s.runs)+1))
	}
	used := float64((after - before).Microseconds())
	s.runs = append(s.runs, Measured{Observed: seen, CPUus: used / float64(requests)})
	return nil
}
