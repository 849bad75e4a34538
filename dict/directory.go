package dict

import (
	"fmt"
	"iter"

	"holdfast/packed"
)

// depthMax bounds the length of a prefix, so that a cursor of 48 bits tells the tags of a leaf apart.
const depthMax = 40

// span returns the entries of the directory that lead to a leaf.
func (d *Dict) span(l *leaf) []*leaf {
	n := 1 << (d.depth - l.depth())
	first := int(l.start() >> (64 - d.depth))
	return d.dir[first : first+n]
}

// place makes the directory lead to a leaf whose prefix is not longer than the directory is deep.
func (d *Dict) place(l *leaf) {
	span := d.span(l)
	for i := range span {
		span[i] = l
	}
}

// all yields the leaves in hash order.
func (d *Dict) all() iter.Seq[*leaf] { return d.allFrom(0) }

// allFrom yields those whose ids are at least from.
func (d *Dict) allFrom(from uint64) iter.Seq[*leaf] {
	return func(yield func(*leaf) bool) {
		i := int(from >> (64 - d.depth))
		i &^= 1<<(d.depth-d.dir[i].depth()) - 1 // where its leaf begins
		for i < len(d.dir) {
			l := d.dir[i]
			i += 1 << (d.depth - l.depth())
			if l.id >= from && !yield(l) {
				return
			}
		}
	}
}

// maySplit tells whether a leaf of few large entries may be split. Where a leaf has few keys it takes long prefixes to tell
// them apart, and the directory would grow with the square of their number; so beyond 16 times the leaves it does not, unless
// the leaf is too large for a part.
func (d *Dict) maySplit(l *leaf) bool {
	return l.depth() < d.depth || 2*len(d.dir) <= 16*d.leaves || len(l.page) > partMax
}

// split divides the keys of a leaf by the next bit of their hashes: the leaf keeps those with a 0, a new one gets the others.
// Either may have none afterwards.
func (d *Dict) split(l *leaf) {
	depth := l.depth() + 1
	if depth > depthMax {
		panic(fmt.Sprintf("BUG: dict: %d keys whose hashes begin with the same %d bits", l.n, depthMax))
	}
	if depth > d.depth {
		d.double()
	}
	d.store.touch(l)
	d.account(l, -1)
	old, halves := *l, [2]*leaf{l, {id: makeID(l.id, depth)}}
	l.page, l.n = nil, 0
	d.store.rename(l, makeID(l.start(), depth))
	d.store.begin(halves[1])
	var sizes [2]int
	i := 0
	for key, value := range old.pairs() {
		sizes[old.tags[i]>>7] += packed.Size(len(key)) + packed.Size(len(value))
		i++
	}
	for k, half := range halves {
		half.page = packed.New(sizes[k])
	}
	i = 0
	for key, value := range old.pairs() {
		halves[old.tags[i]>>7].add(d.hash(key), key, value)
		i++
	}
	for _, half := range halves {
		d.account(half, 1)
		d.place(half)
	}
	d.leaves++
	if depth == d.depth {
		d.deepest += 2
	}
}

func (d *Dict) double() {
	dir := make([]*leaf, 2*len(d.dir))
	for i, l := range d.dir {
		dir[2*i], dir[2*i+1] = l, l
	}
	d.dir = dir
	d.depth++
	d.deepest = 0
}

// merge makes one leaf of a leaf and its neighbour, the other half of what they once were, while both together are
// nearly empty; and halves the directory where nothing needs its last bit.
func (d *Dict) merge(l *leaf) {
	for l.depth() > 0 {
		depth := l.depth()
		low := d.leaf(l.start() &^ (uint64(1) << (64 - depth)))
		high := d.leaf(l.start() | uint64(1)<<(64-depth))
		if low.depth() != depth || high.depth() != depth ||
			low.n+high.n > mergeKeys || len(low.page)+len(high.page) > mergeBytes {
			return
		}
		d.join(low, high)
		l = low
		for d.deepest == 0 && d.leaves*4 < len(d.dir) {
			d.halve()
		}
	}
}

// join gives low the keys of high.
func (d *Dict) join(low, high *leaf) {
	if low.depth() == d.depth {
		d.deepest -= 2
	}
	d.store.touch(low)
	d.account(low, -1)
	d.account(high, -1)
	old := *low
	d.store.rename(low, makeID(old.start(), old.depth()-1))
	low.page, low.n = packed.New(len(old.page)+len(high.page)), 0
	for _, half := range []*leaf{&old, high} {
		for key, value := range half.pairs() {
			low.add(d.hash(key), key, value)
		}
	}
	d.most = max(d.most, int(low.n))
	d.store.end(high)
	high.page = nil // the account of changes may hold on to it
	d.account(low, 1)
	d.place(low)
	d.leaves--
}

// halve takes the directory's last bit away, which no leaf needs.
func (d *Dict) halve() {
	dir := make([]*leaf, len(d.dir)/2)
	for i := range dir {
		dir[i] = d.dir[2*i]
	}
	d.dir = dir
	d.depth--
	for l := range d.all() {
		if l.depth() == d.depth {
			d.deepest++
		}
	}
}
