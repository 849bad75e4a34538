package aof

import (
	"fmt"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// BenchmarkCommit appends a batch and commits it; ns/record is the cost of one record of 100 bytes.
func BenchmarkCommit(b *testing.B) {
	for _, policy := range []Policy{Always, No} {
		for _, batch := range []int{1, 50, 1000} {
			b.Run(fmt.Sprintf("%v/batch=%d", policy, batch), func(b *testing.B) {
				o := Options{FS: vfs.OS(), Dir: b.TempDir(), ID: testID, Policy: policy, Clock: time.Now}
				l, _, _ := mustRecover(b, o, 0)
				body := make([]byte, 100)
				b.ReportAllocs()
				for b.Loop() {
					for range batch {
						l.Append(0, 0, body)
					}
					if err := l.Commit(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/record")
				b.ReportMetric(float64(l.SyncTime().Microseconds()), "sync-µs")
			})
		}
	}
}

// BenchmarkScan reads a log of 100-byte records.
func BenchmarkScan(b *testing.B) {
	o := Options{FS: vfs.OS(), Dir: b.TempDir(), ID: testID, Policy: No, Clock: time.Now}
	l, _, _ := mustRecover(b, o, 0)
	const records = 200_000
	body := make([]byte, 100)
	for range records {
		l.Append(0, 0, body)
	}
	commit(b, l)
	b.SetBytes(records * RecordBytes(len(body)))
	for b.Loop() {
		found, err := Scan(o.FS, o.Dir, 0, func(Position, Record) error { return nil })
		if err != nil || found.Records != records {
			b.Fatal(found, err)
		}
	}
}
