package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// logCommand is "holdfast log": reading the append-only log. It is safe beside a running server.
func logCommand() *cli.Command {
	return group("log", "read the append-only log; a server may be running",
		logListCommand(), logShowCommand(), logStatsCommand(), logVerifyCommand(), logTailCommand(), logExportCommand(), logWhoCommand())
}

func logListCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "list", Usage: "list the segments: what LSNs they hold, and damage of their headers",
		Description: "holdfast log verify reads the records too. The exit code is 3 if a segment is damaged.\n\n" +
			examples("holdfast log list --dir data", "holdfast log list --dir /backup/data --json"),
		Flags: []cli.Flag{dirFlag(), jsonFlag("one document")},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		segments, err := d.Segments()
		if err != nil {
			return err
		}
		if err := show(ctx, out, segments); err != nil {
			return err
		}
		return segments.Damage()
	})
}

func logShowCommand() *cli.Command {
	return onLog(&cli.Command{
		Name: "show", Usage: "show the records: LSN, time, database, command",
		Description: "A record is what one command, transaction or script changed; those of several commands stand in a bracket.\n" +
			"--key, --command and --db select records of which any command fits, and show them whole.\n\n" +
			examples("holdfast log show --key session:42 --since 2026-11-28T00:00:00Z", "holdfast log show --from 1000 --to 1010 --json"),
		Flags: append(recordFlags(),
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			jsonFlag("an object a line, one for each record"),
			toggle("resp", "write the commands as a client would send them")),
	}, 0, recordFilter, func(ctx *cli.Context) error { return oneOf(ctx, "json", "resp") }, func(l logReading) ([]string, error) {
		return l.Records(l.filter, recordWriter(l.ctx, l.out))
	})
}

func logStatsCommand() *cli.Command {
	return onLog(&cli.Command{
		Name: "stats", Usage: "count commands, keys and bytes over time, and find the hottest keys and prefixes",
		Description: "The memory that this takes does not grow with the log. Distinct keys are estimated, by a HyperLogLog (0.8 % off, as a\n" +
			"rule). The hottest keys and prefixes are counted exactly up to 4096 of each, and beyond that found by Space-Saving:\n" +
			"none that is hotter than a 4096th of all is missed, and where a count is not exact its range is shown.\n\n" +
			examples("holdfast log stats --top 20", "holdfast log stats --since 2026-11-28T00:00:00Z --separator / --depth 2 --json"),
		Flags: append(recordFlags(),
			&cli.IntFlag{Name: "top", Value: 10, Usage: "name the `NUMBER` hottest keys and prefixes"},
			&cli.StringFlag{Name: "separator", Value: ":", Usage: "`TEXT` that ends a prefix"},
			&cli.IntFlag{Name: "depth", Value: 1, Usage: "`NUMBER` of separators in a prefix"},
			jsonFlag("one document")),
	}, 0, recordFilter, func(ctx *cli.Context) error {
		if ctx.Int("top") < 0 || ctx.Int("depth") < 1 {
			return usage(errors.New("--top takes no negative number, and --depth none below 1"))
		}
		return nil
	}, func(l logReading) ([]string, error) {
		stats, notes, err := l.LogStats(inspect.LogStatsOptions{
			RecordFilter: l.filter, Top: l.ctx.Int("top"), Separator: []byte(l.ctx.String("separator")), Depth: l.ctx.Int("depth"),
		})
		if l.bar.end(); err != nil {
			return notes, err
		}
		return notes, show(l.ctx, l.out, stats)
	})
}

func logVerifyCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "verify", Usage: "read every record and check it; a verdict for each segment",
		Description: "Segments behind damage are read too. The exit code is 0 if all is fine, 1 if something cannot be read, 3 if something\n" +
			"is damaged. A torn end is not damage: a crash leaves it, and a start cuts it. Whether the log goes on where the\n" +
			"snapshot ends is looked at by holdfast check, which reads both.\n\n" +
			examples("holdfast log verify --dir data", "holdfast log verify --dir /backup/data --json"),
		Flags: []cli.Flag{dirFlag(), jsonFlag("one document")},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		bar := newBar(ctx.App.ErrWriter)
		report, err := inspect.CheckLog(vfs.OS(), ctx.String("dir"), bar.show)
		if bar.end(); err != nil {
			return err
		}
		if err := show(ctx, out, report); err != nil {
			return err
		}
		return verdictCode(report.Verdict)
	})
}

func logWhoCommand() *cli.Command {
	return onLog(&cli.Command{
		Name: "who", Usage: "show the history of one key: every command that touched it", ArgsUsage: "KEY",
		Description: "Shown are commands that name the key, in its database or moving it there, and those that change it without naming\n" +
			"it: FLUSHALL, FLUSHDB, SWAPDB. What came before the oldest segment is in the snapshot. The exit code is 1 if the\n" +
			"log has nothing about the key.\n\n" +
			examples("holdfast log who session:42", "holdfast log who --db 3 --json -- --strange-key"),
		Flags: append(rangeFlags(),
			&cli.IntFlag{Name: "db", Usage: "`NUMBER` of the key's database"},
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` commands"},
			jsonFlag("an object a line, one for each command")),
	}, 1, rangeFilter, func(ctx *cli.Context) error {
		_, err := unquote(ctx.Args().First())
		return err
	}, func(l logReading) ([]string, error) {
		key, err := unquote(l.ctx.Args().First())
		if err != nil {
			return nil, err
		}
		found, db := false, l.ctx.Int("db")
		notes, err := l.Who(db, key, l.filter, func(t inspect.Touch) error {
			first := !found
			found = true
			if l.ctx.Bool("json") {
				return inspect.WriteJSON(l.out, t)
			}
			if first {
				if _, err := io.WriteString(l.out, inspect.RecordsTitle); err != nil {
					return err
				}
			}
			return t.WriteText(l.out)
		})
		if err == nil && !found {
			err = fmt.Errorf("%w: nothing in the log touched %s in database %d", inspect.ErrNoKey, inspect.Bytes(key), db)
		}
		return notes, err
	})
}

// logReading is what a command that reads records begins with.
type logReading struct {
	*inspect.Directory
	ctx    *cli.Context
	out    io.Writer
	filter inspect.RecordFilter
	bar    *bar
}

// onLog completes a command that reads records: which ones, filter says by the flags; check, if any, looks at its other flags.
// The action returns what a reader should know beside the records.
func onLog(c *cli.Command, arguments int, filter func(*cli.Context) (inspect.RecordFilter, error), check func(*cli.Context) error,
	action func(logReading) (notes []string, err error)) *cli.Command {
	return offline(c, arguments, func(ctx *cli.Context, out io.Writer) error {
		f, err := filter(ctx)
		if err == nil && check != nil {
			err = check(ctx)
		}
		if err != nil {
			return err
		}
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		bar := newBar(ctx.App.ErrWriter)
		f.Progress = bar.show
		out, done := bar.beside(ctx, out)
		notes, err := action(logReading{d, ctx, out, f, bar})
		err = done(err)
		for _, note := range notes {
			fmt.Fprintln(ctx.App.ErrWriter, "holdfast: "+note)
		}
		return err
	})
}

// rangeFlags select records by LSN and time.
func rangeFlags() []cli.Flag {
	return []cli.Flag{
		dirFlag(),
		&cli.Uint64Flag{Name: "from", DefaultText: "the oldest", Usage: "first `LSN`"},
		&cli.Uint64Flag{Name: "to", DefaultText: "the newest", Usage: "last `LSN`"},
		&cli.StringFlag{Name: "since", Usage: "only records from `TIME` on, as 2006-01-02T15:04:05Z"},
		&cli.StringFlag{Name: "until", Usage: "only records up to `TIME`"},
	}
}

// recordFlags select records.
func recordFlags() []cli.Flag {
	return append(rangeFlags(),
		&cli.StringFlag{Name: "key", Usage: "only records with a command that names `KEY`"},
		&cli.StringFlag{Name: "command", Usage: "only records with a command of that `NAME`"},
		&cli.IntFlag{Name: "db", DefaultText: "all", Usage: "only records with a command in the database of that `NUMBER`"})
}

func rangeFilter(ctx *cli.Context) (f inspect.RecordFilter, err error) {
	f = inspect.RecordFilter{From: ctx.Uint64("from"), To: ctx.Uint64("to"), Limit: ctx.Int64("limit")}
	if f.Limit < 0 || ctx.Int("db") < 0 {
		return f, usage(errors.New("--limit and --db take no negative numbers"))
	}
	if f.Since, err = moment(ctx, "since"); err != nil {
		return f, err
	}
	f.Until, err = moment(ctx, "until")
	return f, err
}

func recordFilter(ctx *cli.Context) (inspect.RecordFilter, error) {
	f, err := rangeFilter(ctx)
	f.Command = ctx.String("command")
	if err == nil {
		f.Key, err = bytesFlag(ctx, "key")
	}
	if ctx.IsSet("db") {
		db := ctx.Int("db")
		f.DB = &db
	}
	return f, err
}

// moment reads a flag that takes a time, as unix milliseconds; 0 where it is not given.
func moment(ctx *cli.Context, flag string) (int64, error) {
	if !ctx.IsSet(flag) {
		return 0, nil
	}
	at, err := time.Parse(time.RFC3339, ctx.String(flag))
	if err != nil {
		return 0, usage(fmt.Errorf("--%s takes a moment as 2006-01-02T15:04:05Z (RFC 3339), not %q", flag, ctx.String(flag)))
	}
	return at.UnixMilli(), nil
}

// recordWriter writes records as the flags say.
func recordWriter(ctx *cli.Context, out io.Writer) func(inspect.Record) error {
	titled := false
	requests := inspect.NewRequests(out, false)
	return func(r inspect.Record) error {
		switch {
		case ctx.Bool("json"):
			return inspect.WriteJSON(out, r)
		case ctx.Bool("resp"):
			return requests.Record(r)
		}
		if !titled {
			titled = true
			if _, err := io.WriteString(out, inspect.RecordsTitle); err != nil {
				return err
			}
		}
		return r.WriteText(out)
	}
}

// examples are lines of a description that show how a command is used.
func examples(lines ...string) string {
	text := "Examples:"
	for _, line := range lines {
		text += "\n  " + line
	}
	return text
}
