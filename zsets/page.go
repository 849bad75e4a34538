package zsets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// A page is a run of packed elements, by score and then by member:
//
//	entry    score, float64, little endian | uvarint length of the member | member
//
// A small set is one page; the leaves of a large one are pages of at most pageMax bytes, unless of one element.

const (
	scoreBytes = 8
	// pageMax bounds the packed bytes of a leaf of several elements, in memory and in stored parts.
	pageMax = 2 << 10
	// pageMin is the least room that is allocated: one short element.
	pageMin = 16
)

type page []byte

// entrySize returns the bytes that an element takes whose member has n.
func entrySize(n int) int { return scoreBytes + (bits.Len(uint(n)|1)+6)/7 + n }

// score returns the score of the entry at the start of p.
func (p page) score() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(p)) }

// member returns the member of the entry at the start of p, and the entry's bytes. The result cannot be appended to in
// place.
func (p page) member() (member []byte, size int) {
	n, h := int(p[scoreBytes]), scoreBytes+1
	if n >= 0x80 {
		long, w := binary.Uvarint(p[scoreBytes:])
		n, h = int(long), scoreBytes+w
	}
	return p[h : h+n : h+n], h + n
}

// put packs an element into p, which has exactly its entrySize.
func (p page) put(member []byte, score float64) {
	binary.LittleEndian.PutUint64(p, math.Float64bits(score))
	h := scoreBytes + binary.PutUvarint(p[scoreBytes:], uint64(len(member)))
	copy(p[h:], member)
}

// below returns how many of the page's elements lie below the bound, and the bytes that they take.
func (p page) below(b *bound) (n, off int) {
	for off < len(p) {
		rest := p[off:]
		member, size := rest.member()
		if !b.above(rest.score(), member) {
			break
		}
		off += size
		n++
	}
	return n, off
}

// offset returns where element i begins.
func (p page) offset(i int) int {
	off := 0
	for range i {
		_, size := p[off:].member()
		off += size
	}
	return off
}

// offsets appends where the page's elements begin.
func (p page) offsets(dst []int) []int {
	for off := 0; off < len(p); {
		dst = append(dst, off)
		_, size := p[off:].member()
		off += size
	}
	return dst
}

// find returns where the member's entry begins, its place among the elements, and its size.
func (p page) find(member []byte) (off, index, size int, ok bool) {
	for off < len(p) {
		m, size := p[off:].member()
		if bytes.Equal(m, member) {
			return off, index, size, true
		}
		off += size
		index++
	}
	return 0, 0, 0, false
}

// lexForward returns the ranks of the run of members that begins with the first one that is not below lower and goes on
// as long as they are below upper; lexBackward those of the run that ends with the last member below upper and goes on,
// towards the front, as long as they are not below lower.
func (p page) lexForward(lower, upper *bound) (lo, hi int) {
	begun := false
	for rest := p; len(rest) > 0; {
		member, size := rest.member()
		rest = rest[size:]
		if !begun && lower.above(0, member) {
			lo++
			continue
		}
		if !begun {
			begun, hi = true, lo
		}
		if !upper.above(0, member) {
			break
		}
		hi++
	}
	return lo, max(lo, hi)
}

func (p page) lexBackward(lower, upper *bound) (lo, hi int) {
	start, i := 0, 0
	for rest := p; len(rest) > 0; {
		member, size := rest.member()
		rest = rest[size:]
		i++
		if lower.above(0, member) {
			start = i
		}
		if upper.above(0, member) {
			lo, hi = start, i
		}
	}
	return lo, hi
}

// middle returns an element boundary near the middle of the bytes, with elements on both sides. The page has at
// least two.
func (p page) middle() int {
	off := 0
	for {
		_, size := p[off:].member()
		if off > 0 && (2*off+size > len(p) || off+size == len(p)) {
			return off
		}
		off += size
	}
}

// newPage returns an empty page with room for size bytes, rounded up to what the allocator gives anyway.
func newPage(size int) page { return slices.Grow(page(nil), max(size, pageMin)) }

// insert puts an element at byte offset off. A page that must grow does so by an eighth, which the usual set does
// not outgrow at once and a finished one does not waste.
func (p page) insert(off int, member []byte, score float64) page {
	size := entrySize(len(member))
	if cap(p)-len(p) < size {
		room := len(p) + size
		if grown := room + len(p)/8; room < pageMax {
			room = min(grown, pageMax)
		}
		p = append(newPage(room), p...)
	}
	p = p[:len(p)+size]
	copy(p[off+size:], p[off:])
	p[off:off+size].put(member, score)
	return p
}

// cut removes size bytes at offset off, and gives memory back when the elements take less than half of it.
func (p page) cut(off, size int) page {
	p = slices.Delete(p, off, off+size)
	return p.shrink()
}

func (p page) shrink() page {
	if cap(p) > 4*pageMin && len(p) < cap(p)/2 {
		return append(newPage(len(p)+len(p)/8), p...)
	}
	return p
}

// checkEntry returns the size of the entry at the start of p, which is from outside, having found that it is there and
// packed as it should be.
func (p page) checkEntry() (size int, err error) {
	if len(p) < scoreBytes {
		return 0, fmt.Errorf("%w: an element of %d bytes", ErrCorrupt, len(p))
	}
	n, w := binary.Uvarint(p[scoreBytes:])
	if w <= 0 || n > uint64(len(p)-scoreBytes-w) {
		return 0, fmt.Errorf("%w: a length exceeds the %d bytes left", ErrCorrupt, len(p))
	}
	size = scoreBytes + w + int(n)
	if size != entrySize(int(n)) {
		return 0, fmt.Errorf("%w: the length %d takes %d bytes", ErrCorrupt, n, w)
	}
	if score := p.score(); math.IsNaN(score) || score == 0 && math.Signbit(score) {
		return 0, fmt.Errorf("%w: a score that is no number, or -0", ErrCorrupt)
	}
	return size, nil
}

// check reads at most most bytes of sound entries in rising order, at least one entry, from bytes from outside. It
// returns how many bytes and entries it read; all of p where most is 0.
func (p page) check(most int) (size, count int, err error) {
	var last page
	for size < len(p) {
		rest := p[size:]
		entry, err := rest.checkEntry()
		if err != nil {
			return 0, 0, err
		}
		if count > 0 && most > 0 && size+entry > most {
			break
		}
		if last != nil && !last.before(rest) {
			return 0, 0, fmt.Errorf("%w: elements out of order", ErrCorrupt)
		}
		last = rest
		size += entry
		count++
	}
	return size, count, nil
}

// before reports whether the entry at the start of p comes before that of q.
func (p page) before(q page) bool {
	member, _ := p.member()
	next, _ := q.member()
	b := placeOf(q.score(), next)
	return b.above(p.score(), member)
}
