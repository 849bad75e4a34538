package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/client"
)

// Exit codes of holdfast cli; other commands give these numbers the same meaning.
const (
	cliFailed = 1
	cliUsage  = 2
)

// cliCommand is "holdfast cli": one command from the arguments, or a prompt.
func cliCommand() *cli.Command {
	return &cli.Command{
		Name:      "cli",
		Usage:     "talk to a server: one command, or a prompt without one",
		ArgsUsage: "[COMMAND [ARG …]]",
		Description: "Works like redis-cli. -h is the host here; --help shows this text.\n" +
			"REDISCLI_AUTH in the environment is the password where -a gives none.\n" +
			"The exit code is 1 if a reply is an error, or nobody answers.\n" +
			"HOLDFAST_HISTORY names the prompt's history file (empty: no history; default ~/.holdfast_history).\n\n" +
			examples("holdfast cli set greeting hello", "holdfast cli -p 6380 --tls --cacert ca.crt --json hgetall user:7"),
		HideHelp:     true,
		Flags:        cliFlags(),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return cliUsageError(err.Error()) },
		Action: func(ctx *cli.Context) error {
			if ctx.Bool("help") {
				return cli.ShowCommandHelp(ctx, "cli")
			}
			return cliExit(runCLI(ctx))
		},
	}
}

func cliFlags() []cli.Flag {
	return append(connectionFlags(),
		toggle("no-auth-warning", "do not warn of a password on the command line"),
		&cli.IntFlag{Name: "n", Usage: "number of the `DATABASE`"},
		toggle("2", "speak RESP2"),
		toggle("3", "speak RESP3"),
		toggle("raw", "print the bytes of replies (the default when the output is not a terminal)"),
		toggle("no-raw", "print replies formatted (the default on a terminal)"),
		toggle("json", "print each reply as a JSON document on a line; speaks RESP3 unless -2 is given"),
		toggle("quoted-json", "as --json, with every string escaped in ASCII so that no byte is lost"),
		toggle("x", "read the last argument from the standard input"),
		&cli.IntFlag{Name: "r", Value: 1, Usage: "run the command `COUNT` times (-1: without end)"},
		&cli.Float64Flag{Name: "i", Usage: "wait `SECONDS` between the runs of -r, or the steps of --scan"},
		toggle("scan", "print all keys, by SCAN"),
		&cli.StringFlag{Name: "pattern", Usage: "with --scan, only keys that match `PATTERN`"},
		toggle("pipe", "send the standard input, requests as on the wire, and count the replies"),
		&cli.IntFlag{Name: "pipe-timeout", Value: 30, Usage: "with --pipe, give up after `SECONDS` of silence (0: never)"},
		&cli.BoolFlag{Name: "e", Hidden: true, Usage: "for redis-cli's sake: an error reply always ends with exit code 1"},
		toggle("help", "show this text"))
}

func toggle(name, usage string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func cliUsageError(text string) error {
	return cli.Exit("cli: "+text+"; see \"holdfast cli --help\"", cliUsage)
}

// cliExit turns what a run came to into an exit code, and a line where nothing has been printed yet.
func cliExit(err error) error {
	var usage usageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &usage):
		return cliUsageError(err.Error())
	case errors.Is(err, client.ErrReply):
		return cli.Exit("", cliFailed)
	}
	return cli.Exit("cli: "+err.Error(), cliFailed)
}

// runCLI does what the flags ask for.
func runCLI(ctx *cli.Context) (err error) {
	target, err := cliTarget(ctx)
	if err != nil {
		return err
	}
	args := ctx.Args().Slice()
	if ctx.Bool("x") {
		if args, err = withInput(args, ctx.App.Reader); err != nil {
			return err
		}
	}
	session := &client.Session{
		Target: target,
		Style:  cliStyle(ctx),
		Out:    ctx.App.Writer,
		Now:    time.Now,
		Live:   client.IsTerminal(ctx.App.Writer),
	}
	defer func() {
		if closeErr := session.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("closing the connection: %w", closeErr)
		}
	}()
	switch {
	case ctx.Bool("pipe"):
		return runPipe(ctx, session)
	case ctx.Bool("scan"):
		return session.Scan(ctx.String("pattern"), func() { time.Sleep(interval(ctx)) })
	case len(args) > 0:
		return runCommand(ctx, session, args)
	}
	return runPrompt(ctx, session)
}

// cliTarget reads where to connect, and as whom.
func cliTarget(ctx *cli.Context) (client.Target, error) {
	target, err := serverTarget(ctx, ctx.Int("n"))
	if err != nil {
		return target, err
	}
	if ctx.IsSet("a") && !ctx.Bool("no-auth-warning") {
		fmt.Fprintln(ctx.App.ErrWriter, "Warning: other users of this machine can see a password on the command line; "+
			"REDISCLI_AUTH in the environment is safer.")
	}
	for _, two := range [][2]string{{"2", "3"}, {"raw", "no-raw"}} {
		if ctx.Bool(two[0]) && ctx.Bool(two[1]) {
			return target, usageError(fmt.Sprintf("%s and %s exclude each other: give one", dashed(two[0]), dashed(two[1])))
		}
	}
	if (ctx.Bool("3") || ctx.Bool("json") || ctx.Bool("quoted-json")) && !ctx.Bool("2") {
		target.Protocol = 3
	}
	if target.DB < 0 {
		return target, usageError(fmt.Sprintf("%d is not a database", target.DB))
	}
	return target, nil
}

// dashed is a flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// cliStyle chooses how to print: by flag, or by where the output goes.
func cliStyle(ctx *cli.Context) client.Style {
	switch {
	case ctx.Bool("quoted-json"):
		return client.QuotedJSON
	case ctx.Bool("json"):
		return client.JSON
	case ctx.Bool("no-raw"):
		return client.Formatted
	case ctx.Bool("raw") || !client.IsTerminal(ctx.App.Writer):
		return client.Raw
	}
	return client.Formatted
}

// withInput is -x: args with the whole of in behind them.
func withInput(args []string, in io.Reader) ([]string, error) {
	if len(args) == 0 {
		return nil, usageError("-x needs a command")
	}
	last, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading the last argument: %w", err)
	}
	return append(args, string(last)), nil
}

// interval is -i, of which anything beyond a year is one.
func interval(ctx *cli.Context) time.Duration {
	const year = 365 * 24 * 60 * 60
	return time.Duration(math.Max(0, math.Min(ctx.Float64("i"), year)) * float64(time.Second))
}

// runCommand runs args as often as -r says. An error reply does not end the repetition, but is the outcome.
func runCommand(ctx *cli.Context, session *client.Session, args []string) error {
	var outcome error
	for run, runs := 0, ctx.Int("r"); runs < 0 || run < runs; run++ {
		if run > 0 {
			time.Sleep(interval(ctx))
		}
		err := session.Do(args...)
		switch {
		case errors.Is(err, client.ErrReply):
			outcome = err
		case err != nil:
			return err
		}
	}
	return outcome
}

// runPipe is --pipe. Its last line is redis-cli's.
func runPipe(ctx *cli.Context, session *client.Session) error {
	patience := time.Duration(ctx.Int("pipe-timeout")) * time.Second
	replies, failed, err := session.Pipe(ctx.App.Reader, ctx.App.ErrWriter, rand.Text(), patience)
	if _, printErr := fmt.Fprintf(ctx.App.Writer, "errors: %d, replies: %d\n", failed, replies); err == nil {
		err = printErr
	}
	if err == nil && failed > 0 {
		return client.ErrReply
	}
	return err
}

// runPrompt reads commands: from a person where input and output are a terminal, else as plain lines.
func runPrompt(ctx *cli.Context, session *client.Session) error {
	prompt := &client.Prompt{Session: session, Manual: &client.Manual{}, Err: ctx.App.ErrWriter}
	if !session.Live || !client.IsTerminal(ctx.App.Reader) {
		session.Live = false
		prompt.Editor = client.Plain(ctx.App.Reader)
		return prompt.Run()
	}
	prompt.History = client.NewHistory(historyPath())
	lines, err := prompt.History.Load()
	if err != nil {
		fmt.Fprintln(ctx.App.ErrWriter, err)
	}
	if prompt.Editor, err = client.Terminal(prompt.Manual, lines); err != nil {
		return fmt.Errorf("preparing the terminal: %w", err)
	}
	stop := interrupts(session)
	defer stop()
	return errors.Join(prompt.Run(), prompt.Editor.Close())
}

// interrupts hands ^C to the session, until stop is called.
func interrupts(session *client.Session) (stop func()) {
	signals, interrupt, done := make(chan os.Signal, 1), make(chan struct{}, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt)
	session.Interrupt = interrupt
	go func() {
		for {
			select {
			case <-signals:
				select {
				case interrupt <- struct{}{}:
				default: // one is waiting already
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// historyPath returns where the prompt's history is kept, "" for nowhere.
func historyPath() string {
	if path, ok := os.LookupEnv("HOLDFAST_HISTORY"); ok {
		return strings.TrimSpace(path)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".holdfast_history")
}
