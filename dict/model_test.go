package dict

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/packed"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed again")

// chance returns random numbers; a failing test prints their seed.
func chance(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// check recounts what a Dict keeps as sums and verifies what the package comment says.
func check(t testing.TB, d *Dict) {
	t.Helper()
	leaves, keys, deepest, pages, point := 0, 0, 0, int64(0), uint64(0)
	for l := range d.all() {
		if l.start() != point || l.n > leafMax {
			t.Fatalf("leaf %#x with %d keys follows %#x", l.id, l.n, point)
		}
		for _, there := range d.span(l) {
			if there != l {
				t.Fatalf("the directory does not lead to leaf %#x everywhere", l.id)
			}
		}
		entries, err := packed.Check(l.page)
		if err != nil || entries != 2*int(l.n) || int(l.n) > d.most {
			t.Fatalf("leaf %#x has %d entries, %d keys, at most %d: %v", l.id, entries, l.n, d.most, err)
		}
		i, off := 0, 0
		for key := range l.pairs() {
			if l.offset(i) != off {
				t.Fatalf("leaf %#x, key %d begins at %d, not %d", l.id, i, off, l.offset(i))
			}
			off = l.page.Skip(off, 2)
			if hash := d.hash(key); makeID(hash, l.depth()) != l.id || l.tags[i] != l.tag(hash) {
				t.Fatalf("leaf %#x, key %d: in the wrong leaf, or with the wrong tag", l.id, i)
			}
			i++
		}
		if !d.store.tracked && !l.dirty || l.dirty && d.store.tracked && !slices.Contains(d.store.changed, l) {
			t.Fatalf("leaf %#x is not accounted for as changed", l.id)
		}
		leaves++
		keys += int(l.n)
		pages += int64(cap(l.page))
		if l.depth() == d.depth {
			deepest++
		}
		if l.depth() > 0 {
			point += 1 << (64 - l.depth())
		}
	}
	if leaves != d.leaves || keys != d.count || deepest != d.deepest || pages != d.pages || point != 0 || len(d.dir) != 1<<d.depth {
		t.Fatalf("leaves %d, keys %d, deepest %d, pages %d; a recount says %d, %d, %d, %d",
			d.leaves, d.count, d.deepest, d.pages, leaves, keys, deepest, pages)
	}
}

func contents(d *Dict) map[string]string {
	m := map[string]string{}
	for key, value := range d.All() {
		m[string(key)] = string(value)
	}
	return m
}

// requireEqual checks d and compares it with the model.
func requireEqual(t testing.TB, d *Dict, model map[string]string) {
	t.Helper()
	check(t, d)
	if got := contents(d); !maps.Equal(got, model) || d.Len() != len(model) {
		t.Fatalf("%d keys, want %d, or other values", d.Len(), len(model))
	}
	for key, value := range model {
		if got, ok := d.Get([]byte(key)); !ok || string(got) != value {
			t.Fatalf("Get(%q) = %q, %v", key, got, ok)
		}
	}
}

// base is what checkpoints have written of one Dict: in one piece, or a head and parts.
type base struct {
	whole, head []byte
	parts       map[uint64][]byte
}

// checkpoint does what the comment in parts.go asks of one, and returns how many parts it wrote.
func (s *base) checkpoint(t testing.TB, d *Dict) (written int) {
	t.Helper()
	if s.parts == nil {
		s.parts = map[uint64][]byte{}
	}
	last := uint64(0)
	d.DroppedParts(func(id uint64) {
		if _, ok := s.parts[id]; !ok || id <= last {
			t.Fatalf("part %#x is dropped after %#x, and was stored: %v", id, last, ok)
		}
		last = id
		delete(s.parts, id)
	})
	if d.Parted() {
		s.whole, s.head = nil, d.AppendHead(nil)
		last = 0
		if err := d.Parts(true, func(id uint64, payload []byte) error {
			if id <= last {
				t.Fatalf("part %#x after %#x", id, last)
			}
			last = id
			s.parts[id] = bytes.Clone(payload)
			written++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	} else {
		s.whole, s.head = d.AppendBinary(nil), nil
	}
	d.MarkClean()
	return written
}

// load rebuilds the Dict as a start would.
func (s *base) load(t testing.TB) *Dict {
	t.Helper()
	load := func() (*Dict, error) { return FromParts(s.head, s.reader()) }
	if s.head == nil {
		if len(s.parts) != 0 {
			t.Fatalf("%d parts remain beside a Dict stored in one piece", len(s.parts))
		}
		load = func() (*Dict, error) { return Decode(s.whole) }
	}
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// reader returns the parts in order, as FromParts takes them.
func (s *base) reader() func() (uint64, []byte, bool, error) {
	ids := slices.Sorted(maps.Keys(s.parts))
	return func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, s.parts[id], true, nil
	}
}

// machine is a Dict, its model and its stored form.
type machine struct {
	t     testing.TB
	d     *Dict
	model map[string]string
	saved base
	rng   *rand.Rand
	names int // how many different keys there are
	sizes []int
	grow  bool
}

// TestRandomChanges drives a Dict and a map side by side, with checkpoints between, for values that make leaves of
// many keys, of some and of one.
func TestRandomChanges(t *testing.T) {
	for _, c := range []struct {
		names, steps int
		sizes        []int
	}{
		{10_000, 100, []int{0}},
		{6000, 100, []int{0, 5, 40}},
		{2000, 150, []int{1, 200, 900}},
		{300, 300, []int{10, 3000, 9000}},
		{40, 300, []int{0, 100_000}},
	} {
		t.Run(fmt.Sprint(c.sizes), func(t *testing.T) {
			rng := chance(t)
			m := &machine{t: t, d: New(Seed{1}), model: map[string]string{}, rng: rng, names: c.names, sizes: c.sizes, grow: true}
			for range c.steps {
				m.step()
			}
			requireEqual(t, m.d, m.model)
		})
	}
}

func (m *machine) key() []byte { return fmt.Appendf(nil, "key:%d", m.rng.IntN(m.names)) }

func (m *machine) step() {
	if len(m.model) < m.names/50 {
		m.grow = true
	} else if len(m.model) > m.names*3/4 {
		m.grow = false
	}
	switch p := m.rng.IntN(20); {
	case p < 14:
		for range m.rng.IntN(1 + m.names/10) {
			m.change()
		}
	case p < 15:
		m.drain()
	case p < 18:
		m.checkpoint()
	default:
		m.replace()
	}
	requireEqual(m.t, m.d, m.model)
}

func (m *machine) change() {
	key := m.key()
	_, there := m.model[string(key)]
	if m.grow == (m.rng.IntN(5) > 0) {
		value := bytes.Repeat([]byte{byte('a' + m.rng.IntN(26))}, m.sizes[m.rng.IntN(len(m.sizes))])
		if added := m.d.Set(key, value); added == there {
			m.t.Fatalf("Set(%q) = %v", key, added)
		}
		m.model[string(key)] = string(value)
		return
	}
	if m.rng.IntN(2) == 0 && len(m.model) > 0 {
		random, value := m.d.Random(m.rng)
		if m.model[string(random)] != string(value) {
			m.t.Fatalf("a random key %q has value %q", random, value)
		}
		key, there = bytes.Clone(random), true
	} else if m.rng.IntN(2) == 0 && len(m.model) > 0 {
		popped := m.d.Pop(m.rng, []byte("behind"))
		key = bytes.TrimPrefix(popped, []byte("behind"))
		if _, there := m.model[string(key)]; !there || len(key) == len(popped) {
			m.t.Fatalf("popped %q", popped)
		}
		delete(m.model, string(key))
		there = false
	}
	if deleted := m.d.Delete(key); deleted != there {
		m.t.Fatalf("Delete(%q) = %v", key, deleted)
	}
	delete(m.model, string(key))
}

// drain deletes what a scan meets, for a while, so that what is left are neighbours.
func (m *machine) drain() {
	cursor := uint64(0)
	for range m.rng.IntN(400) {
		var found [][]byte
		cursor = m.d.Scan(cursor, func(key, _ []byte) { found = append(found, bytes.Clone(key)) })
		for _, key := range found {
			m.d.Delete(key)
			delete(m.model, string(key))
		}
		if cursor == 0 {
			return
		}
	}
}

// checkpoint stores the Dict as an incremental checkpoint does, and reads it back.
func (m *machine) checkpoint() {
	m.saved.checkpoint(m.t, m.d)
	check(m.t, m.d)
	requireEqual(m.t, m.saved.load(m.t), m.model)
	if again := m.saved.checkpoint(m.t, m.d); again != 0 {
		m.t.Fatalf("%d parts have changed right after MarkClean", again)
	}
}

// replace goes on with another Dict of the same contents: the stored one after a restart, a clone, or one decoded.
func (m *machine) replace() {
	switch m.rng.IntN(3) {
	case 0:
		m.checkpoint()
		m.d = m.saved.load(m.t)
	case 1:
		old := m.d
		m.d, m.saved = old.Clone(), base{}
		for key := range m.model { // the clone must not notice
			old.Set([]byte(key), []byte("other"))
			old.Delete([]byte(key))
		}
	case 2:
		d, err := Decode(m.d.AppendBinary(nil))
		if err != nil {
			m.t.Fatal(err)
		}
		m.d, m.saved = d, base{}
	}
}
