package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A histogram counts latencies from a nanosecond to an hour, to three digits. It is for one goroutine.
type histogram struct {
	hdr *hdrhistogram.Histogram
	max int64 // exact
}

const histogramMax = int64(time.Hour)

func newHistogram() *histogram {
	return &histogram{hdr: hdrhistogram.New(1, histogramMax, 3)}
}

// record counts one latency in nanoseconds. One beyond the ends counts as an end.
func (h *histogram) record(ns int64) {
	ns = min(max(ns, 1), histogramMax)
	h.max = max(h.max, ns)
	if err := h.hdr.RecordValue(ns); err != nil {
		panic("BUG: a latency within the histogram's range is refused: " + err.Error())
	}
}

// add counts what another one has counted.
func (h *histogram) add(other *histogram) {
	h.hdr.Merge(other.hdr)
	h.max = max(h.max, other.max)
}

func (h *histogram) count() uint64 { return uint64(h.hdr.TotalCount()) }

// Latency is the distribution of how long operations took. Percentiles are the least time within which so many of a
// hundred were answered, to three digits; Max is exact.
type Latency struct {
	Mean, P50, P90, P99, P999, Max time.Duration
}

// latency is what a histogram shows; all zero for one that is empty.
func (h *histogram) latency() Latency {
	if h.count() == 0 {
		return Latency{}
	}
	at := func(percent float64) time.Duration {
		return time.Duration(min(h.hdr.ValueAtQuantile(percent), h.max)) // the value is the end of its bucket
	}
	return Latency{Mean: time.Duration(h.hdr.Mean()), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(h.max)}
}
