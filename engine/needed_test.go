package engine

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/internal/vfs"
)

// While keys are on their way from the base, their memory is needed, as far as maxmemory lets them come.
func TestNeededMemoryIsWhatHydrationBrings(t *testing.T) {
	const keys, total = 3000, 1 << 20
	dir, fs := t.TempDir(), vfs.OS()
	s := openShelf(t, fs, dir, newClock(), "save", "")
	for i := range keys {
		s.expect("+OK", "SET", fmt.Sprint("key ", i), fmt.Sprintf("%0*d", total/keys, i))
	}
	s.save()
	s.close()
	s = openShelf(t, fs, dir, newClock(), "save", "", "maxmemory-policy", "spill")
	for done := false; !done; {
		s.e.Do(func() { done = !s.e.hydration.running })
	}
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if coming := s.e.comingMemory(); coming != 0 {
		t.Errorf("%d bytes are to come, and everything is there", coming)
	}
	for db := s.e.world.Keys.DB(0); db.ColdKeys() < keys/2; {
		s.e.evictOne("spill")
	}
	cold := int64(s.e.world.Keys.ColdKeys())
	s.e.hydration = hydration{running: true, total: keys}
	defer func() { s.e.hydration.running = false }()
	want := float64(total) * float64(cold) / keys
	if coming := s.e.comingMemory(); math.Abs(float64(coming)-want) > want/2 {
		t.Errorf("%d bytes are to come of %d of %d keys with %d bytes", coming, cold, keys, total)
	}
	for limit, most := range map[string]int64{"1": 0, fmt.Sprint(s.e.boundMemory() + 1000): 1000} {
		if err := s.config.Set(config.Flag, "maxmemory", limit); err != nil {
			t.Fatal(err)
		}
		if coming := s.e.comingMemory(); coming > most {
			t.Errorf("%d bytes are to come under a maxmemory of %s", coming, limit)
		}
	}
}

// Keys that go while a checkpoint has yet to write them are memory all the same until it has. If that counted for maxmemory each would
// be a reason for others to go, until none is left.
func TestWhatOnlyACheckpointNeedsIsNotBound(t *testing.T) {
	const keys, each = 4000, 4 << 10
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "appendfsync", "no")
	for i := range keys {
		s.expect("+OK", "SET", fmt.Sprint("key ", i), strings.Repeat("x", each))
	}
	bound := func() int64 {
		runtime.GC()
		s.e.stats.sample(s.clock.Load(), s.e.keysMemory())
		return s.e.boundMemory()
	}
	freeze, _, _ := s.e.freeze()
	s.e.mu.Lock()
	before, live := bound(), s.e.liveMemory()
	for range keys / 2 {
		s.e.evictOne("allkeys-random")
	}
	after, stays := bound(), s.e.liveMemory()
	s.e.mu.Unlock()
	s.e.finish(freeze.Abort)
	const half, little = keys / 2 * each, keys / 8 * each
	if gone := before - after; gone < half-little {
		t.Errorf("with %d bytes of keys gone, memory came down by %d", half, gone)
	}
	if gone := live - stays; gone > little {
		t.Errorf("%d bytes are called garbage that the checkpoint needs", gone)
	}
}

// Keys that go between a collection and the next look at it were there when it counted, and are no other memory.
func TestKeysThatGoBehindACollectionAreKeys(t *testing.T) {
	var m memory
	m.sample(1 << 40)
	runtime.GC()
	if m.sample(0); m.heap > 0 {
		t.Errorf("%d bytes of keys count as something else", m.heap)
	}
	runtime.GC()
	if m.sample(0); m.heap == 0 {
		t.Error("without keys nothing else is on the heap")
	}
}
