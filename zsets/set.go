// Package zsets is the sorted set: members, each with a score, in the order of score and member. It knows no protocol, no
// keys and no files.
//
// A small set is one page of packed elements. A large one has an index beside a tree of such pages:
//
//	small    page                                  found by looking through it
//	large    index: member → score                 (index.go)
//	         tree:  branch → branch → leaf         a B+tree that counts its elements (tree.go, branch.go)
//	page     entry · entry · …                     up to 2 KiB; in order (page.go)
//	entry    score | length | member
//
// A set becomes large when it outgrows its Limits, and stays so. Invariants: scores are numbers; no member twice; a leaf
// is never empty, and takes at most 2 KiB unless it has one element only; part ids rise along the tree; counts and Bytes
// equal a recount (the tests recount).
//
// Everything by order goes by rank: ByScore and ByLex say which ranks a range has, in O(log n); Range, Backward and
// RemoveRange take ranks. So a count is a difference, and an offset a sum:
//
//	lo, hi := z.ByScore(zsets.ScoreRange{Min: 10, Max: 20})
//	for member, score := range z.Range(lo, hi) { … }
//
// Rejected: a skip list as in Redis (an allocation and some four pointers for each element); an index of positions
// in the tree instead of scores (each insertion moves a hundred of them); scores turned into bytes that sort by
// themselves (0 and -0 are equal, and a lookup would still compare twice).
//
// Slices handed out lie in the set's own memory: they are good until the next change to the set and must not be
// written to. A Set is not safe for concurrent use.
package zsets

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"unsafe"

	"holdfast/dict"
)

// Limits are the largest size that a set has as one page: elements, and bytes of a member. Beyond it Seed makes the
// seed of its index; nothing here is random.
type Limits struct {
	Entries, Value int
	Seed           func() dict.Seed
}

// Set is a sorted set. Make one with New.
type Set struct {
	page  page // all elements, while large is nil
	count int  // of them
	large *large
}

// large is what a Set is once it has outgrown its page.
type large struct {
	index index
	tree  *tree
}

const (
	setSize   = int64(unsafe.Sizeof(Set{}))
	largeSize = int64(unsafe.Sizeof(large{}) + unsafe.Sizeof(tree{}))
)

// New returns an empty set.
func New() *Set { return &Set{} }

// Len returns the number of members.
func (z *Set) Len() int {
	if z.large != nil {
		return z.large.tree.len
	}
	return z.count
}

// Large tells whether the set has outgrown one page.
func (z *Set) Large() bool { return z.large != nil }

// Bytes returns the memory that the set holds: elements, free room and bookkeeping.
func (z *Set) Bytes() int64 {
	if g := z.large; g != nil {
		return setSize + largeSize + g.index.Bytes() + g.tree.bytes + int64(cap(g.tree.stored))*8
	}
	return setSize + int64(cap(z.page))
}

// Score returns the member's score; false when it is not in the set.
func (z *Set) Score(member []byte) (float64, bool) {
	if z.large != nil {
		return z.large.index.get(member)
	}
	off, _, _, ok := z.page.find(member)
	if !ok {
		return 0, false
	}
	return z.page[off:].score(), true
}

// Put gives a member a score, copying it into the set if it is not there, and tells whether it was new. The score is a
// number; -0 becomes 0, as in a small set of Redis. A set that outgrows the limits becomes large.
func (z *Set) Put(member []byte, score float64, limits Limits) (added bool) {
	if math.IsNaN(score) {
		panic("BUG: zsets: a score that is not a number")
	}
	if score == 0 {
		score = 0
	}
	if z.large == nil {
		if off, _, size, ok := z.page.find(member); ok {
			z.replace(off, size, member, score)
			return false
		}
		if z.count < limits.Entries && len(member) <= limits.Value {
			z.insert(member, score)
			return true
		}
		z.grow(limits.Seed())
	}
	return z.large.put(member, score)
}

func (z *Set) insert(member []byte, score float64) {
	b := placeOf(score, member)
	_, off := z.page.below(&b)
	z.page = z.page.insert(off, member, score)
	z.count++
}

// replace changes the score of an element in the page.
func (z *Set) replace(off, size int, member []byte, score float64) {
	z.page = slices.Delete(z.page, off, off+size)
	z.count--
	z.insert(member, score)
}

// grow makes a large set of a small one.
func (z *Set) grow(seed dict.Seed) {
	z.large = newLarge(seed)
	for rest := z.page; len(rest) > 0; {
		size, count, err := rest.check(pageMax)
		if err == nil {
			err = z.large.append(rest[:size], count)
		}
		if err != nil {
			panic(fmt.Sprintf("BUG: zsets: a small set that cannot be read: %v", err))
		}
		rest = rest[size:]
	}
	z.page, z.count = nil, 0
}

// Remove takes a member away, and tells whether it was there.
func (z *Set) Remove(member []byte) bool {
	if g := z.large; g != nil {
		score, ok := g.index.get(member)
		if ok {
			g.tree.remove(member, score)
			g.index.remove(member)
		}
		return ok
	}
	off, _, size, ok := z.page.find(member)
	if ok {
		z.page = z.page.cut(off, size)
		z.count--
	}
	return ok
}

// RemoveRange takes away the elements of the ranks from lo up to but not including hi.
func (z *Set) RemoveRange(lo, hi int) {
	if lo, hi = z.clamp(lo, hi); lo == hi {
		return
	}
	if g := z.large; g != nil {
		g.removeRange(lo, hi)
		return
	}
	from, to := z.page.offset(lo), z.page.offset(hi)
	z.page = z.page.cut(from, to-from)
	z.count -= hi - lo
}

// clamp makes ranks that are in range of those given, with lo ≤ hi.
func (z *Set) clamp(lo, hi int) (int, int) {
	hi = min(max(hi, 0), z.Len())
	return min(max(lo, 0), hi), hi
}

// Rank returns a member's place in the order, from 0, and its score; false when it is not in the set.
func (z *Set) Rank(member []byte) (rank int, score float64, ok bool) {
	if z.large == nil {
		off, rank, _, ok := z.page.find(member)
		if !ok {
			return 0, 0, false
		}
		return rank, z.page[off:].score(), true
	}
	if score, ok = z.large.index.get(member); !ok {
		return 0, 0, false
	}
	b := placeOf(score, member)
	return z.large.tree.below(&b), score, true
}

// below returns how many elements lie below a bound.
func (z *Set) below(b bound) int {
	if z.large != nil {
		return z.large.tree.below(&b)
	}
	n, _ := z.page.below(&b)
	return n
}

// ByScore returns the ranks of the range: from lo up to but not including hi. They are equal where it is empty.
func (z *Set) ByScore(r ScoreRange) (lo, hi int) {
	lo = z.below(r.lower())
	return lo, max(lo, z.below(r.upper()))
}

// ByLex returns the ranks of the range: from lo up to but not including hi. They are equal where it is empty.
//
// Where scores differ, members are in no order, and nothing is promised. A small set then does what Redis does: it takes
// the run that begins with the first member that is not below the range or, backward, ends with the last that is
// not above it; none if its first member lies above the range or its last below.
func (z *Set) ByLex(r LexRange, backward bool) (lo, hi int) {
	lower, upper := r.lower(), r.upper()
	switch {
	case z.Len() == 0 || !z.meets(&lower, &upper):
		return 0, 0
	case z.large == nil && backward:
		return z.page.lexBackward(&lower, &upper)
	case z.large == nil:
		return z.page.lexForward(&lower, &upper)
	}
	lo = z.below(lower)
	return lo, max(lo, z.below(upper))
}

// meets reports whether the first member lies below upper and the last does not lie below lower.
func (z *Set) meets(lower, upper *bound) bool {
	first, _ := z.At(0)
	last, _ := z.At(z.Len() - 1)
	return upper.above(0, first) && !lower.above(0, last)
}

// At returns the element of a rank that is in range.
func (z *Set) At(rank int) (member []byte, score float64) {
	p, i, _ := z.pageAt(rank)
	rest := p[p.offset(i):]
	member, _ = rest.member()
	return member, rest.score()
}

// pageAt returns the page that holds the element of a rank, its index in the page, and the page's number of elements.
func (z *Set) pageAt(rank int) (p page, index, count int) {
	if z.large == nil {
		return z.page, rank, z.count
	}
	way, index := z.large.tree.seekRank(rank)
	l := way.leaf()
	return l.page, index, int(l.count)
}

// All yields every element in order.
func (z *Set) All() iter.Seq2[[]byte, float64] { return z.Range(0, z.Len()) }

// Range yields the elements of the ranks from lo up to but not including hi, in order. The loop must not change the set.
func (z *Set) Range(lo, hi int) iter.Seq2[[]byte, float64] {
	lo, hi = z.clamp(lo, hi)
	return func(yield func([]byte, float64) bool) {
		for at := lo; at < hi; {
			p, i, n := z.pageAt(at)
			rest := p[p.offset(i):]
			for range min(n-i, hi-at) {
				member, size := rest.member()
				if !yield(member, rest.score()) {
					return
				}
				rest = rest[size:]
				at++
			}
		}
	}
}

// Backward yields the elements that Range would, last first: from hi-1 down to lo.
func (z *Set) Backward(lo, hi int) iter.Seq2[[]byte, float64] {
	lo, hi = z.clamp(lo, hi)
	return func(yield func([]byte, float64) bool) {
		var room [256]int // more than there usually are
		for at := hi; at > lo; {
			p, i, _ := z.pageAt(at - 1)
			offsets := p.offsets(room[:0])
			for ; i >= 0 && at > lo; i-- {
				rest := p[offsets[i]:]
				member, _ := rest.member()
				if !yield(member, rest.score()) {
					return
				}
				at--
			}
		}
	}
}

// Scan calls fn with some of the elements and returns where to go on; 0 begins, and is returned at the end. Elements that
// are in the set from the first call to the last are told of, whatever else comes and goes meanwhile.
func (z *Set) Scan(cursor uint64, fn func(member []byte, score float64)) (next uint64) {
	if z.large != nil {
		return z.large.index.scan(cursor, fn)
	}
	for member, score := range z.All() {
		fn(member, score)
	}
	return 0
}

// Clone returns a copy that shares nothing with z and has no stored parts.
func (z *Set) Clone() *Set {
	if z.large == nil {
		return &Set{page: append(newPage(len(z.page)), z.page...), count: z.count}
	}
	return &Set{large: z.large.clone()}
}
