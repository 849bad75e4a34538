package report

import (
	"fmt"
	"io"
	"strings"

	"holdfast/lab/workload"
)

// shown is how many failures the terminal shows whole.
const shown = 3

// findingsShown is how many findings of one failure are shown.
const findingsShown = 4

// WriteText writes tables and the first failures, and the verdicts as the last lines. What is nil is left out.
func WriteText(w io.Writer, c *Crashes, f *Faults) error {
	var out strings.Builder
	var verdicts []string
	if c != nil {
		c.tables(&out)
		verdicts = append(verdicts, c.Verdict())
	}
	if f != nil {
		if c != nil {
			out.WriteByte('\n')
		}
		f.tables(&out)
		verdicts = append(verdicts, f.Verdict())
	}
	fmt.Fprintf(&out, "\n%s\n", strings.Join(verdicts, "\n"))
	_, err := io.WriteString(w, strings.TrimPrefix(out.String(), "\n"))
	return err
}

func (c *Crashes) tables(out *strings.Builder) {
	t := newTable(out, "reading", "variant", "lost in the crash", "states", "sound", "refused", "broken", "silent")
	for _, v := range c.variants {
		t.row(v.Reading, v.Variant, lostBy(v.Variant), v.States, v.Sound, v.Refused, v.Broken, v.Silent)
	}
	if n := c.counts; len(c.variants) > 1 {
		t.row("all", "", "", n.States, n.Sound, n.Refused, n.Broken, n.Silent)
	}
	t.end()
	c.checks.write(out, "states")
	c.refusals.write(out, "refused to start")
	if c.rounds[2] > 0 {
		fmt.Fprintf(out, "\n%s of the failures showed only after a second crash.\n", thousands(c.rounds[2]))
	}
	for i, f := range c.failures[:min(shown, len(c.failures))] {
		c.failure(out, i, f)
	}
	if more := c.counts.Broken + c.counts.Silent - shown; more > 0 {
		fmt.Fprintf(out, "\n… and %s\n", plural(more, "failure"))
	}
	c.epilogue(out)
}

func (c *Crashes) failure(out *strings.Builder, i int, f Failure) {
	fmt.Fprintf(out, "\nFailure %d: a crash after event %d that lost %s%s\n", i+1, f.State.Seq, lostBy(f.Variant), recovery(f.Round))
	writeFindings(out, f.Findings, f.FindingsLeftOut, f.Reason)
	switch {
	case f.Least == "":
		fmt.Fprintf(out, "  state  %s\n", f.Name)
	case len(f.LeastLost) == 0:
		fmt.Fprintf(out, "  least  %s, which loses nothing\n", f.Least)
	default:
		fmt.Fprintf(out, "  least  %s, which loses only\n", f.Least)
		for _, lost := range f.LeastLost[:min(findingsShown, len(f.LeastLost))] {
			fmt.Fprintf(out, "         %s\n", lost)
		}
		if more := len(f.LeastLost) - findingsShown; more > 0 {
			fmt.Fprintf(out, "         … and %s\n", plural(more, "piece"))
		}
	}
	if f.Replay != "" {
		fmt.Fprintf(out, "  again  %s\n", f.Replay)
	}
}

func recovery(round int) string {
	if round == 2 {
		return ", seen after the second crash"
	}
	return ""
}

func writeFindings(out *strings.Builder, findings []workload.Finding, leftOut int, reason string) {
	for _, f := range findings[:min(findingsShown, len(findings))] {
		fmt.Fprintf(out, "  %s: %s\n", f.Check, about(f))
	}
	if more := len(findings) + leftOut - findingsShown; more > 0 {
		fmt.Fprintf(out, "  … and %s\n", plural(more, "finding"))
	}
	if reason != "" {
		fmt.Fprintf(out, "  note: %s\n", indent(end(reason), 4))
	}
}

// about is a finding's detail, behind the key.
func about(f workload.Finding) string {
	if f.Key == "" {
		return f.Detail
	}
	return f.Key + ": " + f.Detail
}

// indent puts the lines of a text below each other.
func indent(text string, by int) string {
	return strings.Join(strings.Split(strings.TrimSpace(text), "\n"), "\n"+strings.Repeat(" ", by))
}

// epilogue says what is needed to do it again, and how fast it went.
func (c *Crashes) epilogue(out *strings.Builder) {
	for _, note := range c.Notes {
		fmt.Fprintf(out, "\nNote: %s\n", note)
	}
	fmt.Fprintf(out, "\nseed %d", c.Seed)
	if c.took > 0 {
		fmt.Fprintf(out, ", %.1f s, %.0f states a second", c.took.Seconds(), c.perSecond())
	}
	if c.Trace != "" {
		fmt.Fprintf(out, ", trace %s", c.Trace)
	}
	out.WriteByte('\n')
}

// write tells which checks failed.
func (c checks) write(out *strings.Builder, what string) {
	if len(c) == 0 {
		return
	}
	out.WriteByte('\n')
	t := newTable(out, "check that failed", what, "first")
	for _, k := range c {
		t.row(string(k.Check), k.Results, k.First)
	}
	t.end()
}

// write tells the first reasons, of each the end of what the server said.
func (r refusals) write(out *strings.Builder, what string) {
	for _, k := range r[:min(shown, len(r))] {
		fmt.Fprintf(out, "\n%s, %s, first %s:\n    %s\n", what, times(k.Count), k.First, indent(end(k.Reason), 4))
	}
	if more := len(r) - shown; more > 0 {
		fmt.Fprintf(out, "\n… and for %s\n", plural(more, "other reason"))
	}
}

// end is the last lines of a text, each cut short.
func end(text string) string {
	const linesMax, columnsMax = 2, 240
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-linesMax):]
	for i, line := range lines {
		if r := []rune(line); len(r) > columnsMax {
			lines[i] = string(r[:columnsMax]) + "…"
		}
	}
	return strings.Join(lines, "\n")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return thousands(n) + " times"
}

func (f *Faults) tables(out *strings.Builder) {
	t := newTable(out, "fault", "experiments", "sound", "ended", "refused", "torn end", "broken", "silent", "not tried")
	row := func(name string, n FaultCounts) {
		t.row(name, n.Experiments, n.Sound, n.Ended, n.Refused, n.TornEnd, n.Broken, n.Silent, n.Unreached+n.Impossible)
	}
	for _, k := range f.kinds {
		row(string(k.Kind), k.FaultCounts)
	}
	if len(f.kinds) > 1 {
		row("all", f.counts)
	}
	t.end()
	f.checks.write(out, "experiments")
	f.refusals.write(out, "refused or ended by itself")
	f.cannot.write(out, "not possible here")
	for i, failed := range f.failures[:min(shown, len(f.failures))] {
		fmt.Fprintf(out, "\nFailure %d: %s\n", i+1, failed.Name)
		writeFindings(out, failed.Findings, failed.FindingsLeftOut, failed.Reason)
		if failed.Replay != "" {
			fmt.Fprintf(out, "  again  %s\n", failed.Replay)
		}
	}
	if more := f.counts.Broken + f.counts.Silent - shown; more > 0 {
		fmt.Fprintf(out, "\n… and %s\n", plural(more, "failure"))
	}
	fmt.Fprintf(out, "\nseed %d", f.Seed)
	if f.took > 0 {
		fmt.Fprintf(out, ", %.1f s", f.took.Seconds())
	}
	out.WriteByte('\n')
}

// table writes rows in columns; numbers stand on the right.
type table struct {
	out   *strings.Builder
	rows  [][]string
	right []bool
}

func newTable(out *strings.Builder, titles ...string) *table {
	return &table{out: out, rows: [][]string{titles}, right: make([]bool, len(titles))}
}

func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if n, ok := cell.(int); ok {
			texts[i], t.right[i] = thousands(n), true
			continue
		}
		texts[i] = fmt.Sprint(cell)
	}
	t.rows = append(t.rows, texts)
}

// end writes the table, unless it has only titles.
func (t *table) end() {
	if len(t.rows) == 1 {
		return
	}
	widths := make([]int, len(t.right))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range t.rows {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if t.right[i] {
				line += pad + cell + "  "
			} else {
				line += cell + pad + "  "
			}
		}
		t.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
