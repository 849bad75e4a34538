package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// snapshotCommand is "holdfast snapshot": making snapshots, and looking into them.
func snapshotCommand() *cli.Command {
	return group("snapshot", "keep snapshots by name, and look into one: what it is, what is in it",
		createCommand(),
		listCommand(),
		dropCommand(),
		compactCommand(),
		infoCommand(),
		verifyCommand(),
		statsCommand(),
		keysCommand(),
		getCommand(),
		diffCommand(),
		reportCommand(),
		exportCommand(),
		importCommand(),
	)
}

// baseFlags say which base is meant.
func baseFlags() []cli.Flag {
	return []cli.Flag{
		dirFlag(),
		&cli.StringFlag{Name: "name", Usage: "snapshot `NAME` in the data directory, instead of its base"},
		&cli.StringFlag{Name: "file", Usage: "snapshot `FILE`, instead of a data directory"},
	}
}

// openSnapshot opens the base that --dir, --name or --file names.
func openSnapshot(ctx *cli.Context) (*inspect.Snapshot, error) {
	if ctx.IsSet("file") {
		if ctx.IsSet("name") {
			return nil, usage(errors.New("--file and --name are two different snapshots: give one"))
		}
		return inspect.OpenSnapshot(vfs.OS(), ctx.String("file"))
	}
	d, err := directory(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.IsSet("name") {
		return d.Named(ctx.String("name"))
	}
	return d.Snapshot()
}

// onSource completes a command that works on whatever has keys in it.
func onSource(c *cli.Command, arguments int, action func(*cli.Context, io.Writer, inspect.Source) error) *cli.Command {
	c.Flags = append(append(c.Flags, baseFlags()...), rdbFlag())
	return offline(c, arguments, func(ctx *cli.Context, out io.Writer) (err error) {
		s, err := openSource(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return action(ctx, out, s)
	})
}

func rdbFlag() cli.Flag {
	return &cli.StringFlag{Name: "rdb", Usage: "RDB `FILE` that a Redis wrote, instead of a data directory"}
}

// openRDB opens the RDB file that --rdb names.
func openRDB(ctx *cli.Context) (*inspect.RDBSource, error) {
	if ctx.IsSet("name") || ctx.IsSet("file") {
		return nil, usage(errors.New("--rdb is one source, --name and --file are others: give one"))
	}
	return inspect.OpenRDB(vfs.OS(), ctx.String("rdb"))
}

func openSource(ctx *cli.Context) (inspect.Source, error) {
	if ctx.IsSet("rdb") {
		return openRDB(ctx)
	}
	s, err := openSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.Source(), nil
}

func infoCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "info", Usage: "show as of when it is, and how big",
		Description: "A base says it at once; an RDB file is read to its end, where its checksum is.\n\n" +
			examples("holdfast snapshot info --dir data", "holdfast snapshot info --name before-upgrade --json", "holdfast snapshot info --rdb dump.rdb"),
		Flags: append(append(baseFlags(), rdbFlag()), jsonFlag("one document")),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		bar := newBar(ctx.App.ErrWriter)
		info, err := info(ctx, func(done, total int64) { bar.show("reading", done, total) })
		if bar.end(); err != nil {
			return err
		}
		return show(ctx, out, info)
	})
}

// info asks the snapshot or the RDB file that is meant.
func info(ctx *cli.Context, progress func(done, total int64)) (info printable, err error) {
	if ctx.IsSet("rdb") {
		s, err := openRDB(ctx)
		if err != nil {
			return nil, err
		}
		info, err := s.Info(ctx.Context, progress)
		return info, errors.Join(err, s.Close())
	}
	s, err := openSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	info, err = s.Info()
	return info, errors.Join(err, s.Close())
}

func verifyCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "verify", Usage: "check every checksum, count, deadline and value, and bbolt's pages; or an RDB file",
		Description: "The exit code is 0 if all is fine, 3 if something is damaged: then it is said what, and at which key or offset.\n" +
			"Of an RDB file the version, the checksum and every value are checked, and that nothing is there twice; its keys, without\n" +
			"values, are sorted for that in TMPDIR if they are many. holdfast check looks at the log as well.\n\n" +
			examples("holdfast snapshot verify --dir data", "holdfast snapshot verify --file /backup/base.db --json", "holdfast snapshot verify --rdb dump.rdb"),
		Flags: append(append(baseFlags(), rdbFlag()), jsonFlag("one document")),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		bar := newBar(ctx.App.ErrWriter)
		report, err := verify(ctx, func(done, total int64) { bar.show("verifying", done, total) })
		if bar.end(); err != nil {
			return err
		}
		if err := show(ctx, out, report); err != nil {
			return err
		}
		return verdictCode(report.Verdict)
	})
}

// verify checks the snapshot or the RDB file that is meant.
func verify(ctx *cli.Context, progress func(done, total int64)) (report inspect.FileReport, err error) {
	if !ctx.IsSet("rdb") {
		s, err := openSnapshot(ctx)
		if err != nil {
			return report, err
		}
		return s.Verify(progress), s.Close()
	}
	s, err := openRDB(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	stop, cancel := stoppable(ctx)
	defer cancel()
	temporary, err := os.MkdirTemp("", "holdfast-verify-")
	if err != nil {
		return report, fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	return s.Verify(stop, temporary, progress)
}

func statsCommand() *cli.Command {
	return onSource(&cli.Command{
		Name: "stats", Usage: "count keys and bytes: by type, encoding, size, TTL and prefix; name the biggest keys",
		Description: "Bytes are those of keys and values as they are stored, without pages and bookkeeping. Prefixes end behind a separator;\n" +
			"they are counted exactly in a base, and in an RDB file the largest are, as far as a bounded memory allows. TTLs are\n" +
			"counted from the moment of the snapshot.\n\n" +
			examples("holdfast snapshot stats --dir data --biggest 20", "holdfast snapshot stats --name nightly --separators :/ --depth 3 --json"),
		Flags: append(countFlags(), jsonFlag("one document")),
	}, 0, func(ctx *cli.Context, out io.Writer, s inspect.Source) error {
		o, err := countOptions(ctx, s)
		if err != nil {
			return err
		}
		bar := newBar(ctx.App.ErrWriter)
		o.Scope.Progress = func(done, total int64) { bar.show("counting", done, total) }
		stats, err := inspect.NewStats(s, o)
		if bar.end(); err != nil {
			return err
		}
		return show(ctx, out, stats)
	})
}

// countFlags say what is to be counted, and in how much detail.
func countFlags() []cli.Flag {
	return []cli.Flag{
		dbFlag(),
		&cli.StringFlag{Name: "prefix", Usage: "count only keys that begin with `PREFIX`"},
		&cli.IntFlag{Name: "biggest", Value: 10, Usage: "name the `NUMBER` biggest keys"},
		&cli.StringFlag{Name: "separators", Value: ":", Usage: "`CHARACTERS` of which each ends a prefix; empty for no prefixes"},
		&cli.IntFlag{Name: "depth", Value: 2, Usage: "count prefixes with up to `NUMBER` separators"},
		&cli.IntFlag{Name: "top", Value: 10, Usage: "name the `NUMBER` largest prefixes below each"},
		&cli.StringFlag{Name: "at", DefaultText: "the snapshot's", Usage: "count TTLs from `TIME` on, as 2006-01-02T15:04:05Z, or now"},
	}
}

func countOptions(ctx *cli.Context, s inspect.Source) (o inspect.StatsOptions, err error) {
	o = inspect.StatsOptions{
		Scope: inspect.Scope{DB: ctx.Int("db")}, Biggest: ctx.Int("biggest"),
		Separators: ctx.String("separators"), Depth: ctx.Int("depth"), Top: ctx.Int("top"), Now: s.About().Time,
	}
	const most = 10_000
	ascii := func(r rune) bool { return r >= 0x80 }
	switch {
	case o.Scope.DB < inspect.AllDatabases, o.Biggest < 0, o.Depth < 0, o.Top < 0:
		return o, usage(errors.New("--db, --biggest, --depth and --top take no negative numbers"))
	case o.Biggest > most, o.Depth > most, o.Top > most:
		return o, usage(fmt.Errorf("--biggest, --depth and --top take numbers up to %d", most))
	case strings.ContainsFunc(o.Separators, ascii):
		return o, usage(errors.New("--separators takes ASCII characters"))
	}
	if o.Scope.Prefix, err = bytesFlag(ctx, "prefix"); err != nil {
		return o, err
	}
	if at := ctx.String("at"); at == "now" || at == "" && o.Now == 0 {
		o.Now = time.Now().UnixMilli()
	} else if at != "" {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return o, usage(fmt.Errorf("--at takes a moment as 2006-01-02T15:04:05Z (RFC 3339), or now, not %q", at))
		}
		o.Now = moment.UnixMilli()
	}
	return o, nil
}

func dbFlag() cli.Flag {
	return &cli.IntFlag{Name: "db", Value: inspect.AllDatabases, DefaultText: "all", Usage: "`NUMBER` of a database"}
}

func getCommand() *cli.Command {
	return onSource(&cli.Command{
		Name: "get", Usage: "show what a key holds, as redis-cli would print it", ArgsUsage: "KEY",
		Description: "The exit code is 1 if the snapshot has no such key. A key that begins with - stands behind --. A key in double quotes\n" +
			"is read as redis-cli reads it, with \\xff, \\n and the like: '\"bin\\xff\"', as keys prints it.\n\n" +
			examples("holdfast snapshot get --dir data session:42", `holdfast snapshot get --name nightly --json '"bin\xff"'`),
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "db", Usage: "`NUMBER` of the database"},
			toggle("raw", "print the bytes as they are (the default when the output is not a terminal)"),
			toggle("no-raw", "print it formatted (the default on a terminal)"),
			toggle("resp", "print the reply as a server sends it"),
			jsonFlag("one object, the value in it"),
		},
	}, 1, func(ctx *cli.Context, out io.Writer, s inspect.Source) (err error) {
		key, err := unquote(ctx.Args().First())
		if err == nil {
			err = oneOf(ctx, "raw", "no-raw", "resp", "json")
		}
		if err == nil && ctx.Int("db") < 0 {
			err = usage(errors.New("--db takes no negative number"))
		}
		if err != nil {
			return err
		}
		bar := newBar(ctx.App.ErrWriter)
		out, done := bar.beside(ctx, out)
		defer func() { err = done(err) }()
		if file, ok := s.(*inspect.RDBSource); ok { // which has its keys in no order
			file.Progress = func(done, total int64) { bar.show("searching", done, total) }
		}
		return inspect.Get(s, ctx.Int("db"), key, out, look(ctx))
	})
}

// look chooses how a value is shown: by flag, or by where the output goes.
func look(ctx *cli.Context) inspect.Look {
	switch {
	case ctx.Bool("resp"):
		return inspect.AsRESP
	case ctx.Bool("json"):
		return inspect.AsJSON
	case ctx.Bool("no-raw"):
		return inspect.AsReply
	case ctx.Bool("raw") || !isTerminal(ctx.App.Writer):
		return inspect.AsRaw
	}
	return inspect.AsReply
}
