package lists

import (
	"bytes"
	"slices"
)

const (
	// blockMax bounds the packed bytes of a node of several elements, in memory and in stored parts. Go puts four blocks of this
	// size into 40 KiB, where one of 8 KiB has a span to itself, and in the base such a part takes no more pages than one of 8.
	blockMax = 10 << 10
	// blockMin is the least room that is allocated: one short element.
	blockMin = 16
)

// node is a run of elements in one block. Its elements are block[head:len(block)]; it has room for more
// before head and up to cap(block). A node in a list has at least one element. What follows here is for nodes that are not
// bare, but for used, fits, appendEntries, each and eachBack.
type node struct {
	block []byte
	id    uint64 // part id: rises along the list
	head  uint16 // a block over blockMax has one element and no room before it
	count uint16 // at most blockMax/2: the empty element takes two bytes
	dirty bool   // differs from the part stored under id, if there is one
	bare  bool   // has elements of one length instead of entries, and another meaning of head (bare.go)
	rest  uint16 // bytes of each element of a bare node
}

// newBlock returns an empty block with room for size bytes, rounded up to what the allocator gives anyway.
func newBlock(size int) []byte { return slices.Grow([]byte(nil), max(size, blockMin)) }

// newNode returns an empty node in an empty block, at the front of which elements will be pushed, or at the back.
func newNode(block []byte, front bool) node {
	n := node{block: block, dirty: true}
	if front && cap(n.block) <= blockMax {
		n.head = uint16(cap(n.block))
		n.block = n.block[:n.head]
	}
	return n
}

func (n *node) packed() []byte { return n.block[n.head:] }

// used returns how many bytes the entries take, or would take.
func (n *node) used() int {
	if n.bare {
		return int(n.count) * entrySize(n.width())
	}
	return len(n.block) - int(n.head)
}

// fits tells whether an entry of size bytes can be added within the limit of a block.
func (n *node) fits(size int) bool { return n.used()+size <= blockMax }

// room returns the free bytes at one end.
func (n *node) room(front bool) int {
	if front {
		return int(n.head)
	}
	return cap(n.block) - len(n.block)
}

// place puts the elements into block, a fresh one or their own, with all but `front` bytes of its room behind.
func (n *node) place(block []byte, front int) {
	p := n.packed()
	n.block = block[:front+len(p)]
	copy(n.block[front:], p)
	n.head = uint16(front)
}

// resize moves the elements to a new block for size bytes, with all its room at one end. Slices of the old
// block keep what they show.
func (n *node) resize(size int, front bool) {
	block, before := newBlock(size), 0
	if front {
		before = cap(block) - n.used()
	}
	n.place(block, before)
}

// grow makes a new block that has room for size more bytes at one end; half as much again as before, within
// blockMax, so that the copying is O(1) per element.
func (n *node) grow(size int, front bool) {
	more := min(cap(n.block)+cap(n.block)/2, blockMax)
	n.resize(max(n.used()+size, more), front)
}

// shrink gives memory back when elements take less than a quarter of their block.
func (n *node) shrink() {
	if !n.bare && cap(n.block) > 4*blockMin && n.used() < cap(n.block)/4 {
		n.resize(2*n.used(), false)
	}
}

// tighten gives the room back when it is over an eighth of the block: the list goes on in another node.
func (n *node) tighten() {
	if cap(n.block)-n.used() > cap(n.block)/8 {
		n.resize(n.used(), false)
	}
}

// push adds b at one end, or returns false when the node is full. Where only the other end has room, the
// elements slide by half of it, so that pushes at both ends in turn do not make them slide each time; a block
// with less than an eighth free is not worth sliding and counts as full.
func (n *node) push(b []byte, front bool) bool {
	size, free := entrySize(len(b)), cap(n.block)-n.used()
	switch {
	case n.count > 0 && !n.fits(size):
		return false
	case n.room(front) >= size:
	case free >= size && free >= cap(n.block)/8:
		b = bytes.Clone(b) // popped from this very block, it may lie where the elements slide to
		n.slide(max(size, free/2), front)
	case cap(n.block) < blockMax:
		n.grow(size, front)
	default:
		return false
	}
	if front {
		n.head -= uint16(size)
		putEntry(n.block[n.head:int(n.head)+size], b)
	} else {
		end := len(n.block)
		n.block = n.block[:end+size]
		putEntry(n.block[end:], b)
	}
	n.count++
	n.dirty = true
	return true
}

// slide moves the elements within their block so that one end has size bytes of room.
func (n *node) slide(size int, front bool) {
	before := size
	if !front {
		before = cap(n.block) - n.used() - size
	}
	n.place(n.block, before)
}

// pop takes the element at one end. The bytes stay where they are until the room is used again. The node may be
// empty afterwards, and is then good for nothing but to be dropped.
func (n *node) pop(front bool) []byte {
	var b []byte
	var size int
	if front {
		b, size = first(n.packed())
		if n.count > 1 {
			n.head += uint16(size)
		}
	} else {
		b, size = last(n.packed())
		n.block = n.block[:len(n.block)-size]
	}
	n.count--
	n.dirty = true
	return b
}

// splice turns the old bytes at offset off into a gap of size bytes, which it returns to be filled. The shorter
// side moves, or the one that has room. The result must fit a block.
func (n *node) splice(off, old, size int) []byte {
	delta := size - old
	front := off < n.used()-off-old
	if n.room(front) < delta {
		front = !front
	}
	if n.room(front) < delta {
		n.grow(delta, front)
	}
	if front {
		to := int(n.head) - delta
		copy(n.block[to:], n.block[n.head:int(n.head)+off])
		n.head = uint16(to)
	} else {
		from := n.block[int(n.head)+off+old:]
		n.block = n.block[:len(n.block)+delta]
		copy(n.block[int(n.head)+off+size:], from)
	}
	n.dirty = true
	return n.packed()[off : off+size]
}

// join appends the elements of the node behind this one.
func (n *node) join(next *node) {
	if n.room(false) < next.used() {
		n.resize(n.used()+next.used(), false)
	}
	n.block = next.appendEntries(n.block)
	n.count += next.count
	n.dirty = true
}

// offset returns where element i begins (0 ≤ i ≤ count), walking from the nearer end.
func (n *node) offset(i int) int {
	p := n.packed()
	if i <= int(n.count)/2 {
		off := 0
		for range i {
			_, size := first(p[off:])
			off += size
		}
		return off
	}
	off := len(p)
	for range int(n.count) - i {
		_, size := last(p[:off])
		off -= size
	}
	return off
}

// each calls fn with the elements from index i up to j, without that one, until fn returns false, and returns false then.
func (n *node) each(i, j int, fn func(b []byte) bool) bool {
	if n.bare {
		for buf := n.buffer(); i < j; i++ {
			if !fn(n.element(i, buf)) {
				return false
			}
		}
		return true
	}
	for p := n.packed()[n.offset(i):]; i < j; i++ {
		b, size := first(p)
		p = p[size:]
		if !fn(b) {
			return false
		}
	}
	return true
}

// eachBack is each from element j-1 down to i.
func (n *node) eachBack(i, j int, fn func(b []byte) bool) bool {
	if n.bare {
		for buf := n.buffer(); j > i; j-- {
			if !fn(n.element(j-1, buf)) {
				return false
			}
		}
		return true
	}
	for p := n.packed()[:n.offset(j)]; j > i; j-- {
		b, size := last(p)
		p = p[:len(p)-size]
		if !fn(b) {
			return false
		}
	}
	return true
}

// cutFront removes the first i elements; at least one remains.
func (n *node) cutFront(i int) {
	if i > 0 {
		n.head += uint16(n.offset(i))
		n.count -= uint16(i)
		n.dirty = true
	}
}

// cutBack removes the last i elements; at least one remains.
func (n *node) cutBack(i int) {
	if i > 0 {
		n.block = n.block[:int(n.head)+n.offset(int(n.count)-i)]
		n.count -= uint16(i)
		n.dirty = true
	}
}

// middle returns an element boundary near the middle of the bytes, with elements on both sides. The node has
// at least two.
func (n *node) middle() int {
	p, off := n.packed(), 0
	for {
		_, size := first(p[off:])
		if off > 0 && (2*off+size > len(p) || off+size == len(p)) {
			return off
		}
		off += size
	}
}

// lastMatches returns the offset of the limit-th element from the back that equals b, or of the last one found.
func (n *node) lastMatches(b []byte, limit int) int {
	p, found := n.packed(), n.used()
	for off := len(p); off > 0 && limit > 0; {
		e, size := last(p[:off])
		off -= size
		if bytes.Equal(e, b) {
			found = off
			limit--
		}
	}
	return found
}

// removeEqual removes up to limit elements that equal b, from offset from on, and returns how many. The node may
// be empty afterwards.
func (n *node) removeEqual(from, limit int, b []byte) int {
	p, removed, to := n.packed(), 0, from
	for from < len(p) && removed < limit {
		e, size := first(p[from:])
		if bytes.Equal(e, b) {
			removed++
		} else {
			if removed > 0 {
				copy(p[to:], p[from:from+size])
			}
			to += size
		}
		from += size
	}
	if removed > 0 {
		to += copy(p[to:], p[from:])
		n.block = n.block[:int(n.head)+to]
		n.count -= uint16(removed)
		n.dirty = true
	}
	return removed
}
