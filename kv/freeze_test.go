package kv

import (
	"fmt"
	"maps"
	"testing"

	"holdfast/expiry"
)

// base stands for the file that checkpoints go to: by store, what each key holds.
type base map[uint32]map[string]thing

func (b base) clone() base {
	c := base{}
	for store, keys := range b {
		c[store] = maps.Clone(keys)
	}
	return c
}

func (b base) store(n uint32) map[string]thing {
	if b[n] == nil {
		b[n] = map[string]thing{}
	}
	return b[n]
}

// checkpoints takes checkpoints of a twin into a base, one after the other.
type checkpoints struct {
	*twin
	base base
	torn bool // the last was aborted

	running *Freeze
	whole   bool
	cut     []map[string]thing // the model as it stood then
	next    base               // what the base will be
	handed  map[string]int     // how often each key was handed out, by store and key
}

func newCheckpoints(w *twin) *checkpoints { return &checkpoints{twin: w, base: base{}} }

func (c *checkpoints) begin() {
	c.Helper()
	c.whole = c.torn || c.of(3) == 0
	c.cut, c.next, c.handed = nil, c.base.clone(), map[string]int{}
	if c.whole {
		c.next = base{}
	}
	for _, m := range c.model {
		c.cut = append(c.cut, maps.Clone(m))
	}
	c.running = c.ks.Freeze(c.whole, c.take)
}

func (c *checkpoints) take(f Frozen) {
	c.Helper()
	name := fmt.Sprint(f.Store, " ", string(f.Key))
	if c.handed[name]++; c.handed[name] > 1 {
		c.Fatalf("key %.40q of store %d was handed out twice", f.Key, f.Store)
	}
	keys := c.next.store(f.Store)
	switch {
	case f.Deleted && c.whole:
		c.Fatalf("a whole freeze says that %.40q is deleted, to a base that never had it", f.Key)
	case f.Deleted:
		delete(keys, string(f.Key))
	case f.Value != nil:
		keys[string(f.Key)] = thing{kind: f.Kind, text: string(f.Value.AppendBinary(nil)), deadline: f.Deadline}
	default:
		keys[string(f.Key)] = thing{kind: f.Kind, text: string(f.Text), deadline: f.Deadline}
	}
}

// commit takes what was handed out into the base, which must then hold the state at the cut, and sweeps.
func (c *checkpoints) commit(between func()) {
	c.Helper()
	kept := base{}
	for _, db := range c.running.DBs {
		kept[db.Store] = c.next.store(db.Store) // the others are dropped
		deadlines := 0
		for _, want := range c.cut[db.Index] {
			if want.deadline != expiry.None {
				deadlines++
			}
		}
		if db.Keys != len(c.cut[db.Index]) || db.Deadlines != deadlines {
			c.Fatalf("database %d is said to have %d keys, %d deadlines; at the cut it had %d and %d",
				db.Index, db.Keys, db.Deadlines, len(c.cut[db.Index]), deadlines)
		}
		c.compare(db.Index, kept[db.Store])
		c.cut[db.Index] = nil
	}
	for i, m := range c.cut {
		if len(m) > 0 {
			c.Fatalf("database %d had %d keys at the cut, and is not in the freeze", i, len(m))
		}
	}
	c.base, c.torn = kept, c.torn && !c.whole
	sweep := c.running.Commit()
	c.running = nil
	for sweep() {
		between()
	}
	c.settled()
}

func (c *checkpoints) compare(index int, got map[string]thing) {
	c.Helper()
	want := c.cut[index]
	for key, w := range want {
		w.raw = false // which no base keeps
		if g, ok := got[key]; !ok || g != w {
			c.Fatalf("database %d, key %.40q: the base has %v %.100v; at the cut it was %.100v", index, key, ok, g, w)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			c.Fatalf("database %d, key %.40q: the base has it, and at the cut it was not there", index, key)
		}
	}
}

// settled checks that nothing is lost from one checkpoint to the next: where base and hot layer differ, the key is
// marked; what the base has is known to be stored; and no tomb is left that the base was told of.
func (c *checkpoints) settled() {
	c.Helper()
	for i, db := range c.ks.dbs {
		stored := c.base[db.store]
		entries := map[string]bool{}
		db.table.each(func(seg *segment, s int) {
			b := block(db.arena.at(seg.slots[s].ref()))
			key := string(db.key(b))
			entries[key] = true
			m := seg.slots[s].mark()
			now, lives := c.model[i][key]
			now.raw = false
			was, known := stored[key]
			switch {
			case m != clean && m != c.ks.epoch:
				c.Fatalf("database %d, key %.40q: mark %d is left over", i, key, m)
			case m == clean && (lives != known || now != was):
				c.Fatalf("database %d, key %.40q changed, and nothing says so", i, key)
			case known && !b.has(flagStored):
				c.Fatalf("database %d, key %.40q is in the base, and not known to be", i, key)
			}
		})
		for key := range stored {
			if !entries[key] {
				c.Fatalf("database %d, key %.40q went without the base's knowing", i, key)
			}
		}
	}
}

// each calls fn for every slot in use.
func (t *table) each(fn func(seg *segment, i int)) {
	for cursor := t.walkSegment(0, fn); cursor != 0; {
		cursor = t.walkSegment(cursor, fn)
	}
}

func (c *checkpoints) abort() {
	c.running.Abort()
	c.running, c.torn = nil, true
}

// run takes one checkpoint while between makes changes; it may end in an abort, at any point.
func (c *checkpoints) run(between func()) {
	c.Helper()
	c.begin()
	stop := -1
	if c.of(6) == 0 {
		stop = c.of(8)
	}
	between()
	for step := 0; step != stop && c.running.Step(); step++ {
		between()
	}
	between()
	if stop >= 0 {
		c.abort()
		return
	}
	c.commit(between)
}

// TestCheckpointsKeepTheStateAtTheirCuts is the promise that durability rests on. Many short lives of small
// keyspaces, each through several checkpoints, with every kind of change at every point.
func TestCheckpointsKeepTheStateAtTheirCuts(t *testing.T) {
	d := seeded(t)
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	for range rounds {
		w := newTwin(t, d, 1+d.of(3), shortNames(1+d.of(30)))
		w.sizes = []int{0, 3, 20, 1100}
		c := newCheckpoints(w)
		changes := 1 + d.of(60)
		between := func() {
			for range d.of(changes) {
				c.change()
			}
		}
		for range 1 + d.of(6) {
			between()
			c.run(between)
		}
		c.verify()
	}
}

// Here the table splits and merges under the freeze's cursor: between two steps many keys come or go.
func TestCheckpointsWhileTheTableGrowsAndShrinks(t *testing.T) {
	d := seeded(t)
	for range 15 {
		w := newTwin(t, d, 2, oddNames(500+d.of(8000)))
		w.sizes = []int{0, 3, 20}
		c := newCheckpoints(w)
		for range 4 {
			c.burst()
			c.run(func() {
				if d.of(8) == 0 {
					c.burst()
				}
				c.change()
			})
		}
		c.verify()
	}
}

// burst makes a random share of the keys of one database come, or go.
func (c *checkpoints) burst() {
	i, share := c.of(len(c.model)), 1+c.of(10)
	coming := c.of(2) == 0
	for _, key := range c.names {
		switch {
		case c.of(10) >= share:
		case coming:
			c.set(c.ks.DB(i), c.model[i], key)
		default:
			c.delete(c.ks.DB(i), c.model[i], key)
		}
	}
}

// What was there at the cut leaves tombs when it goes, so only keys that came since can make the table shrink. Then
// a merge joins what the cursor has passed with what it has not.
func TestTheTableShrinksUnderTheCursor(t *testing.T) {
	d := seeded(t)
	for range 30 {
		w := newTwin(t, d, 1, shortNames(3000))
		w.sizes = []int{0, 3, 20}
		c := newCheckpoints(w)
		db, m := w.ks.DB(0), w.model[0]
		lasting, passing := w.names[:60], w.names[60:]
		for _, key := range lasting {
			w.set(db, m, key)
		}
		c.begin()
		for _, key := range passing {
			w.set(db, m, key)
		}
		for range d.of(db.table.segs) {
			c.running.Step()
		}
		for _, key := range passing {
			w.delete(db, m, key)
		}
		if db.table.segs != 1 {
			t.Fatalf("%d segments for %d keys", db.table.segs, db.Len())
		}
		for c.running.Step() {
		}
		c.commit(func() {})
		w.verify()
	}
}

func TestAWholeFreezeAfterOneThatWasAbortedHalfway(t *testing.T) {
	w := newTwin(t, seeded(t), 1, shortNames(2000))
	c := newCheckpoints(w)
	for _, key := range w.names {
		w.set(w.ks.DB(0), w.model[0], key)
	}
	for range 3 { // each time with other marks left behind
		c.begin()
		c.running.Step()
		c.abort()
	}
	c.begin()
	for c.running.Step() {
	}
	c.commit(func() {})
}

func TestMisusesOfAFreezePanic(t *testing.T) {
	for name, misuse := range map[string]func(*Keyspace){
		"a freeze within a freeze": func(ks *Keyspace) {
			ks.Freeze(true, func(Frozen) {})
			ks.Freeze(true, func(Frozen) {})
		},
		"an incremental one after an abort": func(ks *Keyspace) {
			ks.Freeze(false, func(Frozen) {}).Abort()
			ks.Freeze(false, func(Frozen) {})
		},
		"a commit before the last step": func(ks *Keyspace) { ks.Freeze(true, func(Frozen) {}).Commit() },
		"a load during a whole one": func(ks *Keyspace) {
			ks.Freeze(true, func(Frozen) {})
			ks.DB(0).Load([]byte("k"), nil, expiry.None)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Fatal("it went through")
				}
			}()
			misuse(New(2, NewTypes()))
		})
	}
}

func TestATombTellsTheBaseOnce(t *testing.T) {
	ks := New(1, NewTypes())
	db, key := ks.DB(0), []byte("k")
	freeze := func() (told []string) {
		f := ks.Freeze(false, func(f Frozen) { told = append(told, fmt.Sprintf("%s %v", f.Key, f.Deleted)) })
		for f.Step() {
		}
		for sweep := f.Commit(); sweep(); {
		}
		return told
	}
	db.Load(key, []byte("v"), 5)
	db.Delete(key)
	if _, ok := db.Peek(key); ok || db.Len() != 0 || db.Deadlines() != 0 || db.table.used != 1 {
		t.Fatalf("after Delete: there %v, %d keys, %d deadlines, %d slots", ok, db.Len(), db.Deadlines(), db.table.used)
	}
	if told := freeze(); len(told) != 1 || told[0] != "k true" || db.table.used != 0 {
		t.Fatalf("the base was told %q; %d slots are left", told, db.table.used)
	}
	if told := freeze(); len(told) != 0 {
		t.Fatalf("the base was told again: %q", told)
	}
	db.SetString(key, []byte("v"), expiry.None)
	db.Delete(key)
	if told := freeze(); len(told) != 0 || db.table.used != 0 {
		t.Fatalf("a key that the base never had left a tomb: %q", told)
	}
}

func TestRestoredStoresAreNeverShared(t *testing.T) {
	ks := New(4, NewTypes())
	ks.Swap(0, 3) // database 3 goes by store 1, and is the only one with keys
	ks.DB(3).SetString([]byte("k"), nil, expiry.None)
	f := ks.Freeze(true, func(Frozen) {})
	if len(f.DBs) != 1 || f.DBs[0] != (FrozenDB{Index: 3, Store: 1, Keys: 1}) {
		t.Fatalf("the freeze has %+v", f.DBs)
	}
	started := New(4, NewTypes())
	started.Restore(3, 1)
	started.Restore(1, 5) // as the number that database 0 was given in place of 1
	seen := map[uint32]int{}
	for i := range started.Databases() {
		store := started.DB(i).Store()
		if other, ok := seen[store]; ok {
			t.Fatalf("databases %d and %d both go by store %d", other, i, store)
		}
		seen[store] = i
	}
	if seen[1] != 3 || seen[5] != 1 {
		t.Fatalf("stores by number: %v", seen)
	}
}
