package expiry

import (
	"math"

	"github.com/tidwall/btree"
)

// Never is what Next says when nothing has a deadline.
const Never int64 = math.MaxInt64

// item is one deadline. ID is the keyspace's name for the key: its 64-bit hash under a secret seed. Two keys of one
// hash and one deadline would share an item, and the second be left to lazy expiry: nothing to provide for.
type item struct {
	at int64
	id uint64
}

func earlier(a, b item) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.id < b.id
}

// Index is the exact order of what is due: a B-tree of (deadline, id), some 24 bytes a deadline, and no timer
// per key. A heap was rejected because replacing a deadline, the commonest change there is (a session that is
// touched), would need a position kept in every entry; a timing wheel because it is exact only at its ticks.
//
// The zero Index is not usable: see NewIndex. It is guarded by whatever guards the keyspace it belongs to.
type Index struct {
	tree *btree.BTreeG[item]
	next int64
	hint btree.PathHint
}

// NewIndex returns an empty index.
func NewIndex() *Index {
	return &Index{
		tree: btree.NewBTreeGOptions(earlier, btree.Options{NoLocks: true}),
		next: Never,
	}
}

// Add notes that id is due at the given unix millisecond. Adding the same pair again changes nothing.
func (x *Index) Add(at int64, id uint64) {
	x.tree.SetHint(item{at, id}, &x.hint)
	if at < x.next {
		x.next = at
	}
}

// Remove forgets the pair.
func (x *Index) Remove(at int64, id uint64) {
	x.tree.DeleteHint(item{at, id}, &x.hint)
	if at == x.next {
		x.refresh()
	}
}

// Next returns the earliest deadline, or Never. It costs a load: callers ask before every command.
func (x *Index) Next() int64 { return x.next }

// Len returns how many deadlines there are.
func (x *Index) Len() int { return x.tree.Len() }

// Due returns the earliest pair that is due at now, and whether there is one.
func (x *Index) Due(now int64) (at int64, id uint64, ok bool) {
	if x.next > now {
		return 0, 0, false
	}
	first, ok := x.tree.Min()
	return first.at, first.id, ok
}

// At returns the i-th pair in the order of deadlines, i from 0 to Len()-1.
func (x *Index) At(i int) (at int64, id uint64) {
	pair, _ := x.tree.GetAt(i)
	return pair.at, pair.id
}

// Each calls fn for every deadline in order until it returns false.
func (x *Index) Each(fn func(at int64, id uint64) bool) {
	x.tree.Scan(func(i item) bool { return fn(i.at, i.id) })
}

// Bytes estimates the memory that the index holds: pairs of 16 bytes in nodes about two thirds full.
func (x *Index) Bytes() int64 { return int64(x.tree.Len()) * 24 }

func (x *Index) refresh() {
	if first, ok := x.tree.Min(); ok {
		x.next = first.at
		return
	}
	x.next = Never
}
