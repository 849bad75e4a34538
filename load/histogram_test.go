package load

import (
	"math"
	"testing"
	"time"
)

func TestHistogramOfKnownInput(t *testing.T) {
	h := newHistogram()
	for us := int64(1); us <= 10_000; us++ {
		h.record(us * 1000)
	}
	got := h.latency()
	for name, c := range map[string]struct{ got, want time.Duration }{
		"mean":  {got.Mean, 5000500 * time.Nanosecond},
		"p50":   {got.P50, 5000 * time.Microsecond},
		"p90":   {got.P90, 9000 * time.Microsecond},
		"p99":   {got.P99, 9900 * time.Microsecond},
		"p99.9": {got.P999, 9990 * time.Microsecond},
	} {
		if off := math.Abs(float64(c.got-c.want)) / float64(c.want); off > 0.001 {
			t.Errorf("%s is %v, want %v to three digits", name, c.got, c.want)
		}
	}
	if got.Max != 10*time.Millisecond || h.count() != 10_000 {
		t.Errorf("max %v of %d", got.Max, h.count())
	}
}

func TestHistogramsAddUp(t *testing.T) {
	a, b := newHistogram(), newHistogram()
	for range 99 {
		a.record(1000)
	}
	b.record(int64(2 * time.Hour)) // counts as the longest there is
	a.add(b)
	if got := a.latency(); a.count() != 100 || got.P99 > 1001 || got.P999 != time.Hour || got.Max != time.Hour {
		t.Errorf("%d: %+v", a.count(), got)
	}
	if got := newHistogram().latency(); got != (Latency{}) {
		t.Errorf("nothing has a latency: %+v", got)
	}
}
