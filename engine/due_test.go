package engine

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// What a start has replayed makes a quiet server write a checkpoint, but only once the keys are in memory.
func TestCheckpointOfAStartsTailWaitsForHydration(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "")
	s.expect("+OK", "SET", "key", "value")
	s.close()
	s = openShelf(t, vfs.OS(), s.dir, newClock(), "save", "")
	if n := s.figures().Changes; n != 1 {
		t.Errorf("the start counts %d changes that the base has not", n)
	}
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

// A checkpoint that failed is tried again after a pause, and not as often as a rule finds it due.
func TestAFailedCheckpointIsTriedAgainAfterAPause(t *testing.T) {
	dir := t.TempDir()
	fsys := vfs.NewFaulty(dir, 1)
	s := openShelf(t, fsys, dir, newClock(), "save", "1 1")
	s.advance(time.Second)
	s.write(1, 0)
	s.save()
	good := s.clock.Load()
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if strings.HasPrefix(filepath.Base(path), BaseName) {
			return syscall.EIO
		}
		return nil
	})
	s.advance(time.Second)
	s.write(1, 0)
	if err := s.e.checkpointNow(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the checkpoint said %v", err)
	}
	if f := s.figures(); f.LastSaveOK || f.LastSave != good || f.Changes != 1 {
		t.Errorf("the last save is said to be of %d, and fine: %v, with %d changes since", f.LastSave, f.LastSaveOK, f.Changes)
	}
	failures := func() int {
		s.e.mu.Lock()
		idle := s.e.checkpoints.idle
		s.e.mu.Unlock()
		<-idle
		return s.log.count("the checkpoint failed")
	}
	for later, tries := range map[int64]int{0: 0, retryAfter.Milliseconds() - 1: 0, retryAfter.Milliseconds(): 1} {
		before := failures()
		s.e.considerCheckpoint(s.clock.Load() + later)
		if n := failures() - before; n != tries {
			t.Errorf("%d ms behind a failure there were %d tries, want %d", later, n, tries)
		}
	}
	fsys.Intercept(nil)
}
