package snapshot

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// sampleTries is how many keys Sample draws one from.
const sampleTries = 16

// Sample returns a copy of one of a store's keys, each about as likely as any other; ok is false where there are
// none. pick(n) returns a random number below n; it is asked for a seed, so that the same answers give the same key.
//
// A way from the root down that takes any child with the same chance comes too often to keys that share their pages
// with few others: to those with large values, and to the last page of a level, which may be as good as empty. So
// several such ways are gone, and one of them is chosen by how unlikely it was. It costs some 10 µs, whatever the
// size; what is left is a small favour for the keys of such pages.
func (b *Base) Sample(store Store, pick func(n int) int) (key []byte, ok bool, err error) {
	// The caller's function must not run where panics are caught.
	rng := rand.New(rand.NewPCG(uint64(pick(math.MaxInt32)), uint64(pick(math.MaxInt32))))
	err = b.read("picking a key", func(v *view, root uint64) error {
		s := storeView{v, root, store}
		keys, err := s.tree(tableKeys)
		if err != nil || keys == nil {
			return err
		}
		it, found, err := keys.sample(rng)
		if err != nil || !found {
			return err
		}
		key, err = s.keyOf(it.key, &arena{})
		ok = err == nil
		return err
	})
	return key, ok, err
}

// sample chooses an item.
func (t *tree) sample(rng *rand.Rand) (chosen item, ok bool, err error) {
	c := cursor{tree: t}
	total := uint64(0)
	for range sampleTries {
		weight, err := c.wander(rng)
		if err != nil {
			return item{}, false, err
		}
		if weight == 0 {
			return item{}, false, nil
		}
		if total += weight; rng.Uint64N(total) < weight {
			if chosen, _, err = c.item(); err != nil {
				return item{}, false, err
			}
		}
	}
	return chosen, true, t.check(chosen)
}

// wander stands on an item by way of any element of each page. One over the weight is the chance of this item; the
// weight is 0 where the tree is empty.
func (c *cursor) wander(rng *rand.Rand) (weight uint64, err error) {
	const most = math.MaxUint64 / sampleTries
	c.depth, weight = 0, 1
	for id := c.tree.root; ; {
		p, err := c.push(id)
		if err != nil {
			return 0, err
		}
		n := p.count()
		if n == 0 { // the root: elsewhere push finds fault with it
			return 0, nil
		}
		high, low := bits.Mul64(weight, uint64(n))
		if weight = min(low, most); high > 0 {
			weight = most
		}
		top := &c.path[c.depth-1]
		if top.i = rng.IntN(n); p.isLeaf() {
			return weight, nil
		}
		_, child, ok := p.branch(top.i)
		if !ok {
			return 0, c.tree.damage(p, "has a bad element %d", top.i)
		}
		id = child
	}
}
