package kv

import (
	"fmt"
	"testing"

	"holdfast/expiry"
)

// changed reports whether a key is in the table and not as the base has it, as far as the keyspace knows.
func (w *twin) changed(db *DB, key string) bool {
	seg, i := db.table.find(db.table.hash([]byte(key)), []byte(key))
	return i >= 0 && seg.slots[i].mark() != clean
}

// agree checks what table and base owe each other at any moment. It asks for no key.
func (w *twin) agree() {
	w.Helper()
	sum := 0
	for i, db := range w.ks.dbs {
		rack := w.base.rack(db.store)
		w.hotAgree(i, db, rack)
		keys, deadlines, next := 0, 0, expiry.Never
		for key, r := range rack.records {
			if _, hot := db.hot([]byte(key)); hot {
				continue
			}
			if now := w.model[i][key]; now != r.thing() {
				w.Fatalf("database %d: the cold key %.40q is %.100v, and should be %.100v", i, key, r.thing(), now)
			}
			keys++
			at := r.thing().due()
			if at == expiry.None {
				continue
			}
			deadlines++
			next = min(next, at)
			if passed := (dueKey{db.coldAt, string(db.coldAfter)}); dueInOrder(dueKey{at, key}, passed) <= 0 {
				w.Fatalf("database %d: the cold key %.40q is due at %d, which DueCold has passed", i, key, at)
			}
		}
		if db.ColdKeys() != keys || db.coldTTLs != deadlines || db.coldNext > next {
			w.Fatalf("database %d: %d cold keys, %d deadlines, none before %d; there are %d and %d, the first at %d",
				i, db.ColdKeys(), db.coldTTLs, db.coldNext, keys, deadlines, next)
		}
		sum += keys
	}
	if w.ks.ColdKeys() != sum {
		w.Fatalf("%d cold keys in all, not %d", w.ks.ColdKeys(), sum)
	}
}

// hotAgree checks the keys in the table: what is clean is in the base as it stands, and what the base has is known to be
// there, so that its deletion leaves a tomb.
func (w *twin) hotAgree(i int, db *DB, rack *rack) {
	w.Helper()
	db.table.each(func(seg *segment, s int) {
		b := block(db.arena.at(seg.slots[s].ref()))
		e := Entry{db: db, b: b}
		key := string(e.Key())
		now, lives := w.model[i][key]
		now.raw = false
		r, stored := rack.records[key]
		isClean := seg.slots[s].mark() == clean
		switch {
		case lives != (b.kind() != none):
			w.Fatalf("database %d, key %.40q: a tomb: %v; in the model: %v", i, key, b.kind() == none, lives)
		case isClean && (!stored || r.thing() != now):
			w.Fatalf("database %d, key %.40q changed, and nothing says so: %.100v; the base has %v %.100v", i, key, now, stored, r.thing())
		case stored && !b.has(flagStored):
			w.Fatalf("database %d, key %.40q is in the base, and not known to be", i, key)
		case isClean && b.has(flagParted) != (r.parts != nil):
			w.Fatalf("database %d, key %.40q: known to lie in parts: %v; %d parts", i, key, b.has(flagParted), len(r.parts))
		}
		if lives && w.ks.freeze == nil && db.Spillable(e) != (isClean && (now.due() == 0 || now.due() > db.coldAt)) {
			w.Fatalf("database %d, key %.40q: spillable: %v; clean: %v", i, key, db.Spillable(e), isClean)
		}
	})
}

// each calls fn for every slot in use.
func (t *table) each(fn func(seg *segment, i int)) {
	for cursor := t.walkSegment(0, fn); cursor != 0; {
		cursor = t.walkSegment(cursor, fn)
	}
}

// spill makes a key cold, if it can be.
func (w *twin) spill(i int, key []byte) bool {
	w.Helper()
	db := w.ks.DB(i)
	before, keys, deadlines := db.ColdKeys(), db.Len(), db.Deadlines()
	b, hot := db.hot(key)
	can := hot && db.Spillable(Entry{db: db, b: b})
	if did := db.Spill(key); did != can {
		w.Fatalf("Spill(%.40q) says %v, Spillable %v", key, did, can)
	}
	if !can {
		return false
	}
	if _, hot := db.hot(key); hot || db.ColdKeys() != before+1 || db.Len() != keys || db.Deadlines() != deadlines {
		w.Fatalf("key %.40q spilled: hot %v, %d cold keys and before %d, %d keys and before %d, %d deadlines and before %d",
			key, hot, db.ColdKeys(), before, db.Len(), keys, db.Deadlines(), deadlines)
	}
	t := w.model[i][string(key)]
	t.raw = false
	w.model[i][string(key)] = t
	return true
}

// spillSome spills a random share of the keys.
func (w *twin) spillSome() {
	w.Helper()
	i, share := w.of(len(w.model)), 1+w.of(10)
	for _, key := range w.names {
		if w.of(10) < share {
			w.spill(i, key)
		}
	}
}

// hydrate makes some keys hot, of a slice of the base.
func (w *twin) hydrate() {
	w.Helper()
	db := w.ks.DB(w.of(len(w.model)))
	after, share := w.name(), 1+w.of(10)
	if w.of(2) == 0 {
		after = nil
	}
	if w.of(4) == 0 {
		for cursor := db.Grow(0); cursor != 0 && w.of(20) > 0; cursor = db.Grow(cursor) {
		}
	}
	keys, records := w.base.slice(db.store, after, 1+w.of(len(w.names)))
	asked := w.base.asked
	w.ks.Begin(&w.batch)
	for i, key := range keys {
		if w.of(10) < share {
			w.batch.Add(key, records[i])
			overwrite(key)
			overwrite(records[i].Text)
		}
	}
	for w.batch.Len() > 0 {
		if w.of(10) == 0 {
			db.Drop(&w.batch)
		} else if more := db.Hydrate(&w.batch); more != (w.batch.Len() > 0) {
			w.Fatalf("Hydrate says that there is more: %v; left are %d", more, w.batch.Len())
		}
	}
	if w.base.asked != asked {
		w.Fatal("hydration asked the base for keys that it was given")
	}
}

// expireAll deletes everything that is due, hot and cold, as an engine does.
func (w *twin) expireAll() {
	w.Helper()
	w.pass()
	i := w.of(len(w.model))
	db, m := w.ks.DB(i), w.model[i]
	for db.NextDeadline() <= w.now {
		for e, ok := db.Due(w.now); ok && w.of(3) < 2; e, ok = db.Due(w.now) {
			w.lapsed(m, e.Key())
			db.Delete(e.Key())
		}
		for _, key := range db.DueCold(w.now, 1+w.of(20)) {
			if _, hot := db.hot(key); hot {
				w.Fatalf("DueCold gives %.40q, which is hot", key)
			}
			w.lapsed(m, key)
			if !db.Delete(key) {
				w.Fatalf("the key that is due, %.40q, is not there", key)
			}
		}
		for range w.of(2) {
			w.spill(i, w.name()) // it may have lapsed, too
		}
	}
	for key, t := range m {
		if t.due() != expiry.None && t.due() <= w.now {
			w.Fatalf("key %.40q was due at %d; at %d nothing is said to be due", key, t.due(), w.now)
		}
	}
}

// lapsed takes a key from the model that was found to be due.
func (w *twin) lapsed(m map[string]thing, key []byte) {
	w.Helper()
	if t, ok := m[string(key)]; !ok || t.due() == expiry.None || t.due() > w.now {
		w.Fatalf("key %.40q is said to be due at %d; there %v, due at %d", key, w.now, ok, t.due())
	}
	delete(m, string(key))
}

// restart begins anew with what the base has.
func (c *checkpoints) restart() {
	piece := c.ks.piece
	c.ks = New(len(c.model), toyTypes())
	c.ks.piece, c.ks.spare = piece, noneToSpare
	c.ks.SetCold(c.base)
	for _, db := range c.base.dbs {
		c.ks.Restore(db.Index, db.Store, db.Keys, db.Deadlines)
	}
	c.model, c.phase = asStored(c.kept), idle
}

// act does anything that may happen.
func (c *checkpoints) act() {
	c.Helper()
	switch op := c.of(256); {
	case op < 130:
		c.change()
	case op < 150:
		c.get(c.of(len(c.model)), c.name())
	case op < 180:
		c.spill(c.of(len(c.model)), c.name())
	case op < 190:
		c.spillSome()
	case op < 200:
		c.hydrate()
	case op < 206:
		c.expireAll()
	case op < 252:
		c.advance()
	case op < 254:
		c.abort()
	case c.of(4) == 0:
		c.restart()
	}
}

// TestLivesWithABase is the promise that nothing is lost, or comes back, between memory and the base.
func TestLivesWithABase(t *testing.T) {
	d := seeded(t)
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		w := newTwin(t, d, 1+d.of(3), shortNames(1+d.of(40)))
		w.sizes = []int{0, 3, 20, 350, 1100}
		c := newCheckpoints(w)
		for range 1 + d.of(12) {
			for range d.of(60) {
				c.act()
				c.agree()
			}
			c.compare()
		}
		c.verify()
	}
}

// The same with keys and values of every size, in tables that split and merge.
func TestBigLivesWithABase(t *testing.T) {
	d := seeded(t)
	for range 4 {
		c := newCheckpoints(newTwin(t, d, 2, oddNames(500+d.of(4000))))
		c.sizes = []int{0, 3, 20, 400, 1012}
		for range 15 {
			for range 1 + d.of(3) {
				c.burst()
			}
			for range d.of(500) {
				c.act()
			}
			c.compare()
		}
		c.verify()
	}
}

// A key that only the base has is deleted like any other: it leaves a tomb, and the counts know of it.
func TestAColdKeyIsDeleted(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(3)))
	for i, key := range c.names {
		at := int64(5000 * (i % 2))
		c.ks.DB(0).SetString(key, key, at)
		c.model[0][string(key)] = thing{kind: String, text: string(key), deadline: at}
	}
	c.checkpoint()
	c.restart()
	db := c.ks.DB(0)
	want := func(when string, keys, deadlines, cold, slots int) {
		t.Helper()
		if db.Len() != keys || db.Deadlines() != deadlines || db.ColdKeys() != cold || db.table.used != slots {
			t.Fatalf("%s: %d keys, %d deadlines, %d cold, %d slots; want %d, %d, %d, %d",
				when, db.Len(), db.Deadlines(), db.ColdKeys(), db.table.used, keys, deadlines, cold, slots)
		}
	}
	want("at the start", 3, 1, 3, 0)
	c.delete(db, c.model[0], c.names[1])
	want("deleted", 2, 0, 2, 1)
	c.delete(db, c.model[0], c.names[1])
	want("deleted again", 2, 0, 2, 1)
	c.ks.Begin(&c.batch)
	c.batch.Add(c.names[1], Stored{Kind: String, Text: []byte("of old")})
	db.Hydrate(&c.batch)
	want("hydrated, though it is gone", 2, 0, 2, 1)
	c.checkpoint()
	want("written", 2, 0, 2, 0)
	c.hands()
	c.set(db, c.model[0], c.names[1])
	c.compare()
}

// Of many deadlines, most of them the same, each is found once, whether its key is cold, hot, or becomes the one or the
// other on the way; and none before its time.
func TestLapsedKeysAreFoundOnce(t *testing.T) {
	const n, moment = 6000, 50_000
	d := seeded(t)
	c := newCheckpoints(newTwin(t, d, 1, shortNames(n)))
	want := map[string]bool{}
	for i, key := range c.names {
		at := int64(moment)
		if i%10 == 0 {
			at = moment - 1 + int64(d.of(3))
		}
		want[string(key)] = at <= moment
		c.ks.DB(0).SetString(key, nil, at)
		c.model[0][string(key)] = thing{kind: String, deadline: at}
	}
	c.checkpoint()
	c.restart()
	db := c.ks.DB(0)
	for range n / 4 {
		c.get(0, c.name())
	}
	c.hydrate()
	c.compare()
	if keys := db.DueCold(moment-2, n); len(keys) > 0 || db.NextDeadline() < moment-1 {
		t.Fatalf("%d keys are due too early, and the next at %d", len(keys), db.NextDeadline())
	}
	found := map[string]bool{}
	find := func(key []byte) {
		if found[string(key)] || !want[string(key)] {
			t.Fatalf("key %q: found before: %v, due: %v", key, found[string(key)], want[string(key)])
		}
		found[string(key)] = true
		c.delete(db, c.model[0], key)
	}
	c.now = moment
	for calls := 0; db.NextDeadline() <= moment; calls++ {
		for range d.of(20) {
			c.get(0, c.name())
			c.spill(0, c.name())
		}
		for range d.of(300) {
			if e, ok := db.Due(moment); ok {
				find(append([]byte(nil), e.Key()...))
			}
		}
		for _, key := range db.DueCold(moment, 1+d.of(300)) {
			find(key)
		}
		if calls > n {
			t.Fatal("there is no end to it")
		}
		if d.of(10) == 0 {
			c.advance()
		}
	}
	for key, due := range want {
		if due != found[key] {
			t.Fatalf("key %q: due %v, found %v", key, due, found[key])
		}
	}
	c.verify()
}

// DueCold has passed the deadline of a hot key; cold again, it would be found by nobody, and served for ever.
func TestALapsedKeyStaysHot(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(2)))
	db := c.ks.DB(0)
	for i, key := range c.names {
		c.ks.DB(0).SetString(key, nil, int64(2000+i))
		c.model[0][string(key)] = thing{kind: String, deadline: int64(2000 + i)}
	}
	c.checkpoint()
	if !c.spill(0, c.names[0]) || !c.spill(0, c.names[1]) {
		t.Fatal("a clean key does not go cold")
	}
	c.get(0, c.names[0])
	if keys := db.DueCold(2001, 9); len(keys) != 1 || string(keys[0]) != "key:1" {
		t.Fatalf("DueCold gives %q", keys)
	}
	if c.spill(0, c.names[0]) {
		t.Fatal("a key went cold that was due at 2000, and DueCold is at 2001")
	}
	if e, ok := db.Due(2001); !ok || string(e.Key()) != "key:0" {
		t.Fatalf("Due: %v %q", ok, e.Key())
	}
}

// One DueCold looks at so many deadlines and no more, be they of hot keys, and at none where no cold key has one.
func TestDueColdIsBounded(t *testing.T) {
	const n = 3 * dueAtOnce
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(n)))
	db := c.ks.DB(0)
	for _, key := range c.names {
		db.SetString(key, nil, 2000)
		c.model[0][string(key)] = thing{kind: String, deadline: 2000}
	}
	c.checkpoint()
	last := c.base.rack(db.store).keys[n-1]
	c.spill(0, []byte(last))
	for call := 1; ; call++ {
		c.base.shown = 0
		keys := db.DueCold(3000, n)
		if c.base.shown > dueAtOnce+1 || call > 4 {
			t.Fatalf("call %d looked at %d deadlines", call, c.base.shown)
		}
		if len(keys) == 1 && string(keys[0]) == last {
			break
		}
		if len(keys) > 0 || db.NextDeadline() > 3000 {
			t.Fatalf("call %d found %q, and the next is due at %d", call, keys, db.NextDeadline())
		}
	}
	c.restart()
	c.verify()
	c.base.shown = 0
	if keys := c.ks.DB(0).DueCold(3000, n); keys != nil || c.base.shown > 0 || c.ks.DB(0).coldNext != expiry.Never {
		t.Fatalf("with no cold key DueCold found %q, and looked at %d deadlines", keys, c.base.shown)
	}
}

func TestWhatComesFromTheBaseIsNoChange(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, oddNames(500)))
	for i, key := range c.names {
		if c.set(c.ks.DB(0), c.model[0], key); i%2 == 0 {
			c.put(string(key), i+1)
		}
	}
	c.checkpoint()
	c.restart()
	for range 5 {
		c.hydrate()
		for range 50 {
			c.get(0, c.name())
		}
		c.hands()
	}
	c.verify()
	c.hands()
}

// A hot key, and a tomb, keep the base out of it.
func TestTheBaseIsAskedForColdKeysOnly(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(100)))
	for _, key := range c.names {
		c.set(c.ks.DB(0), c.model[0], key)
	}
	c.get(0, []byte("missing"))
	c.checkpoint()
	c.get(0, []byte("missing"))
	if c.base.asked != 0 {
		t.Fatalf("the base was asked %d times, with no key cold", c.base.asked)
	}
	c.restart()
	for _, want := range []int{99, 99} { // the second time they are hot
		for _, key := range c.names[:99] {
			c.get(0, key)
		}
		if c.base.asked != want {
			t.Fatalf("the base was asked %d times, not %d", c.base.asked, want)
		}
	}
	c.delete(c.ks.DB(0), c.model[0], c.names[0])
	c.get(0, c.names[0])
	if c.base.asked != 99 {
		t.Fatalf("the base was asked for a tomb")
	}
}

func TestRandomComesToColdKeysToo(t *testing.T) {
	d := seeded(t)
	c := newCheckpoints(newTwin(t, d, 1, shortNames(40)))
	for _, key := range c.names {
		c.set(c.ks.DB(0), c.model[0], key)
	}
	c.checkpoint()
	c.restart()
	for _, key := range c.names[:20] {
		c.delete(c.ks.DB(0), c.model[0], key)
	}
	drawn := map[string]int{}
	for range 4000 {
		e, ok := c.ks.DB(0).Random(d.Rand)
		if !ok {
			t.Fatal("no key")
		}
		drawn[string(e.Key())]++
		c.spill(0, c.names[20+d.of(20)])
		c.ks.DB(0).Spill(e.Key())
	}
	for i, key := range c.names {
		if n := drawn[string(key)]; (i < 20) != (n == 0) || i >= 20 && n < 80 { // 200 are to be expected
			t.Fatalf("%s was drawn %d times", fmt.Sprint(string(key)), n)
		}
	}
	c.verify()
}

func TestRandomFindsTheOneColdKeyAmongTombs(t *testing.T) {
	d := seeded(t)
	for round := range 5 {
		c := coldKeys(t, 5000)
		left := c.names[d.of(len(c.names))]
		for _, key := range c.names {
			if string(key) != string(left) {
				c.delete(c.ks.DB(0), c.model[0], key)
			}
		}
		if c.ks.DB(0).ColdKeys() != 1 {
			t.Fatalf("%d cold keys", c.ks.DB(0).ColdKeys())
		}
		if e, ok := c.ks.DB(0).Random(d.Rand); !ok || string(e.Key()) != string(left) {
			t.Fatalf("round %d: Random: %v", round, ok)
		}
		c.delete(c.ks.DB(0), c.model[0], left)
		if _, ok := c.ks.DB(0).Random(d.Rand); ok {
			t.Fatal("Random finds a tomb")
		}
	}
}
