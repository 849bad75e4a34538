// Package lists is the list value: byte strings in order, pushed, popped and found from both ends, millions of
// them in little more memory than their bytes. It knows no protocol, no keys and no files.
//
// A list is a sequence of nodes, a node is one block of packed elements:
//
//	list     node · node · … · node               a contiguous array, room at both ends (spine.go)
//	block    room | entry · entry · … | room      up to 10 KiB; room at both ends (node.go)
//	entry    length | bytes | length mirrored     lengths are uvarints; the second has its bytes reversed,
//	                                              so that it is read from the end (pack.go)
//	bare     common beginning | rest · rest · …   a block inside a long list, its elements of one length (bare.go)
//
// Invariants: a node in a list is never empty; its entries take at most 10 KiB unless there is only one of them;
// part ids rise along the list; the sums behind Len and Bytes equal a recount (the tests recount).
//
// Costs. Push and Pop are O(1) amortised at both ends: a block grows by halves, a node that LPUSH opens is filled
// from its back to its front, and where a block has its room at the wrong end the elements slide by half of that room
// (never for less than an eighth of the block). An element at an index costs a walk over the counts of the nodes
// from the nearer end, 40 bytes each in one array, and then over half a node, if that is not bare. Short elements take 2 bytes more
// than their own, in bare nodes no byte more and each node's common beginning once: a million ids such as job:000000123456 take
// 4 bytes each. A list of one short element takes 64 bytes in all, as its only node lies in the List itself.
//
// Rejected: linked nodes (two more pointers each, and a cache miss per node skipped); an offset table per block (2 bytes
// per element as well, but it moves with every insertion); a tree of counts (O(log n), but LINSERT, LREM and LPOS
// read the elements anyway, and for LINDEX a million short elements are only 1,500 counts); integers packed as
// such (saves 6 bytes of a 10-digit number; where they are many and of one length, bare nodes save as much).
//
// Slices handed out lie in the list's own memory, as a rule: those of Pop and Index are good until the next change to the
// list, those given to callbacks until these return, and none must be written to. A List is not safe for concurrent use.
package lists

import (
	"bytes"
	"unsafe"
)

// Encoding is what OBJECT ENCODING calls a list. Redis 7.0 (checked: 7.0.15) says so of every list, down to one
// short element; "listpack" came with 7.2.
const Encoding = "quicklist"

// What the parts of a list take, in bytes.
const (
	listSize  = int64(unsafe.Sizeof(List{}))
	spineSize = int64(unsafe.Sizeof(spine{}))
	nodeSize  = int64(unsafe.Sizeof(node{}))
)

// List is a list of byte strings. Make one with New.
type List struct {
	one  [1]node // the only node, while more is nil; zero when the list is empty
	more *spine  // all nodes, when there are several or there are stored parts
}

// New returns an empty list.
func New() *List { return &List{} }

// Len returns the number of elements.
func (l *List) Len() int {
	if l.more != nil {
		return l.more.len
	}
	return int(l.one[0].count)
}

// Bytes returns the memory that the list holds: elements, free room in blocks and bookkeeping.
func (l *List) Bytes() int64 {
	if s := l.more; s != nil {
		return listSize + spineSize + int64(len(s.buf))*nodeSize + int64(cap(s.stored))*8 + s.blocks
	}
	return listSize + int64(cap(l.one[0].block))
}

// Nodes returns the number of nodes, which is the number of parts.
func (l *List) Nodes() int { return len(l.nodes()) }

// PushFront puts a copy of b before the first element. b may be what Pop or Index of this list just returned.
func (l *List) PushFront(b []byte) { l.push(b, true) }

// PushBack puts a copy of b after the last element. b may be what Pop or Index of this list just returned.
func (l *List) PushBack(b []byte) { l.push(b, false) }

func (l *List) push(b []byte, front bool) {
	nodes := l.nodes()
	if len(nodes) > 0 {
		n := &nodes[end(nodes, front)]
		l.frame(n)
		block := cap(n.block)
		if n.push(b, front) {
			l.changed(1, cap(n.block)-block)
			return
		}
		l.edit(n, (*node).tighten)
	}
	// A list that has filled a node will fill the next one: it gets its whole block at once, unless this element
	// alone takes most of it.
	size := entrySize(len(b))
	if len(nodes) > 0 && size <= blockMax/2 {
		size = blockMax
	}
	i := 0
	if !front {
		i = len(nodes)
	}
	block := l.strip(front)
	if cap(block) == size {
		b = bytes.Clone(b) // it may lie in that very block
	} else {
		block = newBlock(size)
	}
	l.openNode(i, b, block[:0], front)
}

// openNode inserts at index i a new node of one element, in a block that has room for it.
func (l *List) openNode(i int, b, block []byte, front bool) {
	n := newNode(block, front)
	n.id = l.idAt(i)
	if !n.push(b, front && n.head > 0) { // a big element has no room before it
		panic("BUG: lists: a new node has no room for its element")
	}
	l.insertNode(i, n)
}

// PopFront takes the first element away; false when the list is empty. The bytes are good until the next change.
func (l *List) PopFront() ([]byte, bool) { return l.pop(true) }

// PopBack takes the last element away; false when the list is empty. The bytes are good until the next change.
func (l *List) PopBack() ([]byte, bool) { return l.pop(false) }

func (l *List) pop(front bool) ([]byte, bool) {
	nodes := l.nodes()
	if len(nodes) == 0 {
		return nil, false
	}
	i := end(nodes, front)
	n := &nodes[i]
	l.frame(n)
	b := n.pop(front)
	l.changed(-1, 0)
	switch {
	case n.count == 0:
		l.dropNodes(i, i+1)
	case len(nodes) == 1: // the end nodes of a longer list empty soon, or fill up again
		l.edit(n, (*node).shrink)
	}
	return b, true
}

// end returns the index of the first or the last node.
func end(nodes []node, front bool) int {
	if front {
		return 0
	}
	return len(nodes) - 1
}

// Clone returns a copy that shares nothing with l and has no stored parts.
func (l *List) Clone() *List {
	c := New()
	for i, n := range l.nodes() {
		if n.dirty = true; n.bare {
			n.block = append(newBlock(len(n.block)), n.block...)
		} else {
			n.block, n.head = append(newBlock(n.used()), n.packed()...), 0
		}
		c.insertNode(i, n)
	}
	return c
}

// bounds makes start and stop, both inclusive and counted from the end when negative, indexes in range as LRANGE and
// LTRIM do; false when nothing lies between them.
func (l *List) bounds(start, stop int) (int, int, bool) {
	n := l.Len()
	if start < 0 {
		start = max(start+n, 0)
	}
	if stop < 0 {
		stop += n
	}
	stop = min(stop, n-1)
	return start, stop, start <= stop
}

// locate returns the node that holds element i (0 ≤ i < Len), and the element's index in it.
func (l *List) locate(i int) (k, index int) {
	nodes := l.nodes()
	if i < l.Len()/2 {
		for i >= int(nodes[k].count) {
			i -= int(nodes[k].count)
			k++
		}
		return k, i
	}
	k = len(nodes) - 1
	rest := l.Len() - i // elements from i to the end
	for rest > int(nodes[k].count) {
		rest -= int(nodes[k].count)
		k--
	}
	return k, int(nodes[k].count) - rest
}
