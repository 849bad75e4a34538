package snapshot

import (
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// readers counts who reads, so that the pages of an older state are not written over under them. bbolt does that for pages
// which its own commits free; this is for those of ours (exchange.go).
type readers struct {
	epoch atomic.Uint64
	open  [2]atomic.Int64 // of even and of odd epochs
}

// enter begins a reading, which leave ends.
func (r *readers) enter() (epoch uint64) {
	for {
		epoch = r.epoch.Load()
		r.open[epoch&1].Add(1)
		if r.epoch.Load() == epoch {
			return epoch
		}
		r.open[epoch&1].Add(-1) // the next epoch has begun, and nobody need wait for us
	}
}

func (r *readers) leave(epoch uint64) { r.open[epoch&1].Add(-1) }

// outlast returns when everybody has left who entered before. One goroutine at a time may call it; those who enter
// meanwhile do not wait.
func (r *readers) outlast() {
	const look = 50 * time.Microsecond
	before := r.epoch.Add(1) - 1
	for r.open[before&1].Load() != 0 {
		time.Sleep(look)
	}
}

// reading is a read transaction of a base.
type reading struct {
	*bbolt.Tx
	of    *readers
	epoch uint64
}
