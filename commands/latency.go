package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"holdfast/internal/histogram"
	"holdfast/resp"
)

// LATENCY HISTORY LATEST RESET GRAPH DOCTOR HISTOGRAM HELP

func latencyCommands() []*Command {
	const open = Admin | NoScript | Loading | Stale
	everywhere := []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}
	return []*Command{{
		Name: "latency", Group: Server, Since: "2.8.13", Arity: -2,
		Summary: "What took how long.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "history", Since: "2.8.13", Arity: 3, Flags: open, Tips: everywhere, Syntax: "event",
				Summary: "Tells when an event took longer than latency-monitor-threshold, and how long.", Complexity: "O(1)",
				Run: latencyHistory,
			},
			{
				Name: "latest", Since: "2.8.13", Arity: 2, Flags: open, Tips: everywhere,
				Summary: "Tells of each event when it last took long, how long, and the longest ever.", Complexity: "O(1)",
				Run: latencyLatest,
			},
			{
				Name: "reset", Since: "2.8.13", Arity: -2, Flags: open, Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Syntax:  "[event [event ...]]",
				Summary: "Forgets events, or all of them.", Complexity: "O(1)",
				Run: latencyReset,
			},
			{
				Name: "graph", Since: "2.8.13", Arity: 3, Flags: open, Tips: everywhere, Syntax: "event",
				Summary: "Draws the history of an event.", Complexity: "O(1)",
				Run: latencyGraph,
			},
			{
				Name: "doctor", Since: "2.8.13", Arity: 2, Flags: open, Tips: everywhere,
				Summary: "Says in words what took long, and what may be done.", Complexity: "O(1)",
				Run: latencyDoctor,
			},
			{
				Name: "histogram", Since: "7.0.0", Arity: -2, Flags: open, Tips: everywhere,
				Syntax:  "[command [command ...]]",
				Summary: "Tells how many calls of commands took less than each power of two.", Complexity: "O(n) in the commands",
				Run: latencyHistogram,
			},
			{
				Name: "help", Since: "2.8.13", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// Spikes are events that took long, by name. The zero Spikes is empty.
type Spikes struct {
	events map[string]*spikes
}

// spikeSamples is how many times of an event are remembered.
const spikeSamples = 160

// spikes are those of one event, the newest last.
type spikes struct {
	samples []spike
	longest int64 // ms
}

type spike struct{ at, ms int64 } // unix seconds

// Add remembers that an event took so many milliseconds; of several in a second, the longest.
func (s *Spikes) Add(event string, at, ms int64) {
	if s.events == nil {
		s.events = map[string]*spikes{}
	}
	e := s.events[event]
	if e == nil {
		e = &spikes{}
		s.events[event] = e
	}
	e.longest = max(e.longest, ms)
	if n := len(e.samples); n > 0 && e.samples[n-1].at == at {
		e.samples[n-1].ms = max(e.samples[n-1].ms, ms)
		return
	}
	e.samples = append(e.samples, spike{at, ms})
	if len(e.samples) > spikeSamples {
		e.samples = slices.Delete(e.samples, 0, 1)
	}
}

// names are those of the events, sorted.
func (s *Spikes) names() []string {
	names := make([]string, 0, len(s.events))
	for name := range s.events {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// LATENCY HISTORY event
func latencyHistory(c *Call) {
	e := c.Spikes.events[string(c.Args[2])]
	if e == nil {
		c.Reply.Array(0)
		return
	}
	c.Reply.Array(len(e.samples))
	for _, s := range e.samples {
		c.Reply.Array(2)
		c.Reply.Int(s.at)
		c.Reply.Int(s.ms)
	}
}

// LATENCY LATEST
func latencyLatest(c *Call) {
	names := c.Spikes.names()
	c.Reply.Array(len(names))
	for _, name := range names {
		e := c.Spikes.events[name]
		last := e.samples[len(e.samples)-1]
		c.Reply.Array(4)
		c.Reply.BulkString(name)
		c.Reply.Int(last.at)
		c.Reply.Int(last.ms)
		c.Reply.Int(e.longest)
	}
}

// LATENCY RESET [event [event ...]]
func latencyReset(c *Call) {
	names := c.Spikes.names()
	if len(c.Args) > 2 {
		names = nil
		for _, arg := range c.Args[2:] {
			names = append(names, string(arg))
		}
	}
	before := len(c.Spikes.events)
	for _, name := range names {
		delete(c.Spikes.events, name)
	}
	c.Reply.Int(int64(before - len(c.Spikes.events)))
}

// Size of LATENCY GRAPH's picture.
const (
	graphWidth  = 80
	graphHeight = 8
)

// LATENCY GRAPH event
func latencyGraph(c *Call) {
	name := string(c.Args[2])
	e := c.Spikes.events[name]
	if e == nil {
		c.Reply.Error(resp.ErrNoSamples(c.Args[2]))
		return
	}
	samples := e.samples[max(0, len(e.samples)-graphWidth):]
	high, low := samples[0].ms, samples[0].ms
	for _, s := range samples {
		high, low = max(high, s.ms), min(low, s.ms)
	}
	text := fmt.Sprintf("%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", name, high, low, e.longest, strings.Repeat("-", graphWidth))
	c.Reply.Verbatim("txt", text+bars(samples, high, c.Now/1000))
}

// bars draws a column for each sample, and below it how long ago it was.
func bars(samples []spike, high, now int64) string {
	var b strings.Builder
	for row := graphHeight; row > 0; row-- {
		for _, s := range samples {
			switch filled := s.ms * graphHeight * 2 / max(high, 1); {
			case filled >= int64(2*row):
				b.WriteByte('|')
			case filled == int64(2*row-1), row == 1:
				b.WriteByte('.')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	var ages []string
	tall := 0
	for _, s := range samples {
		ages = append(ages, age(now-s.at))
		tall = max(tall, len(ages[len(ages)-1]))
	}
	for row := range tall {
		for _, a := range ages {
			if row < len(a) {
				b.WriteByte(a[row])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// age is a number of seconds in the largest unit that there is one of: 59s, 3m, 2h, 9d.
func age(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 60*60:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*60*60:
		return fmt.Sprintf("%dh", seconds/(60*60))
	}
	return fmt.Sprintf("%dd", seconds/(24*60*60))
}

// latencyAdvice is what may be done where an event takes long.
func latencyAdvice(event string) string {
	switch event {
	case "command":
		return "Look at SLOWLOG for commands that go through many elements, and cut them into smaller ones (SCAN and its like, LIMIT)."
	case "fast-command":
		return "A command that takes microseconds was held up: by the machine (swapping, a processor shared with others), or by a read from the disk."
	case "aof-write":
		return "The disk takes long to take writes: see whether others use it, and whether the file system is nearly full."
	case "aof-fsync-always":
		return "The disk takes long to sync: see whether others use it, or choose appendfsync everysec, which gives up the last second in a power cut."
	case "expire-cycle", "eviction-cycle":
		return "Very many keys, or very large ones, went at once: spread deadlines, and keep values small."
	case "active-defrag-cycle":
		return "Keys are moved together for less than a millisecond at a time, so something held that up: the machine swaps, or shares its processor with others."
	case "checkpoint":
		return "A slice of a checkpoint took long: a value is very large."
	}
	return ""
}

// LATENCY DOCTOR
func latencyDoctor(c *Call) {
	names := c.Spikes.names()
	threshold := c.Config.Int("latency-monitor-threshold").Load()
	switch {
	case threshold == 0 && len(names) == 0:
		c.Reply.Verbatim("txt", "Nothing is measured: CONFIG SET latency-monitor-threshold <milliseconds> begins it.\n")
		return
	case len(names) == 0:
		c.Reply.Verbatim("txt", fmt.Sprintf("Nothing has taken %d ms or longer.\n", threshold))
		return
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(c.Spikes.events[b].longest, c.Spikes.events[a].longest) })
	var text, advice strings.Builder
	text.WriteString("Events that took long, the longest first:\n\n")
	for i, name := range names {
		e := c.Spikes.events[name]
		var sum int64
		for _, s := range e.samples {
			sum += s.ms
		}
		n := int64(len(e.samples))
		fmt.Fprintf(&text, "%d. %s: %d times, %d ms on average, %d ms at most, last %s ago.\n", i+1, name, n, sum/n, e.longest, age(c.Now/1000-e.samples[n-1].at))
		if a := latencyAdvice(name); a != "" {
			fmt.Fprintf(&advice, "- %s: %s\n", name, a)
		}
	}
	if advice.Len() > 0 {
		text.WriteString("\n" + advice.String())
	}
	c.Reply.Verbatim("txt", text.String())
}

// LATENCY HISTOGRAM [command [command ...]]
func latencyHistogram(c *Call) {
	var all []*Command
	add := func(cmd *Command) {
		if cmd.Stats.Latency != nil && !slices.Contains(all, cmd) {
			all = append(all, cmd)
		}
	}
	family := func(cmd *Command) {
		add(cmd)
		for _, sub := range cmd.Subs {
			add(sub)
		}
	}
	if len(c.Args) == 2 {
		for _, cmd := range c.Table.All() {
			family(cmd)
		}
	}
	for _, name := range c.Args[2:] {
		if cmd := c.Table.FullLookup(name); cmd != nil {
			family(cmd)
		}
	}
	c.Reply.Map(len(all))
	for _, cmd := range all {
		c.Reply.BulkString(cmd.FullName())
		writeHistogram(c.Reply, cmd.Stats.Latency)
	}
}

// writeHistogram writes, by powers of two of a nanosecond from 2^10 on, how many calls took less. As in Redis the powers are told in
// microseconds, and those are left out at which there is nothing new.
func writeHistogram(w *resp.Writer, l *histogram.Histogram) {
	calls := l.Count()
	w.Map(2)
	w.BulkString("calls")
	w.Int(calls)
	w.BulkString("histogram_usec")
	m, n, before := w.MapLater(), 0, int64(0)
	for power := 10; before < calls; power++ {
		bound, below := int64(1)<<power, calls
		if power < 62 {
			below = l.Below(bound)
		}
		if below != before {
			const precision = 128 // that of Redis's own histograms shows in what it calls a power
			w.Int((bound + bound/precision - 1) / 1000)
			w.Int(below)
			before, n = below, n+1
		}
	}
	w.MapEnd(m, n)
}
