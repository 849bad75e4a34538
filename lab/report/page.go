package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"holdfast/lab/fault"
	"holdfast/lab/play"
	"holdfast/lab/trace"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// Page is a report as one page of HTML: no script, nothing from elsewhere. What is nil is left out.
type Page struct {
	Crashes *Crashes
	Faults  *Faults
	// Trace is what the timelines are drawn from.
	Trace *trace.Reader
}

// WriteTo writes the page. Its size is bounded, whatever was played: see drawings.
func (p Page) WriteTo(w io.Writer) (int64, error) {
	v := view{Style: template.CSS(pageCSS)}
	if p.Crashes != nil {
		crashes, err := p.Crashes.view(p.Trace)
		if err != nil {
			return 0, err
		}
		v.Crashes = crashes
		v.head(p.Crashes.Setup, p.Crashes.Held(), p.Crashes.Verdict())
	}
	if p.Faults != nil {
		v.Faults = p.Faults.view()
		v.head(p.Faults.Setup, p.Faults.Held(), p.Faults.Verdict())
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"n": thousands[int], "about": about, "shape": symbol, "join": commandLine,
		"inc": func(i int) int { return i + 1 },
	}).Parse(pageHTML)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var out bytes.Buffer // a page in part is worth nothing
	if err := t.Execute(&out, v); err != nil {
		return 0, fmt.Errorf("making the page: %w", err)
	}
	n, err := w.Write(bytes.TrimLeft(out.Bytes(), "\n")) // the doctype comes first
	return int64(n), err
}

// commandLine is a command as a shell takes it.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = Quote(word)
	}
	return strings.Join(quoted, " ")
}

// symbol is the id of an outcome's shape; outcomes of faults have spaces in them.
func symbol(outcome string) string {
	switch outcome {
	case string(play.Sound), string(play.Refused), string(play.Broken), string(play.Silent):
		return outcome
	case string(fault.Ended), string(fault.TornEnd):
		return "refused"
	}
	return "none"
}

// view is what the template shows.
type view struct {
	Style    template.CSS
	Held     bool
	Title    string
	Verdicts []verdict
	Crashes  *crashesView
	Faults   *faultsView
}

type verdict struct {
	Held  bool
	Line  string
	Setup Setup
}

func (v *view) head(s Setup, held bool, line string) {
	if len(v.Verdicts) == 0 {
		v.Held, v.Title = true, s.title()
	}
	v.Held = v.Held && held
	v.Verdicts = append(v.Verdicts, verdict{held, line, s})
}

// crashesView is a report on crash states, with its drawings.
type crashesView struct {
	Counts    Counts
	Shares    []share
	Rounds    int // failures after a second crash
	Variants  []variantView
	Checks    []CheckCount
	Failures  []failureView
	LeftOut   int
	Refusals  []Refusal
	Overview  *drawing
	Example   *strip // a close view where there are no failures
	Sampled   string
	PerSecond string
}

// share is a part of a bar of all states.
type share struct {
	Outcome string
	Count   int
	Percent float64
}

type variantView struct {
	VariantCount
	Lost string
}

type failureView struct {
	Failure
	Lost  string
	Strip *strip
}

func (c *Crashes) view(r *trace.Reader) (*crashesView, error) {
	v := &crashesView{Counts: c.counts, Rounds: c.rounds[2], Checks: c.checks, LeftOut: c.leftOut(), Refusals: c.refusals}
	for i, n := range c.counts.list() {
		if n > 0 {
			v.Shares = append(v.Shares, share{string(outcomes[i]), n, 100 * float64(n) / float64(c.counts.States)})
		}
	}
	for _, row := range c.variants {
		v.Variants = append(v.Variants, variantView{row, lostBy(row.Variant)})
	}
	for _, f := range c.failures {
		v.Failures = append(v.Failures, failureView{Failure: f, Lost: lostBy(f.Variant)})
	}
	if c.took > 0 {
		v.PerSecond = fmt.Sprintf("%.1f s, %.0f states a second", c.took.Seconds(), c.perSecond())
	}
	if r == nil {
		return v, nil
	}
	return v, c.drawings(v, r)
}

// drawings draws the whole trace in bins, and closely what was around the first failures: some thousand marks, however
// long the trace is. Without failures it is the beginning of the traffic that is shown closely.
func (c *Crashes) drawings(v *crashesView, r *trace.Reader) error {
	var strips []*strip
	for i := range v.Failures {
		f := &v.Failures[i]
		if len(strips) == stripsMax {
			break
		}
		f.Strip = around(crashOf(f.Result))
		strips = append(strips, f.Strip)
	}
	all := &census{width: 1}
	paths := map[uint64]string{}
	err := r.Events(func(e trace.Event) (bool, error) {
		all.add(e)
		follow(paths, e)
		if len(strips) == 0 && v.Example == nil && e.Kind == trace.Mark && e.Note == trace.MarkTraffic {
			v.Example = &strip{from: e.Seq, to: e.Seq + stripBefore + stripAfter}
		}
		for _, s := range strips {
			s.add(e)
		}
		if v.Example != nil {
			v.Example.add(e)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, s := range strips {
		s.draw(paths, c.along.points)
	}
	if v.Example != nil {
		v.Example.draw(paths, c.along.points)
	}
	v.Overview = overview(all, &c.along)
	if all.width > 1 {
		v.Sampled = fmt.Sprintf("The trace has %s events, too many to be drawn one by one: a column stands for %s of them, and the close "+
			"views below show %d each.", thousands(all.events), thousands(all.width), stripBefore+stripAfter+1)
	}
	if c.along.full {
		v.Sampled += fmt.Sprintf(" Close views show the states of the first %s points that were played.", thousands(pointsMax))
	}
	return nil
}

// crashOf is the event after which the crash came that shows a failure best.
func crashOf(r play.Result) uint64 {
	if least, err := play.ParseState(r.Least); err == nil {
		return least.Seq
	}
	return r.State.Seq
}

// follow keeps the first name of each file, and its last.
func follow(paths map[uint64]string, e trace.Event) {
	switch {
	case e.File == 0:
	case e.Kind == trace.Create:
		paths[e.File] = e.Path
	case e.Kind == trace.Rename:
		paths[e.File] = e.To
	}
}

// faultsView is a report on faults.
type faultsView struct {
	Columns  []string
	Kinds    []kindView
	Checks   []CheckCount
	Failures []FaultFailure
	LeftOut  int
	Refusals []Refusal
	Cannot   []Refusal
}

type kindView struct {
	Kind   string
	Total  int
	Counts []int
}

func (f *Faults) view() *faultsView {
	v := &faultsView{Checks: f.checks, Failures: f.failures, LeftOut: f.leftOut(), Refusals: f.refusals, Cannot: f.cannot}
	for _, o := range faultOutcomes {
		v.Columns = append(v.Columns, string(o))
	}
	for _, k := range f.kinds {
		row := kindView{Kind: string(k.Kind), Total: k.Experiments}
		for _, n := range k.pointers() {
			row.Counts = append(row.Counts, *n)
		}
		v.Kinds = append(v.Kinds, row)
	}
	return v
}
