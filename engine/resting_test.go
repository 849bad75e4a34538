package engine

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// While hydration waits for the lock, whoever has it may change the base or close it, for which every reading of it must end.
func TestHydrationReadsNothingWhileItRests(t *testing.T) {
	const patience = 10 * time.Second
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "")
	args := []string{"MSET"}
	for i := range 20_000 {
		args = append(args, fmt.Sprintf("key:%d", i), "value")
	}
	s.expect("+OK", args...)
	s.save()
	e := s.e
	h := hydrator{e: e, store: snapshot.Store(e.world.Keys.DB(0).Store()), last: []byte{}}
	h.slicer = slicer{engine: e, mu: &e.mu, turns: hydrateTurns()}
	h.generation = math.MaxUint64
	read := make(chan error)
	go func() {
		var err error
		for err == nil {
			_, err = h.read()
		}
		read <- err
	}()
	for e.mu.Lock(); h.generation == math.MaxUint64; e.mu.Lock() {
		e.mu.Unlock() // it has not begun
	}
	for begun := time.Now(); !e.mu.wanted(); {
		if time.Since(begun) > patience {
			t.Error("hydration does not want the lock")
			break
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- e.base.Load().Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("a reading of the base is open while hydration waits for the lock")
	}
	e.mu.Unlock()
	if err := <-read; !errors.Is(err, snapshot.ErrClosed) {
		t.Errorf("then hydration reads on: %v", err)
	}
}
