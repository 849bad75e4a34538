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
//	entry    score | uvarint length of the member | member
//	score    n, 0 to 7 | integer, n bytes         zigzag (0, -1, 1, -2 …), little endian, as short as can be
//	         8 | float64, 8 bytes                 little endian: what is no integer, or too large for 7 bytes
//
// Most scores are small integers: so a hundred members of 16 bytes with scores below 100 take 2.0 KiB instead of 2.7, as
// much as in Redis. A small set is one page; the leaves of a large one are pages of at most pageMax bytes, unless of one element.

const (
	// floatScore is the first byte of a score that is kept as a float64; below it are the lengths of integers.
	floatScore = 8
	// entryMin is the size of the smallest entry: the score 0 and the empty member.
	entryMin = 2
	// pageMax bounds the packed bytes of a leaf of several elements, in memory and in stored parts.
	pageMax = 2 << 10
	// pageMin is the least room that is allocated: one short element.
	pageMin = 16
)

type page []byte

// entrySize returns the bytes that an element takes whose member has n.
func entrySize(n int, score float64) int { return scoreSize(score) + lengthSize(n) + n }

// lengthSize returns the bytes of n as a uvarint.
func lengthSize(n int) int { return (bits.Len(uint(n)|1) + 6) / 7 }

// scoreSize returns the bytes that a score takes.
func scoreSize(score float64) int {
	if z, ok := zigzag(score); ok {
		return 1 + (bits.Len64(z)+7)/8
	}
	return 1 + 8
}

// zigzag returns the number that stands for an integer of at most 7 bytes; false for other scores. -0 is none of them, as
// there is no -0 in a set.
func zigzag(score float64) (uint64, bool) {
	const limit = 1 << 55
	if !(score >= -limit && score < limit) {
		return 0, false
	}
	n := int64(score)
	return uint64(n<<1) ^ uint64(n>>63), float64(n) == score
}

// putScore writes a score and returns its size.
func (p page) putScore(score float64) int {
	z, ok := zigzag(score)
	if !ok {
		p[0] = floatScore
		binary.LittleEndian.PutUint64(p[1:], math.Float64bits(score))
		return 1 + 8
	}
	n := (bits.Len64(z) + 7) / 8
	p[0] = byte(n)
	for i := range n {
		p[1+i] = byte(z >> (8 * i))
	}
	return 1 + n
}

// score returns the score of the entry at the start of p.
func (p page) score() float64 {
	n := p[0]
	if n == floatScore {
		return math.Float64frombits(binary.LittleEndian.Uint64(p[1:]))
	}
	var z uint64
	if len(p) >= 8 {
		z = binary.LittleEndian.Uint64(p) >> 8 & (1<<(8*n) - 1)
	} else {
		for i := n; i > 0; i-- {
			z = z<<8 | uint64(p[i])
		}
	}
	return float64(int64(z>>1) ^ -int64(z&1))
}

// member returns the member of the entry at the start of p, and the entry's bytes. The result cannot be appended to in
// place.
func (p page) member() (member []byte, size int) {
	at := 1 + int(p[0])
	n, h := int(p[at]), at+1
	if n >= 0x80 {
		long, w := binary.Uvarint(p[at:])
		n, h = int(long), at+w
	}
	return p[h : h+n : h+n], h + n
}

// put packs an element into p, which has exactly its entrySize.
func (p page) put(member []byte, score float64) {
	at := p.putScore(score)
	at += binary.PutUvarint(p[at:], uint64(len(member)))
	copy(p[at:], member)
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
	size := entrySize(len(member), score)
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
	if len(p) < entryMin || p[0] > floatScore || len(p) < entryMin+int(p[0]) {
		return 0, fmt.Errorf("%w: an element of %d bytes", ErrCorrupt, len(p))
	}
	score, at := p.score(), 1+int(p[0])
	if math.IsNaN(score) || score == 0 && math.Signbit(score) || scoreSize(score) != at {
		return 0, fmt.Errorf("%w: a score that is no number, or -0, or not packed as it should be", ErrCorrupt)
	}
	n, w := binary.Uvarint(p[at:])
	if w <= 0 || n > uint64(len(p)-at-w) {
		return 0, fmt.Errorf("%w: a length exceeds the %d bytes left", ErrCorrupt, len(p))
	}
	if w != lengthSize(int(n)) {
		return 0, fmt.Errorf("%w: the length %d takes %d bytes", ErrCorrupt, n, w)
	}
	return at + w + int(n), nil
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
