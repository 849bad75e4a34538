package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/client"
	"holdfast/internal/vfs"
	"holdfast/repair"
)

// repairDirectory is "holdfast check --repair".
func repairDirectory(ctx *cli.Context, out io.Writer) (err error) {
	progress := newBar(ctx.App.ErrWriter)
	r, err := repair.Open(repair.Options{FS: vfs.OS(), Dir: ctx.String("dir"), Clock: time.Now, Progress: progress.show})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	const rounds = 5 // what is damaged may show only when something else has been mended
	for round := range rounds {
		plan, err := r.Plan()
		if progress.end(); errors.Is(err, repair.ErrHopeless) {
			return cli.Exit(err.Error(), exitDamaged)
		}
		if err != nil {
			return err
		}
		switch {
		case len(plan.Steps) == 0 && round > 0:
			return ready(ctx, out)
		case len(plan.Steps) == 0:
			return show(ctx, out, plan)
		case ctx.Bool("dry-run"):
			return errors.Join(show(ctx, out, plan), cli.Exit("", exitDamaged))
		}
		if err := approve(ctx, plan); err != nil {
			return err
		}
		err = r.Do(plan)
		if progress.end(); err != nil {
			return err
		}
		if err := show(ctx, out, plan); err != nil {
			return err
		}
	}
	return errors.New("BUG: the repair finds ever new damage")
}

// ready says that the repair is over. For programs the exit code says it.
func ready(ctx *cli.Context, out io.Writer) error {
	if ctx.Bool("json") {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s is ready for a start\n", ctx.String("dir"))
	return err
}

// approve asks whether a plan may be carried out.
func approve(ctx *cli.Context, plan *repair.Plan) error {
	if ctx.Bool("yes") {
		return nil
	}
	if !client.IsTerminal(os.Stdin) {
		return usage(errors.New("--repair changes the data, and there is no terminal to ask at: give --yes, or --dry-run to see what it would do"))
	}
	w := ctx.App.ErrWriter
	if err := plan.WriteText(w); err != nil {
		return err
	}
	fmt.Fprint(w, "What goes is copied to quarantine first. Repair? [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(answer), "y") && !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return errors.New("nothing was changed")
	}
	return nil
}
