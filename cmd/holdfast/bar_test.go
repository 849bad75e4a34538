package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// Lines of a table and a bar share a terminal: the bar is drawn only where a line begins, and is gone before the next.
func TestLinesBesideABar(t *testing.T) {
	var terminal bytes.Buffer
	b := &bar{w: &terminal}
	l := &lines{out: bufio.NewWriter(&terminal), bar: b}
	var want strings.Builder
	for i := range 400 {
		line := strings.Repeat("x", 1+i%97) + "\n"
		want.WriteString(line)
		for _, piece := range []string{line[:len(line)/2], line[len(line)/2:]} { // a buffer may end anywhere
			if _, err := io.WriteString(l, piece); err != nil {
				t.Fatal(err)
			}
			b.show("reading", int64(i), 400)
			b.begun = b.begun.Add(-time.Hour) // as if it took long
		}
	}
	io.WriteString(l, "without an end")
	want.WriteString("without an end")
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	drawn := 0
	for piece := range strings.SplitAfterSeq(terminal.String(), "\r") {
		text, overwritten := strings.CutSuffix(piece, "\r")
		switch {
		case !overwritten:
			lines.WriteString(text)
		case strings.Contains(text, "%"):
			drawn++
			if at := strings.LastIndexByte(text, '\n'); at >= 0 {
				lines.WriteString(text[:at+1])
			}
		case strings.TrimSpace(strings.ReplaceAll(text, "\x1b[2K", "")) != "":
			if at := strings.LastIndexByte(text, '\n'); at != len(text)-1 {
				t.Fatalf("%q is written over", text[at+1:])
			}
			lines.WriteString(text)
		}
	}
	if got := strings.ReplaceAll(lines.String(), "\x1b[2K", ""); got != want.String() || drawn == 0 {
		t.Errorf("the bar was drawn %d times, and %d bytes of lines are there, want %d", drawn, len(got), want.Len())
	}
}
