package main

import (
	"io"

	"github.com/schollz/progressbar/v3"

	"holdfast/client"
)

// bar shows how far a long command has come, on a terminal only: one line, cleared at the end of each stage.
type bar struct {
	w     io.Writer // nil where there is no terminal
	stage string
	shown *progressbar.ProgressBar
	err   error
}

func newBar(w io.Writer) *bar {
	if !client.IsTerminal(w) {
		return &bar{}
	}
	return &bar{w: w}
}

// show tells that a stage is done to some part; a total of 0 is not known.
func (b *bar) show(doing string, done, total int64) {
	if b.w == nil || b.err != nil {
		return
	}
	if total == 0 {
		total = -1 // a spinner
	}
	if doing != b.stage {
		if b.err = b.end(); b.err != nil {
			return
		}
		b.stage = doing
		b.shown = progressbar.NewOptions64(total, progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(doing),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(40))
	}
	b.err = b.shown.Set64(done)
}

// end clears the line, and returns what went wrong with it.
func (b *bar) end() error {
	if b.shown == nil || b.err != nil {
		return b.err
	}
	shown := b.shown
	b.shown, b.stage = nil, ""
	return shown.Clear()
}
