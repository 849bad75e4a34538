package lists

import (
	"bytes"
	"slices"
)

// A node inside a long list is kept bare where all its elements are of one length:
//
//	block[:head]     what all its elements begin with
//	block[head:]     rest · rest · …     what is left of each, without a length
//
// Ids of one form then take few bytes more than the digits in which they differ, and element i is found at once. All that
// reads a list reads bare nodes; what changes one gives it its entries back first (frame), save that Set puts an element
// in the place of a like one. Stored parts and encodings hold entries always.
//
// Only nodes with two others on either side are made bare, when the list grows at an end or is rebuilt: pushes and pops in
// turn meet none.

// bareGain is the share of a node's bytes that has to be saved, as a divisor: the allocator would round less away.
const bareGain = 20

// width returns the length of the elements of a bare node.
func (n *node) width() int { return int(n.head) + int(n.rest) }

// strip makes the node bare if that saves memory, and returns the block that it lay in; else nil.
func (n *node) strip() []byte {
	if n.bare || n.count < 2 {
		return nil
	}
	width, shared, ok := n.likeness()
	rest := width - shared
	size := shared + int(n.count)*rest
	if !ok || size > n.used()-n.used()/bareGain {
		return nil
	}
	p, entry := n.packed(), entrySize(width)
	from := lengthSize(width) + shared
	block := append(newBlock(size), p[from-shared:from]...)
	block = block[:size]
	for to := shared; to < size; to += rest {
		copy(block[to:], p[from:from+rest])
		from += entry
	}
	old := n.block
	n.block, n.head, n.rest, n.bare = block, uint16(shared), uint16(rest), true
	return old
}

// likeness returns the length of the elements and that of their common beginning; false where they are not of one length.
func (n *node) likeness() (width, shared int, ok bool) {
	p := n.packed()
	element, entry := first(p)
	width = len(element)
	if len(p) != int(n.count)*entry {
		return 0, 0, false
	}
	head := lengthSize(width)
	like := head + width // the length and the common beginning, compared in one
	for off := entry; off < len(p); off += entry {
		if bytes.Equal(p[off:off+like], p[:like]) {
			continue
		}
		for like = 0; p[off+like] == p[like]; like++ {
		}
		if like < head {
			return 0, 0, false
		}
	}
	return width, like - head, true
}

// frame gives a bare node its entries back, in a block without room.
func (n *node) frame() {
	if n.bare {
		n.block = n.appendEntries(newBlock(n.used()))
		n.head, n.rest, n.bare = 0, 0, false
	}
}

// appendEntries appends the entries of any node.
func (n *node) appendEntries(dst []byte) []byte {
	if !n.bare {
		return append(dst, n.packed()...)
	}
	at, size := len(dst), entrySize(n.width())
	dst = slices.Grow(dst, n.used())[:at+n.used()]
	entries := dst[at:]
	putEntry(entries[:size], n.element(0, n.buffer()))
	for have := size; have < len(entries); have *= 2 { // as many of the first one
		copy(entries[have:], entries[:have])
	}
	to, rest := lengthSize(n.width())+int(n.head), int(n.rest)
	for from := int(n.head); from < len(n.block); from += rest {
		copy(entries[to:], n.block[from:from+rest])
		to += size
	}
	return dst
}

// element puts element i of a bare node into buf, which has the elements' width and begins as they all do, and returns it;
// where they have nothing in common, it returns the element in the node's own memory.
func (n *node) element(i int, buf []byte) []byte {
	rest := int(n.rest)
	from := int(n.head) + i*rest
	if n.head == 0 {
		return n.block[from : from+rest : from+rest]
	}
	copy(buf[n.head:], n.block[from:from+rest])
	return buf
}

// buffer returns what element wants.
func (n *node) buffer() []byte {
	if n.head == 0 {
		return nil
	}
	buf := make([]byte, n.width())
	copy(buf, n.block[:n.head])
	return buf
}

// holds reports whether an element of a bare node equals b.
func (n *node) holds(b []byte) bool {
	if len(b) != n.width() || !bytes.Equal(b[:n.head], n.block[:n.head]) {
		return false
	}
	rest := int(n.rest)
	for i := range int(n.count) {
		if from := int(n.head) + i*rest; bytes.Equal(n.block[from:from+rest], b[n.head:]) {
			return true
		}
	}
	return false
}

// overwrite replaces element i of a bare node; false where b is not like the others.
func (n *node) overwrite(i int, b []byte) bool {
	if len(b) != n.width() || !bytes.Equal(b[:n.head], n.block[:n.head]) {
		return false
	}
	copy(n.block[int(n.head)+i*int(n.rest):], b[n.head:])
	n.dirty = true
	return true
}

// frame makes a node one with entries, to be changed.
func (l *List) frame(n *node) {
	if n.bare {
		l.edit(n, (*node).frame)
	}
}

// strip is called before a node is opened at one end. It makes bare the node that will be the third from there, if it is not
// one of the last two at the other end, and returns the block that is free then, or nil.
func (l *List) strip(front bool) (spare []byte) {
	nodes := l.nodes()
	if len(nodes) < 4 {
		return nil
	}
	k := 1
	if !front {
		k = len(nodes) - 2
	}
	l.edit(&nodes[k], func(n *node) { spare = n.strip() })
	return spare
}
