package zsets

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// members are n of 16 bytes.
func members(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = fmt.Appendf(nil, "member:%09d", i)
	}
	return all
}

// scored is a set of the members with scores by chance, or rising.
func scored(members [][]byte, chance bool) *Set {
	rng := rand.New(rand.NewPCG(1, 1))
	z := New()
	for i, m := range members {
		score := float64(i)
		if chance {
			score = float64(rng.IntN(len(members)))
		}
		z.Put(m, score, limit(128, 64))
	}
	return z
}

func BenchmarkPut(b *testing.B) {
	for _, n := range []int{100, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := members(n)
			z, rng := scored(all, true), rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				z.Put(all[rng.IntN(n)], float64(rng.IntN(n)), limit(128, 64))
			}
		})
	}
}

func BenchmarkFill1M(b *testing.B) {
	all := members(1_000_000)
	for name, chance := range map[string]bool{"random": true, "rising": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				scored(all, chance)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/element")
		})
	}
}

func BenchmarkReads(b *testing.B) {
	const n = 1_000_000
	all := members(n)
	z, rng := scored(all, true), rand.New(rand.NewPCG(1, 2))
	b.Run("score", func(b *testing.B) {
		for b.Loop() {
			z.Score(all[rng.IntN(n)])
		}
	})
	b.Run("rank", func(b *testing.B) {
		for b.Loop() {
			z.Rank(all[rng.IntN(n)])
		}
	})
	b.Run("by score", func(b *testing.B) {
		for b.Loop() {
			min := float64(rng.IntN(n))
			z.ByScore(ScoreRange{Min: min, Max: min + 100})
		}
	})
	for name, walk := range map[string]func(lo, hi int){
		"range of 100": func(lo, hi int) {
			for range z.Range(lo, hi) {
			}
		},
		"backward over 100": func(lo, hi int) {
			for range z.Backward(lo, hi) {
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				lo := rng.IntN(n)
				walk(lo, lo+100)
			}
		})
	}
}

func BenchmarkPopMin(b *testing.B) {
	full := scored(members(1_000_000), true)
	z := full.Clone()
	for b.Loop() {
		if z.Len() == 0 {
			b.StopTimer()
			z = full.Clone()
			b.StartTimer()
		}
		z.RemoveRange(0, 1)
	}
}

// BenchmarkLoad1M rebuilds a set from its parts, as a start does.
func BenchmarkLoad1M(b *testing.B) {
	z, saved := scored(members(1_000_000), true), store{}
	saved.parts = map[uint64][]byte{}
	saved.head = z.AppendHead(nil)
	var ids []uint64
	err := z.Parts(false, func(id uint64, payload []byte) error {
		ids = append(ids, id)
		saved.parts[id] = payload
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		i := -1
		_, err := FromParts(saved.head, func() (uint64, []byte, bool, error) {
			if i++; i == len(ids) {
				return 0, nil, false, nil
			}
			return ids[i], saved.parts[ids[i]], true, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory measures the heap itself, beside what Bytes says.
func BenchmarkMemory(b *testing.B) {
	for name, n := range map[string]int{"1M": 1_000_000, "200": 200, "100": 100, "1": 1} {
		b.Run(name, func(b *testing.B) {
			all := members(n)
			sets := make([]*Set, max(1, 1000_000/n/10))
			before := heap()
			for i := range sets {
				sets[i] = scored(all, true)
			}
			held := heap() - before
			for b.Loop() {
				sets[0].Len()
			}
			b.ReportMetric(float64(held)/float64(n)/float64(len(sets)), "heap-B/element")
			b.ReportMetric(float64(sets[0].Bytes())/float64(n), "Bytes/element")
			runtime.KeepAlive(sets)
			runtime.KeepAlive(all)
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found is free after the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
