package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/bench/rig"
)

// write writes report.md and its charts into a directory, which is made if it is not there.
func (r Report) write(dir string, quick bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var links strings.Builder
	for _, c := range r.charts() {
		if quick {
			c.Title += " (not for quoting)"
		}
		name := c.Name + ".svg"
		if len(c.Bars) == 0 { // an older one must not stay beside this report
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.SVG()), 0o644); err != nil {
			return err
		}
		links.WriteString("\n![" + c.Title + "](" + name + ")\n")
	}
	head := "# holdfast beside redis\n\n"
	text := head + r.Head() + links.String() + strings.TrimPrefix(r.String(), r.Head())
	return os.WriteFile(filepath.Join(dir, "report.md"), []byte(text), 0o644)
}

// charts are the pictures of a report; one without bars has nothing to show.
func (r Report) charts() []Chart {
	to := " ÷ " + r.Programs[reference]
	return []Chart{
		r.ratioChart("throughput", "Requests per second"+to+" (more is better)", rps, func(row Row) bool { return !row.paced() }),
		r.ratioChart("cpu", "Server CPU per request"+to+" (less is better)", cpuus, func(Row) bool { return true }),
		r.latencyChart(),
	}
}

// ratioChart has a bar for each program but the reference, in each row that takes part.
func (r Report) ratioChart(name, title string, figure func(Measured) float64, takes func(Row) bool) Chart {
	c := Chart{Name: name, Title: title, Series: r.Programs, Mark: 1}
	r.each(takes, func(section string, result Result) {
		for i := range r.Programs {
			if i != reference {
				c.add(section, result.Row.Name(), i, result.ratios(i, figure))
			}
		}
	})
	return c
}

// latencyChart has the percentiles of the rows whose rate was chosen, of every program.
func (r Report) latencyChart() Chart {
	c := Chart{Name: "latency", Title: "Latency at a fixed rate, ms (less is better)", Series: r.Programs, Log: true}
	percentiles := []struct {
		name   string
		figure func(Measured) float64
	}{{"p50", p50ms}, {"p99", p99ms}, {"p99.9", p999ms}}
	r.each(Row.paced, func(section string, result Result) {
		for _, p := range percentiles {
			for i := range r.Programs {
				c.add(section, result.Row.Name()+": "+p.name, i, column(result.Sides[i], p.figure))
			}
		}
	})
	return c
}

// each calls do with every row that has figures and takes part.
func (r Report) each(takes func(Row) bool, do func(section string, result Result)) {
	for _, s := range r.Sections {
		for _, result := range s.Results {
			if result.Err == nil && takes(result.Row) {
				do(s.Name, result)
			}
		}
	}
}

// add adds a bar, if the figures are known.
func (c *Chart) add(section, label string, series int, figures []float64) {
	middle := rig.Median(figures)
	if !(middle > 0) {
		return
	}
	c.Bars = append(c.Bars, Bar{section, label, series, middle, slices.Min(figures), slices.Max(figures)})
}
