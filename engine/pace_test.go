package engine

import (
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
	set(func(c *checkpointer) { c.running = true })
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
		{"when there is none", func() { set(func(c *checkpointer) { c.running = false }) }, false},
	} {
		c.setup()
		began := time.Now()
		s.e.pace(piece)
		if took := time.Since(began); took >= pauses != c.want {
			t.Errorf("%s: a pause of %v", c.name, took)
		}
	}
}
