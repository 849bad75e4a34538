package kv

import (
	"math/rand/v2"
	"testing"

	"holdfast/expiry"
)

func TestIdleIsSinceTheLastAccess(t *testing.T) {
	ks := New(1, toyTypes())
	db, key := ks.DB(0), []byte("k")
	idle := func(want int64) {
		t.Helper()
		if e, _ := db.Peek(key); e.Idle() != want || e.Frequency() != 0 {
			t.Fatalf("idle for %d s and not %d; frequency %d", e.Idle(), want, e.Frequency())
		}
	}
	ks.SetClock(100_000)
	db.SetString(key, []byte("v"), expiry.None)
	ks.SetClock(130_500)
	idle(30)
	db.Get(key)
	idle(0)
	ks.SetClock(140_000)
	idle(10)
	db.SetDeadline(key, 1) // no access
	idle(10)
	db.EditString(key, true)
	idle(0)
	ks.SetClock(90_000) // the clock was put back
	idle(0)
}

func TestFrequencyGrowsAndDecays(t *testing.T) {
	ks := New(1, toyTypes())
	db, key := ks.DB(0), []byte("k")
	ks.SetClock(1_000_000_000)
	ks.SetFrequency(&Frequency{LogFactor: 10, DecayMinutes: 2, Rand: rand.New(rand.NewPCG(1, 2))})
	frequency := func() int64 {
		e, _ := db.Peek(key)
		return e.Frequency()
	}
	db.SetString(key, []byte("v"), expiry.None)
	if n := frequency(); n != frequencyAtFirst {
		t.Fatalf("a new key has %d", n)
	}
	var last int64
	for hits, want := range map[int][2]int64{100: {6, 14}, 100_000: {120, 170}} { // Redis 7.0's documentation: 10, 142
		db.Delete(key)
		db.SetString(key, nil, expiry.None)
		for range hits {
			db.Get(key)
			last = frequency()
		}
		if last < want[0] || last > want[1] {
			t.Fatalf("%d accesses come to %d; want %v", hits, last, want)
		}
	}
	last = frequency()
	ks.SetClock(1_000_000_000 + 6*60_000)
	if n := frequency(); n != last-3 {
		t.Fatalf("from %d, in 6 minutes, to %d", last, n)
	}
	ks.SetClock(1_000_000_000 + 10_000*60_000)
	if n := frequency(); n != 0 {
		t.Fatalf("after a week: %d", n)
	}
	ks.SetFrequency(nil)
	if n := frequency(); n != 0 {
		t.Fatalf("without a policy that counts: %d", n)
	}
}

func TestSampleShowsLiveKeys(t *testing.T) {
	d := seeded(t)
	c := coldKeys(t, 3000)
	db := c.ks.DB(0)
	db.Sample(d.Rand, 5, func(e Entry) { t.Fatalf("key %q is cold", e.Key()) })
	for range 6000 {
		c.get(0, c.name())
		c.delete(db, c.model[0], c.names[d.of(1000)])
	}
	shown := map[string]bool{}
	for range 2000 {
		want, n := 1+d.of(10), 0
		db.Sample(d.Rand, want, func(e Entry) {
			n++
			shown[string(e.Key())] = true
			if _, ok := c.model[0][string(e.Key())]; !ok {
				t.Fatalf("key %q is a tomb", e.Key())
			}
		})
		if n != want {
			t.Fatalf("%d keys were shown, not %d", n, want)
		}
	}
	if len(shown) < db.live/2 {
		t.Fatalf("%d of %d keys were shown", len(shown), db.live)
	}
}
