package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"holdfast/bench/rig"
	"holdfast/load"
)

const runWaitMax = 2 * time.Minute // a run that takes longer is stuck

// ErrLoad is wrapped by the error of a run in which the generator failed, complained or had no figures.
var ErrLoad = errors.New("the load failed")

// A Load sends requests and sees how long replies take.
type Load struct {
	Generator  string // ours or redisBenchmark
	Path       string // of redis-benchmark
	Clients    int    // connections
	Keys       int    // key space: what -r says
	ValueBytes int
	Keyspace   load.Distribution // of our generator; redis-benchmark knows uniform keys alone

	TLS       bool   // of redis-benchmark alone
	Authority string // file with the certificate that the servers show, where TLS

	// Of our generator alone.
	Rate    float64 // requests a second, all connections together (open loop); 0: as fast as replies come
	Share   float64 // of what the slowest server takes: Rate is found by it; 0: it is not
	Writers int     // connections of others that send SETs meanwhile

	Threads int // that share the connections; 0: one
	Loops   int // event loops of the server under test; 0: as many as it chooses

	Subscribers int      // connections that listen to what is published meanwhile
	Listens     []string // what one connection says that reads whatever the server tells meanwhile; nil: there is none
}

// Observed is what the generator saw in one run.
type Observed struct {
	RPS float64 // requests a second

	// Percentiles of the time from sending a request to its reply, or from when it was due; redis-benchmark: to the first of
	// its pipeline, and only P99ms. 0: not known.
	P50ms, P99ms, P999ms float64

	Requests uint64 // that were answered; 0: not known
	Beside   uint64 // requests of writers that were answered meanwhile
}

// Run sends the requests and returns what was seen. ctx has to end with the server.
func (l Load) Run(ctx context.Context, port string, what Requests, requests, pipeline int) (Observed, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, runWaitMax, fmt.Errorf("it did not end within %v", runWaitMax))
	defer cancel()
	if l.Generator == ours {
		return l.runOurs(ctx, port, what, requests, pipeline)
	}
	return l.runRedisBenchmark(ctx, port, what, requests, pipeline)
}

// Args is redis-benchmark's command line for so many requests of what says what.
func (l Load) Args(port string, what []string, requests string, pipeline int) []string {
	if l.TLS {
		what = append([]string{"--tls", "--cacert", l.Authority}, what...)
	}
	return append([]string{"-h", rig.Loopback, "-p", port, "-c", strconv.Itoa(l.Clients), "-n", requests,
		"-d", strconv.Itoa(l.ValueBytes),
		"-P", strconv.Itoa(pipeline), "-r", strconv.Itoa(l.Keys), "--csv"}, what...)
}

// runRedisBenchmark ends with ctx: redis-benchmark connects again and again to a server that is gone.
func (l Load) runRedisBenchmark(ctx context.Context, port string, what Requests, requests, pipeline int) (Observed, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, l.Path, l.Args(port, what.Words, strconv.Itoa(requests), pipeline)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = rig.OwnGroup()
	err := cmd.Run()
	complaint := strings.TrimSpace(stderr.String())
	switch {
	case ctx.Err() != nil:
		return Observed{}, fmt.Errorf("%w: %w", ErrLoad, context.Cause(ctx))
	case err != nil:
		return Observed{}, fmt.Errorf("%w: %w: %s", ErrLoad, err, complaint)
	case complaint != "":
		return Observed{}, fmt.Errorf("%w: it complains: %s", ErrLoad, complaint)
	}
	return parseCSV(&stdout)
}

// parseCSV reads redis-benchmark's --csv output of one test: a line of column names and a line of figures. Columns
// are found by name; figures that no run can have (zero, negative, infinite) are refused.
func parseCSV(r io.Reader) (Observed, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return Observed{}, fmt.Errorf("%w: its output is not CSV: %w", ErrLoad, err)
	}
	if len(lines) != 2 {
		return Observed{}, fmt.Errorf("%w: it printed %d lines, not the names of columns and one line of figures", ErrLoad, len(lines))
	}
	figures := map[string]float64{}
	for i, name := range lines[0] {
		if name != "rps" && name != "p99_latency_ms" {
			continue
		}
		figure, err := strconv.ParseFloat(lines[1][i], 64)
		if err != nil || !(figure > 0) || math.IsInf(figure, 0) {
			return Observed{}, fmt.Errorf("%w: column %s is %q", ErrLoad, name, lines[1][i])
		}
		figures[name] = figure
	}
	if len(figures) != 2 {
		return Observed{}, fmt.Errorf("%w: the columns %q lack rps or p99_latency_ms", ErrLoad, lines[0])
	}
	return Observed{RPS: figures["rps"], P99ms: figures["p99_latency_ms"]}, nil
}
