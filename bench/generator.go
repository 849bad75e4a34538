package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"holdfast/bench/rig"
	"holdfast/load"
)

// The generators.
const (
	ours           = "holdfast" // package load, in this process
	redisBenchmark = "redis-benchmark"
)

// runOurs sends the requests with our own generator. It needs half of redis-benchmark's CPU time at pipeline 1, which
// on few cores is what the servers get.
func (l Load) runOurs(ctx context.Context, port string, what Requests, requests, pipeline int) (Observed, error) {
	o, err := l.options(port, what)
	if err != nil {
		return Observed{}, err
	}
	o.Requests, o.Pipeline, o.Rate = uint64(requests), pipeline, l.Rate
	beside, err := l.startWriters(ctx, port)
	if err != nil {
		return Observed{}, fmt.Errorf("%w: writers: %w", ErrLoad, err)
	}
	unheard, err := l.startSubscribers(ctx, port)
	if err != nil {
		_, writersErr := beside()
		return Observed{}, fmt.Errorf("%w: subscribers: %w", ErrLoad, errors.Join(err, writersErr))
	}
	deaf, err := l.startListener(ctx, port)
	if err != nil {
		_, writersErr := beside()
		return Observed{}, fmt.Errorf("%w: who listens: %w", ErrLoad, errors.Join(err, writersErr, unheard(0)))
	}
	p, err := faultless(load.Await(ctx, o, nil))
	written, writersErr := beside()
	writersErr = errors.Join(writersErr, unheard(requests), deaf())
	if ctx.Err() != nil {
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, context.Cause(ctx))
	}
	if err = errors.Join(err, writersErr); err != nil {
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, err)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Observed{RPS: p.Rate, Requests: p.Operations, P50ms: ms(p.Latency.P50), P99ms: ms(p.Latency.P99), P999ms: ms(p.Latency.P999), Beside: written}, nil
}

// startWriters begins the load beside, if there is one. The function ends it and says how much was answered.
func (l Load) startWriters(ctx context.Context, port string) (end func() (uint64, error), err error) {
	if l.Writers == 0 {
		return func() (uint64, error) { return 0, nil }, nil
	}
	o, err := l.options(port, workload("SET").Load)
	if err != nil {
		return nil, err
	}
	o.Connections, o.Keyspace, o.Seed = l.Writers, load.Uniform, o.Seed+1
	writers, err := load.Start(ctx, o, "writers")
	if err != nil {
		return nil, err
	}
	return func() (uint64, error) {
		p, err := faultless(writers.Stop())
		return p.Operations, err
	}, nil
}

// faultless is what a run of one phase saw; one in which a reply was wrong is an error.
func faultless(result load.Result, err error) (load.Phase, error) {
	if err != nil {
		return load.Phase{}, err
	}
	return result.Phases[0], load.Report{Phase: result.Phases[0]}.Fault()
}

// options are what our generator is told.
func (l Load) options(port string, what Requests) (load.Options, error) {
	o := load.Defaults()
	o.Target.Address = net.JoinHostPort(rig.Loopback, port)
	o.Connections, o.Keys, o.ValueBytes, o.Keyspace = l.Clients, uint64(l.Keys), l.ValueBytes, l.Keyspace
	o.Threads = max(l.Threads, 1)
	var err error
	if o.Workload, err = what.workload(); err != nil {
		return o, err
	}
	if o.Workload.Keys != "" { // YCSB's workloads have their own
		o.Keyspace = o.Workload.Keys
	}
	return o, o.Check()
}
