package kv

import (
	"bytes"
	"slices"
	"testing"

	"holdfast/expiry"
)

// Batches of many pages become hot, but for the keys that are hot already or gone, whatever their sizes; one that is given up in
// the middle leaves nothing.
func TestHydration(t *testing.T) {
	d := seeded(t)
	c := newCheckpoints(newTwin(t, d, 1, append(oddNames(8), shortNames(6000)...)))
	for i, key := range c.names {
		size, at := 64, int64(0)
		if i%7 == 0 {
			size = d.of(1200)
		}
		if i%5 == 0 {
			at = 5000
		}
		value := bytes.Repeat([]byte{byte(i)}, size)
		c.ks.DB(0).SetString(key, value, at)
		c.model[0][string(key)] = thing{kind: String, text: string(value), deadline: at}
	}
	c.checkpoint()
	c.restart()
	db := c.ks.DB(0)
	for range 500 {
		c.delete(db, c.model[0], c.name())
		c.set(db, c.model[0], c.name())
		db.Get(c.name())
	}
	for cursor := db.Grow(0); cursor != 0; cursor = db.Grow(cursor) {
	}
	adopted := false
	for given := 0; given < 3; given++ {
		keys, records := c.base.slice(db.store, nil, len(c.names))
		c.ks.Begin(&c.batch)
		for i := range keys {
			c.batch.Add(keys[i], records[i])
		}
		for steps := 0; db.Hydrate(&c.batch) && (given == 2 || steps < 10*given); steps++ {
			adopted = adopted || slices.ContainsFunc(c.batch.numbers, func(number uint32) bool { return number > 0 })
			c.ks.Compact() // which leaves alone what has no slot yet
		}
		db.Drop(&c.batch)
		check(t, c.ks)
		c.agree()
	}
	if !adopted {
		t.Error("no page was taken over")
	}
	if db.ColdKeys() != 0 {
		t.Errorf("%d keys are cold", db.ColdKeys())
	}
	c.compare()
}

// BenchmarkHydrate is what it takes to make a million keys hot: under the lock, and before.
func BenchmarkHydrate(b *testing.B) {
	value, key := bytes.Repeat([]byte("v"), 64), []byte("key:000000000000")
	for b.Loop() {
		b.StopTimer()
		ks := New(1, toyTypes())
		db := ks.Restore(0, 1, million, 0)
		for cursor := db.Grow(0); cursor != 0; cursor = db.Grow(cursor) {
		}
		var batch Batch
		for first := 0; first < million; first += 10_000 {
			ks.Begin(&batch)
			for i := range 10_000 {
				batch.Add(name16(key, first+i), Stored{Kind: String, Text: value, Deadline: expiry.None})
			}
			b.StartTimer()
			for db.Hydrate(&batch) {
			}
			b.StopTimer()
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/million, "ns/key")
}
