package snapshot

import (
	"bytes"
	"encoding/binary"
)

// maxDepth bounds the way from root to leaf. Keys of 32 KiB make the narrowest trees, with two children to a
// page: 24 levels of those are some 500 GB of keys alone.
const maxDepth = 24

// tree is one bucket as a view sees it.
type tree struct {
	view   *view
	bucket string // its name, for errors; "" is the root, whose values are buckets
	root   uint64 // page; 0 where the bucket lies inline, in the root's page
	inline page
}

func (t *tree) damage(p page, format string, args ...any) error {
	id := p.id()
	if t.inline != nil {
		return &DamageError{File: t.view.file, Bucket: t.bucket, Offset: t.view.offset(t.inline), What: "its inline page is damaged"}
	}
	err := t.view.damage(id, format, args...).(*DamageError)
	err.Bucket = t.bucket
	return err
}

func (t *tree) page(id uint64) (page, error) {
	if t.inline != nil {
		return t.inline, nil
	}
	return t.view.page(id)
}

// open reads a bucket's header, which is the value of an item of the root.
func (v *view) open(it item) (*tree, error) {
	t := &tree{view: v, bucket: string(it.key)}
	damaged := func() error {
		return &DamageError{File: v.file, Bucket: t.bucket, Offset: v.offset(it.key), What: "the bucket's header is damaged"}
	}
	if !it.bucket || len(it.value) < bucketHeader {
		return nil, damaged()
	}
	if t.root = binary.NativeEndian.Uint64(it.value); t.root != 0 {
		return t, nil
	}
	t.inline = page(it.value[bucketHeader:])
	if len(t.inline) < pageHeader || !t.inline.isLeaf() || t.inline.overflow() != 0 || !t.inline.wellCounted() {
		return nil, damaged()
	}
	return t, nil
}

// cursor stands on an item of a tree, or behind the last.
type cursor struct {
	tree  *tree
	depth int
	path  [maxDepth]struct {
		page page
		i    int
	}
}

// push goes down to a page, below the element that the cursor stands on.
func (c *cursor) push(id uint64) (page, error) {
	if c.depth == maxDepth {
		return nil, c.tree.damage(c.path[0].page, "is the root of a tree that never ends")
	}
	p, err := c.tree.page(id)
	if err != nil {
		return nil, err
	}
	if p.count() == 0 && (p.isBranch() || c.depth > 0) {
		return nil, c.tree.damage(p, "is empty")
	}
	if c.depth > 0 && !c.bounds(p) {
		return nil, c.tree.damage(p, "is not the one that the branch page above means")
	}
	c.path[c.depth].page, c.path[c.depth].i = p, 0
	c.depth++
	return p, nil
}

// bounds says whether a page's keys lie within what the pages above it say.
func (c *cursor) bounds(p page) bool {
	above := &c.path[c.depth-1]
	low, ok := above.page.key(above.i)
	first, ok1 := p.key(0)
	last, ok2 := p.key(p.count() - 1)
	if !ok || !ok1 || !ok2 || bytes.Compare(first, low) < 0 {
		return false
	}
	for d := c.depth - 1; d >= 0; d-- {
		if at := &c.path[d]; at.i+1 < at.page.count() {
			high, ok := at.page.key(at.i + 1)
			return ok && bytes.Compare(last, high) < 0
		}
	}
	return true
}

// item returns what the cursor stands on; ok is false behind the last.
func (c *cursor) item() (it item, ok bool, err error) {
	top := &c.path[c.depth-1]
	if top.i >= top.page.count() {
		return item{}, false, nil
	}
	if it, ok = top.page.item(top.i); !ok {
		return item{}, false, c.tree.damage(top.page, "has a bad element %d", top.i)
	}
	return it, true, nil
}

// first stands on the least item.
func (c *cursor) first() error {
	c.depth = 0
	if _, err := c.push(c.tree.root); err != nil {
		return err
	}
	return c.descend(+1)
}

// descend goes from the element that the cursor stands on down to the nearest leaf: its first item (+1) or
// its last (-1).
func (c *cursor) descend(by int) error {
	for {
		top := &c.path[c.depth-1]
		if top.page.isLeaf() {
			return nil
		}
		_, child, ok := top.page.branch(top.i)
		if !ok {
			return c.tree.damage(top.page, "has a bad element %d", top.i)
		}
		p, err := c.push(child)
		if err != nil {
			return err
		}
		if by < 0 {
			c.path[c.depth-1].i = p.count() - 1
		}
	}
}

// step moves by one item, forwards or back. At the end it says false and the cursor is spent.
func (c *cursor) step(by int) (ok bool, err error) {
	for d := c.depth - 1; d >= 0; d-- {
		at := &c.path[d]
		if i := at.i + by; i >= 0 && i < at.page.count() {
			at.i, c.depth = i, d+1
			return true, c.descend(by)
		}
	}
	return false, nil
}

// next moves to the next item. Keys that do not rise are damage.
func (c *cursor) next() (ok bool, err error) {
	before, _, err := c.item()
	if err != nil {
		return false, err
	}
	_, ok, err = c.behind(before)
	return ok, err
}

// behind is next for whoever has the item that the cursor stands on, and wants the one that it comes to.
func (c *cursor) behind(before item) (it item, ok bool, err error) {
	if ok, err = c.step(+1); !ok || err != nil {
		return item{}, false, err
	}
	if it, _, err = c.item(); err == nil && bytes.Compare(before.key, it.key) >= 0 {
		err = c.tree.damage(c.path[c.depth-1].page, "has keys out of order")
	}
	return it, err == nil, err
}

// seek stands on the least item that is not less than key, and says whether it is the key itself. It does
// not believe a separator of a branch page when it led to the edge of a leaf: then the neighbouring leaf's
// nearest key must agree.
func (c *cursor) seek(key []byte) (exact bool, err error) {
	c.depth = 0
	return c.seekOn(key)
}

// seekOn is seek from where the cursor stands: see searchOn.
func (c *cursor) seekOn(key []byte) (exact bool, err error) {
	if exact, err = c.searchOn(key); exact || err != nil {
		return exact, err
	}
	top := &c.path[c.depth-1]
	if top.i == 0 {
		before := *c
		if ok, err := before.step(-1); err != nil {
			return false, err
		} else if ok {
			return false, before.expect(key, -1)
		}
	}
	if top.i < top.page.count() {
		return false, nil
	}
	if ok, err := c.step(+1); !ok || err != nil {
		return false, err
	}
	return false, c.expect(key, +1)
}

// expect checks that the item which the cursor stands on is less (-1) or greater (+1) than key.
func (c *cursor) expect(key []byte, sign int) error {
	it, _, err := c.item()
	if err == nil && bytes.Compare(it.key, key) != sign {
		return c.tree.damage(c.path[c.depth-1].page, "is not where a branch page says")
	}
	return err
}

// search goes down to the leaf where key belongs, and to its place there.
func (c *cursor) search(key []byte) (exact bool, err error) {
	c.depth = 0
	if _, err := c.push(c.tree.root); err != nil {
		return false, err
	}
	return c.searchBelow(key)
}

// searchOn is search from where the cursor stands, if it has been used before: for a key behind that it begins at the lowest
// page on its path that the key belongs to.
func (c *cursor) searchOn(key []byte) (exact bool, err error) {
	if c.depth == 0 {
		return c.search(key)
	}
	if it, ok, err := c.item(); err != nil || !ok || bytes.Compare(key, it.key) < 0 {
		return c.search(key)
	}
	for d := range c.depth - 1 {
		at := &c.path[d]
		if at.i+1 == at.page.count() {
			continue
		}
		next, ok := at.page.key(at.i + 1)
		if !ok {
			return false, c.tree.damage(at.page, "has a bad element")
		}
		if bytes.Compare(next, key) <= 0 {
			c.depth = d + 1
			break
		}
	}
	return c.searchBelow(key)
}

// searchBelow is search from the page down that the cursor stands in.
func (c *cursor) searchBelow(key []byte) (exact bool, err error) {
	for {
		top := &c.path[c.depth-1]
		i, exact, ok := top.page.search(key)
		if !ok {
			return false, c.tree.damage(top.page, "has a bad element")
		}
		if top.page.isLeaf() {
			top.i = i
			return exact, nil
		}
		if !exact && i > 0 {
			i-- // the child before the first greater separator
		}
		top.i = i
		_, child, ok := top.page.branch(i)
		if !ok {
			return false, c.tree.damage(top.page, "has a bad element %d", i)
		}
		if _, err := c.push(child); err != nil {
			return false, err
		}
	}
}

// search finds the first element whose key is not less than key.
func (p page) search(key []byte) (i int, exact, ok bool) {
	low, high := 0, p.count()
	for low < high {
		middle := (low + high) / 2
		at, ok := p.key(middle)
		if !ok {
			return 0, false, false
		}
		switch bytes.Compare(at, key) {
		case -1:
			low = middle + 1
		case 0:
			return middle, true, true
		default:
			high = middle
		}
	}
	return low, false, true
}

// find looks up a key and checks its value. It believes a miss only if the two neighbours are what was
// written: a damaged key is where the search ends that misses it.
func (t *tree) find(key []byte) (value []byte, ok bool, err error) {
	return t.findOn(&cursor{tree: t}, key)
}

// findOn is find by a cursor that other keys may have been found with: see searchOn.
func (t *tree) findOn(c *cursor, key []byte) (value []byte, ok bool, err error) {
	exact, err := c.seekOn(key)
	if err != nil {
		return nil, false, err
	}
	it, ok, err := c.item()
	if err == nil && ok {
		err = t.check(it)
	}
	if err != nil || exact {
		return it.value, exact, err
	}
	if back, err := c.step(-1); !back || err != nil {
		return nil, false, err
	}
	if it, _, err = c.item(); err == nil {
		err = t.check(it)
	}
	return nil, false, err
}

// check says whether an item is what was written. The root's items are buckets and carry no checksum.
func (t *tree) check(it item) error {
	if t.bucket == "" {
		return nil
	}
	if it.bucket || !sound(it.key, it.value) {
		return &DamageError{
			File: t.view.file, Bucket: t.bucket, Key: bytes.Clone(it.key), Offset: t.view.offset(it.key),
			What: "the checksum does not match",
		}
	}
	return nil
}
