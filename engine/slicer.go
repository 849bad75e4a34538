package engine

import (
	"sync"
	"time"

	"holdfast/internal/nice"
)

// slicer does work that wants the lock and goes on for longer than others may be kept from it.
type slicer struct {
	engine *Engine
	mu     sync.Locker
	served int64 // commands, as of the last slice
}

const (
	// sliceTarget is how long one slice of a checkpoint may hold the lock.
	sliceTarget = 100 * time.Microsecond
	// slicePause follows a slice while clients are being served. Without it the next slice would have the lock again before
	// anybody who waits for it had woken up.
	slicePause = 100 * time.Microsecond
)

// next calls step under the lock, again and again for a slice of time, and reports whether there is more to do.
func (s *slicer) next(step func() (more bool)) bool {
	more, busy := s.slice(step)
	if more && busy {
		nice.Pause(slicePause)
	}
	return more
}

func (s *slicer) slice(step func() (more bool)) (more, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, start := s.engine, time.Now()
	for more = true; more && time.Since(start) < sliceTarget; {
		more = step()
	}
	took := time.Since(start)
	e.checkpoints.last.slice = max(e.checkpoints.last.slice, took)
	e.spiked("checkpoint", took, e.o.Clock().UnixMilli())
	busy = e.stats.commands != s.served
	s.served = e.stats.commands
	return more, busy
}
