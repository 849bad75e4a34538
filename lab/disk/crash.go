package disk

import (
	"maps"
	"slices"
	"sort"
	"sync"

	"holdfast/lab/trace"
)

// Crash is a moment at which the power may fail: what is durable, and the pieces that are at risk. It does not change
// when the Model goes on, and is safe for concurrent use.
type Crash struct {
	r       *trace.Reader
	reading Reading
	size    int64 // of a piece
	ops     []*op
	first   []int // the number of each op's first piece; at the end, how many pieces there are
	disk    tree
	base    map[*file]content
	copiers *sync.Pool
}

// Crash says what a crash right after the last event may take, data in pieces that end at multiples of piece bytes.
func (m *Model) Crash(piece int64) *Crash {
	if piece < 1 {
		panic("BUG: pieces of no bytes")
	}
	// From here on the model copies what it changes.
	own := new(edit)
	m.ed.own, m.disk.own = own, own
	c := &Crash{
		r: m.r, reading: m.reading, size: piece, ops: slices.Clip(m.pending),
		disk: m.disk.snapshot(nil), base: map[*file]content{}, copiers: &m.copiers,
	}
	for n := range m.disk.reach(m.pending) {
		if n.file != nil {
			c.base[n.file] = n.file.base
		}
	}
	c.first = make([]int, len(c.ops)+1)
	for i, o := range c.ops {
		c.first[i+1] = c.first[i] + o.pieces(piece)
	}
	return c
}

// Pieces is how many pieces are at risk; they are numbered from 0, in the order in which they came about.
func (c *Crash) Pieces() int { return c.first[len(c.ops)] }

// find is the op that piece i belongs to.
func (c *Crash) find(i int) int {
	if i < 0 || i >= c.Pieces() {
		panic("BUG: a piece that is not at risk")
	}
	return sort.SearchInts(c.first, i+1) - 1
}

// Describe is a line about piece i, for people.
func (c *Crash) Describe(i int) string {
	n := c.find(i)
	return c.ops[n].describe(i-c.first[n], c.size)
}

// Event is the event that piece i belongs to.
func (c *Crash) Event(i int) uint64 { return c.ops[c.find(i)].seq }

// state is what a choice leaves.
type state struct {
	names tree
	files map[*file]content
}

// leave makes the state that a normalised choice leaves.
func (c *Crash) leave(lost marks, ed *editor) state {
	s := state{names: c.disk.snapshot(ed.own), files: maps.Clone(c.base)}
	for i, o := range c.ops {
		from, to := c.first[i], c.first[i+1]
		switch {
		case o.kind == opNames:
			if !lost[from] {
				s.names.apply(o)
			}
		case o.kind != opPut:
			if !lost[from] {
				s.files[o.file] = ed.apply(s.files[o.file], o, o.off, o.end)
			}
		default:
			for from < to {
				if lost[from] {
					from++
					continue
				}
				kept := from + 1
				for kept < to && !lost[kept] {
					kept++
				}
				off, _ := o.piece(from-c.first[i], c.size)
				_, end := o.piece(kept-1-c.first[i], c.size)
				s.files[o.file] = ed.apply(s.files[o.file], o, off, end)
				from = kept
			}
		}
	}
	// What was kept past the end of a file cannot be seen.
	for f, have := range s.files {
		s.files[f] = ed.cut(have, have.size)
	}
	return s
}
