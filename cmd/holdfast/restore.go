package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/internal/vfs"
	"holdfast/restore"
)

// restoreCommand is "holdfast restore".
func restoreCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "restore", Usage: "build the state of one LSN, or of one moment, in a new directory",
		Description: "The nearest snapshot before the point is copied, the log is replayed up to the point, and the result is verified.\n" +
			"The source is not changed. If its server runs, restore works from its snapshots and its log. What a server\n" +
			"started on the new directory serves is another data set, without a log yet; what has expired since is deleted\n" +
			"by its start. The exit code is 3 if damage keeps the point from being restored. With --file a snapshot that was kept\n" +
			"elsewhere is verified and becomes a new directory.\n\n" +
			examples("holdfast restore --dir data --to restored --time 2026-11-28T09:30:00Z", "holdfast restore --dir data --to carts --lsn 12345 --keys 'cart:*'",
				"holdfast restore --file /backup/nightly.db --to restored"),
		Flags: []cli.Flag{
			dirFlag(),
			&cli.StringFlag{Name: "file", Usage: "snapshot `FILE`, instead of a data directory: make a new one of it, as of its LSN"},
			&cli.StringFlag{Name: "to", Usage: "new `DIRECTORY`, or an empty one"},
			&cli.Uint64Flag{Name: "lsn", DefaultText: "the newest", Usage: "restore the state after the record with this `LSN`"},
			&cli.StringFlag{Name: "time", DefaultText: "the newest", Usage: "restore the state at `TIME`, as 2006-01-02T15:04:05Z or 2006-01-02T15:04:05.999+02:00"},
			&cli.StringFlag{Name: "keys", Usage: "restore only keys that match `PATTERN`, as KEYS takes it"},
			toggle("dry-run", "only tell from which snapshot and which records it would be restored; --to is not needed"),
			&cli.IntFlag{Name: "databases", DefaultText: "1024", Usage: "allow for `NUMBER` databases"},
			jsonFlag("what was done, as restored.json has it"),
		},
	}, 0, func(ctx *cli.Context, out io.Writer) (err error) {
		point, err := restorePoint(ctx)
		if err != nil {
			return usage(err)
		}
		keys, err := bytesFlag(ctx, "keys")
		if err != nil {
			return err
		}
		stop, cancel := interruptible(ctx)
		defer cancel()
		bar := newBar(ctx.App.ErrWriter)
		report, err := restore.Restore(stop, restore.Options{
			FS: vfs.OS(), Dir: ctx.String("dir"), File: ctx.String("file"), To: ctx.String("to"), Point: point, Clock: time.Now,
			Databases: ctx.Int("databases"), Progress: bar.show, Keys: keys, DryRun: ctx.Bool("dry-run"),
		})
		if bar.end(); err != nil {
			return err
		}
		return show(ctx, out, report)
	})
}

// restorePoint reads which state is wanted.
func restorePoint(ctx *cli.Context) (restore.Point, error) {
	switch {
	case ctx.String("to") == "" && !ctx.Bool("dry-run"):
		return restore.Point{}, errors.New("restore wants --to, a new directory")
	case ctx.Int("databases") < 0:
		return restore.Point{}, errors.New("--databases takes no negative number")
	case ctx.IsSet("file") && len(given(ctx, "lsn", "time")) > 0:
		return restore.Point{}, errors.New("--file is of one moment: it goes without --lsn and --time")
	case ctx.IsSet("file") && ctx.String("file") == "":
		return restore.Point{}, errors.New("--file wants a snapshot file")
	case ctx.IsSet("lsn") && ctx.IsSet("time"):
		return restore.Point{}, errors.New("restore takes --lsn or --time, not both")
	case ctx.IsSet("lsn"):
		return restore.AtLSN(ctx.Uint64("lsn")), nil
	case ctx.IsSet("time"):
		at, err := time.Parse(time.RFC3339, ctx.String("time"))
		if err != nil {
			return restore.Point{}, fmt.Errorf("--time takes a moment as 2006-01-02T15:04:05Z (RFC 3339), not %q", ctx.String("time"))
		}
		return restore.AtTime(at.UnixMilli()), nil
	}
	return restore.Point{}, nil
}
