package main

import (
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
		Name: "check", Usage: "verify every byte of a data directory that holdfast wrote, and change nothing",
		Description: "The exit code is 0 if all is fine, 1 if something cannot be read, 3 if something is damaged, and 4 if a server\n" +
			"keeps the snapshot from being read. A torn end of the log is not damage: a crash leaves it, and a start cuts it.",
		Flags: []cli.Flag{dirFlag(), jsonFlag("one document")},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
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
