package main

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"holdfast/client"
)

// bar shows how far a command has come that takes longer than a second, on a terminal only: one line, cleared at the end of each stage. A terminal
// that takes no more output ends the show, and not the command.
type bar struct {
	w     io.Writer // nil where there is nothing to show on
	stage string
	begun time.Time // the stage
	shown *progressbar.ProgressBar
}

func newBar(w io.Writer) *bar {
	if !client.IsTerminal(w) {
		return &bar{}
	}
	return &bar{w: w}
}

// show tells that a stage is done to some part.
func (b *bar) show(doing string, done, total int64) {
	if b.w == nil || total <= 0 {
		return
	}
	if doing != b.stage {
		b.end()
		b.stage, b.begun = doing, time.Now()
	}
	if b.shown == nil {
		if time.Since(b.begun) < time.Second {
			return
		}
		b.shown = progressbar.NewOptions64(total, progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(doing),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(100*time.Millisecond))
	}
	if b.shown.Set64(min(done, total)) != nil {
		b.w = nil
	}
}

// end clears the line.
func (b *bar) end() {
	if b.shown != nil && b.shown.Clear() != nil {
		b.w = nil
	}
	b.shown, b.stage = nil, ""
}

// beside is the output of a command that prints all the while. Where that goes to the bar's terminal, whole lines are written, and
// the bar is cleared before. done, at the end, adds to the error of the command.
func (b *bar) beside(ctx *cli.Context, out io.Writer) (w io.Writer, done func(error) error) {
	l := &lines{out: out, bar: b}
	if b.w != nil && client.IsTerminal(ctx.App.Writer) {
		out = l
	}
	return out, func(err error) error {
		if flushed := l.Flush(); !errors.Is(err, flushed) {
			err = errors.Join(err, flushed)
		}
		return err
	}
}

// lines writes whole lines, where a bar is not.
type lines struct {
	out  io.Writer
	bar  *bar
	held []byte
}

func (l *lines) Write(b []byte) (int, error) {
	const some, most = 4 << 10, 64 << 10
	l.held = append(l.held, b...)
	whole := bytes.LastIndexByte(l.held, '\n') + 1
	switch {
	case len(l.held)-whole > most:
		whole = len(l.held) // a line without end
	case whole < some:
		return len(b), nil
	}
	rest := l.held[whole:]
	l.held = l.held[:whole]
	err := l.Flush()
	l.held = append(l.held, rest...)
	return len(b), err
}

// Flush clears the bar, and writes what was held back.
func (l *lines) Flush() error {
	l.bar.end()
	if len(l.held) == 0 {
		return nil
	}
	_, err := l.out.Write(l.held)
	l.held = l.held[:0]
	if buffered, ok := l.out.(interface{ Flush() error }); ok && err == nil {
		err = buffered.Flush()
	}
	return err
}
