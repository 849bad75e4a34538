package inspect

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"holdfast/internal/plural"
)

//go:embed page.html
var pageText string

// Page is a report on a snapshot for a browser: one file that asks for nothing else, without a script. Keys are hostile:
// html/template escapes them, after they have been quoted as redis-cli does.
type Page struct {
	About  About
	Stats  Stats
	Growth []Moment // the retained snapshots and this one, the oldest first; nil where it is alone
}

// Moment is a snapshot among others.
type Moment struct {
	Name  string
	Time  int64 // unix ms
	LSN   uint64
	Keys  int64
	Bytes int64 // of its file
}

// Growth are the directory's snapshots that can be read, and s, as moments.
func (d *Directory) Growth(s *Snapshot) ([]Moment, error) {
	list, err := d.NamedSnapshots()
	if err != nil {
		return nil, err
	}
	info, err := s.Info()
	if err != nil {
		return nil, err
	}
	moments := []Moment{{"this one", info.Time, info.LSN, info.Keys, info.FileBytes}}
	for _, n := range list.Snapshots {
		if n.Problem == "" && (n.LSN != info.LSN || n.Time != info.Time) {
			moments = append(moments, Moment{n.Name, n.Time, n.LSN, n.Keys, n.Bytes})
		}
	}
	slices.SortStableFunc(moments, func(a, b Moment) int { return int(a.Time/2 - b.Time/2) })
	return moments, nil
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"clock": clock, "until": until, "size": size, "number": number, "upTo": upTo, "within": within,
		"key": shortKey, "share": share, "percent": percent,
		"counted": func(n int64, what string) string { return plural.Count(n, what) },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("BUG: the page's own text: %w", err)
	}
	return t.Execute(w, p)
}

// Maps are the treemap for a wide and for a narrow screen.
func (p Page) Maps() []Map {
	if p.Stats.Prefixes == nil || p.Stats.Prefixes.Bytes == 0 {
		return nil
	}
	return []Map{mapOf(*p.Stats.Prefixes, 1000, 460, "wide"), mapOf(*p.Stats.Prefixes, 360, 440, "narrow")}
}

// Map is a treemap of prefixes.
type Map struct {
	Class         string
	Width, Height float64
	Tiles         []Tile
}

// Tile is a prefix in it, with those below it, or what is no prefix.
type Tile struct {
	rect
	Color   int // of the palette; the tiles within one have that one's
	Label   string
	Says    string
	Inner   bool
	LabelAt struct{ X, Y float64 }
}

const (
	paletteSize = 8
	labelHigh   = 16.0 // a line of text, in the map's units
	letterWide  = 7.4
)

func mapOf(p Prefix, width, height float64, class string) Map {
	m := Map{Class: class, Width: width, Height: height}
	tiles := tilesOf(p, rect{0, 0, width, height}, "no prefix")
	for i, t := range tiles {
		t.Color = i % paletteSize
		m.add(t.Tile)
		if t.of == nil || !t.of.worthDividing() {
			continue
		}
		for _, inner := range tilesOf(*t.of, t.inset(3, labelHigh+4), "no longer prefix") {
			inner.Color, inner.Inner = t.Color, true
			m.add(inner.Tile)
		}
	}
	return m
}

// add puts a tile on the map, with as much of its label as fits.
func (m *Map) add(t Tile) {
	const least = 2
	if t.W < least || t.H < least {
		return
	}
	letters := int((t.W - 10) / letterWide)
	if t.H < labelHigh+4 || letters < 3 {
		t.Label = ""
	} else if len(t.Label) > letters {
		t.Label = t.Label[:letters-1] + "…"
	}
	t.LabelAt.X, t.LabelAt.Y = t.X+6, t.Y+labelHigh
	m.Tiles = append(m.Tiles, t)
}

// worthDividing reports whether the prefixes that are named below this one have a part of it that can be seen.
func (p Prefix) worthDividing() bool {
	named := int64(0)
	for _, b := range p.Below {
		named += b.Bytes
	}
	return 20*named > p.Bytes
}

// tileOf is a tile with the prefix that it is for; nil for what is none.
type tileOf struct {
	Tile
	of *Prefix
}

// tilesOf divides a rect among what is below a prefix; rest names the keys that are below none of them.
func tilesOf(p Prefix, in rect, rest string) []tileOf {
	var tiles []tileOf
	var sizes []float64
	left, keys := p.Bytes, p.Keys
	add := func(label string, keys, bytes int64, of *Prefix) {
		if bytes > 0 {
			says := fmt.Sprintf("%s: %s, %s, %s", label, size(bytes), plural.Count(keys, "key"), percent(bytes, p.Bytes))
			tiles = append(tiles, tileOf{Tile{Label: label, Says: says}, of})
			sizes = append(sizes, float64(bytes))
		}
	}
	for i := range p.Below {
		b := &p.Below[i]
		add(shortKey(b.Prefix), b.Keys, b.Bytes, b)
		left, keys = left-b.Bytes, keys-b.Keys
	}
	if o := p.Others; o != nil {
		add(fmt.Sprintf("%d other %s", o.Prefixes, plural.Of(o.Prefixes, "prefix", "prefixes")), o.Keys, o.Bytes, nil)
		left, keys = left-o.Bytes, keys-o.Keys
	}
	add(rest, keys, left, nil)
	for i, r := range treemap(sizes, in) {
		tiles[i].rect = r
	}
	return tiles
}

// Levels are the prefixes in the order of the table, with their depths.
func (p Page) Levels() (rows []Level) {
	var walk func(p Prefix, depth int)
	walk = func(p Prefix, depth int) {
		for _, b := range p.Below {
			rows = append(rows, Level{Depth: depth, Name: shortKey(b.Prefix), Keys: b.Keys, Bytes: b.Bytes})
			walk(b, depth+1)
		}
		if o := p.Others; o != nil {
			rows = append(rows, Level{Depth: depth, Name: plural.Count(o.Prefixes, "other"), Keys: o.Keys, Bytes: o.Bytes})
		}
	}
	if p.Stats.Prefixes != nil {
		walk(*p.Stats.Prefixes, 0)
	}
	return rows
}

// Level is a prefix in the table.
type Level struct {
	Depth       int
	Name        string
	Keys, Bytes int64
}

// Chart is the growth as a line.
func (p Page) Chart() *Chart {
	if len(p.Growth) < 2 {
		return nil
	}
	c := &Chart{Width: 640, Height: 220, Most: 1}
	for _, m := range p.Growth {
		c.Most = max(c.Most, m.Bytes)
	}
	first, last := p.Growth[0].Time, p.Growth[len(p.Growth)-1].Time
	const left, right, top, bottom = 8.0, 8.0, 8.0, 8.0
	var line strings.Builder
	for _, m := range p.Growth {
		x := left + (c.Width-left-right)*float64(m.Time-first)/float64(max(1, last-first))
		y := c.Height - bottom - (c.Height-top-bottom)*float64(m.Bytes)/float64(c.Most)
		fmt.Fprintf(&line, "%.1f,%.1f ", x, y)
		says := fmt.Sprintf("%s: %s, %s, %s", m.Name, clock(m.Time), size(m.Bytes), plural.Count(m.Keys, "key"))
		c.Points = append(c.Points, Point{x, y, says})
	}
	c.Line = strings.TrimSpace(line.String())
	c.Base = c.Height - bottom
	return c
}

// Chart is a line over time.
type Chart struct {
	Width, Height, Base float64
	Most                int64
	Line                string
	Points              []Point
}

// Point is a snapshot on it.
type Point struct {
	X, Y float64
	Says string
}

// shortKey quotes a key, and shortens it so that a page with it can be read.
func shortKey(key Bytes) string {
	const most = 160
	if len(key) > most {
		return fmt.Sprintf("%s… (%d bytes)", strings.TrimSuffix(key[:most].word(), `"`), len(key))
	}
	return key.word()
}

// share is how wide the bar of a part is, in percent.
func share(part, all int64) string {
	return fmt.Sprintf("%.2f", 100*float64(part)/float64(max(all, 1)))
}

// size shows bytes with a unit.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/(1<<10), 0
	for v >= 1<<10 && i < len(units)-1 {
		v /= 1 << 10
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// number shows a number with its digits in threes.
func number(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// Now is the moment from which TTLs are counted.
func (p Page) Now() string { return clock(p.Stats.Now) }

// Day is when the snapshot was made, shortly.
func (m Moment) Day() string { return time.UnixMilli(m.Time).UTC().Format("2006-01-02 15:04") }

// Cumulated are the rows of what expires, with what has expired by then.
func (p Page) Cumulated() (rows []DueRow) {
	var keys, bytes int64
	for _, d := range p.Stats.Due {
		keys, bytes = keys+d.Keys, bytes+d.Bytes
		rows = append(rows, DueRow{d, keys, bytes})
	}
	return rows
}

// DueRow is a row of the table of what expires by when.
type DueRow struct {
	DueStats
	KeysSoFar, BytesSoFar int64
}
