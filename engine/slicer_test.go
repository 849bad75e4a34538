package engine

import (
	"testing"
	"time"
)

// Who waits for the lock gets it after the step under way, however much time the slice has left, if that step has taken the least
// that a slice lasts.
func TestASliceEndsWhenSomebodyWaitsForTheLock(t *testing.T) {
	var e Engine
	e.mu.init()
	s := slicer{engine: &e, mu: &e.mu, turns: turns{serving: time.Hour, alone: time.Hour}}
	got := make(chan bool)
	steps := 0
	more := s.next(func() bool {
		if steps++; steps == 1 {
			go func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				got <- true
			}()
		}
		for !e.mu.wanted() {
			time.Sleep(10 * time.Microsecond)
		}
		time.Sleep(leastSlice)
		return true
	})
	if !<-got || !more || steps != 1 {
		t.Errorf("%d steps while somebody waited, more: %v", steps, more)
	}
	if e.mu.Lock(); e.mu.wanted() {
		t.Error("somebody is said to wait, and nobody does")
	}
	e.mu.Unlock()
}

// One who has the lock already is not told of others, who cannot have it anyhow.
func TestASliceOfOneWhoHasTheLockGoesOn(t *testing.T) {
	var e Engine
	e.mu.init()
	e.mu.waiting.Store(1)
	s := slicer{engine: &e, mu: unlocked{}, turns: turns{serving: time.Hour, alone: time.Hour}}
	steps := 0
	if s.next(func() bool { steps++; return steps < 10 }) || steps != 10 {
		t.Errorf("%d steps of 10", steps)
	}
}

// The more commands there are, the longer work in the background rests between two slices, within bounds.
func TestWorkRestsLongerTheMoreThereIsToServe(t *testing.T) {
	at := turns{pause: 200 * time.Microsecond, each: commandTime}
	for commands, want := range map[int64]time.Duration{0: at.pause, 10: at.pause + 10*commandTime, 1_000_000: longestPause} {
		if got := at.rest(commands); got != want {
			t.Errorf("a rest of %v after %d commands, want %v", got, commands, want)
		}
	}
	if got := (turns{pause: time.Second, each: time.Second}).rest(1); got != time.Second {
		t.Errorf("a rest of %v, want a second: the bound is for what comes on top", got)
	}
	e := &Engine{}
	s := slicer{engine: e, mu: unlocked{}}
	e.stats.commands = 7
	s.serving()
	e.stats.commands = 12
	if s.serving(); s.lately != 5 {
		t.Errorf("%d commands between two slices, want 5", s.lately)
	}
}

// The clockwork rests for as long as it likes to only while there are clients.
func TestTheClockworkRestsWhileClientsAreServed(t *testing.T) {
	var p pace
	const took = 100 * time.Microsecond
	for _, step := range []struct {
		served int64
		wanted bool
		rest   time.Duration
	}{
		{0, false, 0},
		{0, true, restPerSlice * took},
		{4, false, restPerSlice*took + 4*commandTime},
		{4, false, 0},
		{1_000_000, false, longestPause},
	} {
		if p.follow(step.served, step.wanted, took); p.rest != step.rest {
			t.Errorf("%d served, lock wanted %v: a rest of %v, want %v", step.served, step.wanted, p.rest, step.rest)
		}
	}
}
