package snapshot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"holdfast/internal/vfs"
)

const benchKeys = 1_000_000

func benchKey(i int) []byte { return fmt.Appendf(nil, "key:%09d", i) }

// benchBase is a base of a million keys with 80 bytes each, all of them put in a random order.
func benchBase(b *testing.B) (dir string, r Result) {
	b.Helper()
	dir = b.TempDir()
	fsys := vfs.OS()
	ch := NewChanges(fsys, dir, 64<<20)
	payload := make([]byte, 80)
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(benchKeys) {
		if err := ch.Put(1, benchKey(i), Record{Kind: 1, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
	r, err := WriteFresh(fsys, dir, "base.db", ch, Meta{LSN: 1, DBs: []DB{{Store: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	if err := ch.Discard(); err != nil {
		b.Fatal(err)
	}
	return dir, r
}

func openBench(b *testing.B, dir string) *Base {
	b.Helper()
	base, err := Open(filepath.Join(dir, "base.db"), OpenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := base.Close(); err != nil {
			b.Error(err)
		}
	})
	return base
}

// BenchmarkWriteFresh sorts and loads a million keys put in random order; keys/s is for both together, load/s
// for WriteFresh alone.
func BenchmarkWriteFresh(b *testing.B) {
	for range b.N {
		_, r := benchBase(b)
		b.ReportMetric(benchKeys/r.Duration.Seconds(), "load/s")
		b.ReportMetric(float64(r.Bytes)/benchKeys, "B/key")
	}
	b.ReportMetric(float64(b.N)*benchKeys/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkGet(b *testing.B) {
	dir, _ := benchBase(b)
	base := openBench(b, dir)
	keys := make([][]byte, 1<<16)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range keys {
		keys[i] = benchKey(rng.IntN(benchKeys))
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, ok, err := base.Get(1, keys[i&(len(keys)-1)]); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("hit by bbolt alone", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			err := base.db.View(func(tx *bbolt.Tx) error {
				if bytes.Clone(tx.Bucket(tableKeys.bucket(1)).Get(appendStored(nil, keys[i&(len(keys)-1)]))) == nil {
					b.Fatal("missing")
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		for i := range b.N {
			key := append(keys[i&(len(keys)-1)], '?')
			if _, ok, err := base.Get(1, key); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("each", func(b *testing.B) {
		for range b.N {
			n := 0
			if err := base.Each(1, nil, func([]byte, Record) error { n++; return nil }); err != nil || n != benchKeys {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.N)*benchKeys/b.Elapsed().Seconds(), "keys/s")
	})
	b.Run("fence", func(b *testing.B) {
		for range b.N {
			if err := base.read("fence", fence); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for range b.N {
			if _, err := base.Verify(nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkApply puts 50 k random keys into a million: in one transaction, and by way of a redo file.
func BenchmarkApply(b *testing.B) {
	for _, whole := range []int{1 << 30, 32 << 10} {
		b.Run(fmt.Sprintf("whole=%d", whole), func(b *testing.B) {
			dir, _ := benchBase(b)
			base := openBench(b, dir)
			base.limits.whole = whole
			base.limits.bytes = 1 << 30
			rng := rand.New(rand.NewPCG(3, 3))
			b.ResetTimer()
			for n := range b.N {
				ch := NewChanges(vfs.OS(), dir, 64<<20)
				for range 50_000 {
					if err := ch.Put(1, benchKey(rng.IntN(benchKeys)), Record{Kind: 2, Payload: make([]byte, 80)}); err != nil {
						b.Fatal(err)
					}
				}
				r, err := base.Apply(ch, Meta{LSN: uint64(n + 2), DBs: []DB{{Store: 1}}})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(r.Duration.Seconds(), "s/apply")
				b.ReportMetric(float64(r.Bytes)/(1<<20), "MiB/apply")
			}
		})
	}
}

// BenchmarkSome shows a million keys, as hydration reads them.
func BenchmarkSome(b *testing.B) {
	dir, _ := benchBase(b)
	base := openBench(b, dir)
	b.ResetTimer()
	for range b.N {
		var after []byte
		for more := true; more; {
			var err error
			more, err = base.Some(1, after, 16<<10, func(key []byte, _ Record) { after = append(after[:0], key...) })
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/key")
}
