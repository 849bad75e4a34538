package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// elements reads a picture and counts its elements; one that is no XML fails the test.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
		}
	}
}

func TestChartsOfAReport(t *testing.T) {
	charts := aReport(t).charts()
	for i, want := range []struct {
		name string
		bars int
	}{
		{"throughput", 1}, // neither the row that failed nor the one whose rate was chosen
		{"cpu", 1},        // no ratio to nothing
		{"latency", 6},    // three percentiles of two servers
	} {
		c := charts[i]
		if c.Name != want.name || len(c.Bars) != want.bars {
			t.Errorf("%s: %+v", want.name, c.Bars)
		}
		if got := elements(t, c.SVG()); got["svg"] != 1 || got["rect"] < want.bars+1 {
			t.Errorf("%s: %v", want.name, got)
		}
	}
	if got, want := charts[0].Bars[0], (Bar{"commands", "no SET/1", 0, 1, 0.5, 3}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestBarsLieWhereTheirFiguresAre(t *testing.T) {
	c := Chart{Mark: 1, Bars: []Bar{{Middle: 1.5, Least: 1, Greatest: 1.9}}}
	if least, greatest := c.bounds(); least != 0 || greatest != 2 || c.x(0) != labelWidth || c.x(1) != labelWidth+plotWidth/2 {
		t.Errorf("from %v to %v; 1 at %v", least, greatest, c.x(1))
	}
	if got := c.ticks(); len(got) != 11 || got[3] != 0.6 {
		t.Errorf("ticks %v", got)
	}
	c = Chart{Log: true, Bars: []Bar{{Middle: 1, Least: 0.02, Greatest: 30}}}
	if least, greatest := c.bounds(); least != 0.01 || greatest != 100 || c.x(1) != labelWidth+plotWidth/2 {
		t.Errorf("from %v to %v; 1 at %v", least, greatest, c.x(1))
	}
	if got := c.ticks(); len(got) != 5 || got[4] != 100 {
		t.Errorf("ticks %v", got)
	}
}

func TestTextInAChartIsEscaped(t *testing.T) {
	svg := Chart{Title: "a < b", Series: []string{"<x>"}, Bars: []Bar{{"&", "\"<", 0, 1, 1, 1}}}.SVG()
	if elements(t, svg)["x"] != 0 {
		t.Error(svg)
	}
}

// A chart that has nothing to show is not left beside a newer report.
func TestReportIsWritten(t *testing.T) {
	dir := t.TempDir() + "/new"
	r := aReport(t)
	if err := r.write(dir, false); err != nil {
		t.Fatal(err)
	}
	r.Sections = r.Sections[:1]
	if err := r.write(dir, false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/report.md")
	if err != nil || !strings.Contains(string(text), "(throughput.svg)") || strings.Contains(string(text), "latency.svg") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := os.Stat(dir + "/latency.svg"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the older chart: %v", err)
	}
}
