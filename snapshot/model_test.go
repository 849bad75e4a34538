package snapshot

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"holdfast/internal/vfs"
)

// model is what a base ought to hold: the same operations on Go maps.
type model struct {
	meta   Meta
	stores map[Store]map[string]modelRecord
}

type modelRecord struct {
	Record
	parts map[uint64]string
}

func newModel(stores ...Store) *model {
	m := &model{stores: map[Store]map[string]modelRecord{}, meta: Meta{Format: Format, ID: [16]byte{7}, Logged: true}}
	for i, store := range stores {
		m.stores[store] = map[string]modelRecord{}
		m.meta.DBs = append(m.meta.DBs, DB{Index: i, Store: store})
	}
	return m
}

func (m *model) clone() *model {
	c := &model{meta: m.meta, stores: map[Store]map[string]modelRecord{}}
	c.meta.DBs = slices.Clone(m.meta.DBs)
	for store, keys := range m.stores {
		c.stores[store] = maps.Clone(keys)
		for key, r := range keys {
			r.parts = maps.Clone(r.parts)
			c.stores[store][key] = r
		}
	}
	return c
}

// counted is the meta that a base of this content has.
func (m *model) counted() Meta {
	meta := m.meta
	meta.DBs = slices.Clone(meta.DBs)
	for i, db := range meta.DBs {
		meta.DBs[i].Keys, meta.DBs[i].Deadlines = int64(len(m.stores[db.Store])), 0
		for _, r := range m.stores[db.Store] {
			meta.DBs[i].Deadlines += one(dueOf(r.Record) != 0)
		}
	}
	return meta
}

// both is a model and a set of changes that are given the same calls.
type both struct {
	t  testing.TB
	m  *model
	ch *Changes
}

func newChanges(t testing.TB, fsys vfs.FS, dir string, m *model) both {
	return both{t, m, NewChanges(fsys, dir, 64<<10)}
}

func (b both) put(store Store, key string, r Record) {
	b.t.Helper()
	must(b.t, b.ch.Put(store, []byte(key), r))
	old := b.m.stores[store][key]
	next := modelRecord{Record: r}
	next.Payload = bytes.Clone(r.Payload)
	if r.Parted {
		next.parts = old.parts
		if next.parts == nil {
			next.parts = map[uint64]string{}
		}
	}
	b.m.stores[store][key] = next
}

func (b both) delete(store Store, key string) {
	b.t.Helper()
	must(b.t, b.ch.Delete(store, []byte(key)))
	delete(b.m.stores[store], key)
}

func (b both) putPart(store Store, key string, part uint64, payload string) {
	b.t.Helper()
	must(b.t, b.ch.PutPart(store, []byte(key), part, []byte(payload)))
	b.m.stores[store][key].parts[part] = payload
}

func (b both) deletePart(store Store, key string, part uint64) {
	b.t.Helper()
	must(b.t, b.ch.DeletePart(store, []byte(key), part))
	delete(b.m.stores[store][key].parts, part)
}

// random makes n random calls, on few enough keys that they meet.
func (b both) random(rng *rand.Rand, n int) {
	b.t.Helper()
	for range n {
		db := b.m.meta.DBs[rng.IntN(len(b.m.meta.DBs))]
		key := randomKey(rng)
		r, there := b.m.stores[db.Store][key]
		switch {
		case there && r.Parted && rng.IntN(4) > 0:
			if part := uint64(rng.IntN(20)); rng.IntN(3) == 0 {
				b.deletePart(db.Store, key, part)
			} else {
				b.putPart(db.Store, key, part, randomPayload(rng))
			}
		case rng.IntN(4) == 0:
			b.delete(db.Store, key)
		default:
			b.put(db.Store, key, Record{
				Kind: byte(rng.IntN(5)), Parted: rng.IntN(4) == 0,
				Deadline: int64(max(0, rng.IntN(1000)-500)), Lapse: int64(max(0, rng.IntN(1000)-700)), Payload: []byte(randomPayload(rng)),
			})
		}
	}
}

func randomKey(rng *rand.Rand) string {
	switch i := rng.IntN(400); {
	case i == 0:
		return ""
	case i < 4:
		return string(bytes.Repeat([]byte{byte('A' + i)}, MaxPlainKey-1+i))
	default:
		return fmt.Sprintf("key:%d", i)
	}
}

func randomPayload(rng *rand.Rand) string {
	size := rng.IntN(200)
	if rng.IntN(100) == 0 {
		size = rng.IntN(3 * chunk)
	}
	return string(bytes.Repeat([]byte{byte(rng.IntN(256))}, size))
}

// swapOrFlush now and then exchanges two databases or empties one.
func (m *model) swapOrFlush(rng *rand.Rand) {
	dbs := m.meta.DBs
	switch i, j := rng.IntN(len(dbs)), rng.IntN(len(dbs)); rng.IntN(6) {
	case 0:
		dbs[i].Store, dbs[j].Store = dbs[j].Store, dbs[i].Store
	case 1:
		delete(m.stores, dbs[i].Store)
		dbs[i].Store = 1 + slices.MaxFunc(dbs, func(a, b DB) int { return int(a.Store) - int(b.Store) }).Store
		m.stores[dbs[i].Store] = map[string]modelRecord{}
	}
}

// check compares a base with the model by every way of reading, and verifies it.
func (m *model) check(t testing.TB, b *Base) {
	t.Helper()
	if diff := m.differs(b); diff != nil {
		t.Fatal(diff)
	}
	if _, err := b.Verify(nil); err != nil {
		t.Fatal(err)
	}
}

// differs says how a base is not what the model says, or what error reading it gave.
func (m *model) differs(b *Base) error {
	if got, want := fmt.Sprintf("%+v", b.Meta()), fmt.Sprintf("%+v", m.counted()); got != want {
		return fmt.Errorf("meta is\n%s and not\n%s", got, want)
	}
	for store, keys := range m.stores {
		if err := m.storeDiffers(b, store, keys); err != nil {
			return fmt.Errorf("store %d: %w", store, err)
		}
	}
	return nil
}

func (m *model) storeDiffers(b *Base, store Store, keys map[string]modelRecord) error {
	seen := 0
	var order []byte
	err := b.Each(store, nil, func(key []byte, r Record) error {
		seen++
		stored := appendStored(nil, key)
		if order != nil && bytes.Compare(order, stored) >= 0 {
			return fmt.Errorf("key %.20q out of order", key)
		}
		order = stored
		if _, there := keys[string(key)]; !there {
			return fmt.Errorf("key %.20q ought not to be there", key)
		}
		return sameRecord(key, r, keys[string(key)].Record)
	})
	if err == nil && seen != len(keys) {
		err = fmt.Errorf("%d keys instead of %d", seen, len(keys))
	}
	if err != nil {
		return err
	}
	for key, want := range keys {
		r, ok, err := b.Get(store, []byte(key))
		if err == nil && !ok {
			err = fmt.Errorf("key %.20q is missing", key)
		}
		if err == nil {
			err = sameRecord([]byte(key), r, want.Record)
		}
		if err == nil {
			err = sameParts(b, store, key, want.parts)
		}
		if err != nil {
			return err
		}
	}
	return m.deadlinesDiffer(b, store, keys)
}

// dueOf is where the index must have a record.
func dueOf(r Record) int64 {
	if r.Lapse == 0 || r.Deadline != 0 && r.Deadline < r.Lapse {
		return r.Deadline
	}
	return r.Lapse
}

func sameRecord(key []byte, got, want Record) error {
	if got.Kind != want.Kind || got.Parted != want.Parted || got.Deadline != want.Deadline || got.Lapse != want.Lapse || !bytes.Equal(got.Payload, want.Payload) {
		return fmt.Errorf("key %.20q has another record: %.60v instead of %.60v", key, got, want)
	}
	return nil
}

func sameParts(b *Base, store Store, key string, parts map[uint64]string) error {
	var numbers []uint64
	err := b.EachPart(store, []byte(key), func(part uint64, payload []byte) error {
		numbers = append(numbers, part)
		if want, ok := parts[part]; !ok || want != string(payload) {
			return fmt.Errorf("key %.20q has another part %d", key, part)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if want := slices.Sorted(maps.Keys(parts)); !slices.Equal(numbers, want) {
		return fmt.Errorf("key %.20q has parts %d instead of %d", key, numbers, want)
	}
	for part, want := range parts {
		if got, ok, err := b.Part(store, []byte(key), part); err != nil || !ok || string(got) != want {
			return fmt.Errorf("key %.20q part %d: %t, %w", key, part, ok, err)
		}
	}
	return nil
}

func (m *model) deadlinesDiffer(b *Base, store Store, keys map[string]modelRecord) error {
	left := map[string]int64{}
	for key, r := range keys {
		if at := dueOf(r.Record); at != 0 {
			left[key] = at
		}
	}
	before := int64(0)
	err := b.Deadlines(store, 0, math.MaxInt64, func(deadline int64, key []byte) error {
		if deadline < before || left[string(key)] != deadline {
			return fmt.Errorf("deadline %d of key %.20q comes after %d and ought to be %d", deadline, key, before, left[string(key)])
		}
		before = deadline
		delete(left, string(key))
		return nil
	})
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%d deadlines are missing", len(left))
	}
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// basePath is where the tests of a directory keep their base.
func basePath(dir string) string { return filepath.Join(dir, "base.db") }

// open opens the base of a directory and closes it at the end of the test.
func open(t testing.TB, dir string, o OpenOptions) *Base {
	t.Helper()
	b, err := Open(basePath(dir), o)
	must(t, err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// fresh writes what has been gathered as a new base.
func (b both) fresh(fsys vfs.FS, dir string) Result {
	b.t.Helper()
	r, err := WriteFresh(fsys, dir, "base.db", b.ch, b.m.meta)
	must(b.t, err)
	must(b.t, b.ch.Discard())
	return r
}

// apply applies it to a base.
func (b both) apply(base *Base) Result {
	b.t.Helper()
	r, err := base.Apply(b.ch, b.m.meta)
	must(b.t, err)
	must(b.t, b.ch.Discard())
	return r
}

// TestRandomChanges does the same to a base and to a model: whole bases, changes in one transaction and by way of
// a redo file, swapped and flushed databases, and a reopened file, in any order.
func TestRandomChanges(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := newModel(1, 2, 9)
	c := newChanges(t, vfs.OS(), dir, m)
	c.random(rng, 2000)
	c.fresh(vfs.OS(), dir)
	for round := range 25 {
		b, err := Open(basePath(dir), OpenOptions{})
		must(t, err)
		b.limits = limits{whole: 1000, entries: 1 + rng.IntN(500), bytes: 1 << 20}
		m.meta.LSN, m.meta.Time, m.meta.Extra = m.meta.LSN+1, int64(round), []byte{byte(round)}
		m.swapOrFlush(rng)
		c.random(rng, rng.IntN(2000))
		c.apply(b)
		m.check(t, b)
		must(t, b.Close())
	}
	m.check(t, open(t, dir, OpenOptions{ReadOnly: true}))
}

// unraced leaves a test of a single goroutine to the run without the race detector, which has nothing to see in it and makes it
// take ten times as long.
func unraced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("a single goroutine: it runs without the race detector")
	}
}
