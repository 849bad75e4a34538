package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
)

// Commands that hand the log on: as it grows, or to another program.

func logTailCommand() *cli.Command {
	return onLog(&cli.Command{
		Name: "tail", Usage: "show the newest records, and with -f those that follow",
		Description: "With -f it goes on until it is interrupted, also when the server begins new segments and removes old ones. It reads\n" +
			"what the server has written, which may be a moment before that is synced and acknowledged. What is done while the\n" +
			"log is off is not in it; a line on stderr says which LSNs those are.\n\n" +
			examples("holdfast log tail -f --key jobs", "holdfast log tail -n 100 --json"),
		Flags: append(recordFlags(),
			&cli.IntFlag{Name: "n", Value: 10, Usage: "begin with the last `NUMBER` of records, before anything is selected from them"},
			toggle("f", "follow the log as it grows"),
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			jsonFlag("an object a line, one for each record"),
			toggle("resp", "write the commands as a client would send them")),
	}, 0, recordFilter, func(ctx *cli.Context) error {
		if ctx.Int("n") < 0 {
			return usage(errors.New("-n takes no negative number"))
		}
		return oneOf(ctx, "json", "resp")
	}, func(l logReading) ([]string, error) {
		stop, cancel := interruptible(l.ctx)
		defer cancel()
		flush := func() error { return nil }
		if buffered, ok := l.out.(interface{ Flush() error }); ok {
			flush = buffered.Flush
		}
		note := func(text string) { fmt.Fprintln(l.ctx.App.ErrWriter, "holdfast: "+text) }
		return nil, l.Tail(stop, l.filter, l.ctx.Int("n"), l.ctx.Bool("f"), recordWriter(l.ctx, l.out), flush, note)
	})
}

func logExportCommand() *cli.Command {
	return onLog(&cli.Command{
		Name: "export", Usage: "write the records as commands, for redis-cli --pipe or as a Redis AOF",
		Description: "The commands stand as a client would send them, with SELECT where the database changes and MULTI and EXEC around those\n" +
			"of one record. That is also what a Redis AOF holds. What a newer Redis than yours has (deadlines of fields: 7.4)\n" +
			"stands in it as it does in the log.\n" +
			"With --aof DIRECTORY the whole state is written, snapshot and log, as the directory that a Redis 7.0 or newer has its\n" +
			"AOF in (appenddirname); of what selects records only --to and --until go with it. A log that reaches back to its\n" +
			"first record needs no snapshot; otherwise no server may be writing it.\n\n" +
			examples("holdfast log export --dir data | redis-cli --pipe", "holdfast log export --dir data --aof /var/lib/redis/appendonlydir"),
		Flags: append(recordFlags(),
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			&cli.StringFlag{Name: "aof", Usage: "write the whole state into a new `DIRECTORY` of an AOF, with its manifest"},
			jsonFlag("with --aof: what was written"),
			toggle("stamps", "say when each second's commands were done, as Redis 7.0 and newer do in an AOF (#TS:…)")),
	}, 0, recordFilter, exportsWhole, func(l logReading) ([]string, error) {
		if !l.ctx.IsSet("aof") {
			return l.Records(l.filter, inspect.NewRequests(l.out, l.ctx.Bool("stamps")).Record)
		}
		stop, cancel := stoppable(l.ctx) // half a directory goes
		defer cancel()
		l.filter.Ended = stop.Err
		done, notes, err := l.ExportAOF(l.ctx.String("aof"), l.filter, l.ctx.Bool("stamps"))
		if l.bar.end(); err != nil {
			return notes, err
		}
		return notes, show(l.ctx, l.out, done)
	})
}

// exportsWhole refuses flags that would have no effect: a whole state is all that there is up to a point.
func exportsWhole(ctx *cli.Context) error {
	if !ctx.IsSet("aof") {
		if ctx.Bool("json") {
			return usage(errors.New("--json goes with --aof: without it the output is commands"))
		}
		return nil
	}
	if flags := given(ctx, "from", "since", "key", "command", "db", "limit"); len(flags) > 0 {
		return usage(fmt.Errorf("--aof writes the whole state, of which only --to and --until select: leave out %s", strings.Join(flags, " and ")))
	}
	return nil
}
