package main

import (
	"context"
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
	o.Requests, o.Pipeline = uint64(requests), pipeline
	result, err := load.Await(ctx, o, nil)
	if ctx.Err() != nil {
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, context.Cause(ctx))
	}
	if err == nil {
		err = load.Report{Phase: result.Phases[0]}.Fault()
	}
	if err != nil {
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, err)
	}
	p := result.Phases[0]
	return Observed{RPS: p.Rate, P99ms: float64(p.Latency.P99) / float64(time.Millisecond)}, nil
}

// options are what our generator is told.
func (l Load) options(port string, what Requests) (load.Options, error) {
	o := load.Defaults()
	o.Target.Address = net.JoinHostPort(rig.Loopback, port)
	o.Connections, o.Keys, o.ValueBytes, o.Keyspace = l.Clients, uint64(l.Keys), l.ValueBytes, l.Keyspace
	var err error
	if o.Workload, err = what.workload(); err != nil {
		return o, err
	}
	if o.Workload.Keys != "" { // YCSB's workloads have their own
		o.Keyspace = o.Workload.Keys
	}
	return o, o.Check()
}
