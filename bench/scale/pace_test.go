package main

import (
	"math"
	"testing"
	"time"
)

func samplesOf(times ...time.Duration) []sample {
	var samples []sample
	for _, took := range times {
		samples = append(samples, sample{time.UnixMilli(0), took})
	}
	return samples
}

func TestP99(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[99-i] = time.Duration(i+1) * time.Microsecond
	}
	for _, c := range []struct {
		times []time.Duration
		want  float64
	}{
		{[]time.Duration{5 * time.Microsecond}, 5},
		{[]time.Duration{time.Millisecond, time.Microsecond}, 1000},
		{hundred, 99},
		{append(hundred, 101*time.Microsecond), 100},
	} {
		if got := p99(samplesOf(c.times...)); got != c.want {
			t.Errorf("p99 of %d samples is %v, want %v", len(c.times), got, c.want)
		}
	}
	if got := p99(nil); !math.IsNaN(got) {
		t.Errorf("p99 of nothing is %v", got)
	}
}

// A stall counts for every request that was due in it; our own timer's delay does not.
func TestStallsCountFromWhenARequestWasDue(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	answered := func(ms int64) []sample { return []sample{{at(0), time.Duration(ms) * time.Millisecond}} }
	for name, c := range map[string]struct {
		due, now int64
		before   []sample
		want     int64
	}{
		"the first":                             {due: 10, now: 11, want: 11},
		"in time":                               {due: 10, now: 10, before: answered(5), want: 10},
		"our timer was late":                    {due: 10, now: 12, before: answered(5), want: 12},
		"the one before was answered too late":  {due: 10, now: 30, before: answered(30), want: 10},
		"the one before was answered just then": {due: 10, now: 11, before: answered(10), want: 11},
	} {
		if got := sentAt(at(c.due), at(c.now), c.before); !got.Equal(at(c.want)) {
			t.Errorf("%s: counts from %d ms, want %d", name, got.UnixMilli(), c.want)
		}
	}
}

func TestDuring(t *testing.T) {
	var samples []sample
	for ms := range int64(10) {
		samples = append(samples, sample{from: time.UnixMilli(ms)})
	}
	if got := during(samples, time.UnixMilli(3), time.UnixMilli(5)); len(got) != 3 || !got[0].from.Equal(time.UnixMilli(3)) {
		t.Errorf("got %v", got)
	}
}
