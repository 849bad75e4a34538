package streams

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// The encoding of a stream in one piece:
//
//	version 1 | head | length, node · length, node · … | pending · pending · …
//
//	head      last ID | highest deleted ID | entries added | entries | nodes | groups | group · …
//	group     number | name | last ID | entries read, and 1 | pending entries | consumers | consumer · …
//	consumer  number | name
//	node      first ID | block                                        as in the package comment
//	pending   ID | delivered | count | number of the consumer         those of the groups, in their order
//
// Numbers are uvarints without a byte too many, an ID is two of them, a name is its length and its bytes. Groups and
// consumers come by name. Their numbers are their places here; in stored parts they are what they were when made.

const version = 1

// ErrCorrupt says that bytes are not the encoding of a stream.
var ErrCorrupt = errors.New("streams: corrupt encoding")

func appendID(dst []byte, id ID) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, id.MS), id.Seq)
}

// AppendBinary appends the encoding of the stream in one piece.
func (s *Stream) AppendBinary(dst []byte) []byte {
	dst = slices.Grow(dst, int(s.blocks)+24*len(s.nodes)+64)
	dst = s.appendHead(append(dst, version), true)
	var node []byte
	for i := range s.nodes {
		node = s.nodes[i].appendTo(node[:0])
		dst = appendString(dst, node)
	}
	for _, g := range s.groups {
		places := map[uint32]uint32{}
		for i, c := range g.consumers {
			places[c.number] = uint32(i)
		}
		for _, c := range g.chunks {
			for _, p := range c.items {
				p.owner = places[p.owner]
				dst = p.appendTo(dst)
			}
		}
	}
	return dst
}

// appendHead appends the head, with the places of groups and consumers for their numbers or with their own.
func (s *Stream) appendHead(dst []byte, places bool) []byte {
	return s.appendHeadOf(dst, len(s.nodes), places)
}

// appendHeadOf is appendHead of a stream of so many nodes.
func (s *Stream) appendHeadOf(dst []byte, nodes int, places bool) []byte {
	dst = appendID(appendID(dst, s.last), s.maxDeleted)
	for _, n := range []uint64{s.added, uint64(s.len), uint64(nodes), uint64(len(s.groups))} {
		dst = binary.AppendUvarint(dst, n)
	}
	for i, g := range s.groups {
		dst = binary.AppendUvarint(dst, number(g.number, i, places))
		dst = appendID(appendString(dst, []byte(g.Name)), g.Last)
		dst = binary.AppendUvarint(dst, uint64(g.Read)+1)
		dst = binary.AppendUvarint(dst, uint64(g.pending))
		dst = binary.AppendUvarint(dst, uint64(len(g.consumers)))
		for k, c := range g.consumers {
			dst = binary.AppendUvarint(dst, number(c.number, k, places))
			dst = appendString(dst, []byte(c.Name))
		}
	}
	return dst
}

func number(own uint32, place int, places bool) uint64 {
	if places {
		return uint64(place)
	}
	return uint64(own)
}

func (n *node) appendTo(dst []byte) []byte { return append(appendID(dst, n.first), n.block...) }

func (p Pending) appendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(appendID(dst, p.ID), uint64(p.Delivered))
	return binary.AppendUvarint(binary.AppendUvarint(dst, p.Count), uint64(p.owner))
}

// Decode returns the stream that AppendBinary encoded; the stream does not refer to b. Bytes that AppendBinary cannot
// have written are ErrCorrupt. It allocates in proportion to what it has found sound, whatever the bytes claim.
func Decode(b []byte) (*Stream, error) {
	r := reader{rest: b}
	s, counts := r.head()
	for uint64(len(s.nodes)) < counts.nodes && r.err == nil {
		s.part++
		n := reader{rest: r.string()}
		s.appendStored(n.node(s.part, true), &n)
		r.fail(n.err)
	}
	for i := 0; i < len(s.groups) && r.err == nil; i++ {
		g, last := s.groups[i], ID{}
		for left := counts.pending[i]; left > 0 && r.err == nil; left-- {
			p := r.pending()
			if r.owned(g, p, last, left == counts.pending[i]); r.err == nil {
				g.Give(p.ID, g.byNumber[p.owner], p.Delivered, p.Count)
				last = p.ID
			}
		}
	}
	r.end()
	r.fail(s.verify(counts))
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

// counts are what a head announces.
type counts struct {
	len, nodes uint64
	pending    []uint64
}

// verify compares a stream that has been read with what its head announces.
func (s *Stream) verify(c counts) error {
	if uint64(s.len) != c.len || uint64(len(s.nodes)) != c.nodes {
		return fmt.Errorf("%w: %d entries in %d nodes where %d in %d are announced", ErrCorrupt, s.len, len(s.nodes), c.len, c.nodes)
	}
	if k := len(s.nodes) - 1; k >= 0 && s.last.Less(s.nodes[k].last) {
		return fmt.Errorf("%w: the last entry is behind the last ID", ErrCorrupt)
	}
	for i, g := range s.groups {
		if uint64(g.pending) != c.pending[i] {
			return fmt.Errorf("%w: %d pending entries where %d are announced", ErrCorrupt, g.pending, c.pending[i])
		}
	}
	return nil
}

// appendStored puts a node that was read behind the others.
func (s *Stream) appendStored(n node, r *reader) {
	if k := len(s.nodes) - 1; r.err == nil && k >= 0 && !s.nodes[k].last.Less(n.first) {
		r.refuse("the IDs of nodes do not rise")
	}
	if r.err != nil {
		return
	}
	s.nodes = append(s.nodes, n)
	s.blocks += int64(cap(n.block))
	s.len += int(n.live)
}

// reader reads bytes that may be anything. After its first error it reads zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) refuse(why string) {
	r.fail(fmt.Errorf("%w: %s, %d bytes before the end", ErrCorrupt, why, len(r.rest)))
}

func (r *reader) end() {
	if len(r.rest) > 0 {
		r.refuse("bytes behind the end")
	}
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 1 && r.rest[size-1] == 0 {
		r.refuse("a malformed number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// upTo is uvarint within a bound.
func (r *reader) upTo(most uint64) uint64 {
	n := r.uvarint()
	if n > most {
		r.refuse("a number out of range")
		return 0
	}
	return n
}

// size is uvarint for a number of bytes, or of what takes at least a byte each: no more than there are behind it.
func (r *reader) size() uint64 {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.refuse("more announced than there is")
		return 0
	}
	return n
}

func (r *reader) string() []byte {
	n := r.size()
	if r.err != nil {
		return nil
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) id() ID { return ID{r.uvarint(), r.uvarint()} }

// head reads the version and the head. The groups it returns have consumers and no pending entries.
func (r *reader) head() (*Stream, counts) {
	s, c := New(), counts{}
	if len(r.rest) == 0 || r.rest[0] != version {
		r.refuse("version byte is missing or unknown")
		return s, c
	}
	r.rest = r.rest[1:]
	s.last, s.maxDeleted, s.added = r.id(), r.id(), r.uvarint()
	c.len, c.nodes = r.uvarint(), r.uvarint()
	for left := r.uvarint(); left > 0 && r.err == nil; left-- {
		g, pending := r.group(s)
		if k := len(s.groups) - 1; k >= 0 && s.groups[k].Name >= g.Name {
			r.refuse("the names of groups do not rise")
		}
		if slices.ContainsFunc(s.groups, func(o *Group) bool { return o.number == g.number }) {
			r.refuse("two groups of one number")
		}
		if r.err == nil {
			s.addGroup(g)
			c.pending = append(c.pending, pending)
		}
	}
	return s, c
}

func (r *reader) group(s *Stream) (g *Group, pending uint64) {
	g = &Group{s: s, number: uint32(r.upTo(math.MaxUint32)), byNumber: map[uint32]*Consumer{}}
	g.Name = string(r.string())
	g.Last, g.Read = r.id(), int64(r.upTo(1<<63)-1)
	pending = r.uvarint()
	for left := r.uvarint(); left > 0 && r.err == nil; left-- {
		c := &Consumer{number: uint32(r.upTo(math.MaxUint32)), Name: string(r.string())}
		if k := len(g.consumers) - 1; k >= 0 && g.consumers[k].Name >= c.Name {
			r.refuse("the names of consumers do not rise")
		}
		if g.byNumber[c.number] != nil {
			r.refuse("two consumers of one number")
		}
		if r.err == nil {
			g.addConsumer(c)
			g.next = max(g.next, c.number+1)
		}
	}
	return g, pending
}

func (r *reader) pending() Pending {
	return Pending{ID: r.id(), Delivered: int64(r.uvarint()), Count: r.uvarint(), owner: uint32(r.upTo(math.MaxUint32))}
}

// owned checks a pending entry against its group and the one before it.
func (r *reader) owned(g *Group, p Pending, before ID, first bool) {
	switch {
	case r.err != nil:
	case g.byNumber[p.owner] == nil:
		r.refuse("a pending entry of nobody")
	case !first && !before.Less(p.ID):
		r.refuse("the IDs of pending entries do not rise")
	}
}

// node reads a node to the end of the bytes.
func (r *reader) node(part uint64, dirty bool) node {
	n := node{first: r.id(), part: part, dirty: dirty, stored: !dirty}
	n.block = r.rest
	shared := r.strings(1)
	for all := 0; len(r.rest) > 0 && r.err == nil; all++ {
		if all == nodeEntriesMax {
			r.refuse("too many entries in a node")
		}
		r.entry(&n, shared)
	}
	if r.err == nil && n.live == 0 {
		r.refuse("a node without entries")
	}
	if r.err != nil {
		return n
	}
	n.block = append(make([]byte, 0, len(n.block)), n.block...)
	return n
}

// entry reads an entry of a node whose shared fields are so many.
func (r *reader) entry(n *node, shared uint64) {
	size := r.size()
	if size == 0 {
		r.refuse("an entry of nothing")
		return
	}
	behind := len(r.rest) - int(size)
	flags := r.rest[0]
	r.rest = r.rest[1:]
	ms, seq := r.uvarint(), r.uvarint()
	id := n.at(ms, seq)
	if flags&^flagsKnown != 0 || id.MS < n.first.MS || ms == 0 && id.Seq < n.first.Seq ||
		n.all == 0 && id != n.first || n.all > 0 && !n.last.Less(id) {
		r.refuse("an entry with a wrong ID or unknown flags")
	}
	if flags&flagShared != 0 {
		for i := uint64(0); i < shared && r.err == nil; i++ {
			r.string()
		}
	} else {
		r.strings(2)
	}
	if r.err == nil && len(r.rest) != behind {
		r.refuse("an entry of another length")
	}
	n.last = id
	n.all++
	if flags&flagDeleted == 0 {
		n.live++
	}
}

// strings reads a number and so many times n strings.
func (r *reader) strings(n int) uint64 {
	count := r.size()
	for i := uint64(0); i < count*uint64(n) && r.err == nil; i++ {
		r.string()
	}
	return count
}
