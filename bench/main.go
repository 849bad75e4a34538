// Bench measures holdfast beside a real redis-server: same machine, same file system, same fsync policy, same load.
//
//	go run ./bench [-rounds N] [-rows SET,GET/16] [-policies always] [-quick] [-twin] [-markdown FILE]
//
// A row is one command at one pipeline depth under one fsync policy. Each row gets two fresh servers, which are then
// measured in turn (A B A B …), so that whatever slows the machine for a while slows both:
//
//	start A, start B ─► fill ─► calibrate ─► round 1: A, B ─► round 2: A, B ─► …  ─► kill both, remove their data
//	                                          └ one run: syncfs, CPU time, redis-benchmark, wait until quiet, CPU time
//
// What is compared are the ratios within the rounds, and their median; not the ratio of two medians, which mixes good
// minutes of one side with bad minutes of the other. Nothing is averaged away and nothing is made up: a run in which
// a server ended or redis-benchmark complained makes its row "failed" and the exit code 1.
//
// Both servers run all the time. Rejected: stopping (SIGSTOP) the one that rests. A background fsync that straddles the
// stop looks like a slow disk to the server that times it, and both servers behave differently on slow disks.
//
// Reading order: workload.go (what is measured), measure.go (how), table.go (what is printed).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes, as those of holdfast itself.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// SIGPIPE is among them so that `… | head` ends the servers too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: the report goes to stdout, progress and errors to stderr. The exit code is returned.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitFine
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if err := measureAll(ctx, opts, args, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return exitFine
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
	heading, err := describe(ctx, b, args)
	if err != nil {
		return err
	}
	report := Report{Heading: heading, Left: b.left.Name, Right: b.right.Name}
	fmt.Fprint(stdout, report.Head())
	for _, row := range opts.Rows {
		result := b.measure(ctx, row)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		report.Results = append(report.Results, result)
		fmt.Fprint(stdout, result.Line())
	}
	fmt.Fprint(stdout, report.Foot())
	if opts.Markdown != "" {
		if err := os.WriteFile(opts.Markdown, []byte(report.String()), 0o644); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("%d of %d rows failed: %s", len(failed), len(report.Results), strings.Join(failed, ", "))
	}
	return nil
}
