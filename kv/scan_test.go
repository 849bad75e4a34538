package kv

import (
	"slices"
	"testing"

	"holdfast/expiry"
)

// scan is a client's SCAN under way.
type scan struct {
	index   int
	db      *DB
	cursor  uint64
	lasting map[string]bool // the keys that have been there since the first call
	seen    map[string]bool
	steps   int
}

func (c *checkpoints) startScan() *scan {
	i := c.of(len(c.model))
	s := &scan{index: i, db: c.ks.DB(i), lasting: map[string]bool{}, seen: map[string]bool{}}
	for key := range c.model[i] {
		s.lasting[key] = true
	}
	return s
}

// watch forgets what is there no more. A database that was flushed, swapped or restored owes the scan nothing.
func (s *scan) watch(c *checkpoints) {
	if s.db != c.ks.DB(s.index) {
		clear(s.lasting)
		s.db = c.ks.DB(s.index)
	}
	for key := range s.lasting {
		if _, ok := c.model[s.index][key]; !ok {
			delete(s.lasting, key)
		}
	}
}

// step takes one step, and reports whether there are more.
func (s *scan) step(c *checkpoints) bool {
	c.Helper()
	var names [][]byte
	s.cursor = s.db.Scan(s.cursor, func(e Entry) {
		if want, ok := c.model[s.index][string(e.Key())]; !ok || thingOf(e) != want {
			c.Fatalf("key %.40q is there: %v; Scan shows %.100v, and it should be %.100v", e.Key(), ok, thingOf(e), want)
		}
		s.seen[string(e.Key())] = true
		names = append(names, e.Key())
	})
	for _, name := range names { // they are good beyond the call
		if _, ok := c.model[s.index][string(name)]; !ok {
			c.Fatalf("the name of a key became %.40q", name)
		}
	}
	if s.steps++; s.steps > 20_000 {
		c.Fatalf("the scan does not end; it is at %#x", s.cursor)
	}
	if s.cursor != 0 {
		return true
	}
	for key := range s.lasting {
		if !s.seen[key] {
			c.Fatalf("key %.40q was there throughout, and not seen", key)
		}
	}
	return false
}

// TestScansBesideEverything holds several scans to what SCAN promises, while everything that may happen does.
func TestScansBesideEverything(t *testing.T) {
	d := seeded(t)
	for range 30 {
		c := newCheckpoints(newTwin(t, d, 1+d.of(2), shortNames(1+d.of(300))))
		c.sizes = []int{0, 3, 400}
		c.burst()
		acts, scans := 1+d.of(8), []*scan(nil)
		for range 600 {
			if len(scans) < 3 {
				scans = append(scans, c.startScan())
			}
			for range d.of(acts) {
				c.act()
				for _, s := range scans {
					s.watch(c)
				}
			}
			if i := d.of(len(scans)); !scans[i].step(c) {
				scans = slices.Delete(scans, i, i+1)
			}
		}
		c.compare()
	}
}

// coldKeys is a database of n keys, which only the base has.
func coldKeys(t testing.TB, n int) *checkpoints {
	t.Helper()
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(n)))
	for _, key := range c.names {
		c.ks.DB(0).SetString(key, key, expiry.None)
		c.model[0][string(key)] = thing{kind: String, text: string(key)}
	}
	c.checkpoint()
	c.restart()
	return c
}

// A key that goes cold before the scan comes to it, and is hot again when the scan has passed, is seen, though no key is
// cold when the scan begins or ends.
func TestAKeyThatWasColdWhenTheScanPassed(t *testing.T) {
	c := coldKeys(t, 300)
	c.verify()
	for range 20 {
		s := c.startScan()
		for range 20 {
			s.step(c)
		}
		var ahead [][]byte
		for _, key := range c.names {
			if !s.seen[string(key)] && c.spill(0, key) {
				ahead = append(ahead, key)
			}
		}
		for s.cursor&cursorBase == 0 && s.step(c) {
		}
		for _, key := range ahead {
			c.get(0, key)
		}
		for s.cursor != 0 && s.step(c) {
		}
	}
}

// However far one client's scan goes, that of another keeps its place.
func TestAScanKeepsItsPlaceBesideAnother(t *testing.T) {
	c := coldKeys(t, 400)
	db, slow := c.ks.DB(0), c.startScan()
	for slow.step(c) {
		for range 200 {
			for at := db.Scan(0, func(Entry) {}); at != 0; {
				at = db.Scan(at, func(Entry) {})
			}
		}
		if slow.steps > 100 {
			t.Fatal("the slow scan begins again all the time")
		}
	}
}

// A reply that got lost is asked for again: the same cursor leads to the same keys.
func TestAStepIsRepeated(t *testing.T) {
	c := coldKeys(t, 400)
	db, cursor := c.ks.DB(0), uint64(0)
	step := func() (keys []string, next uint64) {
		next = db.Scan(cursor, func(e Entry) { keys = append(keys, string(e.Key())) })
		return keys, next
	}
	seen := 0
	for {
		keys, next := step()
		again, other := step()
		if !slices.Equal(keys, again) || (next == 0) != (other == 0) {
			t.Fatalf("cursor %#x leads to %q, and then to %q", cursor, keys, again)
		}
		if seen += len(keys); next == 0 {
			break
		}
		cursor = next
	}
	if seen != 400 {
		t.Fatalf("%d keys were seen", seen)
	}
}

// A place that had to be forgotten is begun again, which shows keys twice and misses none.
func TestAForgottenPlace(t *testing.T) {
	c := coldKeys(t, 200)
	s := c.startScan()
	for range 6 {
		s.step(c)
	}
	for range 3 << placeBits {
		c.startScan().step(c)
	}
	for s.step(c) {
	}
	if s.steps < 15 {
		t.Fatalf("all was seen in %d steps; the place was not forgotten", s.steps)
	}
}

// A client may send any number, also where there is no base.
func TestScanOfColdKeysFromAnyCursor(t *testing.T) {
	c := coldKeys(t, 500)
	bare := New(1, toyTypes()).DB(0)
	fill(bare, 0, 100)
	for range 2000 {
		cursor := c.dice.(randomDice).Uint64()
		if c.of(2) == 0 {
			cursor = cursor>>14 | cursorBase
		}
		for _, db := range []*DB{c.ks.DB(0), bare} {
			steps := 0
			for at := cursor; ; steps++ {
				if at = db.Scan(at, func(Entry) {}); at == 0 {
					break
				}
				if steps > 1000 {
					t.Fatalf("the scan from cursor %#x does not end", cursor)
				}
			}
		}
		if c.of(10) == 0 {
			c.get(0, c.name())
		}
	}
}

// A scan that was in the base ends when the database is flushed, and when another takes its place.
func TestAScanOfADatabaseThatIsGone(t *testing.T) {
	for name, change := range map[string]func(*Keyspace){
		"flushed": func(ks *Keyspace) { ks.Flush(0) },
		"swapped": func(ks *Keyspace) { ks.Swap(0, 1) },
	} {
		c := newCheckpoints(newTwin(t, seeded(t), 2, shortNames(300)))
		for i, db := range c.ks.dbs {
			for _, key := range c.names {
				c.set(db, c.model[i], key)
			}
		}
		c.checkpoint()
		c.restart()
		cursor := uint64(0)
		for cursor&cursorBase == 0 {
			cursor = c.ks.DB(0).Scan(cursor, func(Entry) {})
		}
		change(c.ks)
		if next := c.ks.DB(0).Scan(cursor, func(e Entry) { t.Errorf("%s: key %q", name, e.Key()) }); next != 0 {
			t.Errorf("%s: the scan goes on at %#x", name, next)
		}
	}
}
