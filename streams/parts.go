package streams

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A big stream is stored in parts, so that a checkpoint rewrites only what changed:
//
//	head    version 1 | head                                      as in encode.go, with the groups' and consumers' own numbers
//	part    id → first ID | block                                 a node; ids below 2^63, rising along the stream
//	part    id → number of the group | pending · pending · …      a chunk; ids from 2^63 on, in no order
//
// Ids are not used twice, so that what is to be deleted is known from the ids alone. So an XADD writes the head and a
// node, an XACK the head and a chunk.
//
// A checkpoint, while the stream does not change: where Parted, put AppendHead and the changed Parts; else AppendBinary.
// In both cases delete the DroppedParts, then MarkClean.

// PartedAbove is the number of Bytes above which a stream is stored in parts.
const PartedAbove = 64 << 10

// chunkParts is set in the ids of chunks.
const chunkParts = uint64(1) << 63

// partMax is the longest part that a store has to take, in bytes.
const partMax = 256 << 20

// Parted tells whether the stream is to be stored in parts: it is big enough for that, and none would be too long.
func (s *Stream) Parted() bool { return s.Bytes() > PartedAbove && !s.giant() }

// giant reports whether there is a node that is too long for a part, as its only entry is.
func (s *Stream) giant() bool {
	const head = 2 * binary.MaxVarintLen64
	return s.blocks > partMax && slices.ContainsFunc(s.nodes, func(n node) bool { return len(n.block)+head > partMax })
}

// AppendHead appends what FromParts needs to know beside the parts.
func (s *Stream) AppendHead(dst []byte) []byte { return s.appendHead(append(dst, version), false) }

// Parts calls fn with each part in rising order of ids, or only with those that differ from the store since MarkClean.
// The payload is good until fn returns. An error of fn ends it and is returned.
func (s *Stream) Parts(changed bool, fn func(id uint64, payload []byte) error) error {
	return s.PartsFrom(0, changed, fn)
}

// PartsFrom is Parts for ids that are at least from; it goes on behind an earlier call while the stream does not change.
func (s *Stream) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error {
	var payload []byte
	first, _ := slices.BinarySearchFunc(s.nodes, from, func(n node, id uint64) int { return cmp.Compare(n.part, id) })
	for i := first; i < len(s.nodes); i++ {
		n := &s.nodes[i]
		if changed && !n.dirty {
			continue
		}
		payload = n.appendTo(payload[:0])
		if err := fn(n.part, payload); err != nil {
			return err
		}
	}
	for _, o := range s.owned(changed) {
		if o.c.id < from {
			continue
		}
		payload = binary.AppendUvarint(payload[:0], uint64(o.g.number))
		for _, p := range o.c.items {
			payload = p.appendTo(payload)
		}
		if err := fn(o.c.id, payload); err != nil {
			return err
		}
	}
	return nil
}

// ownedChunk is a chunk and the group that it belongs to.
type ownedChunk struct {
	g *Group
	c *chunk
}

// owned are the chunks of all groups, or those that changed, by their ids.
func (s *Stream) owned(changed bool) (all []ownedChunk) {
	for _, g := range s.groups {
		for _, c := range g.chunks {
			if c.dirty || !changed {
				all = append(all, ownedChunk{g, c})
			}
		}
	}
	slices.SortFunc(all, func(a, b ownedChunk) int {
		if a.c.id < b.c.id {
			return -1
		}
		return 1
	})
	return all
}

// DroppedParts calls fn, in rising order, with the ids of the parts that are in the store since MarkClean or FromParts
// and are to be deleted from it: those without a node or chunk, and all of them when the stream is not Parted any more.
func (s *Stream) DroppedParts(fn func(id uint64)) {
	gone := slices.Clone(s.dropped)
	if !s.Parted() {
		for i := range s.nodes {
			if n := &s.nodes[i]; n.stored {
				gone = append(gone, n.part)
			}
		}
		for _, o := range s.owned(false) {
			if o.c.stored {
				gone = append(gone, o.c.id)
			}
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		fn(id)
	}
}

// MarkClean says that the store holds the stream as it stands: in parts, all clean, if it is Parted; else in one piece
// and without parts, so that all are dirty when it grows.
func (s *Stream) MarkClean() {
	stored := s.Parted()
	for i := range s.nodes {
		s.nodes[i].stored, s.nodes[i].dirty = stored, !stored
	}
	for _, g := range s.groups {
		for _, c := range g.chunks {
			c.stored, c.dirty = stored, !stored
		}
	}
	s.dropped = nil
}

// FromParts rebuilds a stream from its head and its parts, which next returns in rising order of ids, and false after
// the last. The stream does not refer to the payloads, and is clean: the store holds these parts. Heads and parts that
// were not written together, or are damaged, are ErrCorrupt; an error of next is returned wrapped.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*Stream, error) {
	r := reader{rest: head}
	s, counts := r.head()
	if r.end(); r.err != nil {
		return nil, fmt.Errorf("head of a stream: %w", r.err)
	}
	for before, first := uint64(0), true; ; first = false {
		id, payload, ok, err := next()
		if err != nil {
			return nil, fmt.Errorf("reading a part of a stream: %w", err)
		}
		if !ok {
			break
		}
		part := reader{rest: payload}
		if !first && id <= before {
			part.refuse("ids do not rise")
		}
		before = id
		if id&chunkParts == 0 {
			s.appendStored(part.node(id, false), &part)
			s.part = id
		} else {
			s.storedChunk(id, &part)
			s.chunk = id &^ chunkParts
		}
		if part.err != nil {
			return nil, fmt.Errorf("part %#x of a stream: %w", id, part.err)
		}
	}
	if err := s.sortChunks(); err != nil {
		return nil, err
	}
	if err := s.verify(counts); err != nil {
		return nil, err
	}
	return s, nil
}

// storedChunk adds a chunk that is in the store to its group, wherever it belongs there.
func (s *Stream) storedChunk(id uint64, r *reader) {
	number := r.uvarint()
	i := slices.IndexFunc(s.groups, func(g *Group) bool { return uint64(g.number) == number })
	if r.err == nil && i < 0 {
		r.refuse("pending entries of no group")
	}
	if r.err != nil {
		return
	}
	g, c := s.groups[i], &chunk{id: id, stored: true}
	for first := true; (first || len(r.rest) > 0) && r.err == nil; first = false {
		p := r.pending()
		before := ID{}
		if !first {
			before = c.items[len(c.items)-1].ID
		}
		if len(c.items) == chunkMax {
			r.refuse("a chunk with too many entries")
		}
		if r.owned(g, p, before, first); r.err == nil {
			c.items = append(c.items, p)
			g.byNumber[p.owner].pending++
		}
	}
	if r.err != nil {
		return
	}
	c.items = slices.Clone(c.items) // no more room than they take
	g.pending += len(c.items)
	g.chunks = append(g.chunks, c)
	s.aside += chunkSize + int64(cap(c.items))*pendingSize
}

// sortChunks puts the chunks of each group into the order of their entries.
func (s *Stream) sortChunks() error {
	for _, g := range s.groups {
		slices.SortFunc(g.chunks, func(a, b *chunk) int { return a.items[0].ID.Compare(b.items[0].ID) })
		for k := 1; k < len(g.chunks); k++ {
			before := g.chunks[k-1].items
			if !before[len(before)-1].ID.Less(g.chunks[k].items[0].ID) {
				return fmt.Errorf("%w: chunks of pending entries overlap", ErrCorrupt)
			}
		}
	}
	return nil
}
