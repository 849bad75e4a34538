package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/engine"
	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/restore"
)

func diffCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "diff", Usage: "compare two snapshots, or one with a moment of the log", ArgsUsage: "A [B]",
		Description: "A and B are data directories, files, or names of snapshots in --dir. What differs is told a key on a line: + is in B\n" +
			"only, - in A only, ~ has another value, t another TTL and the same value. With --lsn, B is the state after that\n" +
			"record, which is built in a temporary directory (TMPDIR, with room for a copy of the snapshot).\n" +
			"The exit code is 0 whether they differ or not; with --exit-code it is 1 if they do.\n\n" +
			examples("holdfast snapshot diff --dir data before-upgrade data", "holdfast snapshot diff --dir data nightly --lsn 120000 --values --json"),
		Flags: []cli.Flag{
			dirFlag(),
			&cli.Uint64Flag{Name: "lsn", DefaultText: "none", Usage: "compare with the state after the record with this `LSN`"},
			dbFlag(),
			&cli.StringFlag{Name: "prefix", Usage: "compare only keys that begin with `PREFIX`"},
			toggle("values", "tell which elements differ"),
			toggle("exit-code", "exit with 1 if anything differs"),
			jsonFlag("an object a line, and behind them one with counts"),
		},
	}, -2, func(ctx *cli.Context, out io.Writer) (err error) {
		names := ctx.Args().Slice()
		names = names[:leading(names)]
		if len(names) == 0 || len(names) > 2 || ctx.IsSet("lsn") == (len(names) == 2) {
			return usage(errors.New("diff wants two snapshots A and B, or one A and --lsn"))
		}
		bar := newBar(ctx.App.ErrWriter)
		defer bar.end()
		a, err := inspect.OpenAny(vfs.OS(), names[0], ctx.String("dir"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		var b *inspect.Snapshot
		if len(names) == 2 {
			b, err = inspect.OpenAny(vfs.OS(), names[1], ctx.String("dir"))
		} else {
			var remove func() error
			b, remove, err = stateAt(ctx, bar)
			defer func() { err = errors.Join(err, remove()) }()
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		return writeDiff(ctx, out, a, b, bar)
	})
}

// stateAt builds the state of an LSN in a temporary directory.
func stateAt(ctx *cli.Context, bar *bar) (_ *inspect.Snapshot, remove func() error, err error) {
	work := filepath.Join(os.TempDir(), "holdfast-diff-"+rand.Text())
	stop, cancel := signal.NotifyContext(ctx.Context, syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	_, err = restore.Restore(stop, restore.Options{
		FS: vfs.OS(), Dir: ctx.String("dir"), To: work, Point: restore.AtLSN(ctx.Uint64("lsn")), Clock: time.Now, Progress: bar.show,
	})
	remove = func() error { return os.RemoveAll(work) }
	if err != nil {
		return nil, remove, err
	}
	b, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(work, engine.BaseName))
	return b, remove, err
}

// writeDiff prints what differs.
func writeDiff(ctx *cli.Context, out io.Writer, a, b *inspect.Snapshot, bar *bar) error {
	prefix, err := bytesFlag(ctx, "prefix")
	if err != nil {
		return err
	}
	o := inspect.DiffOptions{DB: ctx.Int("db"), Prefix: prefix, Values: ctx.Bool("values")}
	if o.DB < inspect.AllDatabases {
		return usage(fmt.Errorf("--db takes no negative number"))
	}
	if !isTerminal(ctx.App.Writer) {
		o.Progress = func(done, total int64) { bar.show("comparing", done, total) }
	}
	asJSON := ctx.Bool("json")
	summary, err := inspect.Diff(a, b, o, func(d inspect.Difference) error {
		if asJSON {
			return inspect.WriteJSON(out, d)
		}
		return d.WriteText(out)
	}, func(d inspect.Difference, e inspect.ElementDifference) error {
		if asJSON {
			return inspect.WriteJSON(out, struct {
				DB      int                       `json:"db"`
				Key     inspect.Bytes             `json:"key"`
				Element inspect.ElementDifference `json:"element"`
			}{d.DB, d.Key, e})
		}
		return e.WriteText(out)
	})
	if err != nil {
		return err
	}
	if asJSON {
		err = inspect.WriteJSON(out, struct {
			Summary inspect.DiffSummary `json:"summary"`
		}{summary})
	} else {
		err = summary.WriteText(out)
	}
	if err == nil && ctx.Bool("exit-code") && summary.Differ() {
		return cli.Exit("", exitFailed)
	}
	return err
}
