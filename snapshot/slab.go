package snapshot

// slabs is memory for entries, in pieces of up to slabBytes: what has grown is neither copied nor left behind for the collector.
type slabs struct {
	all  [][]byte // those that have been filled, and the one at hand
	idle [][]byte // of slabBytes each, empty
	used int      // bytes of entries, and of what is left over in slabs that have been filled
}

const slabBytes = 1 << 20

// ref is where an entry lies: the number of its slab, and the offset in it.
type ref struct{ slab, off uint32 }

// room makes room for an entry of so many bytes, and tells to which slab to append it.
func (m *slabs) room(size int) (*[]byte, ref) {
	last := len(m.all) - 1
	if last < 0 || cap(m.all[last])-len(m.all[last]) < size {
		if last >= 0 {
			m.used += cap(m.all[last]) - len(m.all[last])
		}
		m.all = append(m.all, m.slab(size))
		last++
	}
	m.used += size
	return &m.all[last], ref{uint32(last), uint32(len(m.all[last]))}
}

func (m *slabs) slab(size int) []byte {
	n := len(m.idle) - 1
	switch {
	case size > slabBytes: // by itself
		return make([]byte, 0, size)
	case n < 0:
		return make([]byte, 0, max(size, m.next()))
	}
	slab := m.idle[n]
	m.idle = m.idle[:n]
	return slab
}

// next is how large another slab is: the first ones are small, as most sets of changes are.
func (m *slabs) next() int { return min(max(4<<10, m.used), slabBytes) }

// at is the entry, and whatever follows it.
func (m *slabs) at(r ref) entry { return entry(m.all[r.slab][r.off:]) }

// reset forgets the entries, and keeps the memory.
func (m *slabs) reset() {
	for _, slab := range m.all {
		if cap(slab) == slabBytes {
			m.idle = append(m.idle, slab[:0])
		}
	}
	clear(m.all)
	m.all, m.used = m.all[:0], 0
}
