package inspect

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/commands"
	"holdfast/hll"
)

// LogStats says what a log is made of. Its memory does not grow with the log: distinct keys are estimated by a HyperLogLog
// (some 0.8 % off), the hottest are found among hotRoom counters, and time is cut into spansMax spans at most.
type LogStats struct {
	Dir      string          `json:"dir"`
	From     uint64          `json:"from_lsn"` // 0: there is no record
	To       uint64          `json:"to_lsn"`
	FromTime int64           `json:"from_unix_ms"`
	ToTime   int64           `json:"to_unix_ms"`
	Records  int64           `json:"records"`
	Bytes    int64           `json:"bytes"` // of the records
	Several  int64           `json:"records_of_several_commands"`
	Keys     uint64          `json:"keys_estimated"`
	Commands []CommandStats  `json:"commands"`     // the most frequent first
	DBs      []DatabaseStats `json:"databases"`    // by number
	Width    int64           `json:"span_ms"`      // of each span
	Spans    []Span          `json:"spans"`        // in order, those without a record left out
	HotKeys  []Hot           `json:"hot_keys"`     // the hottest first
	Prefixes []Hot           `json:"hot_prefixes"` // what stands before the separator
	Exact    bool            `json:"hot_exact"`    // whether all keys and prefixes were counted, and not only the hottest

	selected bool // records were asked for, and not all of them
}

// CommandStats counts a command by its name.
type CommandStats struct {
	Command string `json:"command"`
	Count   int64  `json:"count"`
	Bytes   int64  `json:"bytes"` // of names and arguments
}

// DatabaseStats counts the commands of a database.
type DatabaseStats struct {
	DB       int   `json:"db"`
	Commands int64 `json:"commands"`
	Bytes    int64 `json:"bytes"`
}

// Span is a stretch of time.
type Span struct {
	Time     int64 `json:"time_unix_ms"` // its beginning
	Records  int64 `json:"records"`
	Commands int64 `json:"commands"`
	Bytes    int64 `json:"bytes"`
}

const (
	hotRoom     = 4096 // counters for the hottest keys, and for prefixes
	spansMax    = 48
	namesMax    = 4096 // of commands and of databases that are told apart
	hotBytesMax = 512  // a longer key is not looked at for the hottest
)

// LogStatsOptions say what to count.
type LogStatsOptions struct {
	RecordFilter
	Top       int    // how many of the hottest keys and prefixes to name
	Separator []byte // ends a prefix
	Depth     int    // how many separators a prefix has, the last at its end
}

// LogStats reads the log, or the part of it that the filter selects.
func (d *Directory) LogStats(o LogStatsOptions) (LogStats, []string, error) {
	c := logCounter{
		options: o, table: commands.NewTable(), keys: newHottest(hotRoom), prefixes: newHottest(hotRoom),
		commands: map[string]*CommandStats{}, dbs: map[int]*DatabaseStats{}, spans: map[int64]*Span{},
	}
	c.stats = LogStats{Dir: d.logPath(), Width: 1000, selected: o.selects()}
	notes, err := d.Records(o.RecordFilter, func(r Record) error { c.record(r); return nil })
	if err != nil {
		return LogStats{}, notes, err
	}
	return c.result(), notes, nil
}

// logCounter gathers LogStats.
type logCounter struct {
	options  LogStatsOptions
	table    *commands.Table
	stats    LogStats
	distinct hll.Ranks
	keys     *hottest
	prefixes *hottest
	commands map[string]*CommandStats
	dbs      map[int]*DatabaseStats
	spans    map[int64]*Span // by their beginning
	args     [][]byte
}

func (c *logCounter) record(r Record) {
	s := &c.stats
	if s.Records == 0 {
		s.From, s.FromTime = r.LSN, r.Time
	}
	s.To, s.ToTime = r.LSN, r.Time
	s.Records++
	s.Bytes += r.Bytes
	if len(r.Commands) > 1 {
		s.Several++
	}
	span := c.span(r.Time)
	span.Records++
	span.Commands += int64(len(r.Commands))
	span.Bytes += r.Bytes
	for _, command := range r.Commands {
		c.command(command)
	}
}

func (c *logCounter) command(command Command) {
	c.args = c.args[:0]
	size := int64(0)
	for _, arg := range command.Args {
		size += int64(len(arg))
		c.args = append(c.args, arg)
	}
	by := count1(c.commands, strings.ToUpper(string(command.Args[0])), "…", func(name string) *CommandStats { return &CommandStats{Command: name} })
	by.Count++
	by.Bytes += size
	db := count1(c.dbs, command.DB, -1, func(n int) *DatabaseStats { return &DatabaseStats{DB: n} })
	db.Commands++
	db.Bytes += size
	known := eachKey(c.table, c.args, func([]byte) {})
	if !known {
		return // which arguments are keys is not known
	}
	eachKey(c.table, c.args, func(key []byte) {
		register, rank := hll.Place(key)
		c.distinct[register] = max(c.distinct[register], rank)
		if len(key) > hotBytesMax {
			return
		}
		c.keys.add(key, size)
		if prefix := c.prefix(key); prefix != nil {
			c.prefixes.add(prefix, size)
		}
	})
}

// count1 is the entry of a map that has no more than namesMax; what comes after has one together.
func count1[K comparable, V any](m map[K]*V, key, rest K, begin func(K) *V) *V {
	if m[key] == nil && len(m) >= namesMax {
		key = rest
	}
	if m[key] == nil {
		m[key] = begin(key)
	}
	return m[key]
}

// prefix is the part of a key up to a separator, that included; nil where there is none.
func (c *logCounter) prefix(key []byte) []byte {
	end := 0
	for range max(1, c.options.Depth) {
		at := bytes.Index(key[end:], c.options.Separator)
		if at < 0 || len(c.options.Separator) == 0 {
			break
		}
		end += at + len(c.options.Separator)
	}
	if end == 0 {
		return nil
	}
	return key[:end]
}

// span is the span that a moment lies in. Where there would be too many they become wider.
func (c *logCounter) span(ms int64) *Span {
	for {
		begin := floor(ms, c.stats.Width)
		if s := c.spans[begin]; s != nil {
			return s
		}
		if len(c.spans) < spansMax {
			c.spans[begin] = &Span{Time: begin}
			return c.spans[begin]
		}
		c.widen()
	}
}

// floor is the multiple of width at or below n.
func floor(n, width int64) int64 {
	m := n % width
	if m < 0 {
		m += width
	}
	return n - m
}

// widen makes the spans as wide as the next step says, and puts together what then lies in one.
func (c *logCounter) widen() {
	const second, minute, hour, day = 1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000
	steps := []int64{second, 5 * second, 15 * second, minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, day, 7 * day}
	next := 2 * c.stats.Width
	for _, step := range steps {
		if step > c.stats.Width {
			next = step
			break
		}
	}
	c.stats.Width = next
	old := c.spans
	c.spans = map[int64]*Span{}
	for _, s := range old {
		begin := floor(s.Time, next)
		if c.spans[begin] == nil {
			c.spans[begin] = &Span{Time: begin}
		}
		wide := c.spans[begin]
		wide.Records += s.Records
		wide.Commands += s.Commands
		wide.Bytes += s.Bytes
	}
}

func (c *logCounter) result() LogStats {
	s := c.stats
	s.Keys = c.distinct.Count()
	s.Commands, s.DBs, s.Spans = []CommandStats{}, []DatabaseStats{}, []Span{}
	for _, command := range c.commands {
		s.Commands = append(s.Commands, *command)
	}
	slices.SortFunc(s.Commands, func(a, b CommandStats) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Command, b.Command))
	})
	for _, db := range c.dbs {
		s.DBs = append(s.DBs, *db)
	}
	slices.SortFunc(s.DBs, func(a, b DatabaseStats) int { return cmp.Compare(a.DB, b.DB) })
	for _, span := range c.spans {
		s.Spans = append(s.Spans, *span)
	}
	slices.SortFunc(s.Spans, func(a, b Span) int { return cmp.Compare(a.Time, b.Time) })
	var exactKeys, exactPrefixes bool
	s.HotKeys, exactKeys = c.keys.top(c.options.Top)
	s.Prefixes, exactPrefixes = c.prefixes.top(c.options.Top)
	s.Exact = exactKeys && exactPrefixes
	return s
}

// WriteText writes the stats for people.
func (s LogStats) WriteText(w io.Writer) error {
	if s.Records == 0 {
		which := "records"
		if s.selected {
			which = "such record"
		}
		_, err := fmt.Fprintf(w, "%s has no %s\n", s.Dir, which)
		return err
	}
	t := newTable(w)
	t.row("records", fmt.Sprintf("%d, LSN %d to %d; %d of several commands", s.Records, s.From, s.To, s.Several))
	t.row("time", fmt.Sprintf("%s to %s", clock(s.FromTime), clock(s.ToTime)))
	t.row("bytes", s.Bytes)
	t.row("keys", fmt.Sprintf("about %d", s.Keys))
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t = newTable(w, "command", "count", "bytes")
	for _, c := range s.Commands {
		t.row(Bytes(c.Command).word(), c.Count, c.Bytes)
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t = newTable(w, "database", "commands", "bytes")
	for _, db := range s.DBs {
		t.row(db.DB, db.Commands, db.Bytes)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := s.writeSpans(w); err != nil {
		return err
	}
	return s.writeHot(w)
}

func (s LogStats) writeSpans(w io.Writer) error {
	const barMax = 40
	var most int64
	for _, span := range s.Spans {
		most = max(most, span.Bytes)
	}
	fmt.Fprintln(w)
	t := newTable(w, "from", "records", "commands", "bytes/s", "")
	for _, span := range s.Spans {
		bar := strings.Repeat("█", int(span.Bytes*barMax/max(most, 1)))
		t.row(clock(span.Time), span.Records, span.Commands, span.Bytes*1000/s.Width, bar)
	}
	return t.flush()
}

func (s LogStats) writeHot(w io.Writer) error {
	for _, list := range []struct {
		title string
		hot   []Hot
	}{{"hottest keys", s.HotKeys}, {"hottest prefixes", s.Prefixes}} {
		if len(list.hot) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", list.title)
		t := newTable(w, "commands", "bytes", "name")
		for _, h := range list.hot {
			n := fmt.Sprint(h.Commands)
			if h.Over > 0 {
				n = fmt.Sprintf("%d to %d", h.Commands-h.Over, h.Commands)
			}
			t.row(n, h.Bytes, h.Name)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if !s.Exact {
		_, err := fmt.Fprintf(w, "\nThere are more keys than the %d that are counted: what is shown is found by Space-Saving, with the range that a count is certain to be in.\n", hotRoom)
		return err
	}
	return nil
}
