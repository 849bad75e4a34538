package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// snapshotCommand is "holdfast snapshot": making snapshots, and looking into a base file.
func snapshotCommand() *cli.Command {
	return group("snapshot", "keep snapshots by name, and look into one: what it is, what is in it",
		createCommand(),
		listCommand(),
		dropCommand(),
		compactCommand(),
		onSnapshot(&cli.Command{
			Name: "info", Usage: "show as of when it is, and how big",
			Flags: []cli.Flag{jsonFlag("one document")},
		}, 0, func(ctx *cli.Context, out io.Writer, s *inspect.Snapshot) error {
			info, err := s.Info()
			if err != nil {
				return err
			}
			return show(ctx, out, info)
		}),
		onSnapshot(&cli.Command{
			Name: "stats", Usage: "count keys and bytes by database and type, and find the biggest keys",
			Flags: []cli.Flag{
				&cli.IntFlag{Name: "biggest", Value: 10, Usage: "name the `NUMBER` biggest keys"}, jsonFlag("one document"),
			},
		}, 0, func(ctx *cli.Context, out io.Writer, s *inspect.Snapshot) error {
			stats, err := s.Stats(max(0, ctx.Int("biggest")))
			if err != nil {
				return err
			}
			return show(ctx, out, stats)
		}),
		keysCommand(),
		getCommand(),
	)
}

// onSnapshot completes a command that works on the snapshot that --dir or --file names.
func onSnapshot(c *cli.Command, arguments int, action func(*cli.Context, io.Writer, *inspect.Snapshot) error) *cli.Command {
	c.Flags = append(c.Flags, dirFlag(), &cli.StringFlag{Name: "file", Usage: "snapshot `FILE`, instead of a data directory"})
	return offline(c, arguments, func(ctx *cli.Context, out io.Writer) (err error) {
		s, err := openSnapshot(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return action(ctx, out, s)
	})
}

func openSnapshot(ctx *cli.Context) (*inspect.Snapshot, error) {
	if ctx.IsSet("file") {
		return inspect.OpenSnapshot(vfs.OS(), ctx.String("file"))
	}
	d, err := directory(ctx)
	if err != nil {
		return nil, err
	}
	return d.Snapshot()
}

func keysCommand() *cli.Command {
	return onSnapshot(&cli.Command{
		Name: "keys", Usage: "list keys, one on a line, quoted as redis-cli does",
		Description: "Without --db the keys of every database are listed, each behind the number of its database and a tab.\n" +
			"What came after the snapshot is in the log; a key that has expired since is still in the snapshot.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "match", Usage: "only keys that match `PATTERN`, as KEYS takes it"},
			&cli.IntFlag{Name: "db", Value: inspect.AllDatabases, DefaultText: "all", Usage: "`NUMBER` of a database"},
			&cli.StringFlag{Name: "type", Usage: "only keys of `TYPE`"},
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` keys"},
			jsonFlag("an object a line"),
		},
	}, 0, func(ctx *cli.Context, out io.Writer, s *inspect.Snapshot) error {
		filter := inspect.KeyFilter{DB: ctx.Int("db"), Type: ctx.String("type"), Limit: ctx.Int64("limit")}
		if filter.DB < inspect.AllDatabases || filter.Limit < 0 {
			return usage(fmt.Errorf("--db and --limit take no negative numbers"))
		}
		if ctx.IsSet("match") {
			filter.Match = []byte(ctx.String("match"))
		}
		return s.Keys(filter, func(k inspect.Key) error {
			if ctx.Bool("json") {
				return inspect.WriteJSON(out, k)
			}
			return k.WriteText(out, filter.DB == inspect.AllDatabases)
		})
	})
}

func getCommand() *cli.Command {
	return onSnapshot(&cli.Command{
		Name: "get", Usage: "show what a key holds, as redis-cli would print it", ArgsUsage: "KEY",
		Description: "The exit code is 1 if the snapshot has no such key. A key that begins with - stands behind --.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "db", Usage: "`NUMBER` of the database"},
			toggle("raw", "print the bytes as they are (the default when the output is not a terminal)"),
			toggle("no-raw", "print it formatted (the default on a terminal)"),
			jsonFlag("one object, the value in it"),
		},
	}, 1, func(ctx *cli.Context, out io.Writer, s *inspect.Snapshot) error {
		v, err := s.Get(ctx.Int("db"), []byte(ctx.Args().First()))
		if err != nil {
			return err
		}
		return v.Write(out, cliStyle(ctx))
	})
}
