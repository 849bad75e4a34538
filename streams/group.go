package streams

import (
	"slices"
	"strings"
)

// Unknown is a count of entries read that is not known.
const Unknown = -1

// Group is a group of consumers, each of which gets entries that the others do not.
type Group struct {
	// Name is the group's.
	Name string
	// Last is the last ID that a consumer was given.
	Last ID
	// Read counts the entries up to Last that there have ever been, or is Unknown.
	Read int64

	s         *Stream
	number    uint32      // in stored parts
	consumers []*Consumer // by name
	byNumber  map[uint32]*Consumer
	next      uint32 // a number to try for a new consumer
	chunks    []*chunk
	pending   int
}

// Consumer is who reads for a group.
type Consumer struct {
	// Name is the consumer's.
	Name string
	// Seen is the unix millisecond at which it last came by, 0 if that is not known. It is kept in memory only.
	Seen int64

	number  uint32
	pending int
}

// Pending is the number of entries that it has not acknowledged.
func (c *Consumer) Pending() int { return c.pending }

// Groups are the groups by name. They are the stream's own: not to be changed but by their methods, Last and Read apart.
func (s *Stream) Groups() []*Group { return s.groups }

func (s *Stream) group(name string) (int, bool) {
	return slices.BinarySearchFunc(s.groups, name, func(g *Group, name string) int { return strings.Compare(g.Name, name) })
}

// Group returns the group with the name, or nil.
func (s *Stream) Group(name []byte) *Group {
	if i, ok := s.group(string(name)); ok {
		return s.groups[i]
	}
	return nil
}

// CreateGroup adds a group, or returns nil where there is one of that name.
func (s *Stream) CreateGroup(name []byte, last ID, read int64) *Group {
	if _, ok := s.group(string(name)); ok {
		return nil
	}
	g := &Group{Name: string(name), Last: last, Read: read, number: s.freeNumber(), byNumber: map[uint32]*Consumer{}}
	s.addGroup(g)
	return g
}

// freeNumber is a number that no group has.
func (s *Stream) freeNumber() (n uint32) {
	for slices.ContainsFunc(s.groups, func(g *Group) bool { return g.number == n }) {
		n++
	}
	return n
}

func (s *Stream) addGroup(g *Group) {
	g.s = s
	i, _ := s.group(g.Name)
	s.groups = slices.Insert(s.groups, i, g)
	s.aside += groupSize + int64(len(g.Name))
}

// DestroyGroup removes a group with everything in it, and reports whether it was there.
func (s *Stream) DestroyGroup(name []byte) bool {
	i, ok := s.group(string(name))
	if !ok {
		return false
	}
	g := s.groups[i]
	for _, k := range g.chunks {
		g.forget(k)
	}
	for _, c := range g.consumers {
		s.aside -= consumerSize + int64(len(c.Name))
	}
	s.aside -= groupSize + int64(len(g.Name))
	s.groups = slices.Delete(s.groups, i, i+1)
	return true
}

// Consumers are the consumers by name.
func (g *Group) Consumers() []*Consumer { return g.consumers }

func (g *Group) consumer(name string) (int, bool) {
	return slices.BinarySearchFunc(g.consumers, name, func(c *Consumer, name string) int { return strings.Compare(c.Name, name) })
}

// Consumer returns the consumer with the name, or nil.
func (g *Group) Consumer(name []byte) *Consumer {
	if i, ok := g.consumer(string(name)); ok {
		return g.consumers[i]
	}
	return nil
}

// Owner is the consumer that a pending entry was given to.
func (g *Group) Owner(p Pending) *Consumer { return g.byNumber[p.owner] }

// CreateConsumer adds a consumer; there must be none of that name.
func (g *Group) CreateConsumer(name []byte) *Consumer {
	for g.byNumber[g.next] != nil {
		g.next++
	}
	c := &Consumer{Name: string(name), number: g.next}
	g.next++
	g.addConsumer(c)
	return c
}

func (g *Group) addConsumer(c *Consumer) {
	i, _ := g.consumer(c.Name)
	g.consumers = slices.Insert(g.consumers, i, c)
	g.byNumber[c.number] = c
	g.s.aside += consumerSize + int64(len(c.Name))
}

// DeleteConsumer removes a consumer of the group with its pending entries.
func (g *Group) DeleteConsumer(c *Consumer) {
	for from, ok := (ID{}), true; ok && c.pending > 0; {
		var p Pending
		if p, ok = g.From(from); ok {
			if p.owner == c.number {
				g.Ack(p.ID)
			}
			from, ok = p.ID.Next()
		}
	}
	i, _ := g.consumer(c.Name)
	g.consumers = slices.Delete(g.consumers, i, i+1)
	delete(g.byNumber, c.number)
	g.s.aside -= consumerSize + int64(len(c.Name))
}

// Lag is how many entries are behind the last that a consumer of the group was given; false where that is not known,
// as deleted entries may be among them.
func (g *Group) Lag() (int64, bool) {
	s := g.s
	if s.added == 0 {
		return 0, true
	}
	if g.Read != Unknown && !s.holes(g.Last) {
		return int64(s.added) - g.Read, true
	}
	n := s.Count(g.Last)
	return int64(s.added) - n, n != Unknown
}

// Advance says that a consumer of the group was given the entry with the ID, if that is the highest so far.
func (g *Group) Advance(id ID) {
	if !g.Last.Less(id) {
		return
	}
	if g.Read != Unknown && !g.s.holes(id) {
		g.Read++
	} else if g.s.added > 0 {
		g.Read = g.s.Count(id)
	}
	g.Last = id
}

// holes reports whether an entry at or behind the ID may have been deleted from between others.
func (s *Stream) holes(from ID) bool {
	return s.len > 0 && s.maxDeleted != ID{} && !s.maxDeleted.Less(from) && !s.maxDeleted.Less(s.First())
}

// Count tells how many entries up to the ID there have ever been, or Unknown: it knows that for the ends of the stream
// only, and for what is before the first entry unless an entry behind that was deleted.
func (s *Stream) Count(id ID) int64 {
	switch at := id.Compare(s.last); {
	case s.added == 0:
		return 0
	case s.len == 0 && at <= 0, at == 0:
		return int64(s.added)
	case at > 0:
		return Unknown
	}
	first := s.First()
	if s.maxDeleted != (ID{}) && !s.maxDeleted.Less(first) {
		return Unknown
	}
	switch before := int64(s.added) - int64(s.len); id.Compare(first) {
	case -1:
		return before
	case 0:
		return before + 1
	}
	return Unknown
}

func (g *Group) clone(into *Stream) *Group {
	c := &Group{Name: g.Name, Last: g.Last, Read: g.Read, s: into, number: g.number, next: g.next, byNumber: map[uint32]*Consumer{}}
	for _, old := range g.consumers {
		own := *old
		c.addConsumer(&own)
	}
	for _, k := range g.chunks {
		own := &chunk{id: k.id, items: slices.Clone(k.items), dirty: true}
		c.chunks = append(c.chunks, own)
		into.aside += chunkSize + int64(cap(own.items))*pendingSize
	}
	c.pending = g.pending
	return c
}
