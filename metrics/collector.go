// Package metrics tells monitoring about a running server: /metrics for Prometheus, /healthz and /readyz for whoever decides
// whether the process is to be restarted, or to be sent requests.
//
// Nothing is counted here. At a scrape the engine's and the server's own counters are read, under the engine's lock for
// some ten microseconds; between scrapes, and without metrics-addr, it costs nothing.
package metrics

import (
	"cmp"
	"maps"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"holdfast/engine"
)

// namespace begins each name.
const namespace = "holdfast"

// collector reads the figures at each scrape.
type collector struct {
	source  Source
	figures []figure
	descs   []*prometheus.Desc // of figures, in their order

	info, calls, rejected, failed, errors, latency, syncs, batches, keys, expiring, topics, denied *prometheus.Desc
}

func newCollector(source Source) *collector {
	c := &collector{source: source, figures: figures()}
	for _, f := range c.figures {
		c.descs = append(c.descs, describe(f.name, f.help))
	}
	c.info = describe("build_info", "1; its labels say what runs.", "version", "go_version")
	c.calls = describe("commands_total", "Calls of a command that ran.", "command")
	c.rejected = describe("commands_rejected_total", "Calls of a command that were refused before it ran.", "command")
	c.failed = describe("commands_failed_total", "Calls of a command that ran and failed.", "command")
	c.errors = describe("errors_total", "Error replies by their first word.", "code")
	c.latency = describe("command_duration_seconds", "How long calls of a command took; of quick commands one in sixteen is timed.", "command")
	c.syncs = describe("log_sync_duration_seconds", "How long each fdatasync of the log took.")
	c.batches = describe("log_batch_records", "Records that each write of the log carried: the size of a group commit.")
	c.keys = describe("keys", "Keys of a database.", "db")
	c.expiring = describe("keys_with_deadline", "Keys of a database that have a deadline.", "db")
	c.topics = describe("pubsub_topics", "What somebody has subscribed to: channels, patterns, sharded channels.", "kind")
	c.denied = describe("access_denied_total", "Requests that the user was not allowed: a wrong password (auth), a command, a key, a channel.", "reason")
	return c
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe is for the registry, which checks names with it.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range append(c.descs, c.info, c.calls, c.rejected, c.failed, c.errors, c.latency, c.syncs, c.batches, c.keys, c.expiring, c.topics, c.denied) {
		descs <- d
	}
}

// Collect is a scrape.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	r := c.read()
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(c.info, 1, r.Version, runtime.Version())
	for i, f := range c.figures {
		kind := prometheus.GaugeValue
		if f.counter {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(c.descs[i], kind, f.value(r))
	}
	for _, cmd := range r.Calls {
		counter(c.calls, cmd.Calls, cmd.Name)
		counter(c.rejected, cmd.Rejected, cmd.Name)
		counter(c.failed, cmd.Failed, cmd.Name)
		if cmd.Latency != nil {
			count, sum, buckets := latencies().tell(cmd.Latency)
			out <- prometheus.MustNewConstHistogram(c.latency, count, sum, buckets, cmd.Name)
		}
	}
	for code, n := range fewCodes(r.Codes) {
		counter(c.errors, n, code)
	}
	if r.Log != nil {
		count, sum, buckets := latencies().tell(&r.Log.Syncs)
		out <- prometheus.MustNewConstHistogram(c.syncs, count, sum, buckets)
		count, sum, buckets = sizes().tell(&r.Log.Batches)
		out <- prometheus.MustNewConstHistogram(c.batches, count, sum, buckets)
	}
	for _, db := range r.Databases {
		gauge(c.keys, float64(db.Keys), db.Name)
		gauge(c.expiring, float64(db.Deadlines), db.Name)
	}
	counter(c.denied, r.Denied.Auth, "auth")
	counter(c.denied, r.Denied.Command, "command")
	counter(c.denied, r.Denied.Key, "key")
	counter(c.denied, r.Denied.Channel, "channel")
	gauge(c.topics, float64(r.Topics.Channels), "channel")
	gauge(c.topics, float64(r.Topics.Patterns), "pattern")
	gauge(c.topics, float64(r.Topics.Shards), "shard")
}

// codesMost is how many codes of errors are told apart: scripts can make up any number of them.
const codesMost = 100

// fewCodes leaves the most frequent codes and puts the others together.
func fewCodes(codes map[string]int64) map[string]int64 {
	if len(codes) <= codesMost {
		return codes
	}
	byCount := slices.SortedFunc(maps.Keys(codes), func(a, b string) int {
		return cmp.Or(cmp.Compare(codes[b], codes[a]), cmp.Compare(a, b))
	})
	few := map[string]int64{}
	for i, code := range byCount {
		if i < codesMost {
			few[code] = codes[code]
		} else {
			few["other"] += codes[code]
		}
	}
	return few
}

// Source is what the metrics are of.
type Source struct {
	Engine *engine.Engine
	Server Server
}

func (c *collector) read() *reading {
	return &reading{
		Metrics:     c.source.Engine.Metrics(),
		clients:     c.source.Server.Figures(),
		certificate: c.source.Server.CertificateExpires(),
		maxMemory:   c.source.Engine.World().Config.Bytes("maxmemory").Load(),
	}
}
