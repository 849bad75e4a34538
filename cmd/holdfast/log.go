package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
)

// logCommand is "holdfast log": reading the append-only log. It is safe beside a running server.
func logCommand() *cli.Command {
	return group("log", "read the append-only log; a server may be running", logListCommand(), logShowCommand())
}

func logListCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "list", Usage: "list the segments: what LSNs they hold, and damage of their headers",
		Description: "holdfast check reads the records too. The exit code is 3 if a segment is damaged.",
		Flags:       []cli.Flag{dirFlag(), jsonFlag("one document")},
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
	return offline(&cli.Command{
		Name: "show", Usage: "show the records: LSN, time, database, command",
		Description: "A record is what one command, transaction or script changed; those of several commands stand in a bracket.\n" +
			"--key and --command select records of which any command fits, and show them whole.",
		Flags: []cli.Flag{
			dirFlag(),
			&cli.Uint64Flag{Name: "from", DefaultText: "the oldest", Usage: "first `LSN`"},
			&cli.Uint64Flag{Name: "to", DefaultText: "the newest", Usage: "last `LSN`"},
			&cli.StringFlag{Name: "key", Usage: "only records with a command that names `KEY`"},
			&cli.StringFlag{Name: "command", Usage: "only records with a command of that `NAME`"},
			&cli.Int64Flag{Name: "limit", DefaultText: "none", Usage: "end after `NUMBER` records"},
			jsonFlag("an object a line, one for each record"),
		},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		filter := inspect.RecordFilter{
			From: ctx.Uint64("from"), To: ctx.Uint64("to"), Command: ctx.String("command"), Limit: ctx.Int64("limit"),
		}
		if filter.Limit < 0 {
			return usage(fmt.Errorf("--limit takes no negative number"))
		}
		if ctx.IsSet("key") {
			filter.Key = []byte(ctx.String("key"))
		}
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		notes, err := d.Records(filter, func(r inspect.Record) error {
			if ctx.Bool("json") {
				return inspect.WriteJSON(out, r)
			}
			return r.WriteText(out)
		})
		for _, note := range notes {
			fmt.Fprintln(ctx.App.ErrWriter, "holdfast: "+note)
		}
		return err
	})
}
