package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"holdfast/client"
	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// checkCommand is "holdfast check".
func checkCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "check", Usage: "verify every byte of a data directory that holdfast wrote, and change nothing; or repair it",
		Description: "The exit code is 0 if all is fine, 1 if something cannot be read, 3 if something is damaged, and 4 if a server\n" +
			"keeps the snapshot from being read. A torn end of the log is not damage: a crash leaves it, and a start cuts it.\n\n" +
			"With --repair the data is made startable: by another base where base.db is damaged, and by cutting the log at its\n" +
			"first damage. Everything that goes is copied to quarantine/TIME in the directory first. What is going to be done\n" +
			"and what it loses is shown before, and asked about. The exit code is 0 when a server can start, 3 when nothing\n" +
			"can be done (or with --dry-run: when there is something to do), 4 while a server runs.\n\n" +
			examples("holdfast check --dir data --json", "holdfast check --dir data --repair --dry-run"),
		Flags: []cli.Flag{
			dirFlag(), jsonFlag("one document; with --repair one for each round"),
			toggle("repair", "make the data startable, by cutting at the first damage"),
			toggle("dry-run", "with --repair: only show what would be done"),
			toggle("yes", "with --repair: do not ask"),
		},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		switch {
		case ctx.Bool("repair"):
			return repairDirectory(ctx, out)
		case ctx.Bool("dry-run"), ctx.Bool("yes"):
			return usage(errors.New("--dry-run and --yes go with --repair"))
		}
		report, err := inspect.Check(vfs.OS(), ctx.String("dir"), progress(ctx.App.ErrWriter))
		if err != nil {
			return err
		}
		if err := show(ctx, out, report); err != nil {
			return err
		}
		return verdictCode(report.Verdict)
	})
}

// verdictCode is the exit code of a verdict. The report has said everything else.
func verdictCode(v inspect.Verdict) error {
	switch v {
	case inspect.Fine:
		return nil
	case inspect.Damaged:
		return cli.Exit("", exitDamaged)
	case inspect.InUse:
		return cli.Exit("", exitInUse)
	}
	return cli.Exit("", exitFailed)
}

// progress shows on a terminal how far a check has come, on a line that is written over and at last cleared.
func progress(w io.Writer) inspect.Progress {
	if !client.IsTerminal(w) {
		return nil
	}
	const clear = "\r\x1b[K"
	var shown string
	return func(file string, done, total int64) {
		text := fmt.Sprintf("%schecking %s: %d %%", clear, file, 100*done/max(total, 1))
		if done >= total {
			text = clear
		}
		if text != shown {
			fmt.Fprint(w, text)
			shown = text
		}
	}
}
