package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/internal/plural"
	"holdfast/internal/vfs"
)

// exportFormats are what snapshot export writes.
func exportFormats() []string { return []string{"json", "csv", "resp", "rdb"} }

// exportCommand is "holdfast snapshot export".
func exportCommand() *cli.Command {
	return onSource(&cli.Command{
		Name: "export", Usage: "write keys and values as JSON lines, CSV, commands, or an RDB file",
		Description: "--format json   a line for each key, from which holdfast snapshot import makes the same again (docs/format-json.md)\n" +
			"         csv    a row for each element, for spreadsheets\n" +
			"         resp   commands as a client would send them, for redis-cli --pipe\n" +
			"         rdb    a file that Redis 7.0 loads; with deadlines of fields in it, one for Redis 7.4\n" +
			"A key whose deadline has passed since is exported with it, and whoever imports it deletes it.\n\n" +
			examples("holdfast snapshot export --dir data --format resp | redis-cli --pipe",
				"holdfast snapshot export --dir data --format rdb --prefix session: --out dump.rdb"),
		Flags: append(filterFlags(),
			&cli.StringFlag{Name: "format", Value: "json", Usage: "`FORM` of what is written: " + strings.Join(exportFormats(), ", ")},
			&cli.StringFlag{Name: "out", Usage: "new `FILE` to write; without it the standard output"},
			toggle("compress", "with --format rdb: compress strings; slower by far, and a smaller file"),
			toggle("skip-bad", "leave out keys that cannot be read, and count them")),
	}, 0, func(ctx *cli.Context, out io.Writer, source inspect.Source) (err error) {
		o, err := exportOptions(ctx, source)
		if err != nil {
			return err
		}
		var done inspect.Exported
		bar := newBar(ctx.App.ErrWriter)
		out, end := bar.beside(ctx, out)
		o.Progress = func(n, total int64) { bar.show("exporting", n, total) }
		write := func(w io.Writer) (err error) {
			done, err = exportTo(ctx, source, o, w)
			return err
		}
		if path := ctx.String("out"); path != "" {
			stop, cancel := stoppable(ctx) // half a file goes
			defer cancel()
			o.Ended = stop.Err
			err = vfs.WriteStream(vfs.OS(), path, write)
		} else {
			err = write(out)
		}
		if err = end(err); err != nil {
			return err
		}
		for _, why := range done.Skipped {
			fmt.Fprintf(ctx.App.ErrWriter, "holdfast: left out: %v\n", why)
		}
		if done.Left > 0 {
			fmt.Fprintf(ctx.App.ErrWriter, "holdfast: %s exported, %d left out\n", plural.Count(done.Keys, "key"), done.Left)
		}
		return nil
	})
}

func exportOptions(ctx *cli.Context, s inspect.Source) (o inspect.ExportOptions, err error) {
	format := ctx.String("format")
	switch {
	case !slices.Contains(exportFormats(), format):
		return o, usage(fmt.Errorf("--format takes %s, not %q", strings.Join(exportFormats(), ", "), format))
	case ctx.Bool("compress") && format != "rdb":
		return o, usage(errors.New("--compress goes with --format rdb"))
	case format == "rdb" && ctx.String("out") == "" && isTerminal(ctx.App.Writer):
		return o, usage(errors.New("an RDB file is nothing for a terminal: give --out, or a pipe"))
	}
	o.SkipBad = ctx.Bool("skip-bad")
	o.KeyFilter, err = keyFilter(ctx, s.About().Time)
	return o, err
}

// exportTo writes in the form that the flags say.
func exportTo(ctx *cli.Context, s inspect.Source, o inspect.ExportOptions, w io.Writer) (inspect.Exported, error) {
	var x inspect.Exporter
	var err error
	switch ctx.String("format") {
	case "json":
		x = inspect.NewJSONLines(w)
	case "csv":
		x, err = inspect.NewCSV(w)
	case "resp":
		x = inspect.NewCommands(inspect.NewRequests(w, false))
	case "rdb":
		plan, planErr := inspect.PlanRDB(s, o.KeyFilter)
		if planErr != nil {
			return inspect.Exported{}, planErr
		}
		x, err = inspect.NewRDB(w, plan, s.About().Time/1000, ctx.Bool("compress"))
	}
	if err != nil {
		return inspect.Exported{}, err
	}
	return inspect.Export(s, o, x)
}
