package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast/lab/trace"
)

const (
	// stripBefore and stripAfter are how many events a close view has on either side of the crash.
	stripBefore, stripAfter = 84, 12
	// stripsMax is how many close views there are, and lanesMax how many lanes of connections, and of files, each has.
	stripsMax, lanesMax = 4, 10
	// wordsMax bounds the text of an event, in bytes.
	wordsMax = 160
	// stackMax is how many outcomes are drawn above one another at a point.
	stackMax = 4
)

// strip is a close view of some events.
type strip struct {
	from, to uint64 // seq, inclusive
	crash    uint64 // the crash comes after it; 0: none

	events  []trace.Event
	Drawing *drawing
	Lines   []line
	Note    string
}

// line is an event in words.
type line struct {
	Seq   uint64
	At    string
	Kind  string
	Text  string
	Crash bool // the crash comes behind it
}

// around is the strip of a crash after seq.
func around(seq uint64) *strip {
	return &strip{from: seq - min(seq-min(seq, 1), stripBefore), to: seq + stripAfter, crash: seq}
}

// add takes an event of the window. What it holds is cut short: a request may be a megabyte.
func (s *strip) add(e trace.Event) {
	if e.Seq < s.from || e.Seq > s.to {
		return
	}
	args := make([][]byte, 0, min(len(e.Args), 12))
	for _, arg := range e.Args[:min(len(e.Args), 12)] {
		args = append(args, slices.Clone(arg[:min(len(arg), wordsMax)]))
	}
	e.Args, e.Reply = args, slices.Clone(e.Reply[:min(len(e.Reply), wordsMax)])
	s.events = append(s.events, e)
}

// draw makes the drawing and the lines.
func (s *strip) draw(paths map[uint64]string, points map[uint64]tally) {
	if len(s.events) == 0 {
		return
	}
	p := &painter{strip: s, began: s.events[0].At, paths: paths, step: float64(viewWidth-labelWidth) / float64(len(s.events))}
	p.d = &drawing{Width: viewWidth, Left: labelWidth, Title: fmt.Sprintf("Events %d to %d", s.events[0].Seq, s.events[len(s.events)-1].Seq)}
	p.y = axisHeight + laneHeight/2
	p.states(points)
	p.connections()
	p.files()
	p.axis()
	p.d.Height = p.y
	s.Drawing = p.d
	for _, e := range s.events {
		s.Lines = append(s.Lines, line{Seq: e.Seq, At: roundTime(time.Duration(e.At)), Kind: e.Kind.String(), Text: words(e, paths),
			Crash: e.Seq == s.crash})
	}
}

// painter draws a strip lane by lane, from the top.
type painter struct {
	*strip
	d     *drawing
	began int64
	paths map[uint64]string
	step  float64
	y     int
}

// x is where the i-th event is.
func (p *painter) x(i int) float64 { return round(labelWidth + (float64(i)+0.5)*p.step) }

func (p *painter) lane(l lane) {
	l.Y = p.y
	p.d.Lanes = append(p.d.Lanes, l)
	p.y += laneHeight
}

// states draws the outcomes of the states that were played in the window, one above another at their point.
func (p *painter) states(points map[uint64]tally) {
	var levels [stackMax]lane
	high := 0
	for i, e := range p.events {
		level := 0
		for o := len(outcomes) - 1; o >= 0; o-- { // the worst first
			if n := points[e.Seq][o]; n > 0 && level < stackMax {
				title := fmt.Sprintf("%d %s after event %d", n, outcomes[o], e.Seq)
				levels[level].Marks = append(levels[level].Marks, mark{Shape: string(outcomes[o]), X: p.x(i), Title: title})
				level++
			}
		}
		high = max(high, level)
	}
	for level := high - 1; level >= 0; level-- {
		l := levels[level]
		if level == 0 {
			l.Label = "crash states"
		}
		for m := range l.Marks {
			l.Marks[m].Y = float64(p.y)
		}
		p.lane(l)
	}
}

// connections draws requests and their replies, a lane for each connection.
func (p *painter) connections() {
	lanes := map[int]*lane{}
	var order []int
	asked := map[int]float64{}
	for i, e := range p.events {
		if e.Kind != trace.Request && e.Kind != trace.Reply {
			continue
		}
		l := lanes[e.Conn]
		if l == nil {
			l = &lane{Label: fmt.Sprintf("client %d", e.Conn)}
			lanes[e.Conn] = l
			order = append(order, e.Conn)
		}
		x, title := p.x(i), words(e, p.paths)
		if e.Kind == trace.Request {
			asked[e.Conn] = x
			l.Marks = append(l.Marks, mark{Shape: "request", X: x, Title: title})
			continue
		}
		from, known := asked[e.Conn]
		if !known {
			from = labelWidth
		}
		delete(asked, e.Conn)
		l.Links = append(l.Links, link{X1: from, X2: x})
		l.Marks = append(l.Marks, mark{Shape: "reply", X: x, Title: title})
	}
	for conn, x := range asked {
		lanes[conn].Links = append(lanes[conn].Links, link{X1: x, X2: viewWidth})
	}
	slices.Sort(order)
	for _, conn := range p.fit(order, "connections") {
		p.place(*lanes[conn])
	}
}

// fit keeps the first lanes, and says so where there are more.
func (p *painter) fit(order []int, what string) []int {
	if len(order) > lanesMax {
		p.Note += fmt.Sprintf("%d of %d %s are drawn. ", lanesMax, len(order), what)
		order = order[:lanesMax]
	}
	return order
}

// place gives a lane and what is in it their height.
func (p *painter) place(l lane) {
	for i := range l.Marks {
		l.Marks[i].Y = float64(p.y)
	}
	for i := range l.Links {
		l.Links[i].Y = float64(p.y)
	}
	p.lane(l)
}

// files draws operations, a lane for each file, and one for each synced directory.
func (p *painter) files() {
	lanes, index := []lane{}, map[string]int{}
	var order []int
	for i, e := range p.events {
		if !e.Kind.IsFile() {
			continue
		}
		label := "file " + pathOf(e, p.paths)
		if e.Kind == trace.SyncDir || e.Kind == trace.Mkdir || e.Kind == trace.Rmdir {
			label = "directory " + cmp.Or(e.Path, "/")
		}
		at, known := index[label]
		if !known {
			at = len(lanes)
			index[label], order, lanes = at, append(order, at), append(lanes, lane{Label: label})
		}
		lanes[at].Marks = append(lanes[at].Marks, mark{Shape: shapeOf(e.Kind), X: p.x(i), Title: words(e, p.paths)})
	}
	for _, at := range p.fit(order, "files") {
		l := lanes[at]
		l.Label = shortPath(l.Label)
		p.place(l)
	}
}

// axis marks the time, from the first event on, and the crash.
func (p *painter) axis() {
	for i := 0; i < len(p.events); i += max(1, len(p.events)/6) {
		p.d.tick(p.x(i), "+"+roundTime(time.Duration(p.events[i].At-p.began)))
	}
	for i, e := range p.events {
		if e.Seq == p.crash {
			p.d.Crash = round(p.x(i) + p.step/2)
		}
	}
}

func shapeOf(k trace.Kind) string {
	switch k {
	case trace.Write:
		return "write"
	case trace.Truncate, trace.Allocate:
		return "size"
	case trace.Sync, trace.SyncDir:
		return "sync"
	}
	return "name"
}

// pathOf is the path of a file that an event is about; events tell it only when it has one.
func pathOf(e trace.Event, paths map[uint64]string) string {
	if e.Path != "" {
		return e.Path
	}
	return cmp.Or(paths[e.File], fmt.Sprintf("number %d", e.File))
}

// shortPath keeps the end of a path, which tells more.
func shortPath(label string) string {
	label = label[strings.IndexByte(label, ' ')+1:]
	const fits = 17
	if n := utf8.RuneCountInString(label); n > fits {
		label = "…" + string([]rune(label)[n-fits+1:])
	}
	return label
}

// words is an event in words.
func words(e trace.Event, paths map[uint64]string) string {
	var text string
	switch e.Kind {
	case trace.Request:
		text = fmt.Sprintf("client %d asks %s", e.Conn, spoken(e.Args))
	case trace.Reply:
		text = fmt.Sprintf("client %d is told %s", e.Conn, strings.TrimSuffix(strings.ReplaceAll(quoteBytes(e.Reply), `\r\n`, " "), " "))
	case trace.Closed:
		text = fmt.Sprintf("client %d hangs up", e.Conn)
	case trace.Write:
		text = fmt.Sprintf("%s of %s at %d", plural(int(e.Size), "byte"), pathOf(e, paths), e.Off)
	case trace.Allocate:
		text = fmt.Sprintf("%s for %s at %d", plural(int(e.Size), "byte"), pathOf(e, paths), e.Off)
	case trace.Truncate:
		text = fmt.Sprintf("%s to %s", pathOf(e, paths), plural(int(e.Size), "byte"))
	case trace.Rename, trace.Link, trace.Symlink:
		text = e.Path + " to " + e.To
	case trace.SyncDir:
		text = cmp.Or(e.Path, "the data directory")
	case trace.Mark:
		text = e.Note
	default:
		text = pathOf(e, paths)
	}
	if len(text) > wordsMax {
		text = strings.ToValidUTF8(text[:wordsMax], "") + "…"
	}
	return text
}

func spoken(args [][]byte) string {
	parts := make([]string, len(args))
	for i, arg := range args {
		parts[i] = quoteBytes(arg)
	}
	return strings.Join(parts, " ")
}

// quoteBytes shows bytes as they are where they can be read.
func quoteBytes(b []byte) string {
	quoted := fmt.Sprintf("%q", b)
	return quoted[1 : len(quoted)-1]
}
