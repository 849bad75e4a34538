// Scale measures holdfast beside a real redis-server with millions of keys: what memory they take, how long a restart
// lasts, what a checkpoint costs, and how much further than memory the data may reach.
//
//	go run ./bench/scale [-millions 1,5,10] [-only restart,checkpoint] [-rounds N] [-cold] [-quick] [-markdown FILE]
//
// A trial loads three servers with the same keys (16 bytes, values of 64) and keeps them to its end:
//
//	load ─► restart ─► hydration ─► checkpoint ─► spill ─► churn ─► collections ─► connections
//	         │          │            │             │        │        ├ others again: memory of hashes, sets, streams, lists
//	         │          │            │             │        │        └ and again: memory of 10,000 idle connections
//	         │          │            │             │        └ two other servers: memory while keys change, go and come
//	         │          │            │             └ holdfast with a fifth of the memory: GETs of hot and of cold keys
//	         │          │            └ 50,000 updates, then BGSAVE: time; latency of a modest load; memory
//	         │          └ the same load while holdfast fetches its keys
//	         └ SIGTERM or SIGKILL, start, GET of a known key in a tight loop
//
// Rounds measure one server after the other, and ratios are taken within rounds, as ../main.go does and says why. Figures that
// are wanted stand beside those that were measured, with a verdict. A verdict "missed" is a result; exit code 1 means that
// something could not be measured.
//
// Latency is that of a load at a fixed, modest rate. Rejected: redis-benchmark, which sends as fast as it gets replies. Its
// p99 says how long the queue is that it makes itself, and a server that stalls is simply asked less.
//
// Reading order: trial.go, then the phases (restart.go, hydration.go, checkpoint.go, spill.go), table.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"holdfast/bench/rig"
)

func main() { rig.Main(run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return rig.Tool[Options]{Name: "bench/scale", Parse: parseOptions, Measure: measureAll}.Run(ctx, args, stdout, stderr)
}

// measureAll runs a trial for each number of keys and prints each row as soon as it is known. The temporary directory is
// gone when it returns.
func measureAll(ctx context.Context, o Options, args []string, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.Dir, "holdfast-scale-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var report Report
	if report.Heading, err = describe(ctx, o, dir, args); err != nil {
		return err
	}
	fmt.Fprint(stdout, report.Head())
	emit := func(r Row) {
		report.Rows = append(report.Rows, r)
		fmt.Fprint(stdout, r.Line())
	}
	remark := func(text string) { report.Remarks = append(report.Remarks, text) }
	var failed []error
	for i, keys := range o.Keys {
		err := oneTrial(ctx, o, keys, filepath.Join(dir, fmt.Sprint(i)), emit, remark, stderr)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			err = fmt.Errorf("%s keys failed: %w", millions(keys), err)
			remark(err.Error())
			failed = append(failed, err)
		}
	}
	fmt.Fprint(stdout, report.Foot())
	if o.Markdown != "" {
		if err := os.WriteFile(o.Markdown, []byte(report.String()), 0o644); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	return errors.Join(failed...)
}

// oneTrial gives a trial its directory and removes it.
func oneTrial(ctx context.Context, o Options, keys uint64, dir string, emit func(Row), remark func(string), progress io.Writer) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return newTrial(o, keys, dir, emit, remark, progress).run(ctx)
}

// describe lists what a reader needs to judge the figures and to repeat them.
func describe(ctx context.Context, o Options, dir string, args []string) ([]string, error) {
	heading, err := rig.Machine(dir)
	if err != nil {
		return nil, err
	}
	hugePages, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil {
		hugePages = []byte("none")
	}
	heading = append(heading, "transparent huge pages: "+strings.TrimSpace(string(hugePages)),
		"command: `"+rig.CommandLine("go", append([]string{"run", "./bench/scale"}, args...))+"`")
	for _, program := range []rig.Program{holdfast(o.Holdfast), redisRDB(o.Redis), redisAOF(o.Redis)} {
		version, err := rig.VersionOf(ctx, program.Path)
		if err != nil {
			return nil, err
		}
		heading = append(heading, program.Name+": "+version+rig.BuildOf(program.Path)+", `"+rig.CommandLine(program.Path, program.Args("DIR", "PORT"))+"`")
	}
	return append(heading,
		fmt.Sprintf("keys of %d and values of %d bytes; %d rounds; the modest load is %g requests per second on %d connections; seed %d",
			keyBytes, valueBytes, o.Rounds, o.Rate, paceConns, o.Seed),
		"files are in the page cache, as they are after the restart of a process; figures after a restart of the machine differ (-cold)"), nil
}
