package lists

import (
	"runtime"
	"testing"
)

var ten = []byte("0123456789")

func million() *List {
	l := New()
	for range 1_000_000 {
		l.PushBack(ten)
	}
	return l
}

func BenchmarkPushBack(b *testing.B) {
	l := New()
	b.ReportAllocs()
	for b.Loop() {
		l.PushBack(ten)
	}
}

func BenchmarkPushFront(b *testing.B) {
	l := New()
	b.ReportAllocs()
	for b.Loop() {
		l.PushFront(ten)
	}
}

// BenchmarkQueue pushes at one end and pops at the other.
func BenchmarkQueue(b *testing.B) {
	for name, length := range map[string]int{"10": 10, "680": 680, "1M": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			l := New()
			for range length {
				l.PushBack(ten)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.PushFront(ten)
				l.PopBack()
			}
		})
	}
}

// BenchmarkPopOf1M pops elements from a list that is refilled when empty, with the clock stopped.
func BenchmarkPopOf1M(b *testing.B) {
	full := million()
	for name, pop := range map[string]func(*List) ([]byte, bool){"front": (*List).PopFront, "back": (*List).PopBack} {
		b.Run(name, func(b *testing.B) {
			l := full.Clone()
			for b.Loop() {
				if _, ok := pop(l); !ok {
					b.StopTimer()
					l = full.Clone()
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkRange100(b *testing.B) {
	l := million()
	for name, start := range map[string]int{"head": 0, "middle": 500_000} {
		b.Run(name, func(b *testing.B) {
			total := 0
			for b.Loop() {
				l.Range(start, start+99, func(e []byte) bool { total += len(e); return true })
			}
		})
	}
}

func BenchmarkIndexMiddleOf1M(b *testing.B) {
	l := million()
	for b.Loop() {
		l.Index(500_000)
	}
}

func BenchmarkInsertMiddleOf10k(b *testing.B) {
	l := New()
	for range 5000 {
		l.PushFront(ten)
		l.PushBack(ten)
	}
	l.Set(5000, []byte("pivot"))
	for b.Loop() {
		l.Insert([]byte("pivot"), ten, true)
		l.PopBack()
	}
}

func BenchmarkCheckpointOfOnePushTo1M(b *testing.B) {
	l := million()
	l.MarkClean()
	for b.Loop() {
		l.PushFront(ten)
		if err := l.Parts(true, func(uint64, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
		l.DroppedParts(func(uint64) {})
		l.MarkClean()
	}
}

// BenchmarkMemory measures the heap itself, beside what Bytes says.
func BenchmarkMemory(b *testing.B) {
	b.Run("1M", func(b *testing.B) {
		before := heap()
		l := million()
		held := heap() - before
		for b.Loop() {
			l.Len()
		}
		b.ReportMetric(float64(held)/1e6, "heap-B/element")
		b.ReportMetric(float64(l.Bytes())/1e6, "Bytes/element")
	})
	b.Run("one", func(b *testing.B) {
		small := make([]*List, 100_000)
		before := heap()
		for i := range small {
			small[i] = New()
			small[i].PushBack(ten)
		}
		held := heap() - before
		for b.Loop() {
			small[0].Len()
		}
		b.ReportMetric(float64(held)/float64(len(small)), "heap-B/list")
		b.ReportMetric(float64(small[0].Bytes()), "Bytes/list")
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
