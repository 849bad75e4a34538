package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		Description: "A and B are data directories, files, or names of snapshots in --dir; a file may be an RDB file. What differs is told a\n" +
			"key on a line: + is in B only, - in A only, ~ has another value, t another TTL and the same value. An RDB file is read\n" +
			"once, and its keys, without values, are sorted in a temporary directory (TMPDIR). With --lsn, B is the state after that\n" +
			"record, which is built in a temporary directory, with room for a copy of the snapshot.\n" +
			"The exit code is 0 whether they differ or not; with --exit-code it is 1 if they do.\n\n" +
			examples("holdfast snapshot diff --dir data before-upgrade data", "holdfast snapshot diff --dir data nightly --lsn 120000 --values --json",
				"holdfast snapshot diff old.rdb new.rdb --prefix session:"),
		Flags: []cli.Flag{
			dirFlag(),
			&cli.Uint64Flag{Name: "lsn", DefaultText: "none", Usage: "compare with the state after the record with this `LSN`"},
			&cli.StringFlag{Name: "rdb", Usage: "compare with the RDB `FILE` that a Redis wrote"},
			dbFlag(),
			&cli.StringFlag{Name: "prefix", Usage: "compare only keys that begin with `PREFIX`"},
			toggle("values", "tell which elements differ"),
			toggle("exit-code", "exit with 1 if anything differs"),
			jsonFlag("an object a line, and behind them one with counts"),
		},
	}, -2, func(ctx *cli.Context, out io.Writer) (err error) {
		names := ctx.Args().Slice()
		names = names[:leading(names)]
		if len(names) == 0 || len(names) > 2 || seconds(ctx, names) != 1 {
			return usage(errors.New("diff wants two snapshots A and B, or one A and --lsn or --rdb"))
		}
		stop, cancel := stoppable(ctx)
		defer cancel()
		bar := newBar(ctx.App.ErrWriter)
		out, done := bar.beside(ctx, out)
		defer func() { err = done(err) }()
		a, err := inspect.OpenAny(vfs.OS(), names[0], ctx.String("dir"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		var temporary room
		defer func() { err = errors.Join(err, temporary.remove()) }()
		b, err := secondSide(stop, ctx, names, &temporary, bar)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		for _, side := range []inspect.DiffSide{a, b} {
			if _, sorted := side.(*inspect.RDBSource); sorted {
				if err := temporary.make(); err != nil {
					return err
				}
			}
		}
		return writeDiff(stop, ctx, out, a, b, temporary.path, bar)
	})
}

// room is a temporary directory, made when it is needed.
type room struct{ path string }

func (r *room) make() (err error) {
	if r.path != "" {
		return nil
	}
	if r.path, err = os.MkdirTemp("", "holdfast-diff-"); err != nil {
		return fmt.Errorf("making a temporary directory: %w; say in TMPDIR where to", err)
	}
	return nil
}

func (r *room) remove() error {
	if r.path == "" {
		return nil
	}
	return os.RemoveAll(r.path)
}

// seconds counts the ways in which the second side is given.
func seconds(ctx *cli.Context, names []string) (n int) {
	for _, given := range []bool{len(names) == 2, ctx.IsSet("lsn"), ctx.IsSet("rdb")} {
		if given {
			n++
		}
	}
	return n
}

func secondSide(stop context.Context, ctx *cli.Context, names []string, temporary *room, bar *bar) (inspect.DiffSide, error) {
	switch {
	case len(names) == 2:
		return inspect.OpenAny(vfs.OS(), names[1], ctx.String("dir"))
	case ctx.IsSet("rdb"):
		return inspect.OpenRDB(vfs.OS(), ctx.String("rdb"))
	}
	return stateAt(stop, ctx, temporary, bar)
}

// stateAt builds the state of an LSN in a temporary directory.
func stateAt(stop context.Context, ctx *cli.Context, temporary *room, bar *bar) (*inspect.Snapshot, error) {
	if err := temporary.make(); err != nil {
		return nil, err
	}
	dir := ctx.String("dir")
	if info, err := os.Stat(ctx.Args().First()); err == nil && info.IsDir() && !ctx.IsSet("dir") {
		dir = ctx.Args().First() // whose own log it is
	}
	_, err := restore.Restore(stop, restore.Options{
		FS: vfs.OS(), Dir: dir, To: temporary.path, Point: restore.AtLSN(ctx.Uint64("lsn")), Clock: time.Now, Progress: bar.show,
	})
	if err != nil {
		return nil, err
	}
	return inspect.OpenSnapshot(vfs.OS(), filepath.Join(temporary.path, engine.BaseName))
}

// writeDiff prints what differs.
func writeDiff(stop context.Context, ctx *cli.Context, out io.Writer, a, b inspect.DiffSide, temporary string, bar *bar) error {
	prefix, err := bytesFlag(ctx, "prefix")
	if err != nil {
		return err
	}
	o := inspect.DiffOptions{DB: ctx.Int("db"), Prefix: prefix, Values: ctx.Bool("values"), Temporary: temporary, Progress: bar.show}
	if o.DB < inspect.AllDatabases {
		return usage(fmt.Errorf("--db takes no negative number"))
	}
	asJSON := ctx.Bool("json")
	summary, err := inspect.Diff(stop, a, b, o, func(d inspect.Difference) error {
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
