package dict

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

const million = 1_000_000

func names(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "member:%09d", i)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

func filled(keys [][]byte, value []byte) *Dict {
	d := New(Seed{1})
	for _, key := range keys {
		d.Set(key, value)
	}
	return d
}

func BenchmarkGetOf1M(b *testing.B) {
	for name, value := range map[string][]byte{"set": nil, "hash": []byte("0123456789")} {
		keys := names(million)
		d := filled(keys, value)
		rand.New(rand.NewPCG(2, 2)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, ok := d.Get(keys[i%million]); !ok {
					b.Fatal("missing")
				}
				i++
			}
		})
	}
}

func BenchmarkGetOf1k(b *testing.B) {
	keys := names(1000)
	d := filled(keys, nil)
	i := 0
	for b.Loop() {
		d.Get(keys[i%1000])
		i++
	}
}

// BenchmarkSetOf1M adds a million keys to an empty Dict.
func BenchmarkSetOf1M(b *testing.B) {
	keys := names(million)
	b.ReportAllocs()
	for b.Loop() {
		filled(keys, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/million, "ns/key")
}

func BenchmarkReplaceOf1M(b *testing.B) {
	keys := names(million)
	d := filled(keys, []byte("0123456789"))
	i := 0
	for b.Loop() {
		d.Set(keys[i%million], []byte("9876543210"))
		i++
	}
}

// BenchmarkSetAndDeleteOf1M replaces a key by another at each step.
func BenchmarkSetAndDeleteOf1M(b *testing.B) {
	keys := names(2 * million)
	d := filled(keys[:million], nil)
	i := 0
	for b.Loop() {
		d.Set(keys[(i+million)%(2*million)], nil)
		d.Delete(keys[i%(2*million)])
		i++
	}
}

func BenchmarkRandomOf1M(b *testing.B) {
	d, rng := filled(names(million), nil), rand.New(rand.NewPCG(3, 3))
	for b.Loop() {
		d.Random(rng)
	}
}

func BenchmarkScanOf1M(b *testing.B) {
	d, n := filled(names(million), nil), 0
	for b.Loop() {
		for cursor := uint64(0); ; {
			if cursor = d.Scan(cursor, func([]byte, []byte) { n++ }); cursor == 0 {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/key")
}

func BenchmarkAllOf1M(b *testing.B) {
	d, n := filled(names(million), nil), 0
	for b.Loop() {
		for range d.All() {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/key")
}

func BenchmarkCheckpointOfOneChangeTo1M(b *testing.B) {
	keys := names(million)
	d := filled(keys, []byte("0"))
	d.MarkClean()
	i := 0
	for b.Loop() {
		d.Set(keys[i%million], []byte("1"))
		if err := d.Parts(true, func(uint64, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
		d.DroppedParts(func(uint64) {})
		d.MarkClean()
		i++
	}
}

// BenchmarkMemory measures what a key takes beyond its own bytes and its value's: of the heap itself, and as Bytes says.
func BenchmarkMemory(b *testing.B) {
	for _, c := range []struct {
		name  string
		value []byte
	}{{"set", nil}, {"hash", []byte("0123456789")}, {"100", make([]byte, 100)}} {
		for _, n := range []int{1000, million, million * 3 / 2} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				keys := names(n)
				before := heap()
				d := filled(keys, c.value)
				held := heap() - before
				for b.Loop() {
					d.Len()
				}
				own := float64(len(keys[0]) + len(c.value))
				b.ReportMetric(float64(held)/float64(n)-own, "heap-B/key")
				b.ReportMetric(float64(d.Bytes())/float64(n)-own, "Bytes/key")
				runtime.KeepAlive(keys)
			})
		}
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
