package dict

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"holdfast/packed"
)

// A big Dict is stored in parts, one for each leaf, so that a checkpoint rewrites only what changed:
//
//	head     version 1 | seed, 16 bytes | uvarint leaves | uvarint keys
//	part     id → key · value · key · value · …        the page of a leaf, as it lies in memory
//
// An id tells the prefix of its leaf (see makeID), and ids rise in hash order. A split puts two parts in the place of one,
// a merge one in the place of two.
//
// A checkpoint, while the Dict does not change: where Parted, put AppendHead and the changed Parts; else AppendBinary. In
// both cases delete the DroppedParts, then MarkClean. The Dict takes the store at its word: when a marked checkpoint fails
// later on, delete all parts in the store and write all of them the next time.

const (
	// PartedAbove is the number of Bytes above which a Dict is stored in parts.
	PartedAbove = 64 << 10
	// partMax is more than a page may have if it is to be a part: a Dict with a larger one is stored in one piece.
	partMax = 192 << 20
	// depthFree is a depth of the directory that needs no leaves to account for it when parts are read. It may be so deep
	// after most keys went, those that are left being neighbours in hash order.
	depthFree = 22
)

// store is the account of what is stored in parts.
type store struct {
	// tracked: there are parts in the store, and changed and dropped tell in what they differ from the Dict; otherwise
	// all leaves do.
	tracked bool
	changed []*leaf // those that are dirty, once each, and those that were and have been done away with
	dropped map[uint64]struct{}
}

func (s *store) bytes() int64 { return int64(cap(s.changed))*8 + int64(len(s.dropped))*24 }

// touch notes that a leaf is about to change.
func (s *store) touch(l *leaf) {
	if !l.dirty {
		l.dirty = true
		s.changed = append(s.changed, l)
	}
}

// begin takes a new leaf into the account.
func (s *store) begin(l *leaf) {
	_, l.stored = s.dropped[l.id]
	delete(s.dropped, l.id)
	if l.dirty = !s.tracked; !l.dirty {
		s.touch(l)
	}
}

// end takes a leaf that is no more out of the account.
func (s *store) end(l *leaf) {
	if l.stored {
		if s.dropped == nil {
			s.dropped = map[uint64]struct{}{}
		}
		s.dropped[l.id] = struct{}{}
	}
	l.id, l.stored = 0, false
}

// rename gives a leaf that has been touched another id.
func (s *store) rename(l *leaf, id uint64) {
	s.end(l)
	l.id = id
	_, l.stored = s.dropped[id]
	delete(s.dropped, id)
}

// Parted tells whether d is big enough to be stored in parts.
func (d *Dict) Parted() bool { return d.huge == 0 && d.Bytes() > PartedAbove }

// AppendHead appends what FromParts needs to know beside the parts.
func (d *Dict) AppendHead(dst []byte) []byte {
	dst = append(dst, version)
	dst = append(dst, d.seed[:]...)
	dst = binary.AppendUvarint(dst, uint64(d.leaves))
	return binary.AppendUvarint(dst, uint64(d.count))
}

// Parts calls fn with each part in rising order of ids, or only with those that differ from the store since MarkClean.
// The payload is d's own memory, good until the next change. An error of fn ends it and is returned.
func (d *Dict) Parts(changed bool, fn func(id uint64, payload []byte) error) error {
	return d.PartsFrom(0, changed, fn)
}

// PartsFrom is Parts for ids that are at least from: it goes on where fn stopped an earlier call with an error of its own, as
// long as d does not change.
func (d *Dict) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error {
	changed = changed && d.store.tracked
	if changed && len(d.store.changed) <= d.leaves/walkShare {
		return d.changedFrom(from, fn)
	}
	for l := range d.allFrom(from) {
		if changed && !l.dirty {
			continue
		}
		if err := fn(l.id, l.page); err != nil {
			return err
		}
	}
	return nil
}

// walkShare: where one leaf in so many has changed it costs less to walk through all than to sort those that have, for each
// call anew.
const walkShare = 16

// changedFrom is PartsFrom for a few leaves that changed.
func (d *Dict) changedFrom(from uint64, fn func(id uint64, payload []byte) error) error {
	leaves := slices.Clone(d.store.changed)
	slices.SortFunc(leaves, func(a, b *leaf) int { return cmp.Compare(a.id, b.id) })
	for _, l := range leaves {
		if l.id == 0 || l.id < from {
			continue
		}
		if err := fn(l.id, l.page); err != nil {
			return err
		}
	}
	return nil
}

// DroppedParts calls fn, in rising order, with the ids of the parts that are in the store and are to be deleted from it:
// those without a leaf, and all of them when d is not Parted any more.
func (d *Dict) DroppedParts(fn func(id uint64)) {
	ids := slices.Collect(maps.Keys(d.store.dropped))
	if !d.Parted() {
		for l := range d.all() {
			if l.stored {
				ids = append(ids, l.id)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		fn(id)
	}
}

// MarkClean says that the store holds d as it stands: in parts if it is Parted; else in one piece and without parts, so
// that all are changed when it grows.
func (d *Dict) MarkClean() {
	parted := d.Parted()
	mark := func(l *leaf) { l.dirty, l.stored = !parted, parted }
	if parted && d.store.tracked {
		for _, l := range d.store.changed {
			mark(l)
		}
	} else {
		for l := range d.all() {
			mark(l)
		}
	}
	d.store = store{tracked: parted}
}

// FromParts rebuilds a Dict from its head and its parts, which next returns in rising order of ids, and false after the
// last. The Dict does not refer to the payloads, and is clean: the store holds these parts. Heads and parts that were not
// written together, or are damaged, are ErrCorrupt; an error of next is returned wrapped.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*Dict, error) {
	seed, counts, rest, err := decodeHead(head, 2)
	if err != nil {
		return nil, fmt.Errorf("head of a dict: %w", err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("head of a dict: %w: %d bytes too many", ErrCorrupt, len(rest))
	}
	d, point, leaves, deepest := New(seed), uint64(0), []*leaf(nil), 0
	for whole := false; ; {
		id, payload, ok, err := next()
		if err != nil {
			return nil, fmt.Errorf("reading part %d of %d of a dict: %w", len(leaves), counts[0], err)
		}
		if !ok {
			if !whole {
				return nil, fmt.Errorf("%w: a dict ends after %d parts", ErrCorrupt, len(leaves))
			}
			break
		}
		l := &leaf{id: id, stored: true}
		if id == 0 || l.depth() > depthMax || l.start() != point || whole {
			return nil, fmt.Errorf("%w: part %#x of a dict does not follow the one before it", ErrCorrupt, id)
		}
		if err := d.fill(l, payload); err != nil {
			return nil, fmt.Errorf("part %#x of a dict: %w", id, err)
		}
		leaves, deepest = append(leaves, l), max(deepest, l.depth())
		if l.depth() > 0 {
			point += uint64(1) << (64 - l.depth())
		}
		whole = point == 0
	}
	if uint64(len(leaves)) != counts[0] || uint64(d.count) != counts[1] {
		return nil, fmt.Errorf("%w: %d parts with %d keys where %d with %d are announced",
			ErrCorrupt, len(leaves), d.count, counts[0], counts[1])
	}
	if deepest > depthFree && 1<<deepest > 64*len(leaves) {
		return reseeded(seed, leaves), nil
	}
	d.setLeaves(leaves, deepest)
	d.store.tracked = true
	return d, nil
}

// fill puts the keys of a stored part into an empty leaf.
func (d *Dict) fill(l *leaf, payload []byte) error {
	entries, err := packed.Check(payload)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case entries%2 != 0 || entries > 2*leafMax:
		return fmt.Errorf("%w: %d entries", ErrCorrupt, entries)
	}
	stored := leaf{page: payload}
	l.page = packed.New(len(payload))
	for key, value := range stored.pairs() {
		hash := d.hash(key)
		if makeID(hash, l.depth()) != l.id {
			return fmt.Errorf("%w: a key of another part", ErrCorrupt)
		}
		if l.find(hash, key).i >= 0 {
			return fmt.Errorf("%w: a key twice", ErrCorrupt)
		}
		l.add(hash, key, value)
	}
	d.count += int(l.n)
	d.most = max(d.most, int(l.n))
	return nil
}

// reseeded returns a Dict with the contents of stored leaves and another seed. It is for leaves, few for the length of
// their prefixes, that would need a large directory.
func reseeded(seed Seed, leaves []*leaf) *Dict {
	old := New(seed)
	binary.LittleEndian.PutUint64(seed[:8], old.hash([]byte("seed")))
	d := New(seed)
	for _, l := range leaves {
		for key, value := range l.pairs() {
			d.Set(key, value)
		}
		l.page = nil
	}
	for _, l := range leaves {
		d.store.end(l)
	}
	for l := range d.all() {
		d.store.begin(l)
	}
	return d
}
