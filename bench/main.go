// Bench measures holdfast beside a real redis-server, and valkey-server where there is one: same machine, same file system, same fsync policy, same load.
//
//	go run ./bench [-groups rate,ycsb] [-rounds N] [-rows SET,GET/16] [-policies always] [-quick] [-twin] [-report DIR]
//
// A row is one command at one pipeline depth under one fsync policy; rows come in groups, in each of which one thing
// varies (groups.go). Each row gets fresh servers, which are then measured in turn (A B A B …), so that whatever slows the machine for a while slows both:
//
//	start A, start B ─► fill ─► calibrate ─► round 1: A, B ─► round 2: A, B ─► …  ─► kill both, remove their data
//	                                          └ one run: syncfs, sample, load, wait until quiet, sample
//
// What is compared are the ratios within the rounds, and their median; not the ratio of two medians, which mixes good
// minutes of one side with bad minutes of the other. Nothing is averaged away and nothing is made up: a run in which
// a server ended or the generator complained makes its row "failed" and the exit code 1.
//
// All servers run all the time. Rejected: stopping (SIGSTOP) the one that rests. A background fsync that straddles the
// stop looks like a slow disk to the server that times it, and both servers behave differently on slow disks.
//
// Reading order: workload.go and groups.go (what is measured), measure.go (how), table.go (what is printed), charts.go
// (what is drawn).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"holdfast/bench/rig"
)

func main() { rig.Main(run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return rig.Tool[Options]{Name: "bench", Parse: parseOptions, Measure: measureAll}.Run(ctx, args, stdout, stderr)
}

// measureAll measures every chosen row and prints each as soon as it is known. The temporary directory is gone when it
// returns.
func measureAll(ctx context.Context, opts Options, args []string, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp(opts.Dir, "holdfast-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	b := newBench(opts, dir, stderr)
	heading, err := describe(ctx, b, opts, args)
	if err != nil {
		return err
	}
	report := Report{Heading: heading, Programs: b.names()}
	fmt.Fprint(stdout, report.Head())
	for _, group := range opts.Groups {
		section := Section{Name: group.Name, About: group.About}
		fmt.Fprint(stdout, section.Head())
		for _, row := range group.Rows {
			result := b.measure(ctx, row)
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			section.Results = append(section.Results, result)
			fmt.Fprint(stdout, result.Lines(report.Programs))
		}
		report.Sections = append(report.Sections, section)
	}
	fmt.Fprint(stdout, report.Foot())
	if opts.Report != "" {
		if err := report.write(opts.Report, opts.Quick); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("%d of %d rows failed: %s", len(failed), len(opts.rows()), strings.Join(failed, ", "))
	}
	return nil
}
