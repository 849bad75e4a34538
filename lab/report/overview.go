package report

import (
	"fmt"
	"math"
	"time"

	"holdfast/lab/trace"
)

// Measures of the drawings, in units of their viewBox.
const (
	labelWidth = 118
	viewWidth  = 1000
	laneHeight = 20
	axisHeight = 18
)

// lane is a row of a drawing.
type lane struct {
	Label string
	Y     int // its middle
	Bars  []bar
	Marks []mark
	Links []link
}

// bar is a filled rectangle, and mark a symbol; Title is what it says when it is pointed at.
type bar struct {
	X, Y, W, H float64
	Title      string
}

type mark struct {
	Shape string // the id of a symbol
	X, Y  float64
	Title string
}

type link struct{ X1, X2, Y float64 }

// tick is a label on the axis.
type tick struct {
	X     float64
	Label string
}

// drawing is a timeline.
type drawing struct {
	Width, Height int
	Left          int // where the lanes begin
	Lanes         []lane
	Ticks         []tick
	Crash         float64 // where the line of the crash is; 0: nowhere
	Title         string
}

// tick puts a label on the axis, if there is room.
func (d *drawing) tick(x float64, label string) {
	const room = 50
	if x < viewWidth-room {
		d.Ticks = append(d.Ticks, tick{x, label})
	}
}

// groups are the lanes of the view of a whole trace, besides the outcomes.
var groups = [...]string{"requests", "replies", "writes", "syncs", "names", "dir syncs"}

func groupOf(k trace.Kind) int {
	switch k {
	case trace.Request:
		return 0
	case trace.Reply:
		return 1
	case trace.Write, trace.Truncate, trace.Allocate:
		return 2
	case trace.Sync:
		return 3
	case trace.Mkdir, trace.Rmdir, trace.Create, trace.Rename, trace.Link, trace.Unlink, trace.Symlink:
		return 4
	case trace.SyncDir:
		return 5
	}
	return -1
}

// census counts the events of a trace in bins, as along does the states.
type census struct {
	events uint64
	length time.Duration
	width  uint64
	bins   [][len(groups)]int32
	starts []int64 // At of each bin's first event
}

func (c *census) add(e trace.Event) {
	c.events, c.length = e.Seq, time.Duration(e.At)
	for e.Seq/c.width >= binsMax {
		c.widen()
	}
	for uint64(len(c.bins)) <= e.Seq/c.width {
		c.bins = append(c.bins, [len(groups)]int32{})
		c.starts = append(c.starts, e.At)
	}
	if g := groupOf(e.Kind); g >= 0 {
		c.bins[e.Seq/c.width][g]++
	}
}

func (c *census) widen() {
	c.width *= 2
	bins, starts := c.bins[:0], c.starts[:0]
	for i := 0; i < len(c.bins); i += 2 {
		sum := c.bins[i]
		if i+1 < len(c.bins) {
			for g := range sum {
				sum[g] += c.bins[i+1][g]
			}
		}
		bins, starts = append(bins, sum), append(starts, c.starts[i])
	}
	c.bins, c.starts = bins, starts
}

// overview draws a whole trace: what happened in each bin, and what became of the states there.
func overview(c *census, a *along) *drawing {
	for a.width < c.width {
		a.widen()
	}
	for c.width < a.width {
		c.widen()
	}
	columns := max(len(c.bins), len(a.bins), 1)
	step := float64(viewWidth-labelWidth) / float64(columns)
	d := &drawing{Width: viewWidth, Left: labelWidth, Title: fmt.Sprintf("The whole trace: %s in %s, %s to a column",
		plural(int(c.events), "event"), roundTime(c.length), thousands(c.width))}
	y := axisHeight + laneHeight/2
	for i, o := range outcomes {
		l := lane{Label: string(o), Y: y}
		for col, bin := range a.bins {
			if n := bin[i]; n > 0 {
				title := fmt.Sprintf("%s %s, events %d to %d", thousands(int(n)), o, uint64(col)*c.width, uint64(col+1)*c.width-1)
				l.Marks = append(l.Marks, mark{Shape: string(o), X: at(col, step), Y: float64(y), Title: title})
			}
		}
		if len(l.Marks) > 0 {
			d.Lanes = append(d.Lanes, l)
			y += laneHeight
		}
	}
	for g, name := range groups {
		if l := c.lane(g, name, y, step); len(l.Bars) > 0 {
			d.Lanes = append(d.Lanes, l)
			y += laneHeight
		}
	}
	d.Height = y
	for col := 0; col < len(c.starts); col += max(1, columns/6) {
		d.tick(at(col, step), roundTime(time.Duration(c.starts[col])))
	}
	return d
}

func at(col int, step float64) float64 { return round(labelWidth + (float64(col)+0.5)*step) }

// lane draws one group of events, the height of a bar standing for the logarithm of their number.
func (c *census) lane(g int, name string, y int, step float64) lane {
	l, most := lane{Label: name, Y: y}, int32(0)
	for _, bin := range c.bins {
		most = max(most, bin[g])
	}
	for col, bin := range c.bins {
		if n := bin[g]; n > 0 {
			h := (laneHeight - 4) * math.Log1p(float64(n)) / math.Log1p(float64(most))
			l.Bars = append(l.Bars, bar{X: round(labelWidth + float64(col)*step), Y: round(float64(y) + laneHeight/2 - 2 - h),
				W: round(max(0.8, step-0.6)), H: round(h), Title: thousands(int(n)) + " " + name})
		}
	}
	return l
}

// round keeps the page small.
func round(x float64) float64 { return math.Round(x*10) / 10 }

func roundTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
