package metrics

import (
	"time"

	"holdfast/commands"
	"holdfast/engine"
	"holdfast/internal/histogram"
)

// A reading is everything that a scrape tells, as of one moment.
type reading struct {
	engine.Metrics
	clients     commands.ClientFigures
	certificate time.Time // when it ends; zero without TLS
	maxMemory   int64     // bytes; 0: no limit
}

// A figure is a metric without labels.
type figure struct {
	name, help string
	counter    bool // else a gauge
	value      func(*reading) float64
}

const microsecond = 1e-6 // seconds

// figures are the metrics without labels. Names and units are as Prometheus recommends; docs/operations.md says what to make of them.
func figures() []figure {
	return append(append(serverFigures(), logFigures()...), dataFigures()...)
}

func serverFigures() []figure {
	return []figure{
		{"start_time_seconds", "When the server started, in unix seconds.", false, func(r *reading) float64 { return seconds(r.StartTime) }},
		{"connected_clients", "Clients connected now.", false, func(r *reading) float64 { return float64(r.clients.Connected) }},
		{"blocked_clients", "Clients that wait in a blocking command.", false, func(r *reading) float64 { return float64(r.Blocked) }},
		{"tracking_clients", "Clients that are told of changes to what they may have in caches.", false,
			func(r *reading) float64 { return float64(r.Tracking.Clients) }},
		{"tracking_keys", "Keys that they are to be told of.", false, func(r *reading) float64 { return float64(r.Tracking.Keys) }},
		{"script_seconds", "For how long a script has been running that others are told BUSY for; 0: none.", false,
			func(r *reading) float64 { return r.Script.Seconds() }},
		{"max_clients", "Clients that may be connected at a time.", false, func(r *reading) float64 { return float64(r.clients.MaxClients) }},
		{"connections_accepted_total", "Connections that came.", true, func(r *reading) float64 { return float64(r.clients.Accepted) }},
		{"connections_rejected_total", "Connections that were turned away: too many clients, or protected mode.", true,
			func(r *reading) float64 { return float64(r.clients.Rejected) }},
		{"query_buffer_disconnections_total", "Clients cut off at client-query-buffer-limit.", true,
			func(r *reading) float64 { return float64(r.clients.QueryBufferLimitHits) }},
		{"output_buffer_disconnections_total", "Clients cut off at client-output-buffer-limit.", true,
			func(r *reading) float64 { return float64(r.clients.OutputBufferLimitHits) }},
		{"network_received_bytes_total", "Bytes of requests.", true, func(r *reading) float64 { return float64(r.clients.BytesIn) }},
		{"network_sent_bytes_total", "Bytes of replies.", true, func(r *reading) float64 { return float64(r.clients.BytesOut) }},
		{"tls_certificate_expiry_timestamp_seconds", "When the TLS certificate in use ends, in unix seconds; 0 without TLS.", false,
			func(r *reading) float64 {
				if r.certificate.IsZero() {
					return 0
				}
				return float64(r.certificate.Unix())
			}},
	}
}

func logFigures() []figure {
	return []figure{
		{"writable", "1 where writes are taken; 0 while there is no room for them, or snapshots fail and nothing else keeps them.", false,
			func(r *reading) float64 { return truth(r.Writable) }},
		{"log_enabled", "1 where a log is kept.", false, func(r *reading) float64 { return truth(r.LogEnabled) }},
		{"log_bytes", "Bytes of the log's records.", false, func(r *reading) float64 { return float64(r.LogBytes) }},
		{"log_segments", "Files of the log.", false, func(r *reading) float64 { return float64(r.LogSegments) }},
		{"log_last_lsn", "Log sequence number of the newest change.", false, func(r *reading) float64 { return float64(r.LastLSN) }},
		{"log_durable_lsn", "Log sequence number up to which changes are on disk.", false, func(r *reading) float64 { return float64(r.DurableLSN) }},
		{"checkpoint_running", "1 while a checkpoint is being written.", false, func(r *reading) float64 { return truth(r.SaveRunning) }},
		{"checkpoint_ok", "1 unless the last checkpoint failed.", false, func(r *reading) float64 { return truth(r.LastSaveOK) }},
		{"checkpoint_last_success_timestamp_seconds", "When the last good checkpoint ended (the start, before the first), in unix seconds.", false,
			func(r *reading) float64 { return seconds(r.LastSave) }},
		{"checkpoint_last_duration_seconds", "How long the last checkpoint took.", false, func(r *reading) float64 { return seconds(r.SaveMillis) }},
		{"checkpoint_last_bytes", "Bytes that the last checkpoint wrote.", false, func(r *reading) float64 { return float64(r.CheckpointBytes) }},
		{"checkpoint_last_keys", "Keys that the last checkpoint wrote.", false, func(r *reading) float64 { return float64(r.CheckpointKeys) }},
		{"checkpoint_last_longest_slice_seconds", "For how long the last checkpoint held up commands at a time, at most.", false,
			func(r *reading) float64 { return float64(r.CheckpointSlice) * microsecond }},
		{"changes_since_checkpoint", "Changes that a start would have to replay.", false, func(r *reading) float64 { return float64(r.Changes) }},
		{"named_snapshots", "Snapshots with a name.", false, func(r *reading) float64 { return float64(r.NamedSnapshots) }},
		{"retained_from_timestamp_seconds", "The oldest moment that can be restored, in unix seconds; 0 without retain.", false,
			func(r *reading) float64 { return seconds(r.RetainedFromTime) }},
		{"retained_bytes", "Bytes of what is kept to restore older states.", false, func(r *reading) float64 { return float64(r.RetainedBytes) }},
	}
}

func dataFigures() []figure {
	return []figure{
		{"hydrating", "1 while data of before the start is brought into memory; it is served meanwhile.", false,
			func(r *reading) float64 { return truth(r.Hydrating) }},
		{"hydration_keys", "Keys that hydration had to bring.", false, func(r *reading) float64 { return float64(r.HydrationTotal) }},
		{"cold_keys", "Keys on disk alone: still to be hydrated, or spilled.", false, func(r *reading) float64 { return float64(r.ColdKeys) }},
		{"memory_used_bytes", "Memory that the process holds, as INFO's used_memory.", false, func(r *reading) float64 { return float64(r.Memory) }},
		{"memory_bound_bytes", "The part of it that maxmemory bounds: no garbage, nothing that is free.", false, func(r *reading) float64 { return float64(r.MemoryBound) }},
		{"memory_peak_bytes", "The most memory that it held.", false, func(r *reading) float64 { return float64(r.MemoryPeak) }},
		{"memory_data_bytes", "Memory that keys and values take.", false, func(r *reading) float64 { return float64(r.MemoryData) }},
		{"memory_limit_bytes", "maxmemory; 0: no limit.", false, func(r *reading) float64 { return float64(r.maxMemory) }},
		{"expired_keys_total", "Keys that went at their deadline.", true, func(r *reading) float64 { return float64(r.Expired) }},
		{"expired_fields_total", "Fields of hashes that went at their deadline.", true, func(r *reading) float64 { return float64(r.ExpiredSubkeys) }},
		{"evicted_keys_total", "Keys that went, or were spilled, to make room.", true, func(r *reading) float64 { return float64(r.Evicted) }},
		{"keyspace_hits_total", "Keys that were asked for and found.", true, func(r *reading) float64 { return float64(r.Hits) }},
		{"keyspace_misses_total", "Keys that were asked for and not found.", true, func(r *reading) float64 { return float64(r.Misses) }},
	}
}

// seconds makes unix seconds of unix milliseconds, and seconds of milliseconds.
func seconds(ms int64) float64 { return float64(ms) / 1000 }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// shape says which buckets of a histogram are told: powers of two, so that what is read is exact.
type shape struct {
	from, to int     // exponents of the bounds
	unit     float64 // what the numbers are multiplied by
	below    int64   // what a bound is less than its power of two
}

// latencies are from half a microsecond to some four seconds. sizes are 1, 3, 7 and so on: a bound counts itself too.
func latencies() shape { return shape{from: 9, to: 32, unit: 1e-9} }
func sizes() shape     { return shape{from: 1, to: 14, unit: 1, below: 1} }

// tell returns a histogram in Prometheus's form.
func (s shape) tell(h *histogram.Histogram) (count uint64, sum float64, buckets map[float64]uint64) {
	buckets = map[float64]uint64{}
	for exponent := s.from; exponent <= s.to; exponent++ {
		bound := int64(1) << exponent
		buckets[float64(bound-s.below)*s.unit] = uint64(h.Below(bound))
	}
	return uint64(h.Count()), float64(h.Sum()) * s.unit, buckets
}
