package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/lab"
	"holdfast/lab/fault"
	"holdfast/lab/play"
)

// labRunCommand is "holdfast lab run".
func labRunCommand() *cli.Command {
	flags := append(targetFlags(), loadFlags(recordRequests)...)
	return offline(&cli.Command{
		Name: "run", Usage: "record a server, play its crashes, try other faults, and report; in under two minutes",
		Description: "The exit code is 1 if a promise broke. The trace is kept then, so that each failure can be played again by the\n" +
			"command in the report; otherwise only with --keep-trace. Recording needs /dev/fuse and the right to mount; where\n" +
			"they are missing only the faults are tried that need neither.\n\n" +
			examples("holdfast lab run --server redis --policy everysec --html crash.html", "holdfast lab run --server-cmd './my-server --port {port} --dir {dir}' --workload registers --keep-trace crash.trace"),
		Flags: append(flags,
			&cli.IntFlag{Name: "states", DefaultText: "1000, for 60 s at the most", Usage: "play `NUMBER` crash states, however long it takes"},
			toggle("no-faults", "play crashes only"),
			&cli.StringFlag{Name: "keep-trace", Usage: "keep the trace as `FILE`"},
			jsonFlag("one object with recording, crashes and faults"), htmlFlag()),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		o, err := runOptions(ctx)
		if err != nil {
			return usage(err)
		}
		return labRun(ctx, out, o)
	})
}

// everyState is long enough for as many states as somebody asks for.
const everyState = 1000 * time.Hour

func runOptions(ctx *cli.Context) (o lab.RunOptions, err error) {
	if err := notNegative(ctx, "states", "clients", "requests", "keys"); err != nil {
		return o, err
	}
	if o.Target, err = target(ctx); err != nil {
		return o, err
	}
	if o.Load, err = loadOf(ctx); err != nil {
		return o, err
	}
	if o.States = ctx.Int("states"); o.States > 0 {
		o.PlayTime = everyState
	}
	if ctx.Bool("no-faults") {
		o.FaultTime = -1
	}
	o.Trace = ctx.String("keep-trace")
	o.FaultAgain = faultAgain(ctx, o.Seed)
	return o, nil
}

// labRun runs, shows and cleans up. The trace lies where it can stay if a promise breaks.
func labRun(ctx *cli.Context, out io.Writer, o lab.RunOptions) (err error) {
	page, err := newPage(ctx)
	if err != nil {
		return err
	}
	if o.Trace == "" {
		if o.Trace, err = spareTrace(o); err != nil {
			return errors.Join(err, page.discard())
		}
	}
	o.PlayAgain = playAgain(o.Trace, o.Seed, "")
	bar := newBar(ctx.App.ErrWriter)
	tries := 0
	o.Stage = func(stage string) { bar.show(stage, 0, 1) }
	o.Progress = func(done, total int, _ play.Tally) { bar.show("playing crashes", int64(done), int64(total)) }
	o.OnResult = func(fault.Result) {
		tries++
		bar.show(trying(tries), 0, 1)
	}
	stop, cancel := interruptible(ctx)
	defer cancel()
	results, ran := lab.Run(stop, o)
	bar.end()
	found := labResults{Recording: recorded(results.Recording), Crashes: results.Crashes, Faults: results.Faults,
		spare: !ctx.IsSet("keep-trace")}.begun(ran != nil)
	shown := showLab(ctx, out, found, page)
	if found.goes() {
		if err := os.Remove(o.Trace); err != nil && !errors.Is(err, os.ErrNotExist) {
			shown = errors.Join(shown, fmt.Errorf("removing the trace: %w", err))
		}
	}
	return labExit(stop, errors.Join(ran, shown), results.Held())
}

// spareTrace makes a file for a trace that is not wanted unless a promise breaks.
func spareTrace(o lab.RunOptions) (string, error) {
	server := "other"
	if o.Command == "" {
		server = filepath.Base(o.Server)
	}
	file, err := os.CreateTemp("", fmt.Sprintf("%s-%s-%d-*.trace", server, o.Workload, o.Seed))
	if err != nil {
		return "", fmt.Errorf("making a trace: %w", err)
	}
	return file.Name(), file.Close()
}

// labRecordCommand is "holdfast lab record".
func labRecordCommand() *cli.Command {
	flags := append(targetFlags(), loadFlags(recordRequests)...)
	return offline(&cli.Command{
		Name: "record", Usage: "run a workload on a server, and write down all that it does to its files",
		Description: "The server's files lie on a filesystem that records, so /dev/fuse and the right to mount are needed.\n\n" +
			examples("holdfast lab record --out crash.trace", "holdfast lab record --server redis --workload accounts --seed 7 --out accounts.trace"),
		Flags: append(flags,
			&cli.StringFlag{Name: "out", Usage: "`FILE` for the trace"},
			&cli.DurationFlag{Name: "time", Value: lab.TimeDefault, Usage: "end the traffic after `TIME`, as 10s"},
			&cli.Int64Flag{Name: "bytes", Value: lab.BytesDefault, Usage: "end it when the trace has `NUMBER` bytes"},
			toggle("compare", "also run the workload without recording, to tell how much slower that makes the server"),
			jsonFlag("one object with recording")),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		o := lab.RecordOptions{Trace: ctx.String("out"), Time: ctx.Duration("time"), Bytes: ctx.Int64("bytes"), Compare: ctx.Bool("compare")}
		err := notNegative(ctx, "clients", "requests", "keys")
		if err == nil {
			o.Target, err = target(ctx)
		}
		if err == nil {
			o.Load, err = loadOf(ctx)
		}
		switch {
		case err != nil:
			return usage(err)
		case o.Trace == "":
			return usage(errors.New("lab record wants --out, a file for the trace"))
		case o.Time <= 0 || o.Bytes <= 0:
			return usage(errors.New("--time and --bytes must be above zero"))
		}
		stop, cancel := interruptible(ctx)
		defer cancel()
		recording, ran := lab.Record(stop, o)
		if ran != nil {
			return labExit(stop, ran, false)
		}
		return showLab(ctx, out, labResults{Recording: &recording}, nil)
	})
}
