package kv

import (
	"hash/maphash"
	"runtime"
)

// A table finds a key's block by the key's hash. It is an extendible hash: a directory of segments, each
// holding the keys whose hashes begin with the segment's prefix, and each an open-addressed array of slots. A
// segment that fills up splits in two, which takes some 20 microseconds and touches nothing else: there is no
// moment at which a big table is copied, and no second table to look into meanwhile.
//
// Because a prefix of the hash leads to a key whatever the table's size, "hash order" is an order that growth and
// shrinking do not disturb. SCAN's cursor and the checkpoint's position are points in that order: everything
// before the point has been visited, everything after it has not, exactly.
//
// A slot is 8 bytes: 16 bits of hash, 2 of mark, a 46-bit ref. The upper 8 bits of hash say at which slot the
// probing began (the home), all 16 spare most comparisons of keys. The mark says whether the key changed since the last
// checkpoint (see Freeze); it lies here so that a checkpoint finds the few changed keys without touching the others.

const (
	segmentSlots = 256
	segmentFull  = 208 // split above this
	segmentMean  = 168 // keys to a segment at most where their number is known beforehand: few of them grow above segmentFull
	segmentMerge = 96  // merge with the neighbour when both together are below this
)

type slot uint64

func makeSlot(tag uint16, m mark, r ref) slot { return slot(tag)<<48 | slot(m)<<46 | slot(r) }
func (s slot) ref() ref                       { return ref(s & (1<<46 - 1)) }
func (s slot) mark() mark                     { return mark(s >> 46 & 3) }
func (s slot) tag() uint16                    { return uint16(s >> 48) }
func (s slot) home() int                      { return int(s >> 56) }

type segment struct {
	slots *[segmentSlots]slot
	depth uint8  // length of the prefix
	used  uint16 // slots in use
}

func newSegment(depth uint8) *segment {
	return &segment{slots: new([segmentSlots]slot), depth: depth}
}

// tag is what a slot of this segment remembers of a hash: the 16 bits after the prefix.
func (s *segment) tag(hash uint64) uint16 { return uint16(hash << s.depth >> 48) }

type table struct {
	seed  maphash.Seed
	keyOf func(ref) []byte
	dir   []*segment
	depth uint8
	segs  int
	used  int
}

func newTable(seed maphash.Seed, keyOf func(ref) []byte) table {
	return table{seed: seed, keyOf: keyOf, dir: []*segment{newSegment(0)}, segs: 1}
}

func (t *table) hash(key []byte) uint64 { return maphash.Bytes(t.seed, key) }

func (t *table) segment(hash uint64) *segment { return t.dir[hash>>(64-t.depth)] }

// find returns where the key is. The position is good until the table changes.
func (t *table) find(hash uint64, key []byte) (*segment, int) {
	seg := t.segment(hash)
	tag := seg.tag(hash)
	for i := int(tag >> 8); ; i = (i + 1) % segmentSlots {
		s := seg.slots[i]
		if s == 0 {
			return seg, -1
		}
		if s.tag() == tag && string(t.keyOf(s.ref())) == string(key) {
			return seg, i
		}
	}
}

// slotOf returns where the key is whose block is r.
func (t *table) slotOf(hash uint64, r ref) (*segment, int) {
	seg := t.segment(hash)
	for i := int(seg.tag(hash) >> 8); seg.slots[i] != 0; i = (i + 1) % segmentSlots {
		if seg.slots[i].ref() == r {
			return seg, i
		}
	}
	panic("BUG: a block without a slot")
}

// insert adds a key that is not there, and returns where it is then.
func (t *table) insert(hash uint64, m mark, r ref) (*segment, int) {
	seg := t.segment(hash)
	for seg.used >= segmentFull {
		t.split(seg, hash, 1)
		seg = t.segment(hash)
	}
	t.used++
	return seg, seg.put(hash, m, r)
}

// place returns where the key is that `same` recognises, or, if there is none, the slot that it would have: for fill, at
// once.
func (t *table) place(hash uint64, same func(ref) bool) (seg *segment, i int, found bool) {
	seg = t.segment(hash)
	tag := seg.tag(hash)
	for i = int(tag >> 8); seg.slots[i] != 0; i = (i + 1) % segmentSlots {
		if s := seg.slots[i]; s.tag() == tag && same(s.ref()) {
			return seg, i, true
		}
	}
	return seg, i, false
}

// fill is insert for a key whose slot place has found.
func (t *table) fill(seg *segment, i int, hash uint64, m mark, r ref) {
	if seg.used >= segmentFull {
		t.insert(hash, m, r)
		return
	}
	seg.slots[i] = makeSlot(seg.tag(hash), m, r)
	seg.used++
	t.used++
}

func (s *segment) put(hash uint64, m mark, r ref) int {
	tag := s.tag(hash)
	i := int(tag >> 8)
	for s.slots[i] != 0 {
		i = (i + 1) % segmentSlots
	}
	s.slots[i] = makeSlot(tag, m, r)
	s.used++
	return i
}

func (s *segment) setMark(i int, m mark) { s.slots[i] = s.slots[i]&^(3<<46) | slot(m)<<46 }
func (s *segment) setRef(i int, r ref)   { s.slots[i] = s.slots[i]&^(1<<46-1) | slot(r) }

// remove empties slot i, and moves up those behind it that would no longer be found.
func (t *table) remove(seg *segment, i int, hash uint64) {
	for j := (i + 1) % segmentSlots; seg.slots[j] != 0; j = (j + 1) % segmentSlots {
		// The one at j may move to i unless its home lies behind i.
		home := seg.slots[j].home()
		if (j-home+segmentSlots)%segmentSlots >= (j-i+segmentSlots)%segmentSlots {
			seg.slots[i] = seg.slots[j]
			i = j
		}
	}
	seg.slots[i] = 0
	seg.used--
	t.used--
	t.merge(seg, hash)
}

// span returns the directory entries that lead to a segment.
func (t *table) span(depth uint8, hash uint64) []*segment {
	n := 1 << (t.depth - depth)
	first := int(hash>>(64-t.depth)) &^ (n - 1)
	return t.dir[first : first+n]
}

// split puts 2^bits segments, 16 at most, in the place of one.
func (t *table) split(seg *segment, hash uint64, bits uint8) {
	for t.depth < seg.depth+bits {
		t.double()
	}
	var parts [1 << splitMost]*segment
	for i := range 1 << bits {
		parts[i] = newSegment(seg.depth + bits)
	}
	for _, s := range seg.slots {
		if s != 0 {
			h := t.hash(t.keyOf(s.ref()))
			parts[h<<seg.depth>>(64-bits)].put(h, s.mark(), s.ref())
		}
	}
	span := t.span(seg.depth, hash)
	for i := range span {
		span[i] = parts[i>>(t.depth-seg.depth-bits)]
	}
	t.segs += 1<<bits - 1
}

// splitMost is how many bits a split may be by.
const splitMost = 4

// grow makes the segment at a point of hash order as many as its share of so many keys will want, and returns the point from
// which to go on; 0 is the end.
func (t *table) grow(cursor uint64, keys int) (next uint64) {
	deep := uint8(0)
	for keys>>deep > segmentMean {
		deep++
	}
	seg := t.segment(cursor)
	for ; seg.depth < deep; seg = t.segment(cursor) {
		t.split(seg, cursor, min(splitMost, deep-seg.depth))
	}
	if seg.depth == 0 {
		return 0
	}
	step := uint64(1) << (64 - seg.depth)
	return (cursor/step + 1) * step
}

// touch has the processor fetch what find will look at, without waiting for it.
func (t *table) touch(hash uint64) slot {
	seg := t.segment(hash)
	return seg.slots[seg.tag(hash)>>8]
}

// touchAll does that for some keys, so that their slots come side by side.
func (t *table) touchAll(some []laid) {
	var fetched slot
	for _, l := range some {
		fetched |= t.touch(l.hash)
	}
	runtime.KeepAlive(fetched)
}

func (t *table) double() {
	dir := make([]*segment, 2*len(t.dir))
	for i, s := range t.dir {
		dir[2*i], dir[2*i+1] = s, s
	}
	t.dir = dir
	t.depth++
}

// merge joins a segment with its neighbour while both are nearly empty, and halves the directory when nothing needs
// its last bit.
func (t *table) merge(seg *segment, hash uint64) {
	for seg.depth > 0 && seg.used < segmentMerge/2 {
		span := t.span(seg.depth-1, hash)
		low, high := span[0], span[len(span)-1]
		if low.depth != high.depth || low.used+high.used > segmentMerge {
			return
		}
		seg = t.join(low, high)
		for i := range span {
			span[i] = seg
		}
		t.segs--
		if t.segs*4 < len(t.dir) {
			t.halve()
		}
	}
}

func (t *table) join(low, high *segment) *segment {
	joined := newSegment(low.depth - 1)
	for _, half := range []*segment{low, high} {
		for _, s := range half.slots {
			if s != 0 {
				joined.put(t.hash(t.keyOf(s.ref())), s.mark(), s.ref())
			}
		}
	}
	return joined
}

func (t *table) halve() {
	for i := 0; i < len(t.dir); i += 2 {
		if t.dir[i] != t.dir[i+1] {
			return
		}
	}
	dir := make([]*segment, len(t.dir)/2)
	for i := range dir {
		dir[i] = t.dir[2*i]
	}
	t.dir = dir
	t.depth--
}

// walk appends to found the keys at the first step of hash order, from cursor on, that has any, and returns the next
// cursor; 0 means that the order is at its end. It looks no further than one segment, so it may find none. Between two
// calls the table may change as it likes.
func (t *table) walk(cursor uint64, found []slot) ([]slot, uint64) {
	seg := t.segment(cursor)
	step := uint64(1) << (56 - seg.depth)
	for home := int(cursor << seg.depth >> 56); home < segmentSlots && len(found) == 0; home++ {
		found = seg.at(home, found)
		cursor = (cursor/step + 1) * step
	}
	return found, cursor
}

// at appends to found the keys whose home is the given slot.
func (s *segment) at(home int, found []slot) []slot {
	for i := home; s.slots[i] != 0; i = (i + 1) % segmentSlots {
		if s.slots[i].home() == home {
			found = append(found, s.slots[i])
		}
	}
	return found
}

// walkSegment calls fn for every key, from the cursor on, of the segment that the cursor lies in, and returns where
// the next segment begins; 0 is the end. fn must not insert or remove; between two calls the table may change.
func (t *table) walkSegment(cursor uint64, fn func(seg *segment, i int)) uint64 {
	seg := t.segment(cursor)
	for i, s := range seg.slots {
		if s != 0 && t.reached(seg, cursor, s) {
			fn(seg, i)
		}
	}
	return seg.next(cursor)
}

// walkMarked is walkSegment for the keys that bear a mark, which is not clean. It looks at the slots alone until it finds one.
// Where fn wants no more, it ends with whole false: the cursor is as before, and those which still bear the mark are left.
func (t *table) walkMarked(cursor uint64, m mark, fn func(seg *segment, i int) (more bool)) (next uint64, whole bool) {
	seg := t.segment(cursor)
	for i := range seg.slots {
		if s := seg.slots[i]; s.mark() == m && t.reached(seg, cursor, s) && !fn(seg, i) {
			return cursor, false
		}
	}
	return seg.next(cursor), true
}

// reached reports whether a key of the cursor's segment lies at the cursor or behind it: where the cursor is within the
// segment, a merge has put what lies before it beside the rest since it was made.
func (t *table) reached(seg *segment, cursor uint64, s slot) bool {
	return cursor<<seg.depth == 0 || t.hash(t.keyOf(s.ref())) >= cursor
}

// next is where in hash order the segment behind this one, which has the cursor, begins; 0 behind the last.
func (s *segment) next(cursor uint64) uint64 {
	if s.depth == 0 {
		return 0
	}
	step := uint64(1) << (64 - s.depth)
	return (cursor/step + 1) * step
}

// bytes is what the table holds.
func (t *table) bytes() int64 {
	return int64(t.segs)*(segmentSlots*8+16) + int64(len(t.dir))*8
}
