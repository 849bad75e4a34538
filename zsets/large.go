package zsets

import (
	"fmt"

	"holdfast/dict"
)

func newLarge(seed dict.Seed) *large { return &large{index: newIndex(seed), tree: newTree()} }

// put gives a member a score, and tells whether it was new.
func (g *large) put(member []byte, score float64) (added bool) {
	old, ok := g.index.get(member)
	if ok && old == score {
		return false
	}
	if ok {
		g.tree.remove(member, old)
	}
	g.tree.insert(member, score)
	g.index.set(member, score)
	return !ok
}

// removeRange takes away elements by rank, a leaf's at a time.
func (g *large) removeRange(lo, hi int) {
	for n := hi - lo; n > 0; {
		way, i := g.tree.seekRank(lo)
		l := way.leaf()
		here := min(n, int(l.count)-i)
		from := l.page.offset(i)
		to := from
		for range here {
			member, size := l.page[to:].member()
			g.index.remove(member)
			to += size
		}
		g.tree.removeRun(&way, from, to-from, here)
		n -= here
	}
}

// append puts sound entries, which make one leaf, behind all others. Bytes that do not belong there are ErrCorrupt.
func (g *large) append(entries page, count int) error {
	return g.appendLeaf(leaf{page: entries, count: uint16(count), dirty: true}, true)
}

// appendLeaf is append for a leaf that has an id, unless it is to get one. The leaf's page is copied.
func (g *large) appendLeaf(l leaf, newID bool) error {
	for rest := l.page; len(rest) > 0; {
		member, size := rest.member()
		if !g.index.set(member, rest.score()) {
			return fmt.Errorf("%w: a member that is there twice", ErrCorrupt)
		}
		rest = rest[size:]
	}
	t := g.tree
	p := t.seekEnd()
	i := p.lowest().behind()
	if t.len > 0 {
		last := p.leaf()
		if !last.page[last.page.offset(int(last.count)-1):].before(l.page) {
			return fmt.Errorf("%w: elements out of order", ErrCorrupt)
		}
		if !newID && last.id >= l.id {
			return fmt.Errorf("%w: ids do not rise", ErrCorrupt)
		}
	}
	l.page = append(newPage(len(l.page)), l.page...)
	l.low = l.page.score()
	if newID {
		t.addLeaf(&p, i, l)
	} else {
		t.placeLeaf(&p, i, l)
	}
	return nil
}

func (g *large) clone() *large {
	c := &large{index: g.index.clone(), tree: newTree()}
	g.tree.each(func(l *leaf) bool {
		copied := *l
		copied.page = append(newPage(len(l.page)), l.page...)
		copied.dirty = true
		p := c.tree.seekEnd()
		c.tree.placeLeaf(&p, p.lowest().behind(), copied)
		return true
	})
	return c
}
