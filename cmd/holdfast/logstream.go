package main

import (
	"errors"
	"io"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
)

// Commands that hand the log on: as it grows, or to another program.

func logTailCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "tail", Usage: "show the newest records, and with -f those that follow",
		Description: "With -f it goes on until it is interrupted, also when the server begins new segments and removes old ones. It reads\n" +
			"what the server has written, which may be a moment before that is synced and acknowledged.\n\n" +
			examples("holdfast log tail -f --key jobs", "holdfast log tail -n 100 --json"),
		Flags: append(recordFlags(),
			&cli.IntFlag{Name: "n", Value: 10, Usage: "begin with the last `NUMBER` of records, before anything is selected from them"},
			toggle("f", "follow the log as it grows"),
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			jsonFlag("an object a line, one for each record"),
			toggle("resp", "write the commands as a client would send them")),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		filter, err := recordFilter(ctx)
		if err != nil {
			return err
		}
		if ctx.Int("n") < 0 {
			return usage(errors.New("-n takes no negative number"))
		}
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		stop, cancel := signal.NotifyContext(ctx.Context, syscall.SIGINT, syscall.SIGTERM)
		defer cancel()
		flush := func() error { return nil }
		if buffered, ok := out.(interface{ Flush() error }); ok {
			flush = buffered.Flush
		}
		return d.Tail(stop, filter, ctx.Int("n"), ctx.Bool("f"), recordWriter(ctx, out), flush)
	})
}

func logExportCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "export", Usage: "write the records as commands, for redis-cli --pipe or as a Redis AOF",
		Description: "The commands stand as a client would send them, with SELECT where the database changes and MULTI and EXEC around those\n" +
			"of one record. That is also what a Redis AOF holds. What a newer Redis than yours has (deadlines of fields: 7.4)\n" +
			"stands in it as it does in the log.\n" +
			"With --aof DIRECTORY the whole state is written, snapshot and log, as the directory that a Redis 7.0 or newer has its\n" +
			"AOF in (appenddirname); of what selects records only --to and --until count then. A log that reaches back to its\n" +
			"first record needs no snapshot; otherwise no server may be writing it.\n\n" +
			examples("holdfast log export --dir data | redis-cli --pipe", "holdfast log export --dir data --aof /var/lib/redis/appendonlydir"),
		Flags: append(recordFlags(),
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			&cli.StringFlag{Name: "aof", Usage: "write the whole state into a new `DIRECTORY` of an AOF, with its manifest"},
			jsonFlag("with --aof: what was written"),
			toggle("stamps", "say when each second's commands were done, as Redis 7.0 and newer do in an AOF (#TS:…)")),
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		filter, err := recordFilter(ctx)
		if err != nil {
			return err
		}
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		bar := newBar(ctx.App.ErrWriter)
		filter.Progress = bar.show
		if ctx.IsSet("aof") {
			done, notes, err := d.ExportAOF(ctx.String("aof"), filter, ctx.Bool("stamps"))
			bar.end()
			tellNotes(ctx, notes)
			if err != nil {
				return err
			}
			return show(ctx, out, done)
		}
		notes, err := d.Records(filter, inspect.NewRequests(out, ctx.Bool("stamps")).Record)
		bar.end()
		tellNotes(ctx, notes)
		return err
	})
}
