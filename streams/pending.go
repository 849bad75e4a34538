package streams

import "slices"

// Pending is an entry that a consumer was given and has not acknowledged. The entry itself may be deleted by now.
type Pending struct {
	ID ID
	// Delivered is when the consumer got it, unix milliseconds.
	Delivered int64
	// Count is how often it was given to somebody.
	Count uint64

	owner uint32
}

// chunk is a run of pending entries, by rising IDs; it is never empty.
type chunk struct {
	id            uint64 // of its part: see parts.go
	items         []Pending
	dirty, stored bool
}

const (
	chunkMax = 128 // pending entries
	chunkLow = 16  // below this it may be joined with a neighbour
)

// Len is the number of entries pending in the group.
func (g *Group) Len() int { return g.pending }

// Give makes an entry pending for a consumer, or changes for whom it is and how.
func (g *Group) Give(id ID, to *Consumer, delivered int64, count uint64) {
	p := Pending{ID: id, Delivered: delivered, Count: count, owner: to.number}
	k, i, found := g.locate(id)
	to.pending++
	if found {
		c := g.chunks[k]
		g.byNumber[c.items[i].owner].pending--
		c.items[i] = p
		c.dirty = true
		return
	}
	g.pending++
	g.insert(k, i, p)
}

// insert puts p at place i of chunk k, which may be the one behind the last.
func (g *Group) insert(k, i int, p Pending) {
	if k == len(g.chunks) && k > 0 && len(g.chunks[k-1].items) < chunkMax {
		k--
		i = len(g.chunks[k].items)
	}
	if k == len(g.chunks) {
		g.open(k, nil)
	}
	c := g.chunks[k]
	if len(c.items) == chunkMax {
		const half = chunkMax / 2
		g.open(k+1, c.items[half:])
		c.items = c.items[:half]
		c.dirty = true
		if i > half {
			c, i = g.chunks[k+1], i-half
		}
	}
	before := cap(c.items)
	c.items = slices.Insert(c.items, i, p)
	c.dirty = true
	g.s.aside += int64(cap(c.items)-before) * pendingSize
}

// open inserts a chunk with a copy of the items.
func (g *Group) open(k int, items []Pending) {
	g.s.chunk++
	c := &chunk{id: chunkParts | g.s.chunk, items: slices.Clone(items), dirty: true}
	g.s.aside += chunkSize + int64(cap(c.items))*pendingSize
	g.chunks = slices.Insert(g.chunks, k, c)
}

// locate returns the chunk and the place in it where the ID is, or would be.
func (g *Group) locate(id ID) (k, i int, found bool) {
	k, _ = slices.BinarySearchFunc(g.chunks, id, func(c *chunk, id ID) int { return c.items[len(c.items)-1].ID.Compare(id) })
	if k == len(g.chunks) {
		return k, 0, false
	}
	i, found = slices.BinarySearchFunc(g.chunks[k].items, id, func(p Pending, id ID) int { return p.ID.Compare(id) })
	return k, i, found
}

// Get returns what is known of a pending entry.
func (g *Group) Get(id ID) (Pending, bool) {
	k, i, found := g.locate(id)
	if !found {
		return Pending{}, false
	}
	return g.chunks[k].items[i], true
}

// From returns the first pending entry at or behind the ID.
func (g *Group) From(id ID) (Pending, bool) {
	k, i, _ := g.locate(id)
	if k == len(g.chunks) {
		return Pending{}, false
	}
	return g.chunks[k].items[i], true
}

// Each calls fn with the pending entries between two IDs, both inclusive, until it returns false: those of one consumer,
// or of all where that is nil. fn must not change the group.
func (g *Group) Each(from, to ID, of *Consumer, fn func(Pending) bool) {
	left := g.pending
	if of != nil {
		left = of.pending
	}
	k, i, _ := g.locate(from)
	for ; k < len(g.chunks); k, i = k+1, 0 {
		for _, p := range g.chunks[k].items[i:] {
			if left == 0 || to.Less(p.ID) {
				return
			}
			if of != nil && p.owner != of.number {
				continue
			}
			left--
			if !fn(p) {
				return
			}
		}
	}
}

// Ends are the lowest and the highest ID that is pending; there is one.
func (g *Group) Ends() (first, last ID) {
	end := g.chunks[len(g.chunks)-1].items
	return g.chunks[0].items[0].ID, end[len(end)-1].ID
}

// Ack makes an entry no longer pending, and reports whether it was.
func (g *Group) Ack(id ID) bool {
	k, i, found := g.locate(id)
	if !found {
		return false
	}
	c := g.chunks[k]
	g.byNumber[c.items[i].owner].pending--
	g.pending--
	c.items = slices.Delete(c.items, i, i+1)
	c.dirty = true
	switch {
	case len(c.items) == 0:
		g.remove(k)
	case len(c.items) < chunkLow && !g.join(k-1):
		g.join(k)
	}
	return true
}

// join puts chunk k+1 into chunk k if they are there and small, and reports whether it did.
func (g *Group) join(k int) bool {
	if k < 0 || k+1 >= len(g.chunks) {
		return false
	}
	c, next := g.chunks[k], g.chunks[k+1]
	if len(c.items)+len(next.items) > chunkMax/2 {
		return false
	}
	before := cap(c.items)
	c.items = append(c.items, next.items...)
	c.dirty = true
	g.s.aside += int64(cap(c.items)-before) * pendingSize
	g.remove(k + 1)
	return true
}

func (g *Group) remove(k int) {
	g.forget(g.chunks[k])
	g.chunks = slices.Delete(g.chunks, k, k+1)
}

// forget accounts for a chunk that goes.
func (g *Group) forget(c *chunk) {
	g.s.aside -= chunkSize + int64(cap(c.items))*pendingSize
	if c.stored {
		g.s.dropped = append(g.s.dropped, c.id)
	}
}
