package disk

import (
	"math"

	"holdfast/lab/trace"
)

// extent is a range of a file and where its bytes are in the trace; what no extent covers is zeros. Extents form a treap
// by offset, whose priorities are a hash of the offset, so that the same ranges always make the same tree.
//
// A node may be changed only under the edit that made it; under any other it is copied first. So who keeps a root
// while the editor gets a new edit keeps a snapshot.
type extent struct {
	off, end    int64
	pos         int64 // of the byte at off, in the trace; never 0
	sum         sum   // of these bytes
	left, right *extent
	own         *edit
}

// edit stands for a period in which its nodes may be changed in place. It has a size, or all would be the same one.
type edit struct{ _ byte }

// content is what a file has.
type content struct {
	root *extent
	size int64
	sum  sum // of all extents, those past size too; kept only by an editor that has sums
}

// editor changes contents. Its first error stays, and makes what comes after meaningless.
type editor struct {
	own  *edit
	r    *trace.Reader
	sums bool // keep sums right, for which data must be read where an extent is cut
	buf  []byte
	err  error
}

func priority(e *extent) uint64 { return mix(uint64(e.off)) }

// mine returns e, or a copy of it, to be changed.
func (ed *editor) mine(e *extent) *extent {
	if e.own == ed.own {
		return e
	}
	c := *e
	c.own = ed.own
	return &c
}

// split cuts a tree in what is before at and the rest.
func (ed *editor) split(t *extent, at int64) (before, rest *extent) {
	switch {
	case t == nil:
		return nil, nil
	case t.end <= at:
		if t.right == nil {
			return t, nil
		}
		t = ed.mine(t)
		t.right, rest = ed.split(t.right, at)
		return t, rest
	case t.off >= at:
		if t.left == nil {
			return nil, t
		}
		t = ed.mine(t)
		before, t.left = ed.split(t.left, at)
		return before, t
	}
	t = ed.mine(t)
	tail := &extent{off: at, end: t.end, pos: t.pos + at - t.off, own: ed.own}
	tail.sum = ed.tailSum(t, tail)
	t.sum, t.end = t.sum.minus(tail.sum), at
	right := t.right
	t.right = nil
	return t, ed.merge(tail, right)
}

// tailSum is the sum of tail, the end of e; the shorter side is read for it.
func (ed *editor) tailSum(e, tail *extent) sum {
	if !ed.sums {
		return sum{}
	}
	if tail.end-tail.off <= tail.off-e.off {
		return ed.sum(tail.off, tail.end, tail.pos)
	}
	return e.sum.minus(ed.sum(e.off, tail.off, e.pos))
}

// sum is the sum of bytes in the trace, put at [off, end).
func (ed *editor) sum(off, end, pos int64) sum {
	const most = 1 << 20
	var s sum
	if pos == 0 || !ed.sums || ed.err != nil {
		return s
	}
	for off < end {
		n := min(end-off, most)
		if int64(cap(ed.buf)) < n {
			ed.buf = make([]byte, n)
		}
		b := ed.buf[:n]
		if ed.err = ed.r.ReadData(trace.Data{Pos: pos, Len: n}, 0, b); ed.err != nil {
			return s
		}
		s = s.plus(sumOf(off, b))
		off, pos = off+n, pos+n
	}
	return s
}

// merge joins two trees, all of the first before the second.
func (ed *editor) merge(a, b *extent) *extent {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case priority(a) >= priority(b):
		a = ed.mine(a)
		a.right = ed.merge(a.right, b)
		return a
	default:
		b = ed.mine(b)
		b.left = ed.merge(a, b.left)
		return b
	}
}

// put makes [off, end) the bytes at pos of the trace, or zeros; s is their sum. The size stays.
func (ed *editor) put(c content, off, end, pos int64, s sum) content {
	if off >= end {
		return c
	}
	before, rest := ed.split(c.root, off)
	gone, after := ed.split(rest, end)
	c.sum = c.sum.minus(total(gone))
	if pos != 0 {
		before = ed.merge(before, &extent{off: off, end: end, pos: pos, sum: s, own: ed.own})
		c.sum = c.sum.plus(s)
	}
	c.root = ed.merge(before, after)
	return c
}

// cut gives a file a size and drops what is past it.
func (ed *editor) cut(c content, size int64) content {
	c.size = size
	if e := last(c.root); e == nil || e.end <= size {
		return c
	}
	return ed.put(c, size, math.MaxInt64, 0, sum{})
}

func last(t *extent) *extent {
	for t != nil && t.right != nil {
		t = t.right
	}
	return t
}

func total(t *extent) sum {
	if t == nil {
		return sum{}
	}
	return total(t.left).plus(t.sum).plus(total(t.right))
}

// each calls fn with the extents that overlap [off, end), in order, whole.
func (t *extent) each(off, end int64, fn func(*extent)) {
	if t == nil {
		return
	}
	if off < t.off {
		t.left.each(off, end, fn)
	}
	if t.off < end && off < t.end {
		fn(t)
	}
	if t.end < end {
		t.right.each(off, end, fn)
	}
}
