// Package histogram counts numbers by their size, such as latencies in nanoseconds.
//
// The buckets are those of HDR histograms: each octave is divided into sixteen, so that what is read differs from what was
// added by a sixteenth at most; numbers below 32 are exact.
//
//	0 1 2 … 15 | 16 17 … 31 | 32 34 … 62 | 64 68 … 124 | …
//
// Adding is two additions in memory and takes no lock, and so does reading, which may see some of what is added meanwhile.
package histogram

import (
	"math"
	"math/bits"
	"sync/atomic"
)

const (
	// parts is how many buckets an octave has.
	parts    = 1 << partBits
	partBits = 4
	// octaves above the first numbers; 2^40 ns are 18 minutes, and whatever is more counts as that.
	octaves = 36
	buckets = parts * (octaves + 1)
)

// Histogram counts numbers. The zero value is empty and ready; it must not be copied.
type Histogram struct {
	counts [buckets]atomic.Int64
	sum    atomic.Int64
}

// Add counts n, which is negative for none, so many times.
func (h *Histogram) Add(n, times int64) {
	n = max(n, 0)
	h.counts[bucket(n)].Add(times)
	h.sum.Add(n * times)
}

// Sum is what all numbers come to, exactly.
func (h *Histogram) Sum() int64 { return h.sum.Load() }

// Count is how many numbers there are.
func (h *Histogram) Count() int64 { return h.Below(math.MaxInt64) }

// Below is how many numbers are less than bound. It is exact where bound is a power of two or below 32, and else counts those in
// bound's bucket too.
func (h *Histogram) Below(bound int64) (count int64) {
	for i := range h.counts {
		if least(i) >= bound {
			break
		}
		count += h.counts[i].Load()
	}
	return count
}

// Quantile is the number that a share of all, from 0 to 1, do not exceed: the greatest of its bucket, as HDR histograms have it.
// It is 0 where there are none.
func (h *Histogram) Quantile(share float64) int64 {
	total := h.Count()
	if total == 0 {
		return 0
	}
	wanted := max(int64(math.Ceil(share*float64(total))), 1)
	var count int64
	for i := range h.counts {
		if count += h.counts[i].Load(); count >= wanted {
			return least(i+1) - 1
		}
	}
	return least(buckets) - 1 // more has been added, and taken for the wanted ones
}

// bucket is where n is counted.
func bucket(n int64) int {
	if n < parts {
		return int(n)
	}
	octave := bits.Len64(uint64(n)) - partBits // 1 for 16 to 31
	return min(octave*parts+int(n>>(octave-1))-parts, buckets-1)
}

// least is the least number that a bucket counts.
func least(bucket int) int64 {
	if bucket < parts {
		return int64(bucket)
	}
	return int64(parts+bucket%parts) << (bucket/parts - 1)
}
