package lists

import (
	"bytes"
	"math"
)

// Set replaces element i, from the end when negative; false when there is none. b must not be part of the list.
func (l *List) Set(i int, b []byte) bool {
	if i < 0 {
		i += l.Len()
	}
	if i < 0 || i >= l.Len() {
		return false
	}
	k, index := l.locate(i)
	n := &l.nodes()[k]
	if n.bare && n.overwrite(index, b) {
		return true
	}
	l.frame(n)
	off := n.offset(index)
	_, old := first(n.packed()[off:])
	size := entrySize(len(b))
	switch {
	case cap(n.block) <= blockMax && n.fits(size-old):
		l.edit(n, func(n *node) {
			putEntry(n.splice(off, old, size), b)
			n.shrink()
		})
	case n.count == 1:
		l.edit(n, func(n *node) {
			n.block, n.head, n.dirty = newBlock(size)[:size], 0, true
			putEntry(n.block, b)
		})
	default:
		l.edit(n, func(n *node) {
			n.splice(off, old, 0)
			n.count--
		})
		l.insertAt(k, off, b)
	}
	return true
}

// Insert puts b before or after the first element that equals pivot; false when there is none. b must not be part of
// the list.
func (l *List) Insert(pivot, b []byte, after bool) bool {
	nodes := l.nodes()
	for k := range nodes {
		if !l.mayHold(&nodes[k], pivot) {
			continue
		}
		p := nodes[k].packed()
		for off := 0; off < len(p); {
			e, size := first(p[off:])
			if bytes.Equal(e, pivot) {
				if after {
					off += size
				}
				l.insertAt(k, off, b)
				return true
			}
			off += size
		}
	}
	return false
}

// mayHold is false of a bare node without an element that equals b. Any other is one with entries afterwards.
func (l *List) mayHold(n *node, b []byte) bool {
	if n.bare && !n.holds(b) {
		return false
	}
	l.frame(n)
	return true
}

// insertAt puts b at byte offset off of node k, which is not bare: into that node, or at the edge of a neighbour, or into a node of its
// own, splitting node k where b comes between its elements. Each split leaves fewer elements in node k, down to
// one, which has only edges; so it ends.
func (l *List) insertAt(k, off int, b []byte) {
	nodes := l.nodes()
	n, size := &nodes[k], entrySize(len(b))
	atFront, atBack := off == 0, off == n.used()
	switch {
	case n.fits(size):
		l.insertIn(n, off, b)
	case atFront && k > 0 && nodes[k-1].fits(size):
		l.insertIn(&nodes[k-1], nodes[k-1].used(), b)
	case atBack && k+1 < len(nodes) && nodes[k+1].fits(size):
		l.insertIn(&nodes[k+1], 0, b)
	case atFront:
		l.openNode(k, b, newBlock(size), false)
	case atBack:
		l.openNode(k+1, b, newBlock(size), false)
	case size > blockMax/2: // would not fit in a half for sure
		l.split(k, off)
		l.insertAt(k+1, 0, b)
	default:
		middle := n.middle()
		l.split(k, middle)
		if off <= middle {
			l.insertAt(k, off, b)
		} else {
			l.insertAt(k+1, off-middle, b)
		}
	}
}

// insertIn puts b at byte offset off of a node that it fits.
func (l *List) insertIn(n *node, off int, b []byte) {
	l.frame(n)
	l.edit(n, func(n *node) {
		putEntry(n.splice(off, 0, entrySize(len(b))), b)
		n.count++
	})
}

// split moves the elements of node k from byte offset off on to a new node behind it; some stay, some go.
func (l *List) split(k, off int) {
	id := l.idAt(k + 1)
	n := &l.nodes()[k]
	moved := n.packed()[off:]
	right := node{block: append(newBlock(len(moved)), moved...), id: id, dirty: true}
	for p := moved; len(p) > 0; right.count++ {
		_, size := first(p)
		p = p[size:]
	}
	l.edit(n, func(n *node) {
		n.cutBack(int(right.count))
		n.tighten()
	})
	l.insertNode(k+1, right)
}

// Remove removes elements that equal b, as LREM does: the first count of them, the last -count when negative, all
// when 0. It returns how many. b must not be part of the list.
func (l *List) Remove(count int, b []byte) int {
	limit, backward := count, count < 0
	if backward {
		limit = -count
	}
	if limit <= 0 { // 0, or the least int
		limit = math.MaxInt
	}
	nodes, removed := l.nodes(), 0
	for i := 0; i < len(nodes) && removed < limit; i++ {
		n, from := &nodes[i], 0
		if backward {
			n = &nodes[len(nodes)-1-i]
		}
		if !l.mayHold(n, b) {
			continue
		}
		if backward {
			from = n.lastMatches(b, limit-removed)
		}
		here := n.removeEqual(from, limit-removed, b)
		l.changed(-here, 0)
		removed += here
	}
	if removed > 0 {
		l.sweep()
	}
	return removed
}

// sweep drops the nodes that a removal emptied, joins neighbours that together fill at most half a block (half, so that
// the next insertion does not split them again), and shrinks blocks that are mostly room.
func (l *List) sweep() {
	nodes := l.nodes()
	kept := nodes[:0]
	for i := range nodes {
		n := &nodes[i]
		switch prev := len(kept) - 1; {
		case n.count == 0:
			l.changed(0, -cap(n.block))
		case prev >= 0 && kept[prev].used()+n.used() <= blockMax/2:
			l.changed(-int(n.count), -cap(n.block))
			l.frame(&kept[prev])
			l.edit(&kept[prev], func(left *node) { left.join(n) })
		default:
			kept = append(kept, *n)
		}
	}
	clear(nodes[len(kept):]) // already accounted for
	l.dropNodes(len(kept), len(nodes))
	for i := range l.nodes() {
		l.edit(&l.nodes()[i], (*node).shrink)
	}
}

// Trim keeps the elements from start to stop and removes the others. Both are inclusive, count from the end when
// negative, and are clamped, as in LTRIM; the list is empty afterwards when nothing lies between them.
func (l *List) Trim(start, stop int) {
	start, stop, ok := l.bounds(start, stop)
	if !ok {
		l.dropNodes(0, l.Nodes())
		return
	}
	from, before := l.locate(start)
	to, index := l.locate(stop)

	n := &l.nodes()[to]
	l.frame(n)
	l.edit(n, func(n *node) { n.cutBack(int(n.count) - 1 - index) })
	l.dropNodes(to+1, l.Nodes())

	n = &l.nodes()[from]
	l.frame(n)
	l.edit(n, func(n *node) { n.cutFront(before) })
	l.dropNodes(0, from)

	for _, front := range []bool{true, false} {
		nodes := l.nodes()
		l.edit(&nodes[end(nodes, front)], (*node).shrink)
	}
}
