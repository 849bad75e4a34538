package load

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/internal/proc"
)

func aReport() Report {
	o := Defaults()
	o.Workload, o.Rate = Workload{Name: "get=1,set=1"}, 1000
	l := Latency{Mean: 150 * time.Microsecond, P50: 100 * time.Microsecond, P90: 200 * time.Microsecond, P99: time.Millisecond, P999: 2 * time.Millisecond, Max: 1234567}
	return Report{
		Options: o,
		Phase: Phase{
			Name: "measured", Seconds: 2, Operations: 2000, Requests: 2000, Rate: 1000, Latency: l, SentLate: Latency{P50: time.Microsecond},
			Kinds: []Kind{{"get", 1200, l}, {"set", 800, l}}, Misses: 3,
		},
		Server: &Usage{CPUus: 3.14159, Reads: 1, Writes: 0.5, Waits: 0.25, Anon: 1 << 20, File: 1 << 19},
	}
}

func TestReportForPeople(t *testing.T) {
	const want = `127.0.0.1:6379: get=1,set=1; 1000 operations a second, 50 connections, pipeline 1, 100000 keys (uniform), values of 64 bytes
2000 operations (2000 requests) in 2.00 s: 1000 operations a second

  latency, ms  operations   mean    p50    p90    p99  p99.9    max
          get        1200  0.150  0.100  0.200  1.000  2.000  1.235
          set         800  0.150  0.100  0.200  1.000  2.000  1.235
          all        2000  0.150  0.100  0.200  1.000  2.000  1.235

of these, the generator's own delay: p50 0.001, p99 0.000, p99.9 0.000, max 0.000

3 replies say that there is no such key

server, per request: 3.14 µs CPU, 1.00 reads, 0.50 writes, 0.250 waits, 0.000 preemptions
server, memory: 1.0 MiB anonymous, 0.5 MiB of mapped files
(reads and writes: calls of these two families as /proc/PID/io counts them; others, such as epoll_wait and fsync, are not counted)
`
	var out bytes.Buffer
	if err := aReport().WriteTable(&out); err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}

func TestReportForPrograms(t *testing.T) {
	var out bytes.Buffer
	if err := aReport().WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rate       float64
		RateWanted *float64 `json:"rate_wanted"`
		Latency    struct {
			P999 float64 `json:"p999_us"`
			Max  float64 `json:"max_us"`
		}
		Kinds  []struct{ Name string }
		Server struct {
			CPU float64 `json:"cpu_us_per_request"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%v: %s", err, out.String())
	}
	if got.Rate != 1000 || *got.RateWanted != 1000 || got.Latency.P999 != 2000 || got.Latency.Max != 1234.567 || got.Kinds[1].Name != "set" || got.Server.CPU != 3.14159 {
		t.Errorf("%s", out.String())
	}
}

func TestFault(t *testing.T) {
	if err := aReport().Fault(); err != nil {
		t.Error(err)
	}
	if err := (Report{}).Fault(); err == nil {
		t.Error("nothing was measured, and that is fine")
	}
}

func TestUsed(t *testing.T) {
	before := Sample{CPU: time.Second, Calls: proc.Calls{Reads: 100, Writes: 100, Waits: 50, Preempted: 9}}
	after := Sample{CPU: 3 * time.Second, Anon: 7, File: 8, Calls: proc.Calls{Reads: 300, Writes: 200, Waits: 40, Preempted: 9}}
	if got, want := Used(before, after, 100), (Usage{CPUus: 20_000, Reads: 2, Writes: 1, Waits: -0.1, Anon: 7, File: 8}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	s, err := Look(os.Getpid())
	if err != nil || s.Anon <= 0 || s.Calls.Reads == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Look(1 << 30); err == nil {
		t.Error("a process that cannot exist is looked at")
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "16": 16, "1k": 1024, "64K": 65536, "1m": 1 << 20} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "k", "x", "-1", "1.5k", "1kb", "9223372036854775807m"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q is %d bytes", text, got)
		}
	}
}
