package engine

import (
	"sync"
	"time"

	"holdfast/internal/nice"
)

// slicer does work that wants the lock and goes on for longer than others may be kept from it: in slices, which end early when
// somebody waits for the lock, and while clients are being served with a pause behind each. Without it the next slice would
// have the lock again before anybody who waits for it had woken up.
type slicer struct {
	engine *Engine
	mu     locker
	turns  turns
	took   func(time.Duration) // is told how long each slice took, under the lock; nil: nobody
	served int64               // commands, as of the last slice
	lately int64               // commands between the last two
	busyAt time.Time           // of the last slice that found more of them
}

// locker is the engine's lock, or unlocked.
type locker interface {
	sync.Locker
	wanted() bool
}

// leastSlice is how long a slice goes on though somebody waits: steps may be so small that more would go into giving way than
// into the work.
const leastSlice = 20 * time.Microsecond

// busyFor is how long clients count as being served after a command: the next one may be on its way. Those that come more
// seldom can wait for a slice, and who only asks for INFO now and then must not slow down what it tells of.
const busyFor = 3 * time.Millisecond

// turns are how long a slice may hold the lock, and the pause behind it.
type turns struct {
	serving, pause time.Duration // while clients are being served
	each           time.Duration // further pause for each command since the last slice, up to longestPause in all
	alone          time.Duration // while none are
}

const (
	// commandTime is about what a command takes of the machine, with the client's part in it.
	commandTime = 15 * time.Microsecond
	// longestPause is of a server that does nothing but serve.
	longestPause = 2 * time.Millisecond
)

// rest is how long the pause is to be after so many commands.
func (t turns) rest(commands int64) time.Duration {
	return max(t.pause, min(t.pause+time.Duration(commands)*t.each, longestPause))
}

// sliceOfCheckpoint is how long one may hold the lock for a checkpoint, and pause behind that.
const sliceOfCheckpoint = 100 * time.Microsecond

// checkpointSlicer is for the work of a checkpoint, whose longest slice INFO tells.
func (e *Engine) checkpointSlicer(mu locker) slicer {
	last := &e.checkpoints.last
	return slicer{
		engine: e, mu: mu,
		turns: turns{serving: sliceOfCheckpoint, pause: sliceOfCheckpoint, alone: sliceOfCheckpoint},
		took: func(took time.Duration) {
			last.slice = max(last.slice, took)
			e.spiked("checkpoint", took, e.o.Clock().UnixMilli())
		},
	}
}

// next calls step under the lock, again and again for a slice of time, and reports whether there is more to do.
func (s *slicer) next(step func() (more bool)) bool {
	more, busy := s.slice(step)
	if more && busy {
		nice.Pause(s.turns.rest(s.lately))
	}
	return more
}

func (s *slicer) slice(step func() (more bool)) (more, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, limit := time.Now(), s.turns.alone
	if busy = s.serving(); busy {
		limit = s.turns.serving
	}
	for more = true; more && time.Since(start) < limit; {
		more = step()
		if s.mu.wanted() {
			busy = true // were it not for us, whoever waits would have been served
			limit = min(limit, leastSlice)
		}
	}
	if s.took != nil {
		s.took(time.Since(start))
	}
	return more, busy
}

// serving reports, under the lock, whether clients are being served.
func (s *slicer) serving() bool {
	served := s.engine.stats.commands
	s.lately, s.served = served-s.served, served
	if s.lately > 0 {
		s.busyAt = time.Now()
		return true
	}
	return time.Since(s.busyAt) < busyFor
}
