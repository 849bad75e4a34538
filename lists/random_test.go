package lists

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed again")

// TestRandomOperations drives a list and a plain slice side by side, with checkpoints between, for element sizes that make
// lists of one node, of many, of bare ones, of nodes of few elements and of elements bigger than a node.
func TestRandomOperations(t *testing.T) {
	for _, c := range []struct {
		sizes        []int
		steps, burst int
	}{
		{[]int{3}, 300, 1000},
		{[]int{0, 10, 40}, 700, 300},
		{[]int{10, 130, 900}, 1500, 60},
		{[]int{0, 300, 5000}, 1500, 20},
		{[]int{2, 4000, 9000, 20 << 10}, 1000, 8},
		{nil, 400, 2000},
	} {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Run(fmt.Sprintf("sizes %d seed %d", c.sizes, seed), func(t *testing.T) {
			m := &machine{t: t, l: New(), rng: rand.New(rand.NewPCG(seed, 1)), sizes: c.sizes, burst: c.burst}
			for m.l.Bytes() < 2*PartedAbove {
				m.ends(true)
			}
			m.checkpoint()
			for step := range c.steps {
				m.step()
				if step%17 == 0 {
					requireEqual(t, m.l, m.model)
				} else {
					check(t, m.l)
				}
			}
			requireEqual(t, m.l, m.model)
		})
	}
}

// machine is a list, its model and its stored form.
type machine struct {
	t     testing.TB
	l     *List
	model [][]byte
	saved store
	rng   *rand.Rand
	sizes []int
	burst int  // elements pushed or popped at a time, at most
	grow  bool // the list is on its way up, from one node to parts, or down again
}

// value returns an element; few distinct ones, so that equal elements are common.
func (m *machine) value() []byte {
	if m.sizes == nil { // most alike, for bare nodes
		if m.rng.IntN(3000) == 0 {
			return []byte("another")
		}
		return fmt.Appendf(nil, "id:%04d", 9000+m.rng.IntN(1010))
	}
	size := m.sizes[m.rng.IntN(len(m.sizes))]
	return bytes.Repeat([]byte{byte('a' + m.rng.IntN(12))}, max(0, size-m.rng.IntN(3)))
}

// index returns an index in range, or slightly out of it, on either side.
func (m *machine) index() int {
	n := len(m.model) + 3
	return m.rng.IntN(2*n) - n
}

func (m *machine) step() {
	if m.l.Bytes() < 4<<10 {
		m.grow = true
	} else if m.l.Bytes() > 2*PartedAbove {
		m.grow = false
	}
	switch p := m.rng.IntN(100); {
	case p < 40:
		m.ends(m.grow)
	case p < 50:
		m.ends(!m.grow)
	case p < 60:
		m.set()
	case p < 75:
		m.insert()
	case p < 78:
		m.remove()
	case p < 80:
		m.trim()
	case p < 88:
		m.read()
	case p < 92:
		m.positions()
	case p < 95:
		m.rotate()
	case p < 98:
		m.checkpoint()
	default:
		m.replace()
	}
}

// ends pushes or pops up to burst elements.
func (m *machine) ends(push bool) {
	front := m.rng.IntN(2) == 0
	for range m.rng.IntN(m.burst) {
		switch {
		case push && front:
			b := m.value()
			m.l.PushFront(b)
			m.model = slices.Insert(m.model, 0, b)
		case push:
			b := m.value()
			m.l.PushBack(b)
			m.model = append(m.model, b)
		default:
			m.pop(front)
		}
	}
}

func (m *machine) pop(front bool) []byte {
	pop, i := m.l.PopBack, len(m.model)-1
	if front {
		pop, i = m.l.PopFront, 0
	}
	b, ok := pop()
	if ok != (len(m.model) > 0) || ok && !bytes.Equal(b, m.model[i]) {
		m.t.Fatalf("Pop = %s, %v", brief(b), ok)
	}
	if ok {
		m.model = slices.Delete(m.model, i, i+1)
	}
	return b
}

// rotate pushes what was popped just before, without copying it.
func (m *machine) rotate() {
	for range m.rng.IntN(8) {
		if len(m.model) == 0 {
			return
		}
		front := m.rng.IntN(4) == 0
		b := m.pop(front)
		want := bytes.Clone(b)
		if m.rng.IntN(3) == 0 {
			front = !front
		}
		if front {
			m.l.PushBack(b)
			m.model = append(m.model, want)
		} else {
			m.l.PushFront(b)
			m.model = slices.Insert(m.model, 0, want)
		}
	}
}

// at returns the model's index for i, and whether it is in range.
func (m *machine) at(i int) (int, bool) {
	if i < 0 {
		i += len(m.model)
	}
	return i, i >= 0 && i < len(m.model)
}

func (m *machine) set() {
	i, b := m.index(), m.value()
	k, ok := m.at(i)
	if got := m.l.Set(i, b); got != ok {
		m.t.Fatalf("Set(%d) = %v in a list of %d", i, got, len(m.model))
	}
	if ok {
		m.model[k] = b
	}
}

func (m *machine) insert() {
	for range 1 + m.rng.IntN(12) {
		pivot, b, after := m.value(), m.value(), m.rng.IntN(2) == 0
		k := slices.IndexFunc(m.model, func(e []byte) bool { return bytes.Equal(e, pivot) })
		if got := m.l.Insert(pivot, b, after); got != (k >= 0) {
			m.t.Fatalf("Insert(%s) = %v", brief(pivot), got)
		}
		if k < 0 {
			continue
		}
		if after {
			k++
		}
		m.model = slices.Insert(m.model, k, b)
	}
}

func (m *machine) remove() {
	count, b := m.rng.IntN(60)-30, m.value()
	if m.rng.IntN(10) == 0 {
		count = 0
	}
	limit := count
	if count < 0 {
		limit = -count
	} else if count == 0 {
		limit = len(m.model)
	}
	var kept [][]byte
	removed := 0
	if count < 0 {
		slices.Reverse(m.model)
	}
	for _, e := range m.model {
		if removed < limit && bytes.Equal(e, b) {
			removed++
		} else {
			kept = append(kept, e)
		}
	}
	if count < 0 {
		slices.Reverse(kept)
	}
	m.model = kept
	if got := m.l.Remove(count, b); got != removed {
		m.t.Fatalf("Remove(%d, %s) = %d, want %d", count, brief(b), got, removed)
	}
}

// window returns what LRANGE and LTRIM take start and stop for.
func (m *machine) window(start, stop int) (int, int) {
	n := len(m.model)
	if start < 0 {
		start += n
	}
	if stop < 0 {
		stop += n
	}
	start, stop = max(start, 0), min(stop, n-1)
	if start > stop {
		return 0, 0
	}
	return start, stop + 1
}

func (m *machine) trim() {
	start, stop := m.index(), m.index()
	if m.rng.IntN(4) > 0 { // seldom all of it
		start, stop = m.rng.IntN(1+len(m.model)/4), -1-m.rng.IntN(1+len(m.model)/4)
	}
	i, j := m.window(start, stop)
	m.l.Trim(start, stop)
	m.model = slices.Clone(m.model[i:j])
}

func (m *machine) read() {
	i := m.index()
	k, ok := m.at(i)
	if b, got := m.l.Index(i); got != ok || ok && !bytes.Equal(b, m.model[k]) {
		m.t.Fatalf("Index(%d) = %s, %v in a list of %d", i, brief(b), got, len(m.model))
	}
	start, stop, most := m.index(), m.index(), m.rng.IntN(len(m.model)+2)
	from, to := m.window(start, stop)
	want := m.model[from:to]
	for _, reverse := range []bool{false, true} {
		walk, want := m.l.Range, slices.Clone(want)
		if reverse {
			walk = m.l.Reverse
			slices.Reverse(want)
		}
		got := 0
		walk(start, stop, func(b []byte) bool {
			if got >= len(want) || !bytes.Equal(b, want[got]) {
				m.t.Fatalf("range %d %d, reverse %v: element %d is %s", start, stop, reverse, got, brief(b))
			}
			got++
			return got <= most
		})
		if got != min(len(want), most+1) {
			m.t.Fatalf("range %d %d, reverse %v: %d elements, want %d", start, stop, reverse, got, len(want))
		}
	}
}

func (m *machine) positions() {
	b, rank, count, maxlen := m.value(), 1+m.rng.IntN(4), m.rng.IntN(4), m.rng.IntN(2)*m.rng.IntN(len(m.model)+2)
	reverse := m.rng.IntN(2) == 0
	var want []int
	matches := 0
	for seen := range m.model {
		i := seen
		if reverse {
			i = len(m.model) - 1 - seen
		}
		if maxlen > 0 && seen == maxlen || count > 0 && len(want) == count {
			break
		}
		if bytes.Equal(m.model[i], b) {
			if matches++; matches >= rank {
				want = append(want, i)
			}
		}
	}
	if reverse {
		rank = -rank
	}
	if got := m.l.Positions(b, rank, count, maxlen); !slices.Equal(got, want) {
		m.t.Fatalf("Positions(%s, %d, %d, %d) = %v, want %v", brief(b), rank, count, maxlen, got, want)
	}
}

// checkpoint stores the list as an incremental checkpoint does, and reads it back.
func (m *machine) checkpoint() {
	m.saved.checkpoint(m.t, m.l)
	check(m.t, m.l)
	requireEqual(m.t, m.saved.load(m.t), m.model)
	if again := m.saved.checkpoint(m.t, m.l); again != 0 {
		m.t.Fatalf("%d parts are dirty right after MarkClean", again)
	}
}

// replace goes on with another list of the same contents: the stored one after a restart, a clone, or one decoded.
func (m *machine) replace() {
	switch m.rng.IntN(3) {
	case 0:
		m.checkpoint()
		m.l = m.saved.load(m.t)
	case 1:
		old := m.l
		m.l, m.saved = old.Clone(), store{}
		for old.Len() > 0 { // the clone must not notice
			old.Set(0, []byte("other"))
			old.PopFront()
		}
		if n := m.l.PackedSize(); n > 0 {
			b := m.l.AppendPacked(make([]byte, 0, n+m.rng.IntN(32)))
			if len(b) != n {
				m.t.Fatalf("packed into %d bytes where %d were told", len(b), n)
			}
			m.l = Unpack(b)
		}
	case 2:
		l, err := Decode(m.l.AppendBinary(nil))
		if err != nil {
			m.t.Fatal(err)
		}
		m.l, m.saved = l, store{}
	}
	requireEqual(m.t, m.l, m.model)
}
