// Package dict is a map from byte strings to byte strings, millions of them in little more memory than their bytes and
// without a pointer for each: what large hashes, sets and sorted sets find their elements by. It knows no types, no
// protocol and no files.
//
// It is an extendible hash: the first bits of a key's hash choose an entry of the directory, which leads to a leaf. A
// leaf holds the keys whose hashes begin with its prefix, and lies in one piece of memory:
//
//	directory  leaf · leaf · …               2^depth of them; a leaf with a shorter prefix stands there several times
//	leaf       id | tags | page              up to 60 tags, the 8 bits of each key's hash behind the prefix (leaf.go)
//	page       key · value · key · value     a packed.Run, up to 4 KiB unless there is but one key
//
// A leaf that is full becomes two by the next bit of the hash, and two neighbours that are nearly empty become one. So
// it grows and shrinks a leaf at a time (but for the directory, 8 bytes a leaf and more, which doubles), and a prefix of
// the hash leads to a key whatever the size: hash order is an order that changes do not disturb. The cursors of Scan are
// points in it. A leaf is also what a checkpoint writes: see parts.go.
//
// The hash is SipHash under a seed that belongs to the Dict and is stored with it, so that the leaves and the cursors
// are the same after a restart, and nobody who does not know the seed can choose keys that meet in one leaf.
//
// Costs, measured with a million keys of 16 bytes: 7.5 bytes for each key without a value, 8.8 with one of 10 bytes, beside
// their own; 22 with one of 100, as some room is free in each page. Get 0.45 µs, of which 0.08 when all is in the cache, Set 0.8.
//
// Rejected: a Go map (two string headers and more for each key, and nothing to store incrementally); open addressing
// with offsets into an arena (holes after deletions, and growth copies all of it at once); a B-tree ordered by hash
// (no directory to double, but two levels more to search); an offset for each key (3 bytes more).
//
// Slices handed out lie in the Dict's own memory: they are good until its next change and must not be written to. A Dict is
// not safe for concurrent use.
package dict

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"unsafe"

	"github.com/dchest/siphash"
)

// Seed is the key of the hash. Where keys come from outside it must not be guessable.
type Seed [16]byte

// Dict is a map from byte strings to byte strings. Make one with New.
type Dict struct {
	seed    Seed
	k0, k1  uint64 // the seed, as SipHash takes it
	dir     []*leaf
	depth   int // len(dir) is 1 << depth
	leaves  int
	deepest int   // leaves whose prefix is as long as the directory is deep
	count   int   // keys
	most    int   // no leaf has ever had more keys
	pages   int64 // capacity of all pages, bytes
	huge    int   // pages over partMax
	store   store
}

const (
	dictSize = int64(unsafe.Sizeof(Dict{}))
	leafSize = int64(unsafe.Sizeof(leaf{}))
)

// New returns an empty Dict.
func New(seed Seed) *Dict {
	d := &Dict{
		seed: seed,
		k0:   binary.LittleEndian.Uint64(seed[:8]),
		k1:   binary.LittleEndian.Uint64(seed[8:]),
	}
	d.setLeaves([]*leaf{{id: makeID(0, 0), dirty: true}}, 0)
	return d
}

// Len returns the number of keys.
func (d *Dict) Len() int { return d.count }

// Bytes returns the memory that d holds: keys, values, free room and bookkeeping.
func (d *Dict) Bytes() int64 {
	return dictSize + int64(len(d.dir))*8 + int64(d.leaves)*leafSize + d.pages + d.store.bytes()
}

func (d *Dict) hash(key []byte) uint64 { return siphash.Hash(d.k0, d.k1, key) }

// leaf returns the leaf for a hash, or for any point in hash order.
func (d *Dict) leaf(hash uint64) *leaf { return d.dir[hash>>(64-d.depth)] }

// Get returns the value of a key.
func (d *Dict) Get(key []byte) (value []byte, ok bool) {
	hash := d.hash(key)
	l := d.leaf(hash)
	p := l.find(hash, key)
	if p.i < 0 {
		return nil, false
	}
	value, _ = l.page.At(p.value)
	return value, true
}

// Set gives a key a value, copying both, and reports whether the key is new. Neither may be part of d.
func (d *Dict) Set(key, value []byte) (added bool) {
	hash := d.hash(key)
	l := d.leaf(hash)
	if p := l.find(hash, key); p.i >= 0 {
		if was, _ := l.page.At(p.value); bytes.Equal(was, value) {
			return false // nothing for a checkpoint to write
		}
		d.change(l, func() { l.set(p, value) })
	} else {
		added = true
		for l.n == leafMax {
			d.split(l)
			l = d.leaf(hash)
		}
		d.change(l, func() { l.add(hash, key, value) })
		d.count++
		d.most = max(d.most, int(l.n))
	}
	for len(l.page) > pageMax && l.n > 1 && d.maySplit(l) {
		d.split(l)
		l = d.leaf(hash)
	}
	return added
}

// Delete removes a key, and reports whether it was there.
func (d *Dict) Delete(key []byte) bool {
	hash := d.hash(key)
	l := d.leaf(hash)
	p := l.find(hash, key)
	if p.i < 0 {
		return false
	}
	d.remove(l, p)
	return true
}

func (d *Dict) remove(l *leaf, p spot) {
	d.change(l, func() { l.remove(p) })
	d.count--
	d.merge(l)
}

// change runs fn, which changes the keys or values of a leaf, and accounts for it.
func (d *Dict) change(l *leaf, fn func()) {
	d.store.touch(l)
	d.account(l, -1)
	fn()
	d.account(l, 1)
}

// account adds a leaf's page to the sums, or with sign -1 takes it out.
func (d *Dict) account(l *leaf, sign int) {
	d.pages += int64(sign * cap(l.page))
	if cap(l.page) > partMax {
		d.huge += sign
	}
}

// Random returns a key, each as likely as any other, and its value. d must not be empty.
func (d *Dict) Random(rng *rand.Rand) (key, value []byte) {
	l, i := d.draw(rng)
	key, off := l.page.At(l.offset(i))
	value, _ = l.page.At(off)
	return key, value
}

// Pop removes a key, each as likely as any other, and appends it to dst. d must not be empty.
func (d *Dict) Pop(rng *rand.Rand, dst []byte) []byte {
	l, i := d.draw(rng)
	off := l.offset(i)
	key, value := l.page.At(off)
	dst = append(dst, key...)
	d.remove(l, spot{i, off, value})
	return dst
}

// draw chooses a key: the i-th of a leaf.
func (d *Dict) draw(rng *rand.Rand) (l *leaf, i int) {
	if d.count == 0 {
		panic("BUG: dict: a random key of none")
	}
	for {
		at := rng.IntN(len(d.dir))
		l = d.dir[at]
		if at > 0 && d.dir[at-1] == l { // a leaf counts once, however much of the directory it has
			continue
		}
		if i = rng.IntN(d.most); i < int(l.n) {
			return l, i
		}
	}
}

// Clone returns a copy that shares nothing with d and has no stored parts.
func (d *Dict) Clone() *Dict {
	c := New(d.seed)
	c.count, c.most = d.count, d.most
	leaves := make([]*leaf, 0, d.leaves)
	for l := range d.all() {
		leaves = append(leaves, &leaf{page: l.page.Clone(), id: l.id, marks: l.marks, tags: l.tags, n: l.n, dirty: true})
	}
	c.setLeaves(leaves, d.depth)
	return c
}

// setLeaves makes d consist of leaves, which together have every prefix, the longest of depth bits.
func (d *Dict) setLeaves(leaves []*leaf, depth int) {
	d.dir, d.depth = make([]*leaf, 1<<depth), depth
	d.leaves, d.deepest, d.pages, d.huge = len(leaves), 0, 0, 0
	for _, l := range leaves {
		d.account(l, 1)
		d.place(l)
		if l.depth() == depth {
			d.deepest++
		}
	}
}

// makeID returns the id of the leaf whose prefix has depth bits, those that hash begins with: the prefix from the
// highest bit down, a one, and zeros. So ids rise in hash order, and no two leaves ever have the same one unless they
// have the same keys.
func makeID(hash uint64, depth int) uint64 {
	below := uint64(1)<<63>>depth | (uint64(1)<<63>>depth - 1)
	return hash&^below | uint64(1)<<63>>depth
}

// depthOf is the number of bits in the prefix of the leaf with an id.
func depthOf(id uint64) int { return 63 - bits.TrailingZeros64(id) }
