package load

import (
	"errors"
	"fmt"
	"time"
)

// Limits of a run.
const (
	ConnectionsMax = 50_000
	PipelineMax    = 1024
	ThreadsMax     = 64
	RateMax        = 100_000_000
)

// Options say what a run does. Zero values are not completed: say all that matters.
type Options struct {
	Target Target

	Connections int
	Threads     int // that share the connections
	Pipeline    int // requests under way on a connection at the most

	Rate     float64 // of the open loop: operations a second, all connections together; 0: the closed loop
	Requests uint64  // operations after which the run ends by itself; 0: it ends with Stop

	Workload   Workload
	Keys       uint64
	Keyspace   Distribution
	ValueBytes int
	Verify     bool   // GETs of {key} must have the value that a run of the same ValueBytes wrote
	Seed       uint64 // of everything random

	// Patience is how long no reply at all may come while one is awaited.
	Patience time.Duration
}

// Defaults are options that a command line may begin with: one GET at a time on each of fifty connections.
func Defaults() Options {
	return Options{
		Target:      Target{Network: "tcp", Address: "127.0.0.1:6379"},
		Connections: 50, Threads: 1, Pipeline: 1,
		Keys: 100_000, Keyspace: Uniform, ValueBytes: 64, Seed: 1,
		Patience: time.Minute,
	}
}

// Check says what is wrong with the options, in the words of the command line.
func (o Options) Check() error {
	switch {
	case o.Connections < 1 || o.Connections > ConnectionsMax:
		return fmt.Errorf("connections are from 1 to %d, not %d", ConnectionsMax, o.Connections)
	case o.Threads < 1 || o.Threads > ThreadsMax:
		return fmt.Errorf("threads are from 1 to %d, not %d", ThreadsMax, o.Threads)
	case o.Threads > o.Connections:
		return fmt.Errorf("%d threads cannot share %d connections", o.Threads, o.Connections)
	case o.Pipeline < 1 || o.Pipeline > PipelineMax:
		return fmt.Errorf("a pipeline is from 1 to %d requests, not %d", PipelineMax, o.Pipeline)
	case !(o.Rate >= 0 && o.Rate <= RateMax):
		return fmt.Errorf("a rate is from 1 to %d requests a second, not %g", int(RateMax), o.Rate)
	case o.Rate > 0 && o.Rate < 1:
		return errors.New("a rate is one request a second at least")
	case o.Keys < 1 || o.Keys > keysMax:
		return fmt.Errorf("keys are from 1 to %d, not %d", int64(keysMax), o.Keys)
	case o.ValueBytes < 1 || o.ValueBytes > valueMax:
		return fmt.Errorf("a value has from 1 to %d bytes, not %d", valueMax, o.ValueBytes)
	case o.Patience <= 0:
		return errors.New("waiting for a reply takes some time")
	}
	if err := o.Keyspace.check(); err != nil {
		return err
	}
	_, err := o.Workload.compile()
	return err
}
