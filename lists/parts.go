package lists

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// A big list is stored in parts, one for each node, so that a checkpoint rewrites only what changed:
//
//	head     version 1 | uvarint nodes | uvarint elements
//	part     id → entry · entry · …           the elements of a node, with their lengths even where it is bare
//
// Ids give the order. Nodes at the ends get ids 2^32 beyond their neighbour's, a node between two gets the midpoint of
// theirs; where no id is left all nodes are numbered anew, and are all dirty then. Some 32 splits of one place or 2^31
// nodes at one end come before that.
//
// A checkpoint, while the list does not change: where Parted, put AppendHead and the dirty Parts; else AppendBinary. In
// both cases delete the DroppedParts, then MarkClean. The list takes the store at its word: when a marked checkpoint
// fails later on, delete all parts in the store and write all of them (Parts with dirtyOnly false) the next time.
// Finding what is dirty or dropped looks at every node, some 10 µs for a million short elements: a mark in the array
// is cheaper to keep right than a set of ids.

// PartedAbove is the number of Bytes above which a list is stored in parts. As many nodes as would take that are stored in
// parts too, however little they take as they are bare.
const PartedAbove = 64 << 10

// partedNodes is the number of full nodes that take more than PartedAbove.
const partedNodes = PartedAbove/blockMax + 1

const (
	idFirst = uint64(1) << 63
	idStep  = uint64(1) << 32
)

// idAt returns an id for a node to be inserted at index i. It may number the other nodes anew.
func (l *List) idAt(i int) uint64 {
	nodes := l.nodes()
	if id, ok := idBetween(nodes, i); ok {
		return id
	}
	id := idFirst - uint64(len(nodes)/2)*idStep
	for k := range nodes {
		nodes[k].id, nodes[k].dirty = id, true
		id += idStep
	}
	id, ok := idBetween(nodes, i)
	if !ok {
		panic(fmt.Sprintf("BUG: lists: no part id for a node at %d of %d", i, len(nodes)))
	}
	return id
}

// idBetween returns an id between those of nodes i-1 and i; false when there is none.
func idBetween(nodes []node, i int) (uint64, bool) {
	switch {
	case len(nodes) == 0:
		return idFirst, true
	case i == 0:
		return nodes[0].id - idStep, nodes[0].id >= idStep
	case i == len(nodes):
		id := nodes[i-1].id
		return id + idStep, id <= math.MaxUint64-idStep
	}
	gap := nodes[i].id - nodes[i-1].id
	return nodes[i-1].id + gap/2, gap >= 2
}

// partMax is the longest part that a store has to take, in bytes.
const partMax = 256 << 20

// Parted tells whether the list is to be stored in parts: it is big enough for that, and none would be too long.
func (l *List) Parted() bool {
	return (l.Bytes() > PartedAbove || l.Nodes() >= partedNodes) && !l.giant()
}

// giant reports whether there is a node that is too long for a part, as its only element is.
func (l *List) giant() bool {
	return l.Bytes() > partMax && slices.ContainsFunc(l.nodes(), func(n node) bool { return n.used() > partMax })
}

// AppendHead appends what FromParts needs to know beside the parts: how much they hold.
func (l *List) AppendHead(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(l.Nodes()))
	return binary.AppendUvarint(dst, uint64(l.Len()))
}

// Parts calls fn with each part in rising order of ids, or only with those that differ from the store since MarkClean.
// The payload is good until fn returns. An error of fn ends it and is returned.
func (l *List) Parts(dirtyOnly bool, fn func(id uint64, payload []byte) error) error {
	return l.PartsFrom(0, dirtyOnly, fn)
}

// PartsFrom is Parts for ids from id on: it goes on where fn stopped an earlier call with an error of its own, so that
// the parts of a long list can be taken in slices while the list does not change.
func (l *List) PartsFrom(id uint64, dirtyOnly bool, fn func(id uint64, payload []byte) error) error {
	nodes := l.nodes()
	var buf []byte
	for i := searchID(nodes, id); i < len(nodes); i++ {
		n := &nodes[i]
		if dirtyOnly && !n.dirty {
			continue
		}
		payload := n.packed()
		if n.bare {
			buf = n.appendEntries(buf[:0])
			payload = buf
		}
		if err := fn(n.id, payload); err != nil {
			return err
		}
	}
	return nil
}

// searchID returns the index of the first node whose id is at least id.
func searchID(nodes []node, id uint64) int {
	i, j := 0, len(nodes)
	for i < j {
		if k := (i + j) / 2; nodes[k].id < id {
			i = k + 1
		} else {
			j = k
		}
	}
	return i
}

// DroppedParts calls fn, in rising order, with the ids of the parts that are in the store since MarkClean or FromParts
// and are to be deleted from it: those without a node, and all of them when the list is not Parted any more.
func (l *List) DroppedParts(fn func(id uint64)) {
	if l.more == nil {
		return
	}
	nodes := l.nodes()
	if !l.Parted() {
		nodes = nil
	}
	for _, id := range l.more.stored {
		for len(nodes) > 0 && nodes[0].id < id {
			nodes = nodes[1:]
		}
		if len(nodes) == 0 || nodes[0].id != id {
			fn(id)
		}
	}
}

// MarkClean says that the store holds the list as it stands: in parts, all clean, if it is Parted; else in one piece
// and without parts, so that all are dirty when it grows.
func (l *List) MarkClean() {
	parted := l.Parted()
	nodes := l.nodes()
	for i := range nodes {
		nodes[i].dirty = !parted
	}
	if parted {
		l.setStored()
	} else if l.more != nil {
		l.more.stored = nil
		l.demote()
	}
}

// setStored remembers the ids of the nodes as those of the parts in the store.
func (l *List) setStored() {
	l.promote()
	s := l.more
	if cap(s.stored) < s.used || cap(s.stored) > 2*s.used {
		s.stored = make([]uint64, 0, s.used+s.used/8)
	}
	s.stored = s.stored[:0]
	for _, n := range s.nodes() {
		s.stored = append(s.stored, n.id)
	}
}

// FromParts rebuilds a list from its head and its parts, which next returns in rising order of ids, and false after the
// last. The list does not refer to the payloads, and is clean: the store holds these parts. Heads and parts that were not
// written together, or are damaged, are ErrCorrupt; an error of next is returned wrapped.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*List, error) {
	rest, counts, err := decodeHead(head, 2)
	if err != nil {
		return nil, fmt.Errorf("head of a list: %w", err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("head of a list: %w: %d bytes too many", ErrCorrupt, len(rest))
	}
	l := New()
	for {
		id, payload, ok, err := next()
		if err != nil {
			return nil, fmt.Errorf("reading part %d of %d of a list: %w", l.Nodes(), counts[0], err)
		}
		if !ok {
			break
		}
		if err := l.appendPart(id, payload); err != nil {
			return nil, fmt.Errorf("part %#x of a list: %w", id, err)
		}
	}
	if uint64(l.Nodes()) != counts[0] || uint64(l.Len()) != counts[1] {
		return nil, fmt.Errorf("%w: %d parts with %d elements where %d with %d are announced",
			ErrCorrupt, l.Nodes(), l.Len(), counts[0], counts[1])
	}
	if l.Len() > 0 {
		l.setStored()
	}
	return l, nil
}

// appendPart appends a stored part as a clean node.
func (l *List) appendPart(id uint64, payload []byte) error {
	if nodes := l.nodes(); len(nodes) > 0 && nodes[len(nodes)-1].id >= id {
		return fmt.Errorf("%w: ids do not rise", ErrCorrupt)
	}
	size, count, err := checkRun(payload)
	if err != nil {
		return err
	}
	if size == 0 || size != len(payload) {
		return fmt.Errorf("%w: %d bytes are not one node", ErrCorrupt, len(payload))
	}
	l.appendRun(id, payload, count, false)
	return nil
}
