package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/resp"
)

// hot is an engine under policy no on the real file system, with some keys, and its client's reply buffer.
func hot(tb testing.TB, settings ...string) (*rig, *resp.Writer) {
	tb.Helper()
	r := open(tb, setup{fs: vfs.OS(), settings: append([]string{"appendfsync", "no", "segment-bytes", "64mb"}, settings...)})
	r.engine.Do(func() { r.engine.World().Events = nil })
	for i := range 1000 {
		r.do(fmt.Sprintf("SET key:%d %0100d", i, i))
	}
	return r, new(resp.Writer)
}

// batch is a command line so many times.
func batch(line string, n int) [][][]byte {
	requests := make([][][]byte, n)
	for i := range requests {
		requests[i] = words(line)
	}
	return requests
}

// BenchmarkRun is what a batch of requests costs under the lock, its record and its commit included, by command.
func BenchmarkRun(b *testing.B) {
	for _, line := range []string{"GET key:7", "SET key:7 " + fmt.Sprintf("%0100d", 7), "INCR counter", "LPUSH list element"} {
		for _, n := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/batch=%d", words(line)[0], n), func(b *testing.B) {
				r, w := hot(b)
				requests := batch(line, n)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					w.Reset()
					if done, _ := r.engine.Run(&r.user.Client, w, requests); done != n {
						b.Fatal("a request was not taken")
					}
					if err := r.engine.Commit(); err != nil {
						b.Fatal(err)
					}
					if i%1000 == 999 { // so that lists do not grow without end
						b.StopTimer()
						r.do("DEL list")
						b.StartTimer()
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/request")
			})
		}
	}
}

// BenchmarkCollections is what a batch of 16 requests to one large collection costs, as BenchmarkRun is of small ones: of
// members among 100,000, and of a stream that grows.
func BenchmarkCollections(b *testing.B) {
	const size, batches = 16, 4096
	for name, lines := range map[string][]string{
		"SADD": {"SADD set %012d"},
		"SPOP": {"SADD set %012d", "SADD set %012d", "SPOP set"},
		"HSET": {"HSET hash %012d xxx"},
		"ZADD": {"ZADD zset %[1]d %012[1]d"},
		"XADD": {"XADD stream * field xxx"},
	} {
		b.Run(name, func(b *testing.B) {
			r, w := hot(b)
			rng := rand.New(rand.NewPCG(1, 1))
			requests := make([][][]byte, 0, batches*size)
			for i := range cap(requests) {
				line := lines[i%len(lines)]
				if strings.Contains(line, "%") {
					line = fmt.Sprintf(line, rng.IntN(100_000))
				}
				requests = append(requests, words(line))
			}
			run := func(i int) {
				w.Reset()
				at := i % batches * size
				r.engine.Run(&r.user.Client, w, requests[at:at+size])
				if err := r.engine.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			for i := range 4 * batches {
				run(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				run(i)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/request")
		})
	}
}

// A read of a key in memory allocates nothing, and neither do the commonest writes.
func TestAllocations(t *testing.T) {
	r, w := hot(t)
	for line, most := range map[string]float64{
		"GET key:7": 0, "EXISTS key:7": 0, "TTL key:7": 0, "STRLEN key:7": 0, "GET missing": 0, "PING": 0,
		"SET key:7 " + fmt.Sprintf("%0100d", 8): 0, "INCR counter": 0,
		"SET key:8 " + strings.Repeat("x", 10_000): 1,
		"SET key:7 value EX 1000":                  0, "EXPIRE key:7 1000": 0, "XADD stream MAXLEN 10 * field value": 0.2,
	} {
		requests := batch(line, 16)
		run := func() {
			w.Reset()
			r.engine.Run(&r.user.Client, w, requests)
			if err := r.engine.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		run()
		// The count is the whole process's: the base is opened and guarded on threads of its own meanwhile. What a command
		// allocates, it allocates in each round.
		got := math.Inf(1)
		for range 5 {
			got = min(got, testing.AllocsPerRun(50, run)/16)
		}
		if got > most {
			t.Errorf("%.10s…: %.2f allocations, not %.0f", line, got, most)
		}
	}
}
