package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"holdfast/internal/nice"
)

// Most of what a checkpoint changes are values of keys that stay where they are: no page splits and none is merged. So pages are
// copied with other values in them, in the order of the keys, and those above them with other numbers, and nothing but the way to
// the page at hand is in memory. bbolt makes an object of each page that it changes, and keeps it until its transaction ends:
// 50,000 changes leave 160 MB for the collector. What adds or removes a key, a deadline or a part is left to bbolt, and a value
// that no longer fits its page.
//
// It is a part of replaying a redo file, which says all of it: whatever is done here, or not, replaying the file from its start
// leads to the same state.

// overwrite does what it can of a redo file, and says what that was. The state then is that of a change half applied.
func (b *Base) overwrite(from source, to state) (o *overwrites, err error) {
	if _, err := from.next(); err != nil { // the header
		return nil, err
	}
	o = &overwrites{from: from, stores: to.stores, most: max(1, b.limits.pages)}
	if err := o.next(); err != nil || o.entry == nil {
		return o, err
	}
	if err := b.update(func(w *writer) error { return w.interrupt() }); err != nil {
		return nil, err
	}
	for o.entry != nil {
		room, err := b.undisturbed()
		if err == nil && room {
			began := time.Now()
			room, err = b.exchange(o)
			b.pause(began)
		}
		if err != nil {
			return nil, err
		}
		if !room {
			break
		}
	}
	return o, nil
}

// undisturbed reports whether every page in the free list is one that nobody reads. bbolt knows of those who began before its
// last commit, but tells only how many pages it keeps for them, and that when a write transaction ends.
func (b *Base) undisturbed() (yes bool, err error) {
	const tries, pause = 20, time.Millisecond
	for try := 0; try < tries && !yes && err == nil; try++ {
		if try > 0 {
			time.Sleep(pause)
		}
		var tx *bbolt.Tx
		err = guard(b.path, "writing", func() (err error) {
			if tx, err = b.db.Begin(true); err == nil {
				err = tx.Rollback()
			}
			return err
		})
		err = b.ended(tx, err)
		yes = b.db.Stats().PendingPageN == 0
	}
	if err != nil {
		return false, fmt.Errorf("changing %s: %w", b.path, err)
	}
	return yes, nil
}

// ended looks at how a write transaction ended that changed nothing by bbolt; nil is one that did not begin. Where bbolt panicked
// it has kept the lock that the next one would wait for: only a new Open helps.
func (b *Base) ended(tx *bbolt.Tx, err error) error {
	if err == nil || tx != nil && tx.DB() == nil || errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return err
	}
	b.stuck.Store(true)
	b.failed = err
	return fmt.Errorf("%w: %w", ErrFailed, err)
}

// exchange does a part of the overwrites in one commit. It says false when bbolt must make room first.
func (b *Base) exchange(o *overwrites) (room bool, err error) {
	var x exchange
	var tx *bbolt.Tx
	err = guard(b.path, "writing", func() error {
		return b.db.Update(func(t *bbolt.Tx) error {
			tx = t
			v, root := b.viewOf(tx)
			v.txid-- // of the state that it began with
			err := x.begin(b.pages, &v, root, b.mapped)
			if err == nil {
				err = o.commit(&x)
			}
			panic(rereadFreelist{err})
		})
	})
	err = b.ended(tx, err)
	if err == nil {
		b.readers.outlast()
		b.exchanged.pages += x.pages
		b.exchanged.bytes += x.pages * int64(x.header.pageSize)
		return true, nil
	}
	if errors.Is(err, errNoRoom) {
		return false, nil
	}
	if x.failed != nil && b.failed == nil {
		b.failed = err
		err = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return false, fmt.Errorf("changing %s: %w", b.path, err)
}

// rereadFreelist is what is panicked with to end a write transaction of bbolt's that was none: after a panic bbolt reads
// the free list from the file, after an error it believes the one that it has in memory.
type rereadFreelist struct{ err error }

// overwrites are the records of a redo file whose keys, as far as can be seen, have a place already.
type overwrites struct {
	from    source
	stores  map[Store]counts // that are wanted
	most    int64            // pages, about, of one commit
	in      *exchange        // the commit under way
	entry   entry            // at hand; nil at the end
	ordinal int              // its place among the redo file's entries
	store   Store            // whose tree is at hand
	now     []int            // ordinals of what the commit under way has done
	done    []bool           // by ordinal, as far as any were
	keys    int64            // how many those are
}

// has says whether an entry has been dealt with.
func (o *overwrites) has(ordinal int) bool { return ordinal < len(o.done) && o.done[ordinal] }

// next goes on to the next entry that may be dealt with here. The first has ordinal 1.
func (o *overwrites) next() error {
	for {
		e, err := o.from.next()
		if err == io.EOF {
			o.entry = nil
			return nil
		}
		if err != nil {
			return err
		}
		o.ordinal++
		if _, wanted := o.stores[e.store()]; wanted && e.op() == opPut {
			o.entry = e
			return nil
		}
	}
}

// commit deals with entries until the commit is large enough.
func (o *overwrites) commit(x *exchange) error {
	o.in, o.now = x, o.now[:0]
	var roots rootEdits
	for o.entry != nil && x.pages < o.most {
		o.store = o.entry.store()
		t, err := (&storeView{x.view, x.root, o.store}).tree(tableKeys)
		if err != nil {
			return err
		}
		w := overwriter{exchange: x, tree: t, edits: o}
		if t == nil || t.inline != nil {
			err = w.pass(nil)
		} else if root, err1 := w.below(t.root, 0, nil); err1 == nil && root != t.root {
			roots.add(tableKeys.bucket(o.store), root)
		} else {
			err = err1
		}
		if err != nil {
			return err
		}
	}
	if x.pages == 0 {
		return nil
	}
	w := overwriter{exchange: x, tree: &tree{view: x.view, root: x.root}, edits: &roots}
	root, err := w.below(x.root, 0, nil)
	if err == nil {
		err = x.commit(root)
	}
	if err != nil {
		return err
	}
	o.keys += int64(len(o.now))
	for _, ordinal := range o.now {
		o.done = append(o.done, make([]bool, max(0, ordinal+1-len(o.done)))...)
		o.done[ordinal] = true
	}
	return nil
}

// key is the key of the next one for the tree at hand, while the commit takes more pages.
func (o *overwrites) key() []byte {
	if o.entry == nil || o.entry.store() != o.store || o.in.pages >= o.most {
		return nil
	}
	return o.entry.key()
}

// value is what replaces the record of an item; nil where that is not all that changes.
func (o *overwrites) value(t *tree, it item, room int) ([]byte, error) {
	if err := t.check(it); err != nil {
		return nil, err
	}
	old, ok := parseHead(it.value)
	h, ok1 := parseHead(o.entry.value())
	const elsewhere = flagParted | flagChunked
	if !ok || !ok1 || (old.flags|h.flags)&elsewhere != 0 || old.due() != h.due() || o.entry.valueLen() > len(it.value)+room {
		return nil, nil
	}
	o.now = append(o.now, o.ordinal)
	return o.entry.value(), nil
}

// replacements are values to put in the place of others in a tree, in the order of their keys.
type replacements interface {
	// key is that of the one at hand; nil where there is none.
	key() []byte
	// value is what the item that has the key is to have, in a page with so much room; nil where it keeps its own. It is good
	// until next is called.
	value(t *tree, it item, room int) ([]byte, error)
	next() error
}

// rootEdits are the new roots of buckets.
type rootEdits struct {
	names [][]byte
	roots []uint64
}

func (r *rootEdits) add(name []byte, root uint64) {
	r.names, r.roots = append(r.names, name), append(r.roots, root)
}

func (r *rootEdits) key() []byte {
	if len(r.names) == 0 {
		return nil
	}
	return r.names[0]
}

func (r *rootEdits) next() error {
	r.names, r.roots = r.names[1:], r.roots[1:]
	return nil
}

func (r *rootEdits) value(_ *tree, it item, _ int) ([]byte, error) {
	value := bytes.Clone(it.value)
	binary.NativeEndian.PutUint64(value, r.roots[0])
	return value, nil
}

// overwriter makes a tree with other values out of a tree.
type overwriter struct {
	*exchange
	tree   *tree
	edits  replacements
	levels [maxDepth]bulkLevel
	way    nice.Way
}

// due says whether the next edit belongs below a bound; nil is none.
func (w *overwriter) due(bound []byte) bool {
	key := w.edits.key()
	return key != nil && (bound == nil || bytes.Compare(key, bound) < 0)
}

// pass leaves the edits below a bound to others.
func (w *overwriter) pass(bound []byte) (err error) {
	for err == nil && w.due(bound) {
		err = w.edits.next()
	}
	return err
}

// below makes the edits below a bound in the page with this number and what is under it, and returns the number of the page
// that stands for it then: the same if nothing was changed.
func (w *overwriter) below(id uint64, depth int, bound []byte) (uint64, error) {
	p, err := w.tree.page(id)
	if err == nil && depth == maxDepth {
		err = w.tree.damage(p, "is part of a tree that never ends")
	}
	if err != nil {
		return 0, err
	}
	if p.overflow() > 0 { // seldom worth it, and a page of another size
		return id, w.pass(bound)
	}
	w.way.Give()
	l := &w.levels[depth]
	l.kind, l.elements, l.data = p.flags(), l.elements[:0], l.data[:0]
	var changed bool
	if p.isLeaf() {
		changed, err = w.leaf(l, p, bound)
	} else {
		changed, err = w.branch(l, p, depth, bound)
	}
	if err != nil || !changed {
		return id, err
	}
	return w.put(l, p)
}

// leaf gathers the elements of a leaf page as they are to be.
func (w *overwriter) leaf(l *bulkLevel, p page, bound []byte) (changed bool, err error) {
	room := w.view.pageSize - pageHeader
	for i := range p.count() {
		it, ok := p.item(i)
		if !ok {
			return false, w.tree.damage(p, "has a bad element %d", i)
		}
		room -= elementSize + len(it.key) + len(it.value)
	}
	if room < 0 {
		return false, w.tree.damage(p, "has elements that overlap")
	}
	for i := range p.count() {
		it, _ := p.item(i)
		if err := w.pass(it.key); err != nil {
			return false, err
		}
		here := bytes.Equal(w.edits.key(), it.key)
		if here {
			value, err := w.edits.value(w.tree, it, room)
			if err != nil {
				return false, err
			}
			if value != nil {
				room += len(it.value) - len(value)
				it.value, changed = value, true
			}
		}
		l.addItem(it)
		if here {
			if err := w.edits.next(); err != nil {
				return false, err
			}
		}
	}
	return changed, w.pass(bound)
}

// branch gathers the elements of a branch page, after what is below them.
func (w *overwriter) branch(l *bulkLevel, p page, depth int, bound []byte) (changed bool, err error) {
	for i := range p.count() {
		key, child, ok := p.branch(i)
		next := bound
		if ok && i+1 < p.count() {
			next, ok = p.key(i + 1)
		}
		if !ok {
			return false, w.tree.damage(p, "has a bad element %d", i)
		}
		if w.due(next) {
			old := child
			if child, err = w.below(old, depth+1, next); err != nil {
				return false, err
			}
			changed = changed || child != old
		}
		l.add(bulkElement{key: len(key), child: child}, key, nil)
	}
	return changed, nil
}

func (l *bulkLevel) addItem(it item) {
	e := bulkElement{key: len(it.key), value: len(it.value)}
	if it.bucket {
		e.flags = elementBucket
	}
	l.add(e, it.key, it.value)
}
