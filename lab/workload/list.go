package workload

import (
	"hash/maphash"

	"holdfast/resp"
)

// list is an immutable list of elements. Lists that grew out of one another share a buffer: each sees a stretch of it, and
// what is behind the last stretch is free to append to. For one goroutine, as the buffer is.
type list struct {
	buf    *[]string
	off, n int
	sum    uint64 // of the elements' hashes, whatever their order: unequal sums tell lists apart at once
}

func (l list) elems() []string {
	if l.n == 0 {
		return nil
	}
	return (*l.buf)[l.off : l.off+l.n : l.off+l.n]
}

func (l list) at(i int) string { return (*l.buf)[l.off+i] }

// fresh returns the list of elems, which it takes over.
func (m *machine) list(elems []string) list {
	l := list{buf: &elems, n: len(elems)}
	for _, e := range elems {
		l.sum += m.hash(e)
	}
	return l
}

func (m *machine) hash(s string) uint64 { return maphash.String(m.seed, s) }

func (m *machine) pushRight(l list, e string) list {
	if l.buf == nil || l.off+l.n != len(*l.buf) {
		own := make([]string, l.n, l.n+l.n/2+4)
		copy(own, l.elems())
		l.buf, l.off = &own, 0
	}
	*l.buf = append(*l.buf, e)
	l.n++
	l.sum += m.hash(e)
	return l
}

func (m *machine) pushLeft(l list, e string) list {
	own := make([]string, 0, l.n+4)
	own = append(append(own, e), l.elems()...)
	return list{buf: &own, n: l.n + 1, sum: l.sum + m.hash(e)}
}

func (m *machine) pop(l list, left bool) (string, list) {
	e := l.at(l.n - 1)
	if left {
		e = l.at(0)
		l.off++
	}
	l.n--
	l.sum -= m.hash(e)
	return e, l
}

func (m *machine) set(l list, i int, e string) list {
	own := append(make([]string, 0, l.n), l.elems()...)
	sum := l.sum - m.hash(own[i]) + m.hash(e)
	own[i] = e
	return list{buf: &own, n: l.n, sum: sum}
}

func (l list) equal(o list) bool {
	if l.n != o.n || l.sum != o.sum {
		return false
	}
	if l.buf == o.buf && l.off == o.off {
		return true
	}
	for i := range l.n {
		if l.at(i) != o.at(i) {
			return false
		}
	}
	return true
}

// shows reports whether the elements are those of a reply.
func (l list) shows(elems []resp.Reply) bool { return sameElems(l.elems(), elems) }

func sameElems(want []string, got []resp.Reply) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if string(got[i].Str) != want[i] {
			return false
		}
	}
	return true
}

// span is what LRANGE takes of n elements.
func span(n, from, to int) (int, int) {
	if from < 0 {
		from = max(0, from+n)
	}
	if to < 0 {
		to += n
	}
	to = min(to, n-1)
	if from > to {
		return 0, 0
	}
	return from, to + 1
}
