package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
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
	fillClients  = 50

	probeRequests    = 20_000
	probeDurationMin = 150 * time.Millisecond // a shorter probe says little; it is repeated with more requests
	requestsMax      = 20_000_000
	runBytesMax      = 512 << 20 // of values in a run
)

// A Bench measures programs in turn.
type Bench struct {
	programs []Program // the one under test first, then the one that ratios are taken to
	dir      string    // of all data; ours
	rounds   int
	requests int // per run; 0: to be found
	duration time.Duration
	progress io.Writer

	quietSpan time.Duration // how long a server has to be quiet between runs
}

// reference is the index of the program that ratios are taken to.
const reference = 1

func newBench(o Options, dir string, progress io.Writer) *Bench {
	b := &Bench{
		programs: []Program{Holdfast(o.Holdfast), Redis(o.Redis)},
		dir:      dir, rounds: o.Rounds, requests: o.Requests, duration: o.Duration, progress: progress, quietSpan: quietSpan,
	}
	if o.Quick {
		b.quietSpan = quickQuietSpan
	}
	if o.Twin {
		b.programs[0] = Redis(o.Redis)
		b.programs[0].Name = "twin"
	}
	if o.Valkey != "" {
		b.programs = append(b.programs, Valkey(o.Valkey))
	}
	return b
}

// names of the programs, as the table calls them.
func (b *Bench) names() []string {
	var names []string
	for _, p := range b.programs {
		names = append(names, p.Name)
	}
	return names
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

	servers, err := b.start(ctx, row, dir)
	if err != nil {
		result.Err = err
		return result
	}
	defer servers.kill()
	if err := b.rate(ctx, servers); err != nil {
		result.Err = err
		return result
	}
	for _, s := range servers {
		result.Sides = append(result.Sides, s.runs)
		result.Remarks = append(result.Remarks, s.remarks...)
	}
	return result
}

// A side is one of the servers of a row and what was measured of it.
type side struct {
	*rig.Process
	name    string
	row     Row
	runs    []Measured
	remarks []string

	quietSpan time.Duration

	securePort string // for TLS
}

type sides []*side

func (all sides) kill() {
	for _, s := range all {
		s.Kill()
	}
}

// start starts all servers, each on an empty directory below dir.
func (b *Bench) start(ctx context.Context, row Row, dir string) (sides, error) {
	var started sides
	programs, ports := b.programs, make([]string, len(b.programs))
	if row.Load.TLS {
		var err error
		if programs, ports, err = prepareTLS(programs, dir); err != nil {
			return nil, err
		}
		row.Load.Authority = filepath.Join(dir, certificateFile)
	}
	for i, prog := range programs {
		if row.Load.Loops > 0 && prog.Name == underTest {
			prog = withLoops(prog, row.Load.Loops)
		}
		data := filepath.Join(dir, strconv.Itoa(i))
		err := os.Mkdir(data, 0o700)
		var process *rig.Process
		if err == nil {
			process, err = rig.Start(ctx, prog.Under(row.Policy), data)
		}
		if err != nil {
			started.kill()
			return nil, err
		}
		started = append(started, &side{Process: process, name: prog.Name, row: row, quietSpan: b.quietSpan, securePort: ports[i]})
	}
	return started, nil
}

// rate fills the servers, finds how many requests a run has, and runs the rounds.
func (b *Bench) rate(ctx context.Context, servers sides) error {
	for _, s := range servers {
		if err := s.fill(ctx); err != nil {
			return err
		}
	}
	requests, err := b.calibrate(ctx, servers)
	if err != nil {
		return err
	}
	for round := range b.rounds {
		line := fmt.Sprintf("%s: round %d of %d, %d requests:", servers[0].row.Name(), round+1, b.rounds, requests)
		for _, s := range servers {
			if err := b.settleDisk(); err != nil {
				return err
			}
			if err := s.run(ctx, requests); err != nil {
				return err
			}
			line += fmt.Sprintf(" %s %.0f/s", s.name, s.runs[round].RPS)
		}
		fmt.Fprintln(b.progress, line)
	}
	return nil
}

// calibrate finds how many requests take the wanted time, as the mean of the servers. All then get the same number: the
// work is compared, not the time. It warms them up as well. Where the rate is a share of what the slowest takes, it is
// found here too.
func (b *Bench) calibrate(ctx context.Context, servers sides) (int, error) {
	l := servers[0].row.Load
	if b.requests > 0 && l.Share == 0 {
		return b.requests, nil
	}
	if l.Rate > 0 {
		return l.wholeBatches(l.Rate*b.duration.Seconds(), 1), nil
	}
	var secondsPerRequest float64 // summed over all
	slowest, probeMin := math.Inf(1), min(probeDurationMin, b.duration)
	if l.Share > 0 {
		probeMin = b.duration // here the probe is a figure of its own
	}
	for _, s := range servers {
		probe, err := s.probe(ctx, probeMin)
		if err != nil {
			return 0, err
		}
		secondsPerRequest += 1 / probe.RPS
		slowest = min(slowest, probe.RPS)
	}
	requests := b.duration.Seconds() * float64(len(servers)) / secondsPerRequest
	if l.Share > 0 {
		rate := max(math.Floor(l.Share*slowest), 1)
		for _, s := range servers {
			s.row.Load.Rate = rate
		}
		servers[0].remarks = append(servers[0].remarks, fmt.Sprintf("requests were due at %.0f a second", rate))
		requests = rate * b.duration.Seconds()
	}
	if b.requests > 0 {
		return b.requests, nil
	}
	return l.wholeBatches(requests, servers[0].row.Pipeline), nil
}

// most is how many requests a run has at the most: those of large values fill the disk.
func (l Load) most() int { return min(requestsMax, max(runBytesMax/l.ValueBytes, 1)) }

// wholeBatches rounds to a number of requests that gives every client the same number of whole pipelines.
func (l Load) wholeBatches(requests float64, pipeline int) int {
	batch := l.Clients * pipeline
	return max(int(min(requests, float64(l.most())))/batch, 1) * batch
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
	return s.sendWith(ctx, s.row.Load, what, requests, pipeline)
}

// sendWith runs a load on this server; without the server there is no load.
func (s *side) sendWith(ctx context.Context, l Load, what Requests, requests, pipeline int) (Observed, error) {
	ctx, cancel := s.During(ctx)
	defer cancel()
	port := s.Port
	if l.TLS {
		port = s.securePort
	}
	seen, err := l.Run(ctx, port, what, requests, pipeline)
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
	filler := s.row.Load
	filler.Clients, filler.Rate, filler.Writers = min(filler.Clients, fillClients), 0, 0
	requests := filler.wholeBatches(float64(fillFactor*filler.Keys), fillPipeline)
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
	most := s.row.Load.most()
	first := probeRequests
	if atLeast < probeDurationMin {
		first = quickProbeRequests
	}
	if own := s.row.Workload.Probe; own > 0 {
		first = min(first, own)
	}
	for requests := min(first, most); ; requests *= 4 {
		if err := s.prepare(); err != nil {
			return Observed{}, err
		}
		seen, err := s.send(ctx, s.row.Workload.Load, requests, s.row.Pipeline)
		if err != nil {
			return Observed{}, fmt.Errorf("calibrate: %w", err)
		}
		if float64(requests)/seen.RPS >= atLeast.Seconds() || requests*4 > most {
			return seen, nil
		}
	}
}

// run is one measured run.
func (s *side) run(ctx context.Context, requests int) error {
	if err := s.prepare(); err != nil {
		return err
	}
	before, _, err := lookWhenQuiet(ctx, s.PID(), s.quietSpan)
	if err != nil {
		return s.Explain(fmt.Errorf("%s: %w", s.name, err))
	}
	seen, err := s.send(ctx, s.row.Workload.Load, requests, s.row.Pipeline)
	if err != nil {
		return err
	}
	after, quiet, err := lookWhenQuiet(ctx, s.PID(), s.quietSpan)
	if err != nil {
		return s.Explain(fmt.Errorf("%s: %w", s.name, err))
	}
	if !quiet {
		s.remarks = append(s.remarks, fmt.Sprintf("%s was still busy %v after run %d", s.name, quietWaitMax, len(s.runs)+1))
	}
	s.runs = append(s.runs, Measured{Observed: seen, Usage: load.Used(before, after, uint64(requests)+seen.Beside)})
	if s.row.Load.Loops > 0 {
		return s.remarkLock()
	}
	return nil
}
