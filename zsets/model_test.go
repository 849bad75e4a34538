package zsets

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"holdfast/dict"
)

// limit is Limits with a seed that is always the same.
func limit(entries, value int) Limits {
	return Limits{Entries: entries, Value: value, Seed: func() dict.Seed { return dict.Seed{1, 2, 3} }}
}

// seeded is that seed, as it is stored.
var seeded = append([]byte{1, 2, 3}, make([]byte, 13)...)

// check recounts what a Set keeps as sums and verifies the invariants of the package comment.
func check(t testing.TB, z *Set) {
	t.Helper()
	if z.large == nil {
		if size, count, err := z.page.check(0); err != nil || size != len(z.page) || count != z.count {
			t.Fatalf("page of %d bytes, %d elements: %d, %d, %v", len(z.page), z.count, size, count, err)
		}
		if z.Bytes() != setSize+int64(cap(z.page)) {
			t.Fatalf("Bytes %d with a page of %d", z.Bytes(), cap(z.page))
		}
		return
	}
	tree := z.large.tree
	c := recount{t: t}
	c.branch(tree.root, tree.root)
	if c.elements != tree.len || c.leaves != tree.leaves || c.bytes != tree.bytes {
		t.Fatalf("len %d, leaves %d, bytes %d; a recount says %d, %d, %d", tree.len, tree.leaves, tree.bytes, c.elements, c.leaves, c.bytes)
	}
	indexed := 0
	for member, score := range z.All() {
		if got, ok := z.large.index.get(member); !ok || got != score {
			t.Fatalf("%q has score %v in the tree, %v, %v in the index", member, score, got, ok)
		}
		indexed++
	}
	for cursor := uint64(0); ; {
		cursor = z.large.index.scan(cursor, func([]byte, float64) { indexed-- })
		if cursor == 0 {
			break
		}
	}
	if indexed != 0 {
		t.Fatalf("%d more elements in the tree than in the index", indexed)
	}
}

// recount walks a tree.
type recount struct {
	t                testing.TB
	elements, leaves int
	bytes            int64
	last             page // the entry before
	id               uint64
	depth            int
	leafDepth        int
}

func (c *recount) branch(n, root *branch) {
	c.t.Helper()
	c.depth++
	defer func() { c.depth-- }()
	c.bytes += n.bytes()
	if n.width() > branchMax || n != root && n.width() == 0 || len(n.leaves) > 0 && len(n.kids) > 0 || n == root && len(n.kids) == 1 {
		c.t.Fatalf("a branch of %d leaves and %d kids", len(n.leaves), len(n.kids))
	}
	for _, k := range n.kids {
		before := c.elements
		if again := k.asKid(); again.low != k.low || again.count != k.count {
			c.t.Fatalf("a branch from %v, %d elements, is known as %v, %d", again.low, again.count, k.low, k.count)
		}
		c.branch(k.branch, root)
		if c.elements-before != k.count {
			c.t.Fatalf("a branch of %d elements counts %d", c.elements-before, k.count)
		}
	}
	for i := range n.leaves {
		c.leaf(&n.leaves[i])
	}
}

func (c *recount) leaf(l *leaf) {
	c.t.Helper()
	size, count, err := l.page.check(0)
	switch {
	case err != nil || count == 0 || count != int(l.count):
		c.t.Fatalf("a leaf of %d elements counts %d: %v", count, l.count, err)
	case count > 1 && size > pageMax:
		c.t.Fatalf("a leaf of %d elements in %d bytes", count, size)
	case l.low != l.page.score():
		c.t.Fatalf("a leaf from %v is known as one from %v", l.page.score(), l.low)
	case c.last != nil && (!c.last.before(l.page) || l.id <= c.id):
		c.t.Fatalf("a leaf, id %#x, is out of order behind id %#x", l.id, c.id)
	case c.leafDepth != 0 && c.depth != c.leafDepth:
		c.t.Fatalf("leaves at depths %d and %d", c.depth, c.leafDepth)
	}
	c.elements += count
	c.leaves++
	c.bytes += int64(cap(l.page))
	c.last, c.id, c.leafDepth = l.page[l.page.offset(count-1):], l.id, c.depth
}

// element is what the model, a sorted slice, holds.
type element struct {
	member string
	score  float64
}

func (e element) String() string {
	if len(e.member) > 40 {
		return fmt.Sprintf("%q… (%d bytes) %v", e.member[:40], len(e.member), e.score)
	}
	return fmt.Sprintf("%q %v", e.member, e.score)
}

// contents returns the elements, having read them both ways.
func contents(t testing.TB, z *Set) []element {
	t.Helper()
	forth := []element{}
	for member, score := range z.All() {
		forth = append(forth, element{string(member), score})
	}
	i := len(forth)
	for member, score := range z.Backward(0, z.Len()) {
		i--
		if i < 0 || (element{string(member), score} != forth[i]) {
			t.Fatalf("element %d reads differently from the end", i)
		}
	}
	if i != 0 {
		t.Fatalf("Backward stopped %d elements early", i)
	}
	return forth
}

// requireEqual checks the set and compares it with the model.
func requireEqual(t testing.TB, z *Set, model []element) {
	t.Helper()
	check(t, z)
	got := contents(t, z)
	if len(got) != len(model) || z.Len() != len(model) {
		t.Fatalf("%d elements, Len %d, want %d", len(got), z.Len(), len(model))
	}
	for i := range got {
		if got[i] != model[i] {
			t.Fatalf("element %d is %v, want %v", i, got[i], model[i])
		}
	}
}

// store is what a checkpoint has written of one set: in one piece, or a head and parts.
type store struct {
	whole, head []byte
	parts       map[uint64][]byte
}

// checkpoint does what the comment in parts.go asks of one, and returns how many parts it wrote.
func (s *store) checkpoint(t testing.TB, z *Set) (written int) {
	t.Helper()
	if s.parts == nil {
		s.parts = map[uint64][]byte{}
	}
	z.DroppedParts(func(id uint64) {
		if _, ok := s.parts[id]; !ok {
			t.Fatalf("part %#x is dropped and was not stored", id)
		}
		delete(s.parts, id)
	})
	if z.Parted() {
		s.whole, s.head = nil, z.AppendHead(nil)
		if err := z.Parts(true, func(id uint64, payload []byte) error {
			s.parts[id] = bytes.Clone(payload)
			written++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	} else {
		s.whole, s.head = z.AppendBinary(nil), nil
	}
	z.MarkClean()
	return written
}

// load rebuilds the set as a start would.
func (s *store) load(t testing.TB) *Set {
	t.Helper()
	if s.head == nil {
		if len(s.parts) != 0 {
			t.Fatalf("%d parts remain beside a set stored in one piece", len(s.parts))
		}
		z, err := Decode(s.whole)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	z, err := FromParts(s.head, s.reader())
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// reader returns the parts in order, as FromParts takes them.
func (s *store) reader() func() (uint64, []byte, bool, error) {
	ids := make([]uint64, 0, len(s.parts))
	for id := range s.parts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, s.parts[id], true, nil
	}
}
