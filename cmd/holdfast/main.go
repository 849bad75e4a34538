// Command holdfast is a Redis-compatible key-value server that keeps what it acknowledges, and the tools around it.
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"
)

// version is set by the linker: -ldflags "-X main.version=…".
var version = "dev"

// Exit codes, a contract that scripts rely on.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitDamaged = 3
	exitInUse   = 4
	// exitUnwanted: nobody reads the output any more. It is what a shell calls a death by SIGPIPE.
	exitUnwanted = 128 + int(syscall.SIGPIPE)
)

func main() {
	if err := newApp().Run(os.Args); err != nil {
		os.Exit(report(err))
	}
}

// newApp is the program with all its commands.
func newApp() *cli.App {
	return &cli.App{
		Name:    "holdfast",
		Usage:   "a Redis-compatible server that keeps what it acknowledges",
		Version: version,
		Commands: []*cli.Command{serveCommand(), cliCommand(), snapshotCommand(), logCommand(), restoreCommand(), checkCommand(), labCommand(), benchCommand(),
			completionCommand(), completeCommand()},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usage(err)
		},
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return usage(fmt.Errorf("there is no command %q", ctx.Args().First()))
			}
			return cli.ShowAppHelp(ctx)
		},
		ExitErrHandler: func(*cli.Context, error) {}, // main prints, once
	}
}

// report prints an error on one line and says which exit code it means.
func report(err error) int {
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "holdfast: "+text)
	}
	var coder cli.ExitCoder
	if errors.As(err, &coder) {
		return coder.ExitCode()
	}
	return exitFailed
}

// usage is an error in how the program was called.
func usage(err error) error {
	return cli.Exit(err.Error()+`; see "holdfast --help"`, exitUsage)
}
