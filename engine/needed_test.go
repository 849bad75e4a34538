package engine

import (
	"fmt"
	"math"
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
