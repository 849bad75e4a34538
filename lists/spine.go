package lists

import "slices"

// spine is the sequence of nodes of a list that has several, or has stored parts to remember. The nodes are
// values in one array with room at both ends, so that finding an index reads the counts in a row.
type spine struct {
	buf    []node // nodes are buf[first:first+used]; the others are zero
	first  int
	used   int
	len    int      // elements in all nodes
	blocks int64    // capacity of all blocks, bytes
	stored []uint64 // ids of the parts in the store at the last clean point, rising
}

func (s *spine) nodes() []node { return s.buf[s.first : s.first+s.used] }

// insert puts n at index i, moving the nodes on the shorter side.
func (s *spine) insert(i int, n node) {
	front := i < s.used-i
	if front && s.first == 0 || !front && s.first+s.used == len(s.buf) {
		s.spread()
	}
	s.used++
	if front {
		s.first--
		copy(s.nodes(), s.nodes()[1:i+1])
	} else {
		copy(s.nodes()[i+1:], s.nodes()[i:])
	}
	s.nodes()[i] = n
}

// cut removes the nodes [i,j), which are at one end.
func (s *spine) cut(i, j int) {
	clear(s.nodes()[i:j])
	if i == 0 {
		s.first += j
	}
	s.used -= j - i
	if len(s.buf) > 8 && s.used < len(s.buf)/4 {
		s.spread()
	}
}

// spread moves the nodes to the middle of an array twice their number, up or down: at least half their number
// come or go before the next time.
func (s *spine) spread() {
	buf := slices.Grow([]node(nil), max(4, 2*s.used))
	buf = buf[:cap(buf)]
	at := (len(buf) - s.used) / 2
	copy(buf[at:], s.nodes())
	s.buf, s.first = buf, at
}

// nodes returns the nodes in order; it is good until the next insertNode or dropNodes.
func (l *List) nodes() []node {
	switch {
	case l.more != nil:
		return l.more.nodes()
	case l.one[0].block == nil:
		return nil
	}
	return l.one[:]
}

// changed keeps the sums: elements and bytes of block capacity that came (or, negative, went).
func (l *List) changed(elements, block int) {
	if l.more != nil {
		l.more.len += elements
		l.more.blocks += int64(block)
	}
}

// edit runs fn on a node and accounts for the change of its block and its count.
func (l *List) edit(n *node, fn func(n *node)) {
	count, block := int(n.count), cap(n.block)
	fn(n)
	l.changed(int(n.count)-count, cap(n.block)-block)
}

// insertNode puts n, which has an id and elements, at index i.
func (l *List) insertNode(i int, n node) {
	if l.more == nil && l.one[0].block == nil {
		l.one[0] = n
		return
	}
	l.promote()
	l.more.insert(i, n)
	l.changed(int(n.count), cap(n.block))
}

// dropNodes removes the nodes [i,j), which are at one end.
func (l *List) dropNodes(i, j int) {
	if i >= j {
		return
	}
	if l.more == nil {
		l.one[0] = node{}
		return
	}
	for _, n := range l.more.nodes()[i:j] {
		l.changed(-int(n.count), -cap(n.block))
	}
	l.more.cut(i, j)
	l.demote()
}

// promote gives the list a spine.
func (l *List) promote() {
	if l.more != nil {
		return
	}
	nodes := l.nodes()
	l.more = &spine{}
	for _, n := range nodes {
		l.more.insert(0, n)
		l.changed(int(n.count), cap(n.block))
	}
	l.one[0] = node{}
}

// demote takes the spine away when nothing needs it.
func (l *List) demote() {
	if l.more == nil || l.more.used > 1 || len(l.more.stored) > 0 {
		return
	}
	if l.more.used == 1 {
		l.one[0] = l.more.nodes()[0]
	}
	l.more = nil
}
