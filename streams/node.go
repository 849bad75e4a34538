package streams

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// node is a run of entries in one block. Their IDs rise; at least one of them is not deleted.
type node struct {
	block []byte // the shared fields, then the entries
	first ID     // of the first entry, deleted or not: the IDs of the others are distances from it
	last  ID     // of the last entry, deleted or not
	part  uint64 // id: rises along the stream
	all   uint16 // entries
	live  uint16 // entries that are not deleted
	// dirty: it differs from the part in the store, if there is one. stored: there is one.
	dirty, stored bool
}

// What bounds a node, whatever the limits in force say, so that a part stays one.
const (
	nodeEntriesMax = 1<<16 - 1
	nodeBytesMax   = 1 << 20
)

// Limits say when a node is full; zero: no limit but the package's own.
type Limits struct{ Bytes, Entries int64 }

func (l Limits) within() (size, entries int) {
	size, entries = nodeBytesMax, nodeEntriesMax
	if 0 < l.Bytes && l.Bytes < nodeBytesMax {
		size = int(l.Bytes)
	}
	if 0 < l.Entries && l.Entries < nodeEntriesMax {
		entries = int(l.Entries)
	}
	return size, entries
}

// Flags of an entry.
const (
	flagDeleted = 1 << iota
	flagShared  // its fields are the node's
	flagsKnown  = 1<<iota - 1
)

func appendString(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// cutUvarint reads a number that is known to be sound.
func cutUvarint(b []byte) (n uint64, rest []byte) {
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:]
	}
	n, size := binary.Uvarint(b)
	return n, b[size:]
}

// cutString reads a byte string that is known to be sound.
func cutString(b []byte) (s, rest []byte) {
	n, rest := cutUvarint(b)
	return rest[:n:n], rest[n:]
}

func uvarintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

func stringSize(b []byte) int { return uvarintSize(uint64(len(b))) + len(b) }

// begin writes the shared fields of an empty node: those of its first entry.
func (n *node) begin(id ID, pairs [][]byte) {
	n.first = id
	n.block = binary.AppendUvarint(n.block, uint64(len(pairs)/2))
	for i := 0; i < len(pairs); i += 2 {
		n.block = appendString(n.block, pairs[i])
	}
}

// shares reports whether the fields of the pairs are the shared ones, in their order.
func (n *node) shares(pairs [][]byte) bool {
	fields, rest := cutUvarint(n.block)
	if fields != uint64(len(pairs)/2) {
		return false
	}
	for i := 0; i < len(pairs); i += 2 {
		var field []byte
		if field, rest = cutString(rest); !bytes.Equal(field, pairs[i]) {
			return false
		}
	}
	return true
}

// distance is an ID as it is stored: milliseconds from the node's first ID, and the sequence number, which counts from
// the first one's where those are none.
func (n *node) distance(id ID) (ms, seq uint64) {
	ms, seq = id.MS-n.first.MS, id.Seq
	if ms == 0 {
		seq -= n.first.Seq
	}
	return ms, seq
}

// at is distance taken back.
func (n *node) at(ms, seq uint64) ID {
	if ms == 0 {
		seq += n.first.Seq
	}
	return ID{n.first.MS + ms, seq}
}

// bodySize is how many bytes an entry takes behind its size.
func (n *node) bodySize(id ID, pairs [][]byte, shared bool) int {
	ms, seq := n.distance(id)
	size := 1 + uvarintSize(ms) + uvarintSize(seq)
	if !shared {
		size += uvarintSize(uint64(len(pairs) / 2))
	}
	for i, b := range pairs {
		if i%2 == 1 || !shared {
			size += stringSize(b)
		}
	}
	return size
}

// append puts an entry behind the last. Its ID is higher.
func (n *node) append(id ID, pairs [][]byte, shared bool) {
	ms, seq := n.distance(id)
	b := binary.AppendUvarint(n.block, uint64(n.bodySize(id, pairs, shared)))
	if shared {
		b = append(b, flagShared)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, ms)
	b = binary.AppendUvarint(b, seq)
	if !shared {
		b = binary.AppendUvarint(b, uint64(len(pairs)/2))
	}
	for i, p := range pairs {
		if i%2 == 1 || !shared {
			b = appendString(b, p)
		}
	}
	n.block, n.last = b, id
	n.all++
	n.live++
	n.dirty = true
}

// tighten gives room back when it is over an eighth of the block: the stream goes on in another node.
func (n *node) tighten() {
	if cap(n.block)-len(n.block) > cap(n.block)/8 {
		n.block = append(make([]byte, 0, len(n.block)), n.block...)
	}
}

// Entry is an entry of a stream. It lies in the stream's memory: it is good until the next change.
type Entry struct {
	ID     ID
	shared []byte // the names of its fields, where they are the node's
	body   []byte // the names and values, or the values alone
	pairs  int
}

// Len is the number of pairs of field and value.
func (e Entry) Len() int { return e.pairs }

// Pairs yields fields and values.
func (e Entry) Pairs() iter.Seq2[[]byte, []byte] {
	return func(yield func(field, value []byte) bool) {
		names, body := e.shared, e.body
		for range e.pairs {
			var field, value []byte
			if e.shared != nil {
				field, names = cutString(names)
			} else {
				field, body = cutString(body)
			}
			value, body = cutString(body)
			if !yield(field, value) {
				return
			}
		}
	}
}

// cursor stands at an entry of a node.
type cursor struct {
	n      *node
	fields int    // how many the node's shared ones are
	names  []byte // and they
	rest   []byte // entries not yet read
	flags  int    // where the current entry's flags stand in the block
	id     ID
	body   []byte // behind the ID
}

func (n *node) cursor() cursor {
	fields, rest := cutUvarint(n.block)
	c := cursor{n: n, fields: int(fields), names: rest}
	for range fields {
		_, rest = cutString(rest)
	}
	c.rest = rest
	return c
}

// next goes to the next entry, deleted or not; false behind the last.
func (c *cursor) next() bool {
	if len(c.rest) == 0 {
		return false
	}
	size, rest := cutUvarint(c.rest)
	c.flags = len(c.n.block) - len(rest)
	c.rest = rest[size:]
	ms, body := cutUvarint(rest[1:size])
	seq, body := cutUvarint(body)
	c.id, c.body = c.n.at(ms, seq), body
	return true
}

func (c *cursor) deleted() bool { return c.n.block[c.flags]&flagDeleted != 0 }

func (c *cursor) entry() Entry {
	e := Entry{ID: c.id, body: c.body}
	if c.n.block[c.flags]&flagShared != 0 {
		e.shared, e.pairs = c.names, c.fields
		return e
	}
	n, body := cutUvarint(e.body)
	e.pairs, e.body = int(n), body
	return e
}

// delete marks the current entry.
func (c *cursor) delete() {
	c.n.block[c.flags] |= flagDeleted
	c.n.live--
	c.n.dirty = true
}

// seek goes to the entry with the ID; false where there is none, or none any more.
func (n *node) seek(id ID) (c cursor, ok bool) {
	c = n.cursor()
	for c.next() {
		if !c.id.Less(id) {
			return c, c.id == id && !c.deleted()
		}
	}
	return c, false
}

// ends are the IDs of the first and the last entry that are not deleted.
func (n *node) ends() (first, last ID) {
	if n.live == n.all {
		return n.first, n.last
	}
	found := false
	for c := n.cursor(); c.next(); {
		if c.deleted() {
			continue
		}
		if !found {
			first, found = c.id, true
		}
		last = c.id
	}
	return first, last
}

// compacted is the node without its deleted entries.
func (n *node) compacted() node {
	fresh := node{part: n.part, stored: n.stored}
	for c := n.cursor(); c.next(); {
		if c.deleted() {
			continue
		}
		var pairs [][]byte
		for field, value := range c.entry().Pairs() {
			pairs = append(pairs, field, value)
		}
		if fresh.all == 0 {
			fresh.begin(c.id, pairs)
		}
		fresh.append(c.id, pairs, fresh.shares(pairs))
	}
	fresh.tighten()
	return fresh
}
