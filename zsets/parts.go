package zsets

import (
	"encoding/binary"
	"fmt"
	"math"

	"holdfast/dict"
)

// A big set is stored in parts, one for each leaf, so that a checkpoint rewrites only what changed. The index is not
// stored: it is made anew.
//
//	head     version 1 | seed of the index, 16 bytes | uvarint leaves | uvarint elements
//	part     id → entry · entry · …           a page, as it lies in memory
//
// Ids give the order. Leaves at the ends get ids 2^32 beyond their neighbour's, one between two gets the midpoint of
// theirs; where no id is left all leaves are numbered anew, and are all dirty then. Some 32 splits of one place or 2^31
// leaves at one end come before that.
//
// A checkpoint, while the set does not change: where Parted, put AppendHead and the changed Parts; else AppendBinary. In
// both cases delete the DroppedParts, then MarkClean. The set takes the store at its word: when a marked checkpoint
// fails later on, delete all parts in the store and write all of them (Parts with changed false) the next time.

// PartedAbove is the number of Bytes above which a large set is stored in parts.
const PartedAbove = 64 << 10

const (
	idFirst = uint64(1) << 63
	idStep  = uint64(1) << 32
)

// idAt returns an id for a leaf to be inserted at index i of the path's lowest branch. It may number the others anew.
func (t *tree) idAt(p *path, i int) uint64 {
	if id, ok := t.idBetween(p, i); ok {
		return id
	}
	id := idFirst - uint64(t.leaves/2)*idStep
	t.each(func(l *leaf) bool {
		l.id, l.dirty = id, true
		id += idStep
		return true
	})
	id, ok := t.idBetween(p, i)
	if !ok {
		panic(fmt.Sprintf("BUG: zsets: no part id for a leaf among %d", t.leaves))
	}
	return id
}

// idBetween returns an id between those of the leaves around index i; false when there is none.
func (t *tree) idBetween(p *path, i int) (uint64, bool) {
	left, right := p.before(i), p.from(i)
	switch {
	case left == nil && right == nil:
		return idFirst, true
	case left == nil:
		return right.id - idStep, right.id >= idStep
	case right == nil:
		return left.id + idStep, left.id <= math.MaxUint64-idStep
	}
	gap := right.id - left.id
	return left.id + gap/2, gap >= 2
}

// before returns the leaf before index i of the path's lowest branch, and from that at index i or, behind the last, the
// next one in the tree; nil where there is none. In front of a branch's leaves one is put only where they are the tree's
// first: seek goes to the last leaf that begins below what comes.
func (p *path) before(i int) *leaf {
	if i == 0 {
		return nil
	}
	return &p.lowest().leaves[i-1]
}

func (p *path) from(i int) *leaf {
	if s := p.lowest(); i < len(s.leaves) {
		return &s.leaves[i]
	}
	for d := p.depth - 2; d >= 0; d-- {
		if s := &p.steps[d]; s.i+1 < s.width() {
			return s.first(s.i + 1)
		}
	}
	return nil
}

// partMax is the longest part that a store has to take, in bytes.
const partMax = 256 << 20

// Parted tells whether the set is to be stored in parts: it is big enough for that, and none would be too long.
func (z *Set) Parted() bool { return z.large != nil && z.Bytes() > PartedAbove && !z.giant() }

// giant reports whether there is a page that is too long for a part, as its only member is.
func (z *Set) giant() (found bool) {
	if z.Bytes() > partMax {
		z.large.tree.each(func(l *leaf) bool {
			found = len(l.page) > partMax
			return !found
		})
	}
	return found
}

// AppendHead appends what FromParts needs to know beside the parts: how much they hold.
func (z *Set) AppendHead(dst []byte) []byte {
	if z.large == nil {
		panic("BUG: zsets: the head of a small set")
	}
	dst = append(append(dst, version), z.large.index.seed[:]...)
	dst = binary.AppendUvarint(dst, uint64(z.large.tree.leaves))
	return binary.AppendUvarint(dst, uint64(z.Len()))
}

// Parts calls fn with each part in rising order of ids, or only with those that differ from the store since MarkClean.
// The payload is the set's own memory, good until the next change. An error of fn ends it and is returned.
func (z *Set) Parts(changed bool, fn func(id uint64, payload []byte) error) (err error) {
	return z.PartsFrom(0, changed, fn)
}

// PartsFrom is Parts for ids that are at least from; it goes on behind an earlier call while the set does not change.
func (z *Set) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) (err error) {
	if z.large == nil {
		return nil
	}
	z.large.tree.root.eachFrom(from, func(l *leaf) bool {
		if l.dirty || !changed {
			err = fn(l.id, l.page)
		}
		return err == nil
	})
	return err
}

// DroppedParts calls fn, in rising order, with the ids of the parts that are in the store since MarkClean or FromParts
// and are to be deleted from it: those without a leaf, and all of them when the set is not Parted any more.
func (z *Set) DroppedParts(fn func(id uint64)) {
	if z.large == nil {
		return
	}
	stored := z.large.tree.stored
	if z.Parted() {
		z.large.tree.each(func(l *leaf) bool {
			for len(stored) > 0 && stored[0] < l.id {
				fn(stored[0])
				stored = stored[1:]
			}
			if len(stored) > 0 && stored[0] == l.id {
				stored = stored[1:]
			}
			return true
		})
	}
	for _, id := range stored {
		fn(id)
	}
}

// MarkClean says that the store holds the set as it stands: in parts, all clean, if it is Parted; else in one piece and
// without parts, so that all are dirty when it grows.
func (z *Set) MarkClean() {
	if z.large == nil {
		return
	}
	t, parted := z.large.tree, z.Parted()
	t.each(func(l *leaf) bool {
		l.dirty = !parted
		return true
	})
	if parted {
		t.setStored()
	} else {
		t.stored = nil
	}
}

// setStored remembers the ids of the leaves as those of the parts in the store.
func (t *tree) setStored() {
	if cap(t.stored) < t.leaves || cap(t.stored) > 2*t.leaves {
		t.stored = make([]uint64, 0, t.leaves+t.leaves/8)
	}
	t.stored = t.stored[:0]
	t.each(func(l *leaf) bool {
		t.stored = append(t.stored, l.id)
		return true
	})
}

// FromParts rebuilds a set from its head and its parts, which next returns in rising order of ids, and false after the
// last. The set does not refer to the payloads, and is clean: the store holds these parts. Heads and parts that were not
// written together, or are damaged, are ErrCorrupt; an error of next is returned wrapped.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*Set, error) {
	seed, leaves, elements, err := decodeHead(head)
	if err != nil {
		return nil, fmt.Errorf("head of a sorted set: %w", err)
	}
	z := &Set{large: newLarge(seed)}
	t := z.large.tree
	for {
		id, payload, ok, err := next()
		if err != nil {
			return nil, fmt.Errorf("reading part %d of %d of a sorted set: %w", t.leaves, leaves, err)
		}
		if !ok {
			break
		}
		if err := z.large.appendPart(id, payload); err != nil {
			return nil, fmt.Errorf("part %#x of a sorted set: %w", id, err)
		}
	}
	if uint64(t.leaves) != leaves || uint64(t.len) != elements {
		return nil, fmt.Errorf("%w: %d parts with %d elements where %d with %d are announced",
			ErrCorrupt, t.leaves, t.len, leaves, elements)
	}
	t.setStored()
	return z, nil
}

func decodeHead(head []byte) (seed dict.Seed, leaves, elements uint64, err error) {
	if len(head) == 0 || head[0] != version {
		return seed, 0, 0, fmt.Errorf("%w: version byte is missing or unknown", ErrCorrupt)
	}
	seed, rest, err := readSeed(head[1:])
	if err != nil {
		return seed, 0, 0, err
	}
	if rest, leaves, err = readCount(rest); err != nil {
		return seed, 0, 0, err
	}
	rest, elements, err = readCount(rest)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(rest))
	}
	return seed, leaves, elements, err
}

// appendPart appends a stored part as a clean leaf.
func (g *large) appendPart(id uint64, payload page) error {
	size, count, err := payload.check(pageMax)
	if err != nil {
		return err
	}
	if size == 0 || size != len(payload) {
		return fmt.Errorf("%w: %d bytes are not one leaf", ErrCorrupt, len(payload))
	}
	return g.appendLeaf(leaf{page: payload, id: id, count: uint16(count)}, false)
}
