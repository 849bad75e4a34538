package kv

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"holdfast/expiry"
)

// churned is a database of strings of 64 bytes, of which every second one becomes shorter and then what it was, turn by turn.
type churned struct {
	db    *DB
	n     int
	key   []byte
	value []byte
	rnd   *rand.Rand
	peak  int64 // bytes of pages at the most
}

func newChurned(n int, seed uint64) *churned {
	db, key := filled(n)
	return &churned{db: db, n: n, key: key, value: bytes.Repeat([]byte("v"), 64), rnd: rand.New(rand.NewPCG(seed, 0))}
}

func (c *churned) set(i, size int) {
	c.db.SetString(name16(c.key, i), c.value[:size], expiry.None)
	c.db.ks.Repay(1)
	c.peak = max(c.peak, c.db.arena.bytes)
}

func (c *churned) turn() {
	for i := 0; i < c.n; i += 2 {
		c.set(i, c.rnd.IntN(64))
	}
	for i := range c.n {
		c.set(i*7919%c.n, 64)
	}
}

// Values that become shorter and longer again as fast as they can leave no more to spare than they may, and pages that stay
// nearly empty after deletes are emptied at rest.
func TestPagesAreEmptied(t *testing.T) {
	t.Parallel()
	const n = 100_000
	c := newChurned(n, 1)
	loaded := c.db.arena.bytes
	for range 3 {
		c.turn()
	}
	check(t, c.db.ks)
	if most := loaded + loaded/spareShare + 2*spareLeast; c.peak > most {
		t.Errorf("%d bytes of pages under overwrites, above %d; %d when loaded", c.peak, most, loaded)
	}
	for i := range n {
		if i%4 > 0 {
			c.db.Delete(name16(c.key, i))
		}
	}
	for c.db.ks.Compact() {
	}
	check(t, c.db.ks)
	if most := c.db.arena.handed + loaded/spareShare + 2*spareLeast; c.db.arena.bytes > most {
		t.Errorf("%d bytes of pages, above %d, for %d that are in use", c.db.arena.bytes, most, c.db.arena.handed)
	}
	for i := 0; i < n; i += 4 {
		if e, ok := c.db.Get(name16(c.key, i)); !ok || string(e.Text()) != string(c.value) {
			t.Fatalf("key %d is there: %v, or has another value", i, ok)
		}
	}
}

// However much is owed, a batch repays no more than it may, however long it is, and what is left is done at rest.
func TestABatchRepaysSoMuch(t *testing.T) {
	t.Parallel()
	const n = 100_000
	db, key := filled(n)
	for i := range n {
		if i%4 > 0 {
			db.Delete(name16(key, i))
		}
	}
	db.ks.owed = 1 << 40
	for _, c := range []struct{ commands, steps int }{
		{1, repaySteps}, {3, 3 * repaySteps}, {128, repayMost}, {1_000_000, repayMost},
	} {
		before := db.ks.Moved
		db.ks.Repay(c.commands)
		if moved := db.ks.Moved - before; moved == 0 || moved > int64(c.steps*moveStep) {
			t.Errorf("%d commands moved %d blocks; %d steps may move %d", c.commands, moved, c.steps, c.steps*moveStep)
		}
	}
	if !db.ks.Compact() || db.ks.owed == 0 {
		t.Error("all is repaid already")
	}
	for db.ks.Compact() {
	}
	if db.ks.owed != 0 {
		t.Errorf("%d bytes are owed when there is nothing to move", db.ks.owed)
	}
	check(t, db.ks)
}

// Blocks move while a scan and a checkpoint are under way and keys change: nobody misses a key, or meets one that is not as it
// should be.
func TestBlocksMoveUnderEverything(t *testing.T) {
	t.Parallel()
	const n = 60_000
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	s := &slabs{T: t, db: New(1, toyTypes()).DB(0), want: map[string]string{}}
	put := func(i, size int) {
		value := string(bytes.Repeat([]byte{byte('a' + i%26)}, size))
		s.db.SetString(slabKey(i), []byte(value), expiry.None)
		s.want[string(slabKey(i))] = value
	}
	for i := range n {
		put(i, 64)
	}
	cut, told := map[string]string{}, map[string]string{}
	for key, value := range s.want {
		cut[key] = value
	}
	freeze := s.db.ks.Freeze(func(f Frozen) { told[string(f.Key)] = string(f.Text) })
	moved := s.db.ks.Moved
	for more := true; more || s.db.ks.Moved == moved; {
		for range 200 {
			switch i := rnd.IntN(n); {
			case i%3 == 0:
				s.db.Delete(slabKey(i))
				delete(s.want, string(slabKey(i)))
				delete(s.lasting, string(slabKey(i)))
			default:
				put(i, rnd.IntN(64))
			}
			s.db.ks.Repay(1)
		}
		s.step()
		more = freeze.Step()
	}
	for sweep := freeze.Commit(); sweep(); {
		s.db.ks.Compact()
	}
	if len(told) != len(cut) {
		t.Fatalf("the checkpoint was told of %d keys of %d", len(told), len(cut))
	}
	for key, value := range cut {
		if told[key] != value {
			t.Fatalf("key %s as told to the checkpoint: %.40q, not %.40q", key, told[key], value)
		}
	}
	s.agree()
}

// BenchmarkChurn is a command of churn.
func BenchmarkChurn(b *testing.B) {
	c := newChurned(million, 1)
	c.turn()
	moved := c.db.ks.Moved
	c.peak = 0
	b.ResetTimer()
	for range b.N {
		c.turn()
	}
	sets := float64(b.N) * million * 3 / 2
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/sets, "ns/set")
	b.ReportMetric(float64(c.db.ks.Moved-moved)/sets, "moves/set")
	b.ReportMetric(float64(c.peak)/million, "B/key")
}
