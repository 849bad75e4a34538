package snapshot

import (
	"bytes"
	"fmt"
)

// walk visits the pages of a file from the root down and checks its shape: every page is reached once, is of the
// kind that its level asks for, and holds keys that rise and lie within what the pages above say.
type walk struct {
	view    *view
	reached bitmap
	leaves  bool // read leaf pages too; without them a walk reads about one page in a hundred
	// leaf, if any, gets the leaf pages of every bucket but the root.
	leaf func(t *tree, p page) error
	// fault is told what is wrong. It returns nil for the walk to go on beside the damage.
	fault func(error) error
}

// bitmap has a bit per page.
type bitmap []uint64

func newBitmap(pages int) bitmap      { return make(bitmap, (pages+63)/64) }
func (b bitmap) has(page uint64) bool { return b[page/64]>>(page%64)&1 != 0 }
func (b bitmap) set(page uint64)      { b[page/64] |= 1 << (page % 64) }
func newWalk(v *view, leaves bool) walk {
	return walk{view: v, leaves: leaves, reached: newBitmap(int(v.pages()))}
}

// file walks everything from the root bucket on.
func (w *walk) file(root uint64) error {
	return w.tree(&tree{view: w.view, root: root})
}

func (w *walk) tree(t *tree) error {
	if t.inline != nil {
		if err := w.order(t, t.inline, nil, nil); err != nil || w.leaf == nil {
			return w.report(err)
		}
		return w.leaf(t, t.inline)
	}
	c := cursor{tree: t}
	if err := c.first(); err != nil {
		return w.report(err)
	}
	return w.page(t, t.root, c.depth-1, nil, nil)
}

func (w *walk) report(err error) error {
	if err == nil {
		return nil
	}
	return w.fault(err)
}

// page walks a page that is `level` levels above the leaves, and what is below. Its keys must lie in low…high,
// high excluded; nil is no bound.
func (w *walk) page(t *tree, id uint64, level int, low, high []byte) error {
	if level == 0 && !w.leaves && t.bucket != "" {
		return w.report(w.reach(t.bucket, id))
	}
	p, err := w.view.page(id)
	for over := 0; err == nil && over <= p.overflow(); over++ {
		err = w.reach(t.bucket, id+uint64(over))
	}
	if err == nil && p.isLeaf() != (level == 0) {
		err = t.damage(p, "is on the wrong level")
	}
	if err == nil {
		err = w.order(t, p, low, high)
	}
	if err != nil {
		return w.report(err)
	}
	switch {
	case p.isBranch():
		return w.children(t, p, level, high)
	case t.bucket == "":
		return w.buckets(p)
	case w.leaf != nil:
		return w.leaf(t, p)
	}
	return nil
}

func (w *walk) children(t *tree, p page, level int, high []byte) error {
	for i := range p.count() {
		low, child, _ := p.branch(i)
		bound := high
		if i+1 < p.count() {
			bound, _ = p.key(i + 1)
		}
		if err := w.page(t, child, level-1, low, bound); err != nil {
			return err
		}
	}
	return nil
}

// buckets walks the buckets that a leaf page of the root holds.
func (w *walk) buckets(p page) error {
	for i := range p.count() {
		it, _ := p.item(i)
		t, err := w.view.open(it)
		if err != nil {
			err = w.report(err)
		} else {
			err = w.tree(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reach notes that a page is in use.
func (w *walk) reach(bucket string, id uint64) error {
	if id < 2 || id >= w.view.pages() {
		what := fmt.Sprintf("page %d of %d is referred to", id, w.view.pages())
		return &DamageError{File: w.view.file, Bucket: bucket, Offset: -1, What: what}
	}
	if w.reached.has(id) {
		err := w.view.damage(id, "is in use twice").(*DamageError)
		err.Bucket = bucket
		return err
	}
	w.reached.set(id)
	return nil
}

// order checks the elements of a page.
func (w *walk) order(t *tree, p page, low, high []byte) error {
	if p.count() == 0 && (p.isBranch() || low != nil) {
		return t.damage(p, "is empty")
	}
	before := low
	for i := range p.count() {
		key, ok := p.key(i)
		if !ok {
			return t.damage(p, "has a bad element %d", i)
		}
		if order := bytes.Compare(before, key); order > 0 || order == 0 && (i > 0 || before == nil) {
			return t.damage(p, "has keys out of order at element %d", i)
		}
		before = key
	}
	if high != nil && bytes.Compare(before, high) >= 0 {
		return t.damage(p, "has a key that belongs to the next page")
	}
	return nil
}

// fence checks, before bbolt writes for the first time, what it would follow blindly: that branch pages lead to
// pages of this file, none of them twice, and that no page in use is listed as free, which would be written
// over. It reads the branch pages, about one page in a hundred. What lies in leaf pages cannot mislead
// bbolt into other pages, and the overflow of a large leaf page is left to Verify.
func fence(v *view, root uint64) error {
	w := newWalk(v, false)
	w.fault = func(err error) error { return err }
	if err := w.file(root); err != nil {
		return err
	}
	h, free, err := checkHeader(bytes.NewReader(v.data), int64(len(v.data)), v.file)
	if err != nil {
		return err
	}
	for _, id := range free {
		if w.reached.has(id) {
			return v.damage(id, "is in use and in the free list at page %d", h.freelist)
		}
	}
	return nil
}
