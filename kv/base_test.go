package kv

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"holdfast/expiry"
)

// shelf is a model of the base: by store, the records. It keeps to the letter of Cold: what it lends is overwritten as
// soon as the loan is over.
type shelf struct {
	testing.TB
	racks map[uint32]*rack
	dbs   []FrozenDB // as the last checkpoint described them
	lent  []byte     // by the last Get
	asked int        // how often Get was called
	shown int        // how many deadlines were
}

// rack is one store.
type rack struct {
	records map[string]record
	keys    []string // in order; nil when they have to be sorted anew
	dues    []dueKey // likewise
}

// record is what the base has under a key.
type record struct {
	kind     Kind
	deadline int64
	text     string            // of what lies in one piece
	parts    map[uint64]string // of what does not
}

type dueKey struct {
	at  int64
	key string
}

func newShelf(t testing.TB) *shelf { return &shelf{TB: t, racks: map[uint32]*rack{}} }

// content is the value, put together.
func (r record) content() string {
	text := r.text
	for _, id := range slices.Sorted(maps.Keys(r.parts)) {
		text += r.parts[id]
	}
	return text
}

func (r record) thing() thing { return thing{kind: r.kind, text: r.content(), deadline: r.deadline} }

func (r record) stored() Stored {
	s := Stored{Kind: r.kind, Deadline: r.deadline, Parted: r.parts != nil}
	if r.kind == String {
		s.Text = []byte(r.text)
		return s
	}
	s.Lapse = toyLapse(r.content())
	s.Load = func() Value { return &toy{b: []byte(r.content()), stored: maps.Clone(r.parts)} }
	return s
}

// inOrder compares keys by the base's order: long ones, which it keeps under a hash, come behind the others.
func inOrder(a, b string) int {
	if long := cmp.Compare(len(a)/600, len(b)/600); long != 0 {
		return long
	}
	return strings.Compare(a, b)
}

func dueInOrder(a, b dueKey) int {
	return cmp.Or(cmp.Compare(a.at, b.at), inOrder(a.key, b.key))
}

// rack returns a store, sorted; one that the base does not have is empty.
func (b *shelf) rack(store uint32) *rack {
	r := b.racks[store]
	if r == nil {
		return &rack{}
	}
	if r.keys == nil {
		r.dues = r.dues[:0]
		for key, record := range r.records {
			r.keys = append(r.keys, key)
			if at := record.thing().due(); at != expiry.None {
				r.dues = append(r.dues, dueKey{at, key})
			}
		}
		slices.SortFunc(r.keys, inOrder)
		slices.SortFunc(r.dues, dueInOrder)
	}
	return r
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = '!'
	}
}

func (b *shelf) Get(store uint32, key []byte) (Stored, bool) {
	b.asked++
	overwrite(b.lent)
	r, ok := b.rack(store).records[string(key)]
	if !ok {
		return Stored{}, false
	}
	s := r.stored()
	b.lent = s.Text
	return s, true
}

func (b *shelf) Each(store uint32, after []byte, fn func(key []byte, s Stored) bool) {
	b.Helper()
	r, first, was := b.rack(store), 0, string(after)
	if after != nil {
		i, found := slices.BinarySearchFunc(r.keys, was, inOrder)
		if first = i; found {
			first++
		}
	}
	for _, key := range r.keys[first:] {
		k, s := []byte(key), r.records[key].stored()
		more := fn(k, s)
		overwrite(k)
		overwrite(s.Text)
		if string(after) != was {
			b.Fatalf("Each was called with %.40q, which became %.40q meanwhile", was, after)
		}
		if !more {
			return
		}
	}
}

func (b *shelf) Deadlines(store uint32, at int64, after []byte, fn func(at int64, key []byte) bool) {
	b.Helper()
	r, was := b.rack(store), string(after)
	first, found := slices.BinarySearchFunc(r.dues, dueKey{at, was}, dueInOrder)
	if found && after != nil {
		first++
	}
	for _, d := range r.dues[first:] {
		b.shown++
		k := []byte(d.key)
		more := fn(d.at, k)
		overwrite(k)
		if string(after) != was {
			b.Fatalf("Deadlines was called with %.40q, which became %.40q meanwhile", was, after)
		}
		if !more {
			return
		}
	}
}

func (b *shelf) Sample(store uint32, pick func(n int) int) ([]byte, bool) {
	r := b.rack(store)
	if len(r.keys) == 0 {
		return nil, false
	}
	return []byte(r.keys[pick(len(r.keys))]), true
}

// alteration is what a checkpoint does to a record, made of what a Freeze hands out in the way that an engine does.
type alteration struct {
	store   uint32
	key     string
	deleted bool
	partly  bool     // the parts in the record are those that changed
	dropped []uint64 // parts to remove
	record  record
	whole   string // what the value must come to
	lapse   int64  // what it was said to lapse first
}

func alterationOf(f Frozen) alteration {
	a := alteration{store: f.Store, key: string(f.Key), deleted: f.Deleted, partly: f.Partly, lapse: f.Lapse}
	a.record = record{kind: f.Kind, deadline: f.Deadline, text: string(f.Text)}
	v, ok := f.Value.(*toy)
	if !ok {
		a.whole = a.record.text
		return a
	}
	a.whole = string(v.AppendBinary(nil))
	if f.Parts == nil {
		a.record.text = a.whole
		return a
	}
	a.record.parts = map[uint64]string{}
	f.Parts(func(id uint64, payload []byte) { a.record.parts[id] = string(payload) })
	if f.Partly {
		v.DroppedParts(func(id uint64) { a.dropped = append(a.dropped, id) })
	}
	return a
}

// apply takes a checkpoint, all of it, as a base does: stores that no database has any more go.
func (b *shelf) apply(dbs []FrozenDB, alterations []alteration) {
	b.Helper()
	kept := map[uint32]*rack{}
	for _, db := range dbs {
		if kept[db.Store] != nil {
			b.Fatalf("two databases go by store %d", db.Store)
		}
		kept[db.Store] = &rack{records: map[string]record{}}
		if old := b.racks[db.Store]; old != nil {
			kept[db.Store].records = old.records
		}
	}
	for _, a := range alterations {
		switch r := kept[a.store]; {
		case r != nil:
			b.alter(r, a)
		case !a.deleted:
			b.Fatalf("key %.40q goes to store %d, which no database with keys has", a.key, a.store)
		}
	}
	for _, db := range dbs {
		r := kept[db.Store]
		deadlines := 0
		for _, record := range r.records {
			if record.thing().due() != expiry.None {
				deadlines++
			}
		}
		if db.Keys != len(r.records) || db.Deadlines != deadlines {
			b.Fatalf("database %d is said to have %d keys, %d deadlines; the base got %d and %d",
				db.Index, db.Keys, db.Deadlines, len(r.records), deadlines)
		}
	}
	b.racks, b.dbs = kept, slices.Clone(dbs)
}

func (b *shelf) alter(r *rack, a alteration) {
	b.Helper()
	if a.deleted {
		delete(r.records, a.key)
		return
	}
	if a.partly {
		was := r.records[a.key]
		if was.kind != a.record.kind || was.parts == nil || a.record.parts == nil {
			b.Fatalf("key %.40q is handed out in part; the base has kind %d, %d parts", a.key, was.kind, len(was.parts))
		}
		parts := maps.Clone(was.parts)
		maps.Copy(parts, a.record.parts)
		for _, id := range a.dropped {
			if _, ok := parts[id]; !ok {
				b.Fatalf("key %.40q drops part %d, which the base does not have", a.key, id)
			}
			delete(parts, id)
		}
		a.record.parts = parts
	}
	if got := a.record.content(); got != a.whole {
		b.Fatalf("key %.40q, partly %v: the base has %.100q now; what was handed out was %.100q", a.key, a.partly, got, a.whole)
	}
	if a.record.kind != toyKind && a.lapse != expiry.None || a.record.kind == toyKind && a.lapse != toyLapse(a.whole) {
		b.Fatalf("key %.40q was handed out with a lapse of %d", a.key, a.lapse)
	}
	r.records[a.key] = a.record
}

// slice returns copies of records behind a key, up to n.
func (b *shelf) slice(store uint32, after []byte, n int) (keys [][]byte, records []Stored) {
	b.Each(store, after, func(key []byte, s Stored) bool {
		s.Text = bytes.Clone(s.Text)
		keys, records = append(keys, bytes.Clone(key)), append(records, s)
		return len(keys) < n
	})
	return keys, records
}
