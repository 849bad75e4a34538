package rig

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, as those of holdfast itself.
const (
	ExitFine   = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Main runs a benchmark as a process and ends it with the exit code that run returns. Signals that end a process cancel the
// context instead, so that servers end too; SIGPIPE is among them, for `… | head`.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Tool is a benchmark: its name in front of error lines, its options, and its measuring, which writes the report to stdout and
// progress to stderr.
type Tool[Options any] struct {
	Name    string
	Parse   func(args []string, stderr io.Writer) (Options, error)
	Measure func(ctx context.Context, o Options, args []string, stdout, stderr io.Writer) error
}

// Run is the program, without the process around it. The exit code is returned.
func (t Tool[Options]) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := t.Parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return ExitFine
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", t.Name, err)
		return ExitUsage
	}
	if err := t.Measure(ctx, o, args, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", t.Name, err)
		return ExitFailed
	}
	return ExitFine
}
