package kv

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"holdfast/expiry"
)

// The tests drive a keyspace and a plain model of it side by side: a Go map for each database, and for the base a shelf.
// What to do next comes from dice, which are random numbers or a fuzzer's bytes.

// dice decides. of returns a number below n.
type dice interface{ of(n int) int }

type randomDice struct{ *rand.Rand }

func (d randomDice) of(n int) int { return d.IntN(n) }

// seeded returns dice, and prints the seed, which reproduces the test when set here.
func seeded(t testing.TB) randomDice {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	return randomDice{rand.New(rand.NewPCG(seed, 0))}
}

// thing is what a key holds, in the model.
type thing struct {
	kind     Kind
	text     string
	deadline int64
	raw      bool
}

// due is when the key, or something in it, is due.
func (t thing) due() int64 {
	if t.kind != toyKind {
		return t.deadline
	}
	return earlier(t.deadline, toyLapse(t.text))
}

// twin is a keyspace and the model of it.
type twin struct {
	testing.TB
	dice
	ks    *Keyspace
	base  *shelf
	model []map[string]thing
	names [][]byte // the keys that may occur
	sizes []int    // the sizes of values that may occur
	now   int64    // unix ms
	batch Batch    // used again and again
}

func newTwin(t testing.TB, d dice, databases int, names [][]byte) *twin {
	w := &twin{TB: t, dice: d, ks: New(databases, toyTypes()), base: newShelf(t), names: names, now: 1000}
	w.ks.SetCold(w.base)
	w.ks.spare = noneToSpare
	w.sizes = []int{0, 1, 7, 8, 40, 41, 200, 500, 1000, 1012, 1024, 1100, 2100, 3000}
	for range databases {
		w.model = append(w.model, map[string]thing{})
	}
	return w
}

// noneToSpare has Compact empty pages of small keyspaces, too.
var noneToSpare = spare{share: math.MaxInt64}

// oddNames are n short keys, and those that lie at an edge.
func oddNames(n int) [][]byte {
	names := [][]byte{{}, {0}, []byte("\x00\xff\r\n"), bytes.Repeat([]byte("k"), maxInlineKey),
		bytes.Repeat([]byte("k"), maxInlineKey+1), bytes.Repeat([]byte("long"), 10_000)}
	return append(names, shortNames(n)...)
}

func shortNames(n int) (names [][]byte) {
	for i := range n {
		names = append(names, fmt.Appendf(nil, "key:%d", i))
	}
	return names
}

func (w *twin) name() []byte { return w.names[w.of(len(w.names))] }

// text makes a value up to the largest size, now and then one of 100 KB.
func (w *twin) text() []byte {
	n := w.sizes[w.of(len(w.sizes))]
	if w.of(2) == 0 {
		n = w.of(n + 1)
	}
	if w.of(400) == 0 {
		n = 100_000
	}
	return bytes.Repeat([]byte{byte(w.of(256))}, n)
}

func (w *twin) deadline() int64 {
	if w.of(2) == 0 {
		return expiry.None
	}
	return max(1, w.now+int64(w.of(1000))-100)
}

// pass lets time pass, and now and then the clock step back.
func (w *twin) pass() {
	w.now += int64(w.of(40))
	if w.of(40) == 0 {
		w.now = max(1, w.now-int64(w.of(300)))
	}
}

// change does something to some database.
func (w *twin) change() {
	w.Helper()
	i := w.of(len(w.model))
	db, m, key := w.ks.DB(i), w.model[i], w.name()
	was, there := m[string(key)]
	switch w.of(18) {
	case 0, 1, 2:
		w.set(db, m, key)
	case 3:
		v := append([]byte{byte(1 + w.of(2))}, w.text()...)
		at := w.deadline()
		db.SetValue(key, toyKind, &toy{b: v}, at)
		m[string(key)] = thing{kind: toyKind, text: string(v), deadline: at}
	case 4:
		w.edit(db, m, key, was)
	case 5:
		w.editString(db, m, key, was)
	case 6:
		if !there || was.kind == String {
			w.grow(db, m, key, was)
		}
	case 7, 8:
		w.setDeadline(db, m, key, was, there)
	case 9, 10, 11:
		w.delete(db, m, key)
	case 12:
		w.expire(db, m)
	case 13:
		if to := w.name(); there && !bytes.Equal(key, to) {
			db.Rename(key, to)
			delete(m, string(key))
			m[string(to)] = was
		}
	case 14:
		j := w.of(len(w.model))
		if to := w.name(); there && i != j {
			db.Move(key, w.ks.DB(j), to)
			delete(m, string(key))
			w.model[j][string(to)] = was
		}
	case 15:
		j := w.of(len(w.model))
		w.ks.Swap(i, j)
		w.model[i], w.model[j] = w.model[j], w.model[i]
	case 16:
		if w.of(20) == 0 {
			w.ks.Flush(i)
			w.model[i] = map[string]thing{}
		}
	case 17:
		w.compact()
	}
	w.ks.Settle()
}

// compact moves some blocks, or all that are to be moved.
func (w *twin) compact() {
	w.Helper()
	for steps := w.of(3*w.of(8) + 1); steps > 0 && w.ks.Compact(); steps-- {
	}
	if w.of(4) == 0 {
		w.ks.Repay(w.of(40))
	}
}

// set sets a string: to new bytes, to its own, or to a part of another key's. What it finds is foretold now and then.
func (w *twin) set(db *DB, m map[string]thing, key []byte) {
	value, at := w.text(), w.deadline()
	if e, ok := db.Peek(w.name()); ok && e.Kind() == String && w.of(4) == 0 {
		value = e.Text()[w.of(len(e.Text())+1):]
	}
	was, there := m[string(key)]
	finds := FoundOther
	switch {
	case !there:
		finds = FoundNothing
	case was.due() == expiry.None:
		finds = FoundLasting
	}
	m[string(key)] = thing{kind: String, text: string(value), deadline: at}
	if w.of(2) == 0 {
		w.ks.Foretell(finds)
	}
	asked := w.base.asked
	w.ks.Found()
	db.SetString(key, value, at)
	if found := w.ks.Found(); found != finds && w.ks.foretold == FoundOther {
		w.Fatalf("SetString found %d under the key %.40q, not %d", found, key, finds)
	}
	if w.ks.foretold != FoundOther && w.base.asked != asked {
		w.Fatalf("the base was asked for the key %.40q, of which everything had been foretold", key)
	}
	w.ks.Foretell(FoundOther)
}

func (w *twin) edit(db *DB, m map[string]thing, key []byte, was thing) {
	w.Helper()
	v, ok := db.Edit(key)
	if ok != (was.kind == toyKind) {
		w.Fatalf("Edit(%.40q) says %v; the key holds kind %d", key, ok, was.kind)
	}
	if !ok {
		return
	}
	value := v.(*toy)
	switch w.of(4) {
	case 0:
		value.b = value.b[:len(value.b)/2]
	case 1:
		value.b = append(value.b, value.b[:min(len(value.b), 2000)]...)
	default:
		value.b = append(value.b, byte(w.of(256)))
		value.b[w.of(len(value.b))]++
	}
	was.text = string(value.b)
	m[string(key)] = was
	if w.of(4) == 0 {
		w.setDeadline(db, m, key, was, true) // before the edit is settled
	}
	if value.Len() == 0 {
		w.delete(db, m, key)
	}
}

func (w *twin) editString(db *DB, m map[string]thing, key []byte, was thing) {
	w.Helper()
	raw := w.of(2) == 0
	b, ok := db.EditString(key, raw)
	if ok != (was.kind == String) || string(b) != was.text && ok {
		w.Fatalf("EditString(%.40q) = %.40q, %v; want %.40q", key, b, ok, was.text)
	}
	if !ok {
		return
	}
	for i := range b {
		b[i]++
	}
	was.text, was.raw = string(b), raw
	m[string(key)] = was
}

func (w *twin) grow(db *DB, m map[string]thing, key []byte, was thing) {
	w.Helper()
	more := w.text()
	b := db.GrowString(key, len(was.text)+len(more))
	if want := was.text + string(make([]byte, len(more))); string(b) != want {
		w.Fatalf("GrowString(%.40q) from %d to %d bytes: %.80q; want %.80q", key, len(was.text), len(want), b, want)
	}
	copy(b[len(was.text):], more)
	m[string(key)] = thing{kind: String, text: was.text + string(more), deadline: was.deadline, raw: true}
}

func (w *twin) setDeadline(db *DB, m map[string]thing, key []byte, was thing, there bool) {
	w.Helper()
	was.deadline = w.deadline()
	if ok := db.SetDeadline(key, was.deadline); ok != there {
		w.Fatalf("SetDeadline(%.40q) says %v", key, ok)
	}
	if there {
		m[string(key)] = was
	}
}

func (w *twin) delete(db *DB, m map[string]thing, key []byte) {
	w.Helper()
	_, there := m[string(key)]
	if ok := db.Delete(key); ok != there {
		w.Fatalf("Delete(%.40q) says %v", key, ok)
	}
	delete(m, string(key))
}

// expire deletes the first hot key that is due, naming it by the keyspace's own bytes.
func (w *twin) expire(db *DB, m map[string]thing) {
	w.Helper()
	w.pass()
	e, ok := db.Due(w.now)
	if ok != (db.ttl.Next() <= w.now) {
		w.Fatalf("Due(%d) says %v; the next hot deadline is %d", w.now, ok, db.ttl.Next())
	}
	if !ok {
		return
	}
	if at := earlier(e.Deadline(), e.Lapse()); at != db.ttl.Next() || at > w.now {
		w.Fatalf("Due gives what is due at %d, at %d; the next is %d", at, w.now, db.ttl.Next())
	}
	if v, ok := e.db.Edit(e.Key()); ok && e.Lapse() != expiry.None && e.Lapse() <= w.now {
		v.(Lapser).Lapse(w.now, 1)
		was := m[string(e.Key())]
		was.text = string(v.AppendBinary(nil))
		m[string(e.Key())] = was
		return
	}
	delete(m, string(e.Key()))
	if !db.Delete(e.Key()) {
		w.Fatalf("the key that is due, %.40q, is not there", e.Key())
	}
}

// verify compares the keyspace with the model, wholly. What is cold when it begins is hot at its end.
func (w *twin) verify() {
	w.Helper()
	w.compare()
	for i := range w.model {
		for _, name := range w.names {
			w.get(i, name)
		}
	}
	if n := w.ks.ColdKeys(); n != 0 {
		w.Fatalf("%d keys are cold after each was asked for", n)
	}
	w.compare()
}

// get asks for one key.
func (w *twin) get(i int, name []byte) {
	w.Helper()
	want, there := w.model[i][string(name)]
	if e, ok := w.ks.DB(i).Get(name); ok != there || ok && thingOf(e) != want {
		w.Fatalf("database %d, key %.40q: there %v, wanted %v: %.200v", i, name, ok, there, want)
	}
}

// compare compares the keyspace with the model, and leaves cold what is cold but for some key that Random finds.
func (w *twin) compare() {
	w.Helper()
	check(w.TB, w.ks)
	w.agree()
	first := expiry.Never
	for i, m := range w.model {
		db, deadlines, lapsed, next := w.ks.DB(i), 0, 0, expiry.Never
		for _, want := range m {
			if want.due() != expiry.None {
				deadlines++
				next = min(next, want.due())
			}
			if want.due() != expiry.None && want.due() <= w.now {
				lapsed++
			}
		}
		if db.Len() != len(m) || db.Deadlines() != deadlines {
			w.Fatalf("database %d: Len %d, Deadlines %d; want %d and %d", i, db.Len(), db.Deadlines(), len(m), deadlines)
		}
		if limit := 1 + w.of(5); db.Lapsed(w.now, limit) != min(lapsed, limit) || db.Lapsed(w.now, 1<<40) != lapsed {
			w.Fatalf("database %d: Lapsed, up to %d, says %d, and in all %d, of %d",
				i, limit, db.Lapsed(w.now, limit), db.Lapsed(w.now, 1<<40), lapsed)
		}
		if at := db.NextDeadline(); at > next || at != next && db.coldNext == expiry.Never {
			w.Fatalf("database %d: NextDeadline is %d, the earliest %d", i, at, next)
		}
		first = min(first, db.NextDeadline())
		w.visits(db, m)
	}
	if at := w.ks.NextDeadline(); at > first {
		w.Fatalf("NextDeadline is %d; one database says %d", at, first)
	}
}

func thingOf(e Entry) thing {
	t := thing{kind: e.Kind(), deadline: e.Deadline()}
	if e.Kind() == String {
		t.text, t.raw = string(e.Text()), e.Raw()
	} else {
		t.text = string(e.Value().AppendBinary(nil))
		if e.Lapse() != toyLapse(t.text) {
			panic("a toy's lapse is not its own")
		}
	}
	return t
}

// visits checks that Each and Scan come to every key once, as it is, and Random to one of them. Where there are cold keys
// Scan comes twice to those that have changed since the base got them.
func (w *twin) visits(db *DB, m map[string]thing) {
	w.Helper()
	each, scanned, cold := map[string]int{}, map[string]int{}, db.ColdKeys() > 0
	visit := func(e Entry, seen map[string]int) {
		if want, ok := m[string(e.Key())]; !ok || thingOf(e) != want {
			w.Fatalf("key %.40q is there: %v; it is shown as %.100v, and should be %.100v", e.Key(), ok, thingOf(e), want)
		}
		if e.cold != nil && (e.Bytes() != 0 || e.Idle() != 0 || e.Frequency() != 0 || db.Spillable(e)) {
			w.Fatalf("the cold key %.40q takes %d bytes, or was used, or can be spilled", e.Key(), e.Bytes())
		}
		seen[string(e.Key())]++
	}
	db.Each(func(e Entry) bool { visit(e, each); return true })
	for cursor := uint64(0); ; {
		if cursor = db.Scan(cursor, func(e Entry) { visit(e, scanned) }); cursor == 0 {
			break
		}
	}
	for key := range m {
		want := 1
		if _, stored := w.base.rack(db.store).records[key]; cold && stored && w.changed(db, key) {
			want = 2
		}
		if each[key] != 1 || scanned[key] != want {
			w.Fatalf("key %.40q: Each came to it %d times, Scan %d times and not %d", key, each[key], scanned[key], want)
		}
	}
	e, ok := db.Random(rand.New(rand.NewPCG(uint64(w.of(1000)), 0)))
	if len(each) != len(m) || len(scanned) != len(m) || ok != (len(m) > 0) || ok && each[string(e.Key())] != 1 {
		w.Fatalf("%d keys: Each came to %d, Scan to %d, Random to %v", len(m), len(each), len(scanned), ok)
	}
}

func TestKeyspaceIsLikeMaps(t *testing.T) {
	d := seeded(t)
	for _, c := range []struct {
		names          [][]byte
		batches, batch int
	}{
		{oddNames(1), 300, 20},
		{oddNames(50), 100, 300},
		{oddNames(3000), 30, 5000},
	} {
		w := newTwin(t, d, 3, c.names)
		for range c.batches {
			for range d.of(c.batch) {
				w.change()
			}
			w.verify()
		}
	}
}

func TestGetCountsAndNotesTheAccess(t *testing.T) {
	ks := New(1, toyTypes())
	db := ks.DB(0)
	ks.SetClock(7_000)
	db.SetString([]byte("k"), []byte("v"), expiry.None)
	ks.SetClock(9_999)
	if e, ok := db.Peek([]byte("k")); !ok || e.Accessed() != 7 {
		t.Fatalf("Peek: %v, accessed at %d; want 7", ok, e.Accessed())
	}
	if e, ok := db.Get([]byte("k")); !ok || e.Accessed() != 9 {
		t.Fatalf("Get: %v, accessed at %d; want 9", ok, e.Accessed())
	}
	if _, ok := db.Get([]byte("none")); ok || ks.Hits != 1 || ks.Misses != 1 {
		t.Fatalf("%d hits and %d misses; want 1 and 1", ks.Hits, ks.Misses)
	}
}
