package disk

import (
	"cmp"
	"fmt"
	"slices"
)

// opKind is what an op does when it reaches the disk.
type opKind uint8

const (
	opPut   opKind = iota + 1 // bytes at [off, end); lost and kept in pieces
	opGrow                    // the size becomes end, unless it is more
	opCut                     // the size becomes end, and what was past it is gone
	opHole                    // zeros at [off, end), as a whole
	opNames                   // changes of directories
)

// op is something that is not durable yet: an event, or a part of one that may reach the disk without the others. It is
// never changed once it is in the list of a Model.
type op struct {
	seq  uint64 // of its event
	kind opKind
	// journal: in the Ordered reading it survives only with all such before it.
	journal bool
	stuck   bool   // a sync of it failed, and a later one does not make it durable
	verb    string // for people
	path    string
	to      string

	file     *file // what is changed, unless it is names
	off, end int64
	pos      int64 // of the byte at off, in the trace; 0 for zeros
	sum      sum
	grows    bool   // an opPut that makes the size at least the end of each piece
	holes    []span // of an opPut: what it no longer puts, in its middle

	changes []change
	places  *node // the directory that is given a place
	moves   bool  // … and had one before
}

// change gives a name in a directory to a node, or takes it away from it.
type change struct {
	dir   *node
	name  string
	node  *node
	taken bool
}

// pieces is how many can be lost one by one.
func (o *op) pieces(size int64) int {
	if o.kind != opPut {
		return 1
	}
	return int((o.end-1)/size - o.off/size + 1)
}

// piece is the range of the k-th piece of an opPut.
func (o *op) piece(k int, size int64) (off, end int64) {
	if k > 0 {
		off = (o.off/size + int64(k)) * size
	} else {
		off = o.off
	}
	end = off - off%size + size
	if end > o.end || end < off { // the second if size is near the largest number there is
		end = o.end
	}
	return off, end
}

// clip returns what is left of an opPut without [off, end); nil if nothing. What is cut out of its middle does not make
// it two: its pieces are still lost and kept as they were.
func (o *op) clip(ed *editor, off, end int64) *op {
	if o.kind != opPut || o.end <= off || end <= o.off {
		return o
	}
	c := *o
	switch {
	case off <= o.off && o.end <= end:
		return nil
	case off <= o.off:
		c.off, c.pos = end, o.posAt(end)
	case o.end <= end:
		c.end = off
	default:
		c.holes = append(slices.Clip(o.holes), span{off, end})
		return &c
	}
	c.sum = ed.sum(c.off, c.end, c.pos)
	return &c
}

// span is a range of a file.
type span struct{ off, end int64 }

func (o *op) posAt(off int64) int64 {
	if o.pos == 0 {
		return 0
	}
	return o.pos + off - o.off
}

// apply does an op, or only [off, end) of an opPut, to a file's content.
func (ed *editor) apply(c content, o *op, off, end int64) content {
	switch o.kind {
	case opPut:
		switch {
		case len(o.holes) > 0:
			c = ed.putAround(c, o, off, end)
		case off == o.off && end == o.end:
			c = ed.put(c, off, end, o.pos, o.sum)
		default:
			c = ed.put(c, off, end, o.posAt(off), ed.sum(off, end, o.posAt(off)))
		}
		if o.grows {
			c.size = max(c.size, end)
		}
	case opGrow:
		c.size = max(c.size, o.end)
	case opCut:
		c = ed.cut(c, o.end)
	case opHole:
		c = ed.put(c, o.off, o.end, 0, sum{})
	default:
		panic("BUG: an operation on names, applied to a file")
	}
	return c
}

// putAround puts [off, end) of an op with holes.
func (ed *editor) putAround(c content, o *op, off, end int64) content {
	holes := slices.Clone(o.holes)
	slices.SortFunc(holes, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	for _, h := range append(holes, span{end, end}) {
		if to := min(h.off, end); off < to {
			c = ed.put(c, off, to, o.posAt(off), ed.sum(off, to, o.posAt(off)))
		}
		off = max(off, h.end)
	}
	return c
}

// describe is a line about the k-th piece.
func (o *op) describe(k int, size int64) string {
	var what string
	switch o.kind {
	case opPut:
		off, end := o.piece(k, size)
		what = fmt.Sprintf("%s %s [%d, %d)", o.verb, o.path, off, end)
	case opHole:
		what = fmt.Sprintf("%s %s [%d, %d)", o.verb, o.path, o.off, o.end)
	case opGrow, opCut:
		what = fmt.Sprintf("%s %s to %d", o.verb, o.path, o.end)
	default:
		what = o.verb + " " + o.path
		if o.to != "" {
			what += " to " + o.to
		}
		if len(o.changes) == 1 && o.verb == "rename" {
			what += ": the new name"
			if o.changes[0].taken {
				what = what[:len(what)-len("the new name")] + "the old name's end"
			}
		}
	}
	return fmt.Sprintf("%s, event %d", what, o.seq)
}
