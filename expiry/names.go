package expiry

import (
	"cmp"

	"github.com/tidwall/btree"
)

// namedItem is the deadline of an element.
type namedItem struct {
	at   int64
	name string
}

// Names is the order of what is due within one collection: a B-tree of (deadline, name of the element). It is an Index
// whose items have names, since the elements of a collection are not found by a hash from outside. Guarded by whatever
// guards the collection.
type Names struct {
	tree  *btree.BTreeG[namedItem] // made with the first
	bytes int64                    // of the names
}

// NewNames returns an empty order.
func NewNames() *Names { return &Names{} }

// namesDegree keeps the nodes of the many small orders small.
const namesDegree = 16

// Add notes that the name is due at the given unix millisecond; it copies the name. Adding the same pair again is a fault
// of the caller.
func (x *Names) Add(at int64, name []byte) {
	if x.tree == nil {
		earlier := func(a, b namedItem) bool {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name)) < 0
		}
		x.tree = btree.NewBTreeGOptions(earlier, btree.Options{NoLocks: true, Degree: namesDegree})
	}
	x.tree.Set(namedItem{at, string(name)})
	x.bytes += int64(len(name))
}

// Remove forgets the pair.
func (x *Names) Remove(at int64, name []byte) {
	if x.tree == nil {
		return
	}
	if _, was := x.tree.Delete(namedItem{at, string(name)}); was {
		x.bytes -= int64(len(name))
	}
}

// Next returns the earliest deadline, or Never.
func (x *Names) Next() int64 {
	at, _ := x.First()
	return at
}

// First returns the earliest deadline and its name; Never where there is none.
func (x *Names) First() (at int64, name string) {
	if x.Len() == 0 {
		return Never, ""
	}
	first, _ := x.tree.Min()
	return first.at, first.name
}

// Pop forgets the earliest deadline, and returns its name. There is one.
func (x *Names) Pop() (name string) {
	first, _ := x.tree.PopMin()
	x.bytes -= int64(len(first.name))
	return first.name
}

// Len returns how many deadlines there are.
func (x *Names) Len() int {
	if x.tree == nil {
		return 0
	}
	return x.tree.Len()
}

// Each calls fn for every deadline in order until it returns false.
func (x *Names) Each(fn func(at int64, name string) bool) {
	if x.tree != nil {
		x.tree.Scan(func(i namedItem) bool { return fn(i.at, i.name) })
	}
}

// Bytes estimates the memory that the order holds: items of 24 bytes in nodes about two thirds full, and the names, which
// the allocator rounds up.
func (x *Names) Bytes() int64 { return int64(x.Len())*(36+8) + x.bytes }
