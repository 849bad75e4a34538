package engine_test

import (
	"strings"
	"testing"
)

// Of a quick command one call in 16 is timed, and stands for all: calls and times agree, however they come.
func TestLatenciesStandForAllCalls(t *testing.T) {
	r, w := hot(t)
	for range 20 {
		for _, n := range []int{1, 7, 16} {
			w.Reset()
			r.engine.Run(&r.user.Client, w, batch("GET key:7", n))
		}
		w.Reset()
		r.engine.Run(&r.user.Client, w, batch("GETRANGE key:7 0 3", 5))
	}
	r.engine.Do(func() {
		for name, calls := range map[string]int64{"get": 480, "getrange": 100} {
			s := r.engine.World().Table.Lookup([]byte(name)).Stats
			if s.Calls != calls || s.Latency.Count() > calls || s.Latency.Count() <= calls-16 || s.Time <= 0 {
				t.Errorf("%s: %d calls, %d of them timed, %v in all", name, s.Calls, s.Latency.Count(), s.Time)
			}
			if name == "getrange" && s.Latency.Count() != calls {
				t.Errorf("%s is not quick, and %d calls of %d are timed", name, s.Latency.Count(), calls)
			}
		}
	})
}

// What a slow call is remembered by, and that the calls around it in its batch are not. It is slower by far than what a busy machine
// makes of the others.
func TestSlowCallsAreRemembered(t *testing.T) {
	r, w := hot(t, "enable-debug-command", "yes", "latency-monitor-threshold", "200", "slowlog-log-slower-than", "200000")
	requests := batch("GET key:7", 20)
	requests[11] = words("DEBUG SLEEP 0.25")
	r.engine.Run(&r.user.Client, w, requests)
	for line, want := range map[string]string{"SLOWLOG LEN": ":1", "LATENCY HISTORY fast-command": "*0"} {
		if got := r.do(line); got != want {
			t.Errorf("%s replied %s", line, got)
		}
	}
	if got := r.do("SLOWLOG GET"); !strings.Contains(got, "DEBUG") || strings.Contains(got, "key:7") {
		t.Errorf("SLOWLOG has %s", got)
	}
	if got := r.do("LATENCY LATEST"); !strings.Contains(got, "command") {
		t.Errorf("LATENCY LATEST has %s", got)
	}
	r.do("CONFIG SET slowlog-log-slower-than 0")
	r.do("SLOWLOG RESET")
	w.Reset()
	r.engine.Run(&r.user.Client, w, batch("GET key:7", 20))
	if got := r.do("SLOWLOG LEN"); got != ":21" { // and RESET itself
		t.Errorf("of 20 calls and one SLOWLOG has %s", got)
	}
}

// BenchmarkStopwatch is what timing costs: compare GET with its share of BenchmarkRun's, and with latency-tracking off.
func BenchmarkStopwatch(b *testing.B) {
	for _, x := range []struct{ name, line, setting, value string }{
		{"as it is", "GET key:7", "latency-tracking", "yes"},
		{"no histograms", "GET key:7", "latency-tracking", "no"},
		{"every call", "GET key:7", "slowlog-log-slower-than", "100"},
		{"not quick", "GETRANGE key:7 0 3", "latency-tracking", "yes"},
	} {
		for _, n := range []int{1, 16} {
			b.Run(x.name+map[int]string{1: "/batch=1", 16: "/batch=16"}[n], func(b *testing.B) {
				r, w := hot(b, x.setting, x.value)
				requests := batch(x.line, n)
				b.ReportAllocs()
				for b.Loop() {
					w.Reset()
					r.engine.Run(&r.user.Client, w, requests)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/request")
			})
		}
	}
}
