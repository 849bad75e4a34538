package lists

import (
	"bytes"
	"iter"
)

// Index returns element i, from the end when negative (-1 is the last); false when there is none.
func (l *List) Index(i int) ([]byte, bool) {
	if i < 0 {
		i += l.Len()
	}
	if i < 0 || i >= l.Len() {
		return nil, false
	}
	k, index := l.locate(i)
	n := &l.nodes()[k]
	if n.bare {
		return n.element(index, n.buffer()), true
	}
	b, _ := first(n.packed()[n.offset(index):])
	return b, true
}

// Range calls fn with the elements from start to stop, until fn returns false. Both are inclusive, count from the
// end when negative, and are clamped, as in LRANGE. fn must not change the list.
func (l *List) Range(start, stop int, fn func(b []byte) bool) {
	start, stop, ok := l.bounds(start, stop)
	if !ok {
		return
	}
	k, index := l.locate(start)
	nodes := l.nodes()
	for left := stop - start + 1; left > 0; k++ {
		n := &nodes[k]
		j := min(index+left, int(n.count))
		if !n.each(index, j, fn) {
			return
		}
		left -= j - index
		index = 0
	}
}

// Reverse calls fn with the elements that Range would, last first: from stop down to start.
func (l *List) Reverse(start, stop int, fn func(b []byte) bool) {
	start, stop, ok := l.bounds(start, stop)
	if !ok {
		return
	}
	k, index := l.locate(stop)
	nodes := l.nodes()
	for left := stop - start + 1; left > 0; k-- {
		n := &nodes[k]
		if index < 0 {
			index = int(n.count) - 1
		}
		i := max(index-left+1, 0)
		if !n.eachBack(i, index+1, fn) {
			return
		}
		left -= index + 1 - i
		index = -1
	}
}

// All yields every element with its index. The loop must not change the list.
func (l *List) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		i := -1
		l.Range(0, -1, func(b []byte) bool {
			i++
			return yield(i, b)
		})
	}
}

// Positions returns the indexes of elements equal to b, as LPOS does. Matches are counted from the first element when
// rank is positive, from the last when negative, and those before the |rank|-th are passed over; rank 0 is the
// caller's to refuse. It returns at most count indexes (0: all), having compared at most maxlen elements
// (0: all), in the order found.
//
// The least int has no negation; it finds what rank -1 finds, as in Redis 7.0.15.
func (l *List) Positions(b []byte, rank, count, maxlen int) []int {
	if rank == 0 || count < 0 || maxlen < 0 {
		panic("BUG: lists: rank 0, negative count or negative maxlen")
	}
	walk, at, step := l.Range, 0, 1
	if rank < 0 {
		walk, at, step = l.Reverse, l.Len()-1, -1
		rank = -rank
	}
	var found []int
	matches, seen := 0, 0
	walk(0, -1, func(e []byte) bool {
		if bytes.Equal(e, b) {
			matches++
			if matches >= rank {
				found = append(found, at)
			}
		}
		at += step
		seen++
		return seen != maxlen && (count == 0 || len(found) < count)
	})
	return found
}
