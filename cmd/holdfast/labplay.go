package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/lab"
	"holdfast/lab/fault"
	"holdfast/lab/play"
	"holdfast/lab/trace"
)

// labPlayCommand is "holdfast lab play".
func labPlayCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "play", Usage: "start the server on the directories that a crash could have left, and judge what it serves",
		Description: "Without --state a sample of all crash states is played. Without --server or --server-cmd it is the server that was\n" +
			"recorded. The exit code is 1 if a promise broke.\n\n" +
			examples("holdfast lab play --trace crash.trace --states 5000", "holdfast lab play --trace crash.trace --state 18/strict/512/all --keep crashed"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "trace", Usage: "`FILE` that lab record, or lab run, has written"},
			&cli.StringFlag{Name: "state", Usage: "play one `STATE`, as a report names it: SEQ/READING/PIECE/CHOICE"},
			&cli.StringFlag{Name: "keep", Usage: "with --state, leave what the crash has left as a new `DIRECTORY`"},
			&cli.IntFlag{Name: "states", Value: 1000, Usage: "play `NUMBER` states (0: every point of the trace in every way)"},
			&cli.Uint64Flag{Name: "seed", DefaultText: "that of the trace", Usage: "`NUMBER` that repeats what was drawn by chance"},
			&cli.StringFlag{Name: "reading", DefaultText: "both", Usage: "`WHAT` file systems promise: strict (only what POSIX does) or ordered (as ext4)"},
			&cli.Float64Flag{Name: "second", Value: 0.1, Usage: "`SHARE` of the states, 0 to 1, that get a second crash"},
			&cli.StringFlag{Name: "server", Usage: "`SERVER` to start: holdfast, redis, valkey, or the path of another holdfast"},
			&cli.StringFlag{Name: "server-cmd", Usage: "`COMMAND` of any other server, with {port} and {dir} in it"},
			&cli.DurationFlag{Name: "limit", Value: 10 * time.Second, Usage: "a server may take `TIME` to start, or for a reply"},
			toggle("no-shrink", "do not look for the least that must be lost for a failure"),
			jsonFlag("one object with crashes"), htmlFlag(),
		},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		o, err := playOptions(ctx)
		if err != nil {
			return usage(err)
		}
		return labPlay(ctx, out, o)
	})
}

func playOptions(ctx *cli.Context) (o lab.PlayOptions, err error) {
	o = lab.PlayOptions{
		Trace: ctx.String("trace"), State: ctx.String("state"), States: ctx.Int("states"), Seed: ctx.Uint64("seed"),
		Second: ctx.Float64("second"), Limit: ctx.Duration("limit"), Shrink: !ctx.Bool("no-shrink"), Keep: ctx.String("keep"),
	}
	if o.Readings, err = readings(ctx); err != nil {
		return o, err
	}
	if err := notNegative(ctx, "states"); err != nil {
		return o, err
	}
	switch {
	case o.Trace == "":
		return o, errors.New("lab play wants --trace, a file that lab record has written")
	case o.State != "" && len(given(ctx, "states", "reading")) > 0:
		return o, fmt.Errorf("--state plays one state, whose name has the reading in it: leave out %s", strings.Join(given(ctx, "states", "reading"), " and "))
	case o.Keep != "" && o.State == "":
		return o, errors.New("--keep needs --state: it keeps one directory")
	case !(o.Second >= 0 && o.Second <= 1): // NaN too
		return o, errors.New("--second takes a share from 0 to 1")
	case o.Limit <= 0:
		return o, errors.New("--limit must be above zero")
	}
	if o.State != "" {
		if _, err := play.ParseState(o.State); err != nil {
			return o, err
		}
	}
	if ctx.IsSet("server") || ctx.IsSet("server-cmd") {
		o.Target, err = serverOf(ctx)
	}
	return o, err
}

func labPlay(ctx *cli.Context, out io.Writer, o lab.PlayOptions) error {
	if !ctx.IsSet("seed") {
		meta, err := metaOf(o.Trace)
		if err != nil {
			return err
		}
		o.Seed = meta.Seed
	}
	page, err := newPage(ctx)
	if err != nil {
		return err
	}
	o.Replay = playAgain(o.Trace, o.Seed, serverFlags(ctx))
	bar := newBar(ctx.App.ErrWriter)
	o.Progress = func(done, total int, _ play.Tally) { bar.show("playing crashes", int64(done), int64(total)) }
	stop, cancel := interruptible(ctx)
	defer cancel()
	crashes, ran := lab.Play(stop, o)
	bar.end()
	if crashes == nil {
		return labExit(stop, errors.Join(ran, page.discard()), false)
	}
	crashes.Seed = o.Seed
	return labExit(stop, errors.Join(ran, showLab(ctx, out, labResults{Crashes: crashes}.begun(ran != nil), page)), crashes.Held())
}

// serverFlags are the flags that name another server than the recorded one, as they were given.
func serverFlags(ctx *cli.Context) string {
	return strings.TrimPrefix(again(ctx, "play", []string{"server", "server-cmd"}), "holdfast lab play")
}

// metaOf reads what a trace says of itself.
func metaOf(path string) (trace.Meta, error) {
	r, err := trace.Open(path)
	if err != nil {
		return trace.Meta{}, err
	}
	return r.Meta, r.Close()
}

// labFaultCommand is "holdfast lab fault".
func labFaultCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "fault", Usage: "try what else goes wrong: failing calls, slow disks, kill -9, a pause, damage at rest",
		Description: "Each experiment has a server and a directory of its own. error and slow need /dev/fuse and the right to mount. The exit\n" +
			"code is 1 if a promise broke: wrong data served silently, or a server that neither answers nor ends.\n\n" +
			examples("holdfast lab fault --server redis --kinds rest,kill", "holdfast lab fault --workload counters --seed 7 --only eio/fsync/17/once"),
		Flags: append(append(targetFlags(), loadFlags(faultRequests)...),
			&cli.StringFlag{Name: "kinds", DefaultText: "all", Usage: "`KINDS` of experiments: " + kindNames() + ", separated by commas"},
			&cli.IntFlag{Name: "each", Value: 3, Usage: "`NUMBER` of experiments of each sort"},
			&cli.StringFlag{Name: "only", Usage: "do the one experiment with this `NAME`, as a report has it: eio/fsync/17/once"},
			&cli.DurationFlag{Name: "patience", Value: 10 * time.Second, Usage: "a reply may take `TIME`"},
			jsonFlag("one object with faults"), htmlFlag()),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		o, err := faultOptions(ctx)
		if err != nil {
			return usage(err)
		}
		return labFault(ctx, out, o)
	})
}

// faultRequests is how many requests each connection makes in an experiment: there are many experiments, and what counts in
// them is the fault.
const faultRequests = 40

func faultOptions(ctx *cli.Context) (o lab.FaultOptions, err error) {
	if err := notNegative(ctx, "clients", "requests", "keys", "each"); err != nil {
		return o, err
	}
	o = lab.FaultOptions{Only: ctx.String("only"), Each: ctx.Int("each"), Patience: ctx.Duration("patience")}
	if o.Patience <= 0 {
		return o, errors.New("--patience must be above zero")
	}
	if o.Kinds, err = faultKinds(ctx.String("kinds")); err != nil {
		return o, err
	}
	if o.Target, err = target(ctx); err != nil {
		return o, err
	}
	if o.Load, err = loadOf(ctx); err != nil {
		return o, err
	}
	if o.Requests == 0 {
		o.Requests = faultRequests
	}
	return o, nil
}

func kindNames() string {
	var names []string
	for _, kind := range fault.Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

// faultKinds reads --kinds; none are all.
func faultKinds(text string) (kinds []fault.Kind, err error) {
	if text == "" {
		return nil, nil
	}
	for _, word := range strings.Split(text, ",") {
		kind := fault.Kind(strings.TrimSpace(word))
		if !slices.Contains(fault.Kinds(), kind) {
			return nil, fmt.Errorf("--kinds takes %s, not %q", kindNames(), word)
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

func labFault(ctx *cli.Context, out io.Writer, o lab.FaultOptions) error {
	page, err := newPage(ctx)
	if err != nil {
		return err
	}
	o.Replay = faultAgain(ctx, o.Seed)
	bar := newBar(ctx.App.ErrWriter)
	tries := 0
	o.OnResult = func(fault.Result) {
		tries++
		bar.show(trying(tries), 0, 1)
	}
	bar.show(trying(0), 0, 1)
	stop, cancel := interruptible(ctx)
	defer cancel()
	faults, ran := lab.Faults(stop, o)
	bar.end()
	if faults == nil {
		return labExit(stop, errors.Join(ran, page.discard()), false)
	}
	return labExit(stop, errors.Join(ran, showLab(ctx, out, labResults{Faults: faults}.begun(ran != nil), page)), faults.Held())
}
