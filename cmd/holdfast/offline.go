package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// offline completes a command that reads a data directory: flags may stand behind the arguments too, errors get their
// exit codes, and the output is buffered.
func offline(c *cli.Command, arguments int, action func(ctx *cli.Context, out io.Writer) error) *cli.Command {
	c.HideHelpCommand = true // "snapshot get help" asks for a key
	c.OnUsageError = onUsageError
	c.Action = func(ctx *cli.Context) error {
		if ctx.Bool("help") { // where -h is a flag of the command's own
			return cli.ShowSubcommandHelp(ctx)
		}
		if err := lateFlags(ctx, arguments); err != nil {
			return misused(ctx, err)
		}
		if ctx.IsSet("dir") && ctx.String("dir") == "" {
			return misused(ctx, errors.New("--dir is empty: say where the data is"))
		}
		out := bufio.NewWriter(ctx.App.Writer)
		signal.Ignore(syscall.SIGPIPE) // who reads no further ends the command in good order: temporary files go
		err := action(ctx, out)
		if flushed := out.Flush(); !errors.Is(err, flushed) { // the writer repeats its first error
			err = errors.Join(err, flushed)
		}
		var wrong misuse
		if errors.As(err, &wrong) {
			return misused(ctx, err)
		}
		var coder cli.ExitCoder
		if err == nil || errors.As(err, &coder) {
			return err
		}
		if unwanted(err) {
			return cli.Exit("", exitUnwanted)
		}
		text := oneLine(err.Error())
		switch {
		case errors.Is(err, context.Canceled):
			text = oneLine(strings.Join(append([]string{"interrupted"}, besideCancel(err)...), "\n"))
		case unreadable(err):
			text += "; run it as the user whose files these are"
		}
		return cli.Exit(text, exitCode(err))
	}
	return c
}

// oneLine is a text on one line: its lines one behind the other, without what was said already. Several goroutines that
// fail by the same full disk all say so.
func oneLine(text string) string {
	var said []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said, "; ")
}

// unwanted reports whether nobody reads the output any more, as behind "| head -1".
func unwanted(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" && errors.Is(path.Err, syscall.EPIPE)
}

// besideCancel is what else went wrong when a command was interrupted: mostly in cleaning up.
func besideCancel(err error) (texts []string) {
	if !errors.Is(err, context.Canceled) {
		return []string{err.Error()}
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return besideCancel(inner)
		}
		return nil
	}
	for _, one := range joined.Unwrap() {
		texts = append(texts, besideCancel(one)...)
	}
	return texts
}

// unreadable reports whether a file that is there may not be read: not that one could not be made.
func unreadable(err error) bool {
	var path *fs.PathError
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &path) || path.Op != "open" && path.Op != "stat" {
		return false
	}
	_, err = os.Lstat(path.Path)
	return !errors.Is(err, fs.ErrNotExist)
}

// group is a command that has only subcommands.
func group(name, usageText string, commands ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usageText, Subcommands: append(commands, helpCommand(name)),
		OnUsageError: onUsageError,
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return noCommand(name, ctx.Args().First())
			}
			return cli.ShowSubcommandHelp(ctx)
		},
	}
}

// commandName is what stands behind "holdfast" for the command: "snapshot get", or "" for the program itself.
func commandName(ctx *cli.Context) string {
	_, name, _ := strings.Cut(ctx.Command.HelpName, " ")
	return name
}

// lateFlags reads the flags behind the first n arguments, where the library ends its search for them: people write
// "get KEY --db 3". Less than 0, n is how many there may be, the flags ending them.
func lateFlags(ctx *cli.Context, n int) error {
	args := ctx.Args().Slice()
	if n < 0 {
		n = min(-n, leading(args))
	}
	if len(args) < n {
		return fmt.Errorf("%s wants %s", commandName(ctx), ctx.Command.ArgsUsage)
	}
	for rest := args[n:]; len(rest) > 0; {
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(rest[0], "-"), "-"), "=")
		flag := findFlag(ctx, name)
		if !strings.HasPrefix(rest[0], "-") || flag == nil {
			return fmt.Errorf("%s does not take %q", commandName(ctx), rest[0])
		}
		rest = rest[1:]
		if _, toggles := flag.(*cli.BoolFlag); toggles && !given {
			value, given = "true", true
		}
		if !given {
			if len(rest) == 0 {
				return fmt.Errorf("flag needs an argument: --%s", name)
			}
			value, rest = rest[0], rest[1:]
		}
		if err := ctx.Set(name, value); err != nil {
			return fmt.Errorf("invalid value %q for flag --%s: %w", value, name, err)
		}
	}
	return nil
}

// leading is how many of the words stand before the first flag.
func leading(words []string) int {
	n := slices.IndexFunc(words, func(word string) bool { return len(word) > 1 && word[0] == '-' })
	if n < 0 {
		return len(words)
	}
	return n
}

func findFlag(ctx *cli.Context, name string) cli.Flag {
	for _, flag := range ctx.Command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

// given is those of the flags that are set, as they are written.
func given(ctx *cli.Context, names ...string) (flags []string) {
	for _, name := range names {
		if ctx.IsSet(name) {
			flags = append(flags, dashed(name))
		}
	}
	return flags
}

// oneOf refuses flags of which each leaves the others without effect.
func oneOf(ctx *cli.Context, names ...string) error {
	if flags := given(ctx, names...); len(flags) > 1 {
		return usage(fmt.Errorf("%s exclude each other: give one", strings.Join(flags, " and ")))
	}
	return nil
}

// Flags that offline commands share.

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Value: "data", EnvVars: []string{"HOLDFAST_DIR"}, Usage: "data `DIRECTORY`; a server need not run"}
}

func jsonFlag(what string) cli.Flag { return toggle("json", "print JSON: "+what) }

func directory(ctx *cli.Context) (*inspect.Directory, error) {
	return inspect.Open(vfs.OS(), ctx.String("dir"))
}

// endings are the signals that end a command in good order. A terminal that is closed is one of them, unless the command
// was started not to care (nohup).
func endings() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
}

// interruptible is the context of a command that ^C ends, with everything that it started.
func interruptible(ctx *cli.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx.Context, endings()...)
}

// stoppable is done when the process is told to end. Being told again ends it at once.
func stoppable(ctx *cli.Context) (stop context.Context, cancel context.CancelFunc) {
	stop, cancel = interruptible(ctx)
	context.AfterFunc(stop, cancel)
	return stop, cancel
}

// printable is what is printed as a table, or as one JSON document.
type printable interface{ WriteText(io.Writer) error }

func show(ctx *cli.Context, out io.Writer, what printable) error {
	if ctx.Bool("json") {
		return inspect.WriteJSON(out, what)
	}
	return what.WriteText(out)
}
