package snapshot

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"holdfast/internal/nice"
)

// gathered is entries in memory, which are sorted when they are read.
type gathered struct {
	slabs  slabs
	refs   []sortRef
	sorted bool
}

// sortRef is an entry with the first bytes of what it is sorted by: most comparisons need no look at the entry.
type sortRef struct {
	first uint64
	ref
}

const sortRefBytes = 16

// How often others go first. Either is some 20 to 50 microseconds of work.
const (
	giveWayEntries     = 64
	giveWayComparisons = 512
)

// bytes is what the entries take, but for the room that the last slab has left.
func (g *gathered) bytes() int { return g.slabs.used + sortRefBytes*len(g.refs) }

// room makes room for an entry of so many bytes, and tells to which slab to append it.
func (g *gathered) room(size int) *[]byte {
	slab, r := g.slabs.room(size)
	g.refs = append(g.refs, sortRef{ref: r})
	g.sorted = false
	return slab
}

// reset forgets the entries, and keeps the memory.
func (g *gathered) reset() {
	g.slabs.reset()
	g.refs = g.refs[:0]
}

func (g *gathered) sort() {
	if g.sorted {
		return
	}
	var way nice.Way
	g.setFirst(&way)
	compared := 0
	slices.SortFunc(g.refs, func(a, b sortRef) int {
		if compared++; compared%giveWayComparisons == 0 {
			way.Give()
		}
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return compareEntries(g.slabs.at(a.ref), g.slabs.at(b.ref))
	})
	g.sorted = true
}

// setFirst looks at the keys behind what all of them begin with ("user:", say): at eight bytes, or at the store and four.
func (g *gathered) setFirst(way *nice.Way) {
	if len(g.refs) == 0 {
		return
	}
	one := g.slabs.at(g.refs[0].ref)
	shared, stores := one.key(), false
	for i, r := range g.refs {
		if i%giveWayEntries == 0 {
			way.Give()
		}
		e := g.slabs.at(r.ref)
		shared = shared[:common(shared, e.key())]
		stores = stores || e.store() != one.store()
	}
	for i := range g.refs {
		if i%giveWayEntries == 0 {
			way.Give()
		}
		e := g.slabs.at(g.refs[i].ref)
		first := leading(e.key()[len(shared):])
		if stores {
			first = uint64(e.store())<<32 | first>>32
		}
		g.refs[i].first = first
	}
}

// common is how many bytes a and b begin with alike.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// leading is the first eight bytes as a number that sorts as they do; zeros stand for what is missing.
func leading(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var padded [8]byte
	copy(padded[:], b)
	return binary.BigEndian.Uint64(padded[:])
}

// source sorts the entries and gives them out.
func (g *gathered) source() source {
	g.sort()
	return &memorySource{&g.slabs, g.refs}
}

type memorySource struct {
	slabs *slabs
	refs  []sortRef
}

func (m *memorySource) next() (entry, error) {
	if len(m.refs) == 0 {
		return nil, io.EOF
	}
	e := m.slabs.at(m.refs[0].ref)
	m.refs = m.refs[1:]
	return e[:e.size():e.size()], nil
}
