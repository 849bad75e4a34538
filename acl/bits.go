package acl

import "slices"

// bits are a set of commands, by ID.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) has(id int) bool { return b[id/64]&(1<<(id%64)) != 0 }

func (b bits) set(id int, on bool) {
	if on {
		b[id/64] |= 1 << (id % 64)
	} else {
		b[id/64] &^= 1 << (id % 64)
	}
}

func (b bits) setAll(on bool) {
	for i := range b {
		b[i] = 0
		if on {
			b[i] = ^b[i]
		}
	}
}

func (b bits) clone() bits { return slices.Clone(b) }
