package hashes

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/dict"
	"holdfast/expiry"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed again")

// held is what the model knows of a field.
type held struct {
	value    string
	deadline int64
}

// machine is a hash, its model and its stored form.
type machine struct {
	testing.TB
	h     *Hash
	model map[string]held
	rng   *rand.Rand
	names int // different fields
	size  int // longest value
	parts map[uint64][]byte
	head  []byte
}

func newMachine(t testing.TB, seed uint64, names, size int) *machine {
	return &machine{TB: t, h: New(), model: map[string]held{}, rng: rand.New(rand.NewPCG(seed, 2)), names: names, size: size}
}

// TestRandomOperations drives a hash and a map side by side, with stored forms in between.
func TestRandomOperations(t *testing.T) {
	for _, c := range []struct{ names, size, enlarge, steps int }{
		{5, 10, 0, 4000},      // small throughout
		{200, 300, 0, 3000},   // small, entries with long lengths
		{30, 20, 500, 4000},   // large, few fields
		{3000, 60, 300, 9000}, // large enough for parts
	} {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Run(fmt.Sprintf("%d fields, seed %d", c.names, seed), func(t *testing.T) {
			m := newMachine(t, seed, c.names, c.size)
			for step := range c.steps {
				if c.enlarge > 0 && step == c.enlarge {
					m.h.Enlarge(m.seed())
				}
				m.step()
				if step%29 == 0 {
					m.check()
				}
			}
			m.check()
		})
	}
}

func (m *machine) seed() (s [16]byte) {
	for i := range s {
		s[i] = byte(m.rng.Uint32())
	}
	return s
}

func (m *machine) field() []byte { return fmt.Appendf(nil, "field%d", m.rng.IntN(m.names)) }

// known is a field that is there, if there is one.
func (m *machine) known() []byte {
	if len(m.model) == 0 {
		return m.field()
	}
	field, _ := m.h.Random(m.rng)
	return bytes.Clone(field)
}

func (m *machine) value() []byte {
	return bytes.Repeat([]byte{byte('a' + m.rng.IntN(26))}, m.rng.IntN(m.size+1))
}

// step makes one change, or stores the hash and reads it back.
func (m *machine) step() {
	field, value := m.field(), m.value()
	old, there := m.model[string(field)]
	switch p := m.rng.IntN(100); {
	case p < 45:
		if added := m.h.Set(field, value); added == there {
			m.Fatalf("Set of %q says added: %v", field, added)
		}
		m.model[string(field)] = held{value: string(value)}
	case p < 55:
		if added := m.h.SetKeeping(field, value); added == there {
			m.Fatalf("SetKeeping of %q says added: %v", field, added)
		}
		m.model[string(field)] = held{string(value), old.deadline}
	case p < 75:
		m.setDeadline(m.known())
	case p < 90:
		field = m.known()
		_, there = m.model[string(field)]
		if deleted := m.h.Delete(field); deleted != there {
			m.Fatalf("Delete of %q says %v", field, deleted)
		}
		delete(m.model, string(field))
	case p < 95:
		m.lapse()
	case p < 99:
		m.store()
	default:
		m.h = m.h.Clone()
		m.parts = nil
		m.pack()
	}
}

// pack goes on with what the hash is packed into, if it is.
func (m *machine) pack() {
	n := m.h.PackedSize()
	if n == 0 {
		return
	}
	b := m.h.AppendPacked(make([]byte, 0, n+m.rng.IntN(32)))
	if len(b) != n {
		m.Fatalf("packed into %d bytes where %d were told", len(b), n)
	}
	m.h = Unpack(b)
}

func (m *machine) setDeadline(field []byte) {
	f, there := m.model[string(field)]
	if !there {
		return
	}
	f.deadline = m.rng.Int64N(1000) // 0 is none
	m.h.SetDeadline(field, f.deadline)
	m.model[string(field)] = f
}

// lapse lets some fields lapse, by an amount that may be less than what is due.
func (m *machine) lapse() {
	now, most := m.rng.Int64N(1000)-500, 1+m.rng.IntN(20)
	due := 0
	for _, f := range m.model {
		if f.deadline != expiry.None && f.deadline <= now {
			due++
		}
	}
	fields := m.h.Lapse(now, most)
	if len(fields) != min(due, most) {
		m.Fatalf("%d fields lapsed of %d due, at most %d", len(fields), due, most)
	}
	for _, field := range fields {
		if f, there := m.model[string(field)]; !there || f.deadline == expiry.None || f.deadline > now {
			m.Fatalf("%q lapsed at %d with deadline %d", field, now, f.deadline)
		}
		delete(m.model, string(field))
	}
}

// store writes the hash as a checkpoint would, and goes on with what comes back, or with the original.
func (m *machine) store() {
	var back *Hash
	var err error
	if m.h.Parted() {
		if m.parts == nil {
			m.parts = map[uint64][]byte{}
			m.put(false)
		} else {
			m.put(true)
		}
		m.h.DroppedParts(func(id uint64) { delete(m.parts, id) })
		m.head = m.h.AppendHead(nil)
		m.h.MarkClean()
		back, err = m.restore()
	} else {
		back, err = Decode(m.h.AppendBinary(nil))
		m.h.MarkClean()
		m.parts = nil
	}
	if err != nil {
		m.Fatal(err)
	}
	if m.rng.IntN(2) == 0 {
		m.h = back
	}
}

func (m *machine) put(changed bool) {
	err := m.h.Parts(changed, func(id uint64, payload []byte) error {
		m.parts[id] = bytes.Clone(payload)
		return nil
	})
	if err != nil {
		m.Fatal(err)
	}
}

func (m *machine) restore() (*Hash, error) {
	ids := slices.Sorted(maps.Keys(m.parts))
	return FromParts(m.head, func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, m.parts[id], true, nil
	})
}

// check compares everything that the hash tells with the model.
func (m *machine) check() {
	m.Helper()
	if m.h.Len() != len(m.model) {
		m.Fatalf("Len %d, not %d", m.h.Len(), len(m.model))
	}
	seen, next, timed := 0, expiry.Never, 0
	m.h.Each(func(field, value []byte, deadline int64) bool {
		seen++
		if want, there := m.model[string(field)]; !there || want != (held{string(value), deadline}) {
			m.Fatalf("%q holds %q with deadline %d, not %+v (%v)", field, value, deadline, want, there)
		}
		return true
	})
	for name, want := range m.model {
		value, deadline, ok := m.h.Field([]byte(name))
		if !ok || string(value) != want.value || deadline != want.deadline {
			m.Fatalf("Field %q gives %q, %d, %v; want %+v", name, value, deadline, ok, want)
		}
		if want.deadline != expiry.None {
			timed++
			next = min(next, want.deadline)
		}
	}
	if seen != len(m.model) || m.h.Lapses() != next || m.h.Timed() != timed {
		m.Fatalf("%d fields, %d with deadlines, the first %d; want %d, %d, %d", seen, m.h.Timed(), m.h.Lapses(), len(m.model), timed, next)
	}
	m.scan()
}

// scan goes through the hash by its cursor.
func (m *machine) scan() {
	m.Helper()
	seen := map[string]bool{}
	for cursor := uint64(0); ; {
		cursor = m.h.Scan(cursor, func(field, value []byte) {
			if m.model[string(field)].value != string(value) {
				m.Fatalf("a scan gives %q for %q", value, field)
			}
			seen[string(field)] = true
		})
		if cursor == 0 {
			break
		}
	}
	if len(seen) != len(m.model) {
		m.Fatalf("a scan gives %d of %d fields", len(seen), len(m.model))
	}
}

// Every field of a hash is drawn about as often as any other.
func TestRandomIsUniform(t *testing.T) {
	for _, large := range []bool{false, true} {
		m := newMachine(t, 5, 10, 3)
		for i := range 10 {
			m.h.Set(fmt.Appendf(nil, "f%d", i), []byte("v"))
		}
		if large {
			m.h.Enlarge(m.seed())
		}
		drawn := map[string]int{}
		const draws = 20_000
		for range draws {
			field, _ := m.h.Random(m.rng)
			drawn[string(field)]++
		}
		for field, n := range drawn {
			if n < draws/10*8/10 || n > draws/10*12/10 {
				t.Errorf("large %v: %s drawn %d times of %d", large, field, n, draws)
			}
		}
		if len(drawn) != 10 {
			t.Errorf("large %v: %d fields drawn", large, len(drawn))
		}
	}
}

// BenchmarkLapse is what it costs a field of many to lapse.
func BenchmarkLapse(b *testing.B) {
	const fields = 100_000
	for b.Loop() {
		b.StopTimer()
		h := New()
		h.Enlarge(dict.Seed{1})
		for i := range fields {
			field := fmt.Appendf(nil, "field:%06d", i)
			h.Set(field, field)
			h.SetDeadline(field, 1000)
		}
		b.StartTimer()
		for len(h.Lapse(1000, 1024)) > 0 {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/fields, "ns/field")
}
