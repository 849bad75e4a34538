package engine

import (
	"testing"

	"holdfast/internal/vfs"
)

// What a start has replayed makes a quiet server write a checkpoint, but only once the keys are in memory.
func TestCheckpointOfAStartsTailWaitsForHydration(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "")
	s.expect("+OK", "SET", "key", "value")
	e := s.e
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func(lsn uint64) { e.checkpoints.lsn, e.hydration.running = lsn, false }(e.checkpoints.lsn)
	e.checkpoints.lsn = e.lsn - replayQuiet - 1
	for _, hydrating := range []bool{true, false} {
		e.hydration.running = hydrating
		if due := e.dueForCheckpoint(s.clock.Load()); due == hydrating {
			t.Errorf("hydrating %v, checkpoint due %v", hydrating, due)
		}
	}
}
