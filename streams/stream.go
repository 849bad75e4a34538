// Package streams is the stream value: entries of fields and values, by rising IDs, appended at one end, and the groups
// of consumers that read them. It knows no protocol, no clock, no keys and no files.
//
// Entries lie in nodes, a node is one block of packed entries:
//
//	stream   node · node · … · node               an array, found in by binary search
//	block    shared fields | entry · entry · …    up to 4 KiB or 100 entries, as the caller's limits say (node.go)
//	shared   fields | field · field · …           those of the node's first entry
//	entry    size | flags u8 | ms | seq | [fields | field · value ·] value · …
//
// Numbers are uvarints, a field or value is its length and its bytes. ms and seq are distances from the node's first ID.
// An entry whose fields are the shared ones, in that order, holds the values alone. Deleting an entry sets a flag; a
// node that has no other entries left goes.
//
// A group knows up to where it has read, its consumers, and what they have read and not acknowledged: its pending
// entries, in chunks of up to 128 by rising IDs (pending.go). What is pending for one consumer is found by walking the
// group's; each consumer keeps the number of its own, so that the walk ends with the last.
//
// Costs. Appending is O(1) amortised; an ID is found in O(log n) and a walk over half a node; trimming whole nodes costs
// nothing per entry. An entry of one shared field takes some 6 bytes more than its value; a pending entry 40 bytes.
//
// Rejected: a counted tree for nodes (a million entries are 10,000 nodes: inserting is at the end, and removing in the
// middle moves 700 KB at worst); a second index of pending entries by consumer (twice the memory, and the usual consumer
// reads its own history once, at its start).
//
// Slices handed out lie in the stream's own memory: they are good until the next change to the stream and must not be
// written to. A Stream is not safe for concurrent use.
package streams

import (
	"slices"
	"unsafe"
)

// What the parts of a stream take, in bytes.
const (
	streamSize   = int64(unsafe.Sizeof(Stream{}))
	nodeSize     = int64(unsafe.Sizeof(node{}))
	groupSize    = int64(unsafe.Sizeof(Group{})) + 8
	consumerSize = int64(unsafe.Sizeof(Consumer{})) + 8 + 24 // with its places in the list and in the map
	chunkSize    = int64(unsafe.Sizeof(chunk{})) + 8
	pendingSize  = int64(unsafe.Sizeof(Pending{}))
)

// Stream is a stream of entries. Make one with New. One without entries is still a stream: it has its last ID and its
// groups.
type Stream struct {
	nodes      []node
	len        int
	last       ID
	maxDeleted ID
	added      uint64
	groups     []*Group // by name

	blocks  int64    // capacity of all blocks, bytes
	aside   int64    // groups and what belongs to them, bytes
	part    uint64   // the highest part id of a node so far
	chunk   uint64   // likewise of a chunk of pending entries
	dropped []uint64 // parts in the store whose node or chunk is gone
}

// New returns an empty stream.
func New() *Stream { return &Stream{} }

// Len returns the number of entries.
func (s *Stream) Len() int { return s.len }

// Bytes returns the memory that the stream holds.
func (s *Stream) Bytes() int64 {
	return streamSize + int64(cap(s.nodes))*nodeSize + s.blocks + s.aside + int64(cap(s.dropped)+cap(s.groups))*8
}

// Nodes returns the number of nodes.
func (s *Stream) Nodes() int { return len(s.nodes) }

// LastID is the highest ID that the stream has had, or that SetLast gave it.
func (s *Stream) LastID() ID { return s.last }

// MaxDeleted is the highest ID that Delete has removed, 0-0 if there is none.
func (s *Stream) MaxDeleted() ID { return s.maxDeleted }

// Added counts the entries that there have ever been.
func (s *Stream) Added() uint64 { return s.added }

// First is the ID of the first entry, 0-0 of an empty stream.
func (s *Stream) First() ID {
	if s.len == 0 {
		return ID{}
	}
	id, _ := s.nodes[0].ends()
	return id
}

// Top is the ID of the last entry, 0-0 of an empty stream. It may be lower than LastID.
func (s *Stream) Top() ID {
	if s.len == 0 {
		return ID{}
	}
	_, id := s.nodes[len(s.nodes)-1].ends()
	return id
}

// SetLast changes the last ID, which must not be below that of an entry.
func (s *Stream) SetLast(id ID) {
	if k := len(s.nodes) - 1; k >= 0 && id.Less(s.nodes[k].last) { // deleted entries are in the way of new ones
		n := &s.nodes[k]
		s.blocks -= int64(cap(n.block))
		*n = n.compacted()
		s.blocks += int64(cap(n.block))
	}
	s.last = id
}

// SetAdded changes the count of entries that there have ever been.
func (s *Stream) SetAdded(n uint64) { s.added = n }

// SetMaxDeleted changes what MaxDeleted tells.
func (s *Stream) SetMaxDeleted(id ID) { s.maxDeleted = id }

// Append adds an entry of pairs of field and value behind all others. Its ID is above LastID.
func (s *Stream) Append(id ID, pairs [][]byte, l Limits) {
	if !s.last.Less(id) {
		panic("BUG: streams: an ID that does not rise")
	}
	bytesMax, entriesMax := l.within()
	var n *node
	shared := false
	if k := len(s.nodes) - 1; k >= 0 {
		n = &s.nodes[k]
		shared = n.shares(pairs)
		size := n.bodySize(id, pairs, shared)
		if int(n.all) >= entriesMax || len(n.block)+size+uvarintSize(uint64(size)) > bytesMax {
			s.resize(n, (*node).tighten)
			n = nil
		}
	}
	if n == nil {
		n = s.open(id, pairs)
		shared = true
	}
	s.resize(n, func(n *node) { n.append(id, pairs, shared) })
	s.last = id
	s.len++
	s.added++
}

// open adds an empty node. A stream that has filled a node will fill the next one: it gets as much room at once.
func (s *Stream) open(id ID, pairs [][]byte) *node {
	room := 0
	if k := len(s.nodes) - 1; k >= 0 {
		room = min(len(s.nodes[k].block), nodeBytesMax)
	}
	s.part++
	s.nodes = append(s.nodes, node{block: make([]byte, 0, room), part: s.part})
	n := &s.nodes[len(s.nodes)-1]
	s.blocks += int64(cap(n.block))
	s.resize(n, func(n *node) { n.begin(id, pairs) })
	return n
}

// resize runs fn on a node and accounts for the change of its block.
func (s *Stream) resize(n *node, fn func(*node)) {
	before := cap(n.block)
	fn(n)
	s.blocks += int64(cap(n.block) - before)
}

// find returns the index of the first node whose entries reach up to the ID, or beyond.
func (s *Stream) find(id ID) int {
	i, _ := slices.BinarySearchFunc(s.nodes, id, func(n node, id ID) int { return n.last.Compare(id) })
	return i
}

// Get returns the entry with the ID.
func (s *Stream) Get(id ID) (Entry, bool) {
	i := s.find(id)
	if i == len(s.nodes) || id.Less(s.nodes[i].first) {
		return Entry{}, false
	}
	c, ok := s.nodes[i].seek(id)
	if !ok {
		return Entry{}, false
	}
	return c.entry(), true
}

// Has reports whether there is an entry with the ID.
func (s *Stream) Has(id ID) bool {
	_, ok := s.Get(id)
	return ok
}

// Range calls fn with the entries from one ID to another, both inclusive, until it returns false.
func (s *Stream) Range(from, to ID, fn func(Entry) bool) {
	for i := s.find(from); i < len(s.nodes); i++ {
		for c := s.nodes[i].cursor(); c.next(); {
			switch {
			case to.Less(c.id):
				return
			case c.id.Less(from) || c.deleted():
			case !fn(c.entry()):
				return
			}
		}
	}
}

// Reverse is Range from the last entry to the first.
func (s *Stream) Reverse(from, to ID, fn func(Entry) bool) {
	var entries []Entry
	for i := min(s.find(to), len(s.nodes)-1); i >= 0; i-- {
		n := &s.nodes[i]
		if n.last.Less(from) {
			return
		}
		entries = entries[:0]
		for c := n.cursor(); c.next() && !to.Less(c.id); {
			if !c.id.Less(from) && !c.deleted() {
				entries = append(entries, c.entry())
			}
		}
		for k := len(entries) - 1; k >= 0; k-- {
			if !fn(entries[k]) {
				return
			}
		}
	}
}

// Delete removes the entry with the ID, and reports whether it was there.
func (s *Stream) Delete(id ID) bool {
	i := s.find(id)
	if i == len(s.nodes) || id.Less(s.nodes[i].first) {
		return false
	}
	c, ok := s.nodes[i].seek(id)
	if !ok {
		return false
	}
	c.delete()
	s.len--
	if s.maxDeleted.Less(id) {
		s.maxDeleted = id
	}
	if c.n.live == 0 {
		s.drop(i)
	}
	return true
}

// drop removes a node.
func (s *Stream) drop(i int) {
	n := &s.nodes[i]
	s.blocks -= int64(cap(n.block))
	if n.stored {
		s.dropped = append(s.dropped, n.part)
	}
	if i == 0 {
		s.nodes[0] = node{}
		s.nodes = s.nodes[1:]
		return
	}
	s.nodes = slices.Delete(s.nodes, i, i+1)
}

// Clone returns a copy that shares nothing with s and has no stored parts.
func (s *Stream) Clone() *Stream {
	c := New()
	c.len, c.last, c.maxDeleted, c.added = s.len, s.last, s.maxDeleted, s.added
	c.part, c.chunk, c.blocks = s.part, s.chunk, 0
	c.nodes = make([]node, len(s.nodes))
	for i, n := range s.nodes {
		n.block = append(make([]byte, 0, len(n.block)), n.block...)
		n.dirty, n.stored = true, false
		c.nodes[i] = n
		c.blocks += int64(cap(n.block))
	}
	for _, g := range s.groups {
		c.addGroup(g.clone(c))
	}
	return c
}
