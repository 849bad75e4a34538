package snapshot

import (
	"bytes"
	"io"
)

// Touches is about how many pages Apply would write for ch: the leaf pages of records that it changes, and one for each part
// or chunk. It reads the branch pages, about one page in a hundred.
func (b *Base) Touches(ch *Changes) (pages int64, err error) {
	from, err := ch.spool.entries()
	if err != nil {
		return 0, err
	}
	err = b.read("looking where changes go", func(v *view, root uint64) error {
		t := touches{from: from}
		err := t.next()
		for err == nil && t.entry != nil {
			err = t.inStore(&storeView{v, root, t.entry.store()})
		}
		pages = t.pages
		return err
	})
	return pages, err
}

// touches goes through changes and leaf pages side by side.
type touches struct {
	from  source
	entry entry // not yet counted; nil at the end
	pages int64
}

func (t *touches) next() (err error) {
	if t.entry, err = t.from.next(); err == io.EOF {
		t.entry, err = nil, nil
	}
	return err
}

// inStore counts the changes to a store.
func (t *touches) inStore(s *storeView) error {
	keys, err := s.tree(tableKeys)
	if err != nil {
		return err
	}
	if keys != nil && keys.inline == nil {
		c := cursor{tree: keys}
		if err = c.first(); err == nil {
			err = keys.leaves(keys.root, c.depth-1, func(low []byte) error { return t.below(s.store, low) })
		}
	}
	if err == nil {
		err = t.below(s.store, nil)
	}
	return err
}

// below counts the changes to a leaf page, which are those up to the least key of the next; nil is beyond the last.
func (t *touches) below(store Store, bound []byte) (err error) {
	touched := false
	for err == nil && t.entry != nil && t.entry.store() == store && (bound == nil || bytes.Compare(t.entry.key(), bound) < 0) {
		if t.entry.class() == classRecord {
			touched = true
		} else {
			t.pages++
		}
		err = t.next()
	}
	t.pages += one(touched)
	return err
}

// leaves calls fn with the key that stands for each leaf page below a page so many levels above them.
func (t *tree) leaves(id uint64, level int, fn func(low []byte) error) error {
	if level == 0 {
		return nil
	}
	p, err := t.page(id)
	if err != nil {
		return err
	}
	if !p.isBranch() {
		return t.damage(p, "is on the wrong level")
	}
	for i := range p.count() {
		key, child, ok := p.branch(i)
		if !ok {
			return t.damage(p, "has a bad element %d", i)
		}
		if level == 1 {
			err = fn(key)
		} else {
			err = t.leaves(child, level-1, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
