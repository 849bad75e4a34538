package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"holdfast/lab"
	labreport "holdfast/lab/report"
	"holdfast/lab/trace"
)

// labResults is what a command of the lab has found; what it did not do is nil. As JSON it is one object.
type labResults struct {
	Recording *lab.Recording     `json:"recording,omitempty"`
	Crashes   *labreport.Crashes `json:"crashes,omitempty"`
	Faults    *labreport.Faults  `json:"faults,omitempty"`

	spare bool // the trace goes if every promise was kept
}

// begun leaves out what failed before it began.
func (r labResults) begun(failed bool) labResults {
	if failed && r.Crashes != nil && r.Crashes.Empty() {
		r.Crashes = nil
	}
	if failed && r.Faults != nil && r.Faults.Empty() {
		r.Faults = nil
	}
	return r
}

// goes reports whether the trace will be removed.
func (r labResults) goes() bool { return r.spare && (r.Crashes == nil || r.Crashes.Held()) }

// WriteText writes what was recorded, then the report, with the verdicts last.
func (r labResults) WriteText(w io.Writer) error {
	if r.Recording != nil {
		if _, err := io.WriteString(w, recordingText(*r.Recording)); err != nil {
			return err
		}
	}
	if r.Crashes == nil && r.Faults == nil {
		return nil
	}
	return labreport.WriteText(w, r.Crashes, r.Faults)
}

// recorded is nil for a recording that was not made.
func recorded(r lab.Recording) *lab.Recording {
	if r.Events == 0 {
		return nil
	}
	return &r
}

func recordingText(r lab.Recording) string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.Operations)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", r.Operations[kind], kind))
	}
	text := fmt.Sprintf("recorded %s · %s · %s, seed %d: %d requests in %.1f s, %.0f a second", r.Server, r.Policy, r.Workload, r.Seed,
		r.Requests, r.Seconds, r.PerSecond)
	if r.Plain > 0 {
		text += fmt.Sprintf(" (%.0f without recording)", r.Plain)
	}
	text += fmt.Sprintf("\ntrace of %d events, %d bytes: %s\n", r.Events, r.Bytes, strings.Join(kinds, ", "))
	if r.Cut != "" {
		text += "the traffic was ended early: " + r.Cut + "\n"
	}
	for _, problem := range r.Problems {
		text += "note: " + problem + "\n"
	}
	return text + "\n"
}

// labPage is the file of --html; nil if there is none. It is made before the experiment, so as not to fail after it.
type labPage struct {
	file *os.File
	made bool // it was not there before
}

func newPage(ctx *cli.Context) (*labPage, error) {
	if !ctx.IsSet("html") {
		return nil, nil
	}
	file, err := os.OpenFile(ctx.String("html"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		file, err = os.OpenFile(ctx.String("html"), os.O_WRONLY|os.O_CREATE, 0o666)
	}
	if err != nil {
		return nil, fmt.Errorf("making the HTML report: %w", err)
	}
	return &labPage{file, made}, nil
}

// write writes the page, with timelines of the trace at path, and closes its file.
func (p *labPage) write(r labResults, path string) (err error) {
	page := labreport.Page{Crashes: r.Crashes, Faults: r.Faults}
	if r.Crashes != nil {
		reader, err := trace.Open(path)
		if err != nil {
			return errors.Join(err, p.discard())
		}
		defer func() { err = errors.Join(err, reader.Close()) }()
		page.Trace = reader
	}
	err = p.empty()
	if err == nil {
		_, err = page.WriteTo(p.file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the HTML report: %w", err), p.discard())
	}
	return p.file.Close()
}

// empty makes room for the page where there was another one; a device or a pipe takes it as it is.
func (p *labPage) empty() error {
	if info, err := p.file.Stat(); p.made || err != nil || !info.Mode().IsRegular() {
		return err
	}
	return p.file.Truncate(0)
}

// discard removes the file of a page about nothing. What was there before stays: an earlier report, or /dev/null.
func (p *labPage) discard() error {
	if p == nil {
		return nil
	}
	err := p.file.Close()
	if !p.made {
		return err
	}
	return errors.Join(err, os.Remove(p.file.Name()))
}

// showLab prints results, and writes the page if one is wanted.
func showLab(ctx *cli.Context, out io.Writer, r labResults, page *labPage) error {
	if r.Recording == nil && r.Crashes == nil && r.Faults == nil {
		return page.discard()
	}
	path := r.trace()
	if r.goes() {
		if r.Recording != nil {
			r.Recording.Trace = ""
		}
		if r.Crashes != nil {
			r.Crashes.Trace = ""
		}
	}
	err := show(ctx, out, r)
	if page == nil {
		return err
	}
	if r.Crashes == nil && r.Faults == nil {
		return errors.Join(err, page.discard())
	}
	return errors.Join(err, page.write(r, path))
}

func (r labResults) trace() string {
	if r.Crashes == nil {
		return ""
	}
	return r.Crashes.Trace
}

// labExit turns what an experiment came to into an exit code. A verdict has been printed; an error has not.
func labExit(ctx context.Context, err error, held bool) error {
	switch {
	case ctx.Err() != nil:
		return cli.Exit("interrupted", exitFailed)
	case err != nil && isUsage(err):
		return usage(errors.New(oneLine(err.Error())))
	case err != nil:
		return err
	case !held:
		return cli.Exit("", exitFailed)
	}
	return nil
}

// trying is what the progress line says while faults are tried; how many there will be is not known.
func trying(tries int) string { return fmt.Sprintf("trying other faults: %d", tries) }
