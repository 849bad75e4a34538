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

// Times that no clock counts to mean never, and not that they are over.
func TestTheLongestTimes(t *testing.T) {
	t.Parallel()
	const longest = "9223372036854775807"
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", longest+" 1", "latency-monitor-threshold", longest,
		"busy-reply-threshold", longest, "slowlog-log-slower-than", "0")
	s.expect("+OK", "SET", "key", "value")
	s.expect(":1", "EVAL", "for i = 1, 3e5 do end return 1", "0")
	if n := s.log.count("a script takes long"); n > 0 {
		t.Error("a script is said to take long")
	}
	s.expect("*0", "LATENCY", "LATEST")
	s.e.Do(func() {
		if s.e.dueForCheckpoint(s.clock.Load()) {
			t.Error("a checkpoint is due")
		}
	})
}
