package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

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
