package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"holdfast/internal/plural"
)

// A Report is what a measurement came to, to be shown.
type Report struct {
	Options Options
	Phase   Phase
	Server  *Usage // nil where the server's process was not watched
}

// ErrReplies is wrapped where replies were not what was asked for.
var ErrReplies = errors.New("not every reply was right")

// Fault is an error if the figures are not those of a server that did what it was asked.
func (r Report) Fault() error {
	switch p := r.Phase; {
	case p.Errors > 0:
		return fmt.Errorf("%w: %d of %d: %s", ErrReplies, p.Errors, p.Requests, p.Complaint())
	case p.Unsent > 0:
		return fmt.Errorf("%w: %d requests that were due were never sent: the server does not take this rate", ErrReplies, p.Unsent)
	case p.Operations == 0:
		return fmt.Errorf("%w: there was none", ErrReplies)
	}
	return nil
}

// WriteTable prints the report for people.
func (r Report) WriteTable(w io.Writer) error {
	p, o := r.Phase, r.Options
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s; %s\n", o.Target.Address, o.Workload.Name, o.describe())
	fmt.Fprintf(&b, "%d operations (%d requests) in %.2f s: %.0f operations a second\n\n", p.Operations, p.Requests, p.Seconds, p.Rate)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "latency, ms\toperations\tmean\tp50\tp90\tp99\tp99.9\tmax\t\n")
	line := func(name string, n uint64, l Latency) {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, n, ms(l.Mean), ms(l.P50), ms(l.P90), ms(l.P99), ms(l.P999), ms(l.Max))
	}
	for _, k := range p.Kinds {
		line(k.Name, k.Operations, k.Latency)
	}
	if len(p.Kinds) > 1 {
		line("all", p.Operations, p.Latency)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if o.Rate > 0 {
		l := p.SentLate
		fmt.Fprintf(&b, "\nof these, the generator's own delay: p50 %s, p99 %s, p99.9 %s, max %s\n", ms(l.P50), ms(l.P99), ms(l.P999), ms(l.Max))
	}
	if p.Misses > 0 {
		fmt.Fprintf(&b, "\n%d %s that there is no such key\n", p.Misses, plural.Of(p.Misses, "reply says", "replies say"))
	}
	if r.Server != nil {
		b.WriteString("\n" + r.Server.text())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describe says what was run.
func (o Options) describe() string {
	loop := "as fast as replies come"
	if o.Rate > 0 {
		loop = fmt.Sprintf("%g operations a second", o.Rate)
	}
	return fmt.Sprintf("%s, %s, pipeline %d, %s (%s), values of %s", loop, plural.Count(o.Connections, "connection"), o.Pipeline,
		plural.Count(o.Keys, "key"), o.Keyspace, plural.Count(o.ValueBytes, "byte"))
}

// text says what the server used, and what is counted.
func (u Usage) text() string {
	const mega = 1 << 20
	return fmt.Sprintf("server, per request: %.2f µs CPU, %.2f reads, %.2f writes, %.3f waits, %.3f preemptions\n"+
		"server, memory: %.1f MiB anonymous, %.1f MiB of mapped files\n"+
		"(reads and writes: calls of these two families as /proc/PID/io counts them; others, such as epoll_wait and fsync, are not counted)\n",
		u.CPUus, u.Reads, u.Writes, u.Waits, u.Preempted, float64(u.Anon)/mega, float64(u.File)/mega)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond)) }

// jsonLatency has microseconds.
type jsonLatency struct {
	Mean float64 `json:"mean_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

func (l Latency) json() jsonLatency {
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return jsonLatency{us(l.Mean), us(l.P50), us(l.P90), us(l.P99), us(l.P999), us(l.Max)}
}

type jsonKind struct {
	Name       string      `json:"name"`
	Operations uint64      `json:"operations"`
	Latency    jsonLatency `json:"latency"`
}

type jsonServer struct {
	CPUus     float64 `json:"cpu_us_per_request"`
	Reads     float64 `json:"reads_per_request"`
	Writes    float64 `json:"writes_per_request"`
	Waits     float64 `json:"waits_per_request"`
	Preempted float64 `json:"preemptions_per_request"`
	Anon      int64   `json:"rss_anon_bytes"`
	File      int64   `json:"rss_file_bytes"`
}

type jsonReport struct {
	Address     string            `json:"address"`
	Workload    string            `json:"workload"`
	Connections int               `json:"connections"`
	Threads     int               `json:"threads"`
	Pipeline    int               `json:"pipeline"`
	Keys        uint64            `json:"keys"`
	Keyspace    Distribution      `json:"distribution"`
	ValueBytes  int               `json:"value_bytes"`
	RateWanted  *float64          `json:"rate_wanted"` // null: as fast as replies come
	Seconds     float64           `json:"seconds"`
	Operations  uint64            `json:"operations"`
	Requests    uint64            `json:"requests"`
	Rate        float64           `json:"rate"`
	Latency     jsonLatency       `json:"latency"`
	Kinds       []jsonKind        `json:"kinds"`
	SentLate    *jsonLatency      `json:"sent_late"` // of the open loop
	Misses      uint64            `json:"misses"`
	Errors      uint64            `json:"errors"`
	Unsent      uint64            `json:"unsent"`
	Texts       map[string]uint64 `json:"error_texts"`
	Server      *jsonServer       `json:"server"`
}

// WriteJSON prints the report for programs: one object on a line, latencies in microseconds.
func (r Report) WriteJSON(w io.Writer) error {
	o, p := r.Options, r.Phase
	j := jsonReport{
		Address: o.Target.Address, Workload: o.Workload.Name, Connections: o.Connections, Threads: o.Threads, Pipeline: o.Pipeline,
		Keys: o.Keys, Keyspace: o.Keyspace, ValueBytes: o.ValueBytes,
		Seconds: p.Seconds, Operations: p.Operations, Requests: p.Requests, Rate: p.Rate, Latency: p.Latency.json(),
		Misses: p.Misses, Errors: p.Errors, Unsent: p.Unsent, Texts: p.Texts,
	}
	for _, k := range p.Kinds {
		j.Kinds = append(j.Kinds, jsonKind{k.Name, k.Operations, k.Latency.json()})
	}
	if o.Rate > 0 {
		late := p.SentLate.json()
		j.RateWanted, j.SentLate = &o.Rate, &late
	}
	if u := r.Server; u != nil {
		j.Server = &jsonServer{u.CPUus, u.Reads, u.Writes, u.Waits, u.Preempted, u.Anon, u.File}
	}
	return json.NewEncoder(w).Encode(j)
}

// ParseBytes reads a number of bytes: 64, 1k, 1m (of 1024 and 1048576).
func ParseBytes(text string) (int, error) {
	digits, unit := strings.ToLower(text), 1
	for suffix, factor := range map[string]int{"k": 1 << 10, "m": 1 << 20} {
		if cut, found := strings.CutSuffix(digits, suffix); found {
			digits, unit = cut, factor
			break
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > math.MaxInt/unit {
		return 0, fmt.Errorf("%q is no number of bytes", text)
	}
	return n * unit, nil
}
