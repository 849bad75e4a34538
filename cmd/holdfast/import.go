package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/intake"
	"holdfast/internal/vfs"
)

// importCommand is "holdfast snapshot import".
func importCommand() *cli.Command {
	c := offline(&cli.Command{
		Name: "import", Usage: "take in an RDB file, a Redis AOF, or JSON lines: into a new directory, or into a running server", ArgsUsage: "PATH",
		Description: "PATH is an RDB file, an AOF (a file, or the directory or the manifest of one of several), or what holdfast snapshot\n" +
			"export --format json wrote; which of them is seen from what it begins with. With --to it becomes a new data directory.\n" +
			"Without it, it is sent to the server at -h and -p: any that speaks the commands it needs. Then it is read twice:\n" +
			"nothing is sent before all of it has been found sound, and none of its keys in the server.\n" +
			"A torn end of an AOF, which a crash leaves, is left out and told. The exit code is 3 if the input is damaged;\n" +
			"with --skip-bad if the rest of a file could not be read for that, and 0 if single keys or commands are left out.\n\n" +
			examples("holdfast snapshot import /var/lib/redis/dump.rdb --to data", "holdfast snapshot import export.json -p 6380 --replace"),
		Flags: append(connectionFlags(),
			&cli.StringFlag{Name: "to", Usage: "new `DIRECTORY`, or an empty one"},
			toggle("replace", "let keys of the input take the place of those that the server has"),
			toggle("skip-bad", "leave out what is damaged, and count it"),
			jsonFlag("the report"),
			toggle("help", "show this text")),
	}, 1, runImport)
	c.HideHelp = true // -h is the host here
	return c
}

func runImport(ctx *cli.Context, out io.Writer) (err error) {
	if ctx.IsSet("to") && (namesServer(ctx) || ctx.IsSet("replace")) {
		return usage(errors.New("--to is for a new directory, --replace, -h, -p and the like are for a running server: give one or the other"))
	}
	target, err := serverTarget(ctx, 0)
	if err != nil {
		return usage(err)
	}
	if err := inspect.CheckFile(vfs.OS(), ctx.Args().First()); err != nil {
		return err
	}
	in, err := intake.Open(vfs.OS(), ctx.Args().First())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	// What an import holds is few and large pieces, which cost the collector little, and memory would grow to twice of them.
	const percent = 25
	debug.SetGCPercent(percent)
	stop, cancel := stoppable(ctx)
	defer cancel()
	bar := newBar(ctx.App.ErrWriter)
	o := intake.Options{FS: vfs.OS(), Clock: time.Now, SkipBad: ctx.Bool("skip-bad"), Progress: bar.show}
	var report intake.Report
	if ctx.IsSet("to") {
		report, err = intake.IntoDirectory(stop, in, ctx.String("to"), o)
	} else {
		report, err = overTheWire(stop, in, intake.ServerOptions{Options: o, Target: target, Replace: ctx.Bool("replace")})
	}
	if bar.end(); err != nil && !errors.Is(err, intake.ErrRefused) {
		return err
	}
	return errors.Join(show(ctx, out, report), err, report.Lost())
}

// overTheWire sends an input to a server. Its keys are sorted on the way.
func overTheWire(stop context.Context, in *intake.Input, o intake.ServerOptions) (_ intake.Report, err error) {
	if o.Temporary, err = os.MkdirTemp("", "holdfast-import-"); err != nil {
		return intake.Report{}, fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Temporary)) }()
	return intake.IntoServer(stop, in, o)
}
