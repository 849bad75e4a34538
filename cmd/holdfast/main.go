// Command holdfast is a Redis-compatible key-value server that keeps what it acknowledges, and the tools around it.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
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
		Commands: []*cli.Command{serveCommand(), cliCommand(), snapshotCommand(), logCommand(), restoreCommand(), checkCommand(), labCommand(), benchCommand(), readyCommand(),
			completionCommand(), completeCommand(), helpCommand("")},
		Flags:        []cli.Flag{cli.HelpFlag}, // which the library adds only beside a help command of its own
		OnUsageError: onUsageError,
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return noCommand("", ctx.Args().First())
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

// misuse is an error in how a command was called.
type misuse struct{ error }

// ExitCode makes it a cli.ExitCoder.
func (misuse) ExitCode() int { return exitUsage }

// Unwrap is why.
func (m misuse) Unwrap() error { return m.error }

// usage says that err is an error in how the command was called. Whoever hands it to the library adds where the help is.
func usage(err error) error { return misuse{err} }

// misused is a misuse with the help that has the flags of the command.
func misused(ctx *cli.Context, err error) error { return seeHelp(commandName(ctx), err) }

// seeHelp ends a misuse's line with the help of a command, "" being the program's.
func seeHelp(command string, err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	return cli.Exit(fmt.Sprintf("%s; see %q", text, strings.Join(strings.Fields("holdfast "+command+" --help"), " ")), exitUsage)
}

func onUsageError(ctx *cli.Context, err error, _ bool) error { return misused(ctx, err) }
