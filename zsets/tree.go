package zsets

import "slices"

// tree is the order of a large set: a counted B+tree of pages.
type tree struct {
	root   *branch
	len    int
	leaves int
	bytes  int64    // pages and branches
	stored []uint64 // ids of the parts in the store at the last clean point, rising
}

func newTree() *tree {
	t := &tree{root: &branch{}}
	t.bytes = t.root.bytes()
	return t
}

// heightMax bounds the branches above a leaf; the lowest four levels of full branches hold a billion elements.
const heightMax = 24

// path is the way from the root to a leaf.
type path struct {
	steps [heightMax]step
	depth int
}

// step is a branch and which of its children was taken.
type step struct {
	*branch
	i int
}

// down adds the child i of n to the path, and returns its branch, nil where it is a leaf.
func (p *path) down(n *branch, i int) *branch {
	if p.depth == heightMax {
		panic("BUG: zsets: a tree of more than 24 levels")
	}
	p.steps[p.depth] = step{n, i}
	p.depth++
	if n.kids != nil {
		return n.kids[i].branch
	}
	return nil
}

// behind is the index behind the step's child, or that of the first one.
func (s *step) behind() int { return min(s.i+1, s.width()) }

func (p *path) lowest() *step { return &p.steps[p.depth-1] }

func (p *path) leaf() *leaf {
	s := p.lowest()
	return &s.leaves[s.i]
}

// rank is the number of elements before the leaf.
func (p *path) rank() int {
	n := 0
	for _, s := range p.steps[:p.depth] {
		for k := range s.i {
			n += s.size(k)
		}
	}
	return n
}

// seek goes to the leaf in which the bound is: the last one that begins below it. In an empty tree there is none.
func (t *tree) seek(b *bound) (p path) {
	for n := t.root; n != nil; {
		n = p.down(n, n.find(b))
	}
	return p
}

// seekRank goes to the leaf of element i (0 ≤ i < len), and tells the element's index in it.
func (t *tree) seekRank(i int) (p path, index int) {
	for n := t.root; n != nil; {
		k := 0
		for i >= n.size(k) {
			i -= n.size(k)
			k++
		}
		n = p.down(n, k)
	}
	return p, i
}

// seekEnd goes to the last leaf.
func (t *tree) seekEnd() (p path) {
	for n := t.root; n != nil; {
		n = p.down(n, max(n.width()-1, 0))
	}
	return p
}

// below returns how many elements lie below the bound.
func (t *tree) below(b *bound) int {
	if t.len == 0 {
		return 0
	}
	p := t.seek(b)
	n, _ := p.leaf().page.below(b)
	return p.rank() + n
}

// each calls fn with the leaves in order, until it returns false.
func (t *tree) each(fn func(l *leaf) bool) { t.root.each(fn) }

// insert puts an element that is not there.
func (t *tree) insert(member []byte, score float64) {
	b, size := placeOf(score, member), entrySize(len(member), score)
	for {
		p := t.seek(&b)
		if t.len == 0 {
			t.addLeaf(&p, 0, ofOne(member, score))
			return
		}
		l := p.leaf()
		_, off := l.page.below(&b)
		switch {
		case len(l.page)+size <= pageMax:
			t.put(&p, off, member, score)
			return
		case off == len(l.page): // elements that come in order fill their leaves
			t.addBehind(&p, member, score)
			return
		case off == 0:
			t.addLeaf(&p, p.lowest().i, ofOne(member, score))
			return
		case size > pageMax/2: // would not fit in a half for sure
			t.split(&p, off)
		default:
			t.split(&p, l.page.middle())
		}
	}
}

// ofOne is a leaf of one element.
func ofOne(member []byte, score float64) leaf {
	return leaf{page: newPage(entrySize(len(member), score)).insert(0, member, score), low: score, count: 1, dirty: true}
}

// put inserts into the path's leaf, where there is room.
func (t *tree) put(p *path, off int, member []byte, score float64) {
	t.edit(p, 1, func(l *leaf) { l.page = l.page.insert(off, member, score) })
}

// addBehind puts an element behind the last one of the path's full leaf: into the next one, if there is room, or
// into one of its own.
func (t *tree) addBehind(p *path, member []byte, score float64) {
	s := p.lowest()
	if s.i+1 < len(s.leaves) && len(s.leaves[s.i+1].page)+entrySize(len(member), score) <= pageMax {
		s.i++
		t.put(p, 0, member, score)
		return
	}
	t.addLeaf(p, s.i+1, ofOne(member, score))
}

// edit changes the page of the path's leaf, which remains with elements, n more of them, and sees to what is known of
// it above.
func (t *tree) edit(p *path, n int, fn func(l *leaf)) {
	l := p.leaf()
	was := cap(l.page)
	fn(l)
	l.count = uint16(int(l.count) + n)
	l.low, l.dirty = l.page.score(), true
	t.len += n
	t.bytes += int64(cap(l.page) - was)
	for d := p.depth - 2; d >= 0; d-- {
		s := &p.steps[d]
		k := &s.kids[s.i]
		k.count += n
		k.low = k.branch.low(0)
	}
}

// addLeaf puts a leaf at index i of the path's lowest branch, and gives it an id.
func (t *tree) addLeaf(p *path, i int, l leaf) {
	l.id = t.idAt(p, i)
	t.placeLeaf(p, i, l)
}

func (t *tree) placeLeaf(p *path, i int, l leaf) {
	s := p.lowest()
	t.bytes -= s.bytes()
	s.branch.leaves = slices.Insert(withRoom(s.branch.leaves), i, l)
	t.bytes += s.bytes() + int64(cap(l.page))
	t.len += int(l.count)
	t.leaves++
	s.i = i
	t.settle(p)
}

// split moves the elements of the path's leaf from byte offset off on to a new leaf behind it; some stay, some go.
func (t *tree) split(p *path, off int) {
	s := p.lowest()
	moved := s.leaves[s.i].page[off:]
	right := leaf{page: append(newPage(len(moved)+len(moved)/8), moved...), low: moved.score(), dirty: true}
	for rest := moved; len(rest) > 0; right.count++ {
		_, size := rest.member()
		rest = rest[size:]
	}
	t.edit(p, -int(right.count), func(l *leaf) { l.page = append(newPage(off+off/8), l.page[:off]...) })
	t.addLeaf(p, s.i+1, right)
}

// remove takes away an element that is there.
func (t *tree) remove(member []byte, score float64) {
	b := placeOf(score, member)
	p := t.seek(&b)
	_, off := p.leaf().page.below(&b)
	if off == len(p.leaf().page) { // it is the first of the next leaf, where it lies below no element of this one
		p, _ = t.seekRank(t.below(&b))
		off = 0
	}
	_, size := p.leaf().page[off:].member()
	t.removeRun(&p, off, size, 1)
}

// removeRun takes away n elements, size bytes from byte offset off of the path's leaf.
func (t *tree) removeRun(p *path, off, size, n int) {
	if n == int(p.leaf().count) {
		t.dropLeaf(p)
		return
	}
	t.edit(p, -n, func(l *leaf) { l.page = l.page.cut(off, size) })
	t.joinLeaf(p)
}

// dropLeaf removes the path's leaf.
func (t *tree) dropLeaf(p *path) {
	s := p.lowest()
	l := s.leaves[s.i]
	t.len -= int(l.count)
	t.leaves--
	t.bytes -= int64(cap(l.page))
	s.branch.leaves = slices.Delete(s.branch.leaves, s.i, s.i+1)
	t.settle(p)
}

// joinLeaf joins the path's leaf with the one before or behind it under the same branch, if together they fill at most
// half a page: half, so that the next insertion does not split them again.
func (t *tree) joinLeaf(p *path) {
	s := p.lowest()
	if len(s.leaves[s.i].page) > pageMax/2 {
		return
	}
	for _, i := range []int{s.i - 1, s.i} {
		if i < 0 || i+1 == len(s.leaves) || len(s.leaves[i].page)+len(s.leaves[i+1].page) > pageMax/2 {
			continue
		}
		left, right := &s.leaves[i], s.leaves[i+1]
		t.bytes -= int64(cap(left.page) + cap(right.page))
		size := len(left.page) + len(right.page)
		left.page = append(append(newPage(size+size/8), left.page...), right.page...)
		left.count += right.count
		left.dirty = true
		t.bytes += int64(cap(left.page))
		t.leaves--
		s.branch.leaves = slices.Delete(s.branch.leaves, i+1, i+2)
		s.i = i
		t.settle(p)
		return
	}
}

// settle brings the branches of the path in order after leaves came or went in the lowest: from the bottom up it splits
// those that are too wide, removes empty ones, joins narrow ones, and tells each parent what there is now.
func (t *tree) settle(p *path) {
	for d := p.depth - 1; d > 0; d-- {
		s, up := p.steps[d], &p.steps[d-1]
		t.bytes -= up.bytes()
		switch {
		case s.width() == 0:
			t.bytes -= s.bytes()
			up.branch.kids = slices.Delete(up.branch.kids, up.i, up.i+1)
		case s.width() > branchMax:
			right := t.halve(s)
			up.kids[up.i] = s.asKid()
			up.i++
			up.branch.kids = slices.Insert(withRoom(up.branch.kids), up.i, right.asKid())
		default:
			up.kids[up.i] = s.asKid()
			t.joinBranch(up)
		}
		t.bytes += up.bytes()
	}
	if t.root.width() > branchMax {
		left := p.steps[0]
		right := t.halve(left)
		t.root = &branch{kids: []kid{left.asKid(), right.asKid()}}
		t.bytes += t.root.bytes()
	}
	for len(t.root.kids) == 1 {
		t.bytes -= t.root.bytes()
		t.root = t.root.kids[0].branch
	}
	if t.root.width() == 0 {
		t.root = &branch{}
		t.bytes = t.root.bytes()
	}
}

// halve moves half of a branch's children to a new one; only the newcomer if that is the last, since what comes in
// order then fills branches.
func (t *tree) halve(s step) (right *branch) {
	at := s.width() / 2
	if s.i == s.width()-1 {
		at = s.i
	}
	right = s.cutFrom(at)
	t.bytes += right.bytes()
	return right
}

// joinBranch joins a step's child with the one behind or before it, if together they are at most half a branch. The
// caller accounts for the step's own branch.
func (t *tree) joinBranch(s *step) {
	if s.kids[s.i].width() > branchMax/2 {
		return
	}
	for _, i := range []int{s.i - 1, s.i} {
		if i < 0 || i+1 == len(s.kids) || s.kids[i].width()+s.kids[i+1].width() > branchMax/2 {
			continue
		}
		left, right := s.kids[i].branch, s.kids[i+1].branch
		t.bytes -= left.bytes() + right.bytes()
		left.join(right)
		t.bytes += left.bytes()
		s.kids[i] = left.asKid()
		s.branch.kids = slices.Delete(s.branch.kids, i+1, i+2)
		s.i = i
		return
	}
}
