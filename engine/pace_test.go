package engine

import (
	"fmt"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// A checkpoint pauses for clients alone, and not where somebody waits for it or it makes room.
func TestACheckpointPausesBesideAModestLoad(t *testing.T) {
	const piece, pauses = 20 * time.Millisecond, paceFactor * 20 * time.Millisecond
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "")
	serve := func(perSecond int64) {
		s.e.Do(func() {
			r := &s.e.stats.rate
			for i := range r.samples {
				r.samples[i] = perSecond
			}
		})
	}
	set := func(change func(c *checkpointer)) { s.e.Do(func() { change(&s.e.checkpoints) }) }
	set(func(c *checkpointer) { c.writing.Store(true) })
	for _, c := range []struct {
		name  string
		setup func()
		want  bool
	}{
		{"at rest", func() { serve(10) }, false},
		{"beside a modest load", func() { serve(restCommands * 2) }, true},
		{"under a flood", func() { serve(flood * 2) }, false},
		{"with somebody who waits", func() {
			serve(restCommands * 2)
			set(func(c *checkpointer) { c.waiting = append(c.waiting, func(error) {}) })
		}, false},
		{"under spill", func() {
			set(func(c *checkpointer) { c.waiting = nil })
			s.expect("+OK", "CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "spill")
		}, false},
		{"under spill without a limit", func() { s.expect("+OK", "CONFIG", "SET", "maxmemory", "0") }, true},
		{"when there is none", func() { set(func(c *checkpointer) { c.writing.Store(false) }) }, false},
	} {
		c.setup()
		began := time.Now()
		s.e.pace(piece)
		if took := time.Since(began); took >= pauses != c.want {
			t.Errorf("%s: a pause of %v", c.name, took)
		}
	}
}

// A reload has the lock while it puts what has changed into the base, also where that takes several transactions, between which other
// checkpoints pause.
func TestAReloadDoesNotPause(t *testing.T) {
	t.Parallel()
	s, err := tryShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "enable-debug-command", "yes")
	if err != nil {
		t.Fatal(err)
	}
	s.write(1, 0)
	s.save()
	const keys = 3000 // more than go in one transaction
	many := []string{"MSET"}
	for i := range keys {
		many = append(many, fmt.Sprint("key", i), "v")
	}
	s.expect("+OK", many...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.expect("+OK", "DEBUG", "RELOAD")
	}()
	select {
	case <-done:
		s.expect(fmt.Sprint(":", keys+1), "DBSIZE")
		s.close()
	case <-time.After(20 * time.Second):
		t.Fatal("DEBUG RELOAD does not come to its end")
	}
}
