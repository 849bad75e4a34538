package zsets

import (
	"slices"
	"unsafe"
)

// branchMax is the most children of a branch.
const branchMax = 64

// leaf is a run of elements in one page. A leaf in a tree has at least one.
type leaf struct {
	page  page
	id    uint64  // part id: rises along the tree
	low   float64 // the first element's score: a search opens pages only where scores tie
	count uint16  // at most pageMax/entryMin
	dirty bool    // differs from the part stored under id, if there is one
}

// branch is an inner node: the lowest hold leaves, the others branches. One in a tree has a child, unless the tree
// is empty.
type branch struct {
	leaves []leaf
	kids   []kid
}

// kid is a branch as its parent knows it.
type kid struct {
	*branch
	low   float64
	count int // elements below
}

const (
	leafSize   = int64(unsafe.Sizeof(leaf{}))
	kidSize    = int64(unsafe.Sizeof(kid{}))
	branchSize = int64(unsafe.Sizeof(branch{}))
)

// bytes is the memory of the branch itself.
func (n *branch) bytes() int64 {
	return branchSize + int64(cap(n.leaves))*leafSize + int64(cap(n.kids))*kidSize
}

// width is the number of children.
func (n *branch) width() int { return len(n.leaves) + len(n.kids) }

// asKid is the branch as its parent is to know it.
func (n *branch) asKid() kid {
	k := kid{branch: n}
	for i := range n.leaves {
		k.count += int(n.leaves[i].count)
	}
	for i := range n.kids {
		k.count += n.kids[i].count
	}
	k.low = n.low(0)
	return k
}

// low is the score of the first element below child i.
func (n *branch) low(i int) float64 {
	if n.kids != nil {
		return n.kids[i].low
	}
	return n.leaves[i].low
}

// size is the number of elements below child i.
func (n *branch) size(i int) int {
	if n.kids != nil {
		return n.kids[i].count
	}
	return int(n.leaves[i].count)
}

// first is the leaf at the left end below child i.
func (n *branch) first(i int) *leaf {
	for n.kids != nil {
		n, i = n.kids[i].branch, 0
	}
	return &n.leaves[i]
}

// find returns the last child whose first element lies below the bound; the first one where none does.
func (n *branch) find(b *bound) int {
	i, j := 0, n.width()
	for i+1 < j {
		k := (i + j) / 2
		if n.starts(k, b) {
			i = k
		} else {
			j = k
		}
	}
	return i
}

// starts reports whether the first element below child i lies below the bound.
func (n *branch) starts(i int, b *bound) bool {
	if low := n.low(i); b.kind != boundLex && low != b.score {
		return low < b.score
	}
	p := n.first(i).page
	member, _ := p.member()
	return b.above(p.score(), member)
}

// withRoom returns children with room for one more: that of a branch that is about to be halved, at most.
func withRoom[T leaf | kid](children []T) []T {
	if len(children) < cap(children) {
		return children
	}
	return append(make([]T, 0, min(max(2, 2*len(children)), branchMax+1)), children...)
}

// cutFrom moves the children from i on to a new branch.
func (n *branch) cutFrom(i int) *branch {
	right := &branch{}
	if n.kids != nil {
		right.kids = append(withRoom(right.kids), n.kids[i:]...)
		clear(n.kids[i:])
		n.kids = n.kids[:i]
	} else {
		right.leaves = append(withRoom(right.leaves), n.leaves[i:]...)
		clear(n.leaves[i:])
		n.leaves = n.leaves[:i]
	}
	return right
}

// join appends the children of the branch behind this one.
func (n *branch) join(next *branch) {
	n.kids = append(n.kids, next.kids...)
	n.leaves = append(n.leaves, next.leaves...)
}

// each calls fn with the leaves below n in order, until it returns false, and reports whether it never did.
func (n *branch) each(fn func(l *leaf) bool) bool {
	for i := range n.leaves {
		if !fn(&n.leaves[i]) {
			return false
		}
	}
	for _, k := range n.kids {
		if !k.each(fn) {
			return false
		}
	}
	return true
}

// eachFrom is each for the leaves whose ids are at least from.
func (n *branch) eachFrom(from uint64, fn func(l *leaf) bool) bool {
	// Children whose first leaf has a lower id than the next one's, which is not above from, have nothing to show.
	behind, _ := slices.BinarySearchFunc(n.kids, from, func(k kid, id uint64) int {
		if k.first(0).id <= id {
			return -1
		}
		return 1
	})
	for i := max(behind-1, 0); i < len(n.kids); i++ {
		if !n.kids[i].eachFrom(from, fn) {
			return false
		}
	}
	for i := range n.leaves {
		if l := &n.leaves[i]; l.id >= from && !fn(l) {
			return false
		}
	}
	return true
}
