package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// errReplaced is why a Base that was rewritten takes no more changes.
var errReplaced = errors.New("another file has its name")

// Rewrite makes the base one that holds its records with ch applied, and m, in a new file: full pages in order, and
// none free. It is for what Apply does badly: most keys changed, or most of the file is free. The outcome is
// Apply's. The Result counts all that was written, as WriteFresh's does.
//
// The new file gets the name Path when it is whole, synced and has been looked at; a crash at any moment leaves the
// old or the new one. This Base reads on from the old file, which is gone once it is closed, and refuses changes
// with ErrFailed; the caller opens the path anew. Nobody has the new file locked until then: if others may read it,
// that Open may meet ErrLocked.
//
// It wants room for the new file beside the old, and for ch twice, and some memory, whatever the sizes. Each value
// is checked before it is copied: ErrCorrupt changes nothing. So do other errors, but for one with ErrFailed, after
// which the path may name either file. Other changes wait meanwhile; reads do not.
func (b *Base) Rewrite(ch *Changes, m Meta) (Result, error) {
	started := time.Now() // a stopwatch; nothing depends on it
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ready(); err != nil {
		return Result{}, err
	}
	l := newLoader(b.fs, b.path, ch, m)
	if err := l.build(func() error { return b.rewriteInto(l, ch) }); err != nil {
		return Result{}, err
	}
	if err := rename(b.fs, l.path, b.path); err != nil {
		return Result{}, err
	}
	b.failed = errReplaced
	if err := syncDirOf(b.fs, b.path); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return l.result(started), nil
}

// Replaced reports whether a Rewrite has given the base's name to another file, even if not for good: then this Base takes no more
// changes, and the path is to be opened anew.
func (b *Base) Replaced() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed == errReplaced
}

// rewriteInto fills a new file, in one read transaction of the old.
func (b *Base) rewriteInto(l *loader, ch *Changes) (err error) {
	const doing = "rewriting"
	tx, v, root, err := b.begin(doing)
	if err != nil {
		return err
	}
	defer func() { err = end(tx, err) }()
	r := rewriter{loader: l, view: &v, root: root, was: b.meta.Load().stores}
	return guard(b.path, doing, func() error { return r.fill(ch) })
}

// rewriter fills a new file from an old one and the edits of it, in two passes over the stores. Both merge a bucket
// of the old file with edits in its order: the first the records with the changes; the second deadlines and parts
// with what the first pass set aside for them, which is what to put and, as opDelete, what to leave out.
//
// The alternative, to derive everything anew from the records, would sort all deadlines and parts there are.
type rewriter struct {
	*loader
	view *view // of the old file
	root uint64
	was  map[Store]counts

	// gone is what the second pass leaves out: a deadline, or all parts that begin with it. They are sorted, so that one
	// at a time is enough.
	gone []byte
}

func (r *rewriter) fill(ch *Changes) error {
	stores := slices.Sorted(maps.Keys(r.state.stores))
	if err := ch.relent(); err != nil {
		return err
	}
	changes, err := ch.resolved()
	if err != nil {
		return err
	}
	edits := &edits{from: changes, stores: r.state.stores}
	for _, s := range stores {
		if err := r.records(s, edits); err != nil {
			return err
		}
	}
	r.settleCounts()
	aside, err := r.derived.entries()
	if err != nil {
		return err
	}
	edits.from, edits.ahead = aside, nil
	for _, s := range stores {
		if err := r.derivatives(tableDeadlines, s, edits); err != nil {
			return err
		}
		if err := r.derivatives(tableParts, s, edits); err != nil {
			return err
		}
	}
	return r.finish()
}

// records copies a store's records but for those that were changed.
func (r *rewriter) records(s Store, edits *edits) error {
	old, err := r.old(tableKeys, s)
	if err != nil {
		return err
	}
	keep := func(it item) error { return r.keep(s, it) }
	err = edits.each(func(e entry) bool { return e.store() == s }, func(e entry) error {
		if err := old.before(e.key(), keep); err != nil {
			return err
		}
		it, had, err := old.take(e.key())
		if err != nil {
			return err
		}
		return r.change(e, it, had)
	})
	if err == nil {
		err = old.before(nil, keep)
	}
	if want := r.was[s].keys; err == nil && old.seen != want {
		err = r.miscounted(tableKeys, s, old.seen, want)
	}
	return err
}

// keep copies a record.
func (r *rewriter) keep(s Store, it item) error {
	h, err := r.head(s, it)
	if err != nil {
		return err
	}
	return r.putRecord(s, it.key, it.value, h)
}

// change does what an edit wants. The old record of its key comes with the key's first.
func (r *rewriter) change(e entry, it item, had bool) error {
	var h head
	var err error
	if had {
		if h, err = r.head(e.store(), it); err != nil {
			return err
		}
	}
	switch {
	case e.class() == classRecord:
		err = r.leaveOut(e, h)
	case had: // its parts alone change
		err = r.keep(e.store(), it)
		r.key, r.parted = append(r.key[:0], e.about()...), h.has(flagParted)
	}
	if err != nil {
		return err
	}
	if e.op() == opDelPart {
		return r.without(tableParts, e.store(), appendPartKey(nil, e.key(), spaceParts, e.part()))
	}
	return r.record(e)
}

// leaveOut sets aside that what belonged to a record must go: its deadline, its chunks, and the parts where the edit
// says so.
func (r *rewriter) leaveOut(e entry, old head) (err error) {
	if old.due() != 0 {
		err = r.without(tableDeadlines, e.store(), appendDeadlineKey(nil, old.due(), e.key()))
	}
	if err == nil && old.has(flagChunked) {
		err = r.without(tableParts, e.store(), appendPartPrefix(nil, e.key(), spaceChunks))
	}
	if err == nil && old.has(flagParted) && (e.op() == opDelete || e.clear()) {
		err = r.without(tableParts, e.store(), appendPartPrefix(nil, e.key(), spaceParts))
	}
	return err
}

func (r *rewriter) without(t table, s Store, key []byte) error {
	return r.derived.add(opDelete, s, 0, append([]byte{byte(t)}, key...), nil)
}

// derivatives copies a store's deadlines or parts but for those to leave out, and puts the new ones between.
func (r *rewriter) derivatives(t table, s Store, edits *edits) error {
	old, err := r.old(t, s)
	if err != nil {
		return err
	}
	r.gone = nil
	written := int64(0)
	put := func(it item) error {
		written++
		return r.put(t, s, it.key, it.value)
	}
	keep := func(it item) error {
		if r.isGone(t, it.key) {
			return nil
		}
		return put(it)
	}
	err = edits.each(func(e entry) bool { return e.store() == s && table(e.key()[0]) == t }, func(e entry) error {
		key := e.key()[1:]
		if err := old.before(key, keep); err != nil {
			return err
		}
		if e.op() == opDelete {
			if !r.isGone(t, key) { // one of many parts that go anyway
				r.gone = append(r.gone[:0], key...)
			}
			return nil
		}
		if _, _, err := old.take(key); err != nil {
			return err
		}
		return put(item{key: key, value: e.value()})
	})
	if err == nil {
		err = old.before(nil, keep)
	}
	if err != nil || t == tableParts {
		return err
	}
	if want := r.was[s].deadlines; old.seen != want {
		return r.miscounted(t, s, old.seen, want)
	}
	if want := r.state.stores[s].deadlines; written != want { // then the old index was not that of its records
		return r.miscounted(t, s, written, want)
	}
	return nil
}

func (r *rewriter) isGone(t table, key []byte) bool {
	if t == tableDeadlines {
		return bytes.Equal(key, r.gone)
	}
	return len(r.gone) > 0 && bytes.HasPrefix(key, r.gone)
}

func (r *rewriter) head(s Store, it item) (head, error) {
	h, ok := parseHead(it.value)
	if !ok {
		return head{}, r.store(s).damage(tableKeys, it.key, "the record makes no sense")
	}
	return h, nil
}

func (r *rewriter) store(s Store) *storeView { return &storeView{r.view, r.root, s} }

func (r *rewriter) miscounted(t table, s Store, got, want int64) error {
	return r.store(s).damage(t, nil, fmt.Sprintf("%d entries were found where there must be %d", got, want))
}

// old opens a bucket of the old file.
func (r *rewriter) old(t table, s Store) (*oldBucket, error) {
	o := &oldBucket{}
	var err error
	o.cursor.tree, err = r.store(s).tree(t)
	if err != nil || o.cursor.tree == nil {
		return o, err
	}
	if err = o.cursor.first(); err == nil {
		err = o.load()
	}
	return o, err
}

// oldBucket gives out a bucket from its first item to its last.
type oldBucket struct {
	cursor cursor
	item   item // not yet given out,
	ok     bool // if there is one
	seen   int64
}

// load looks at what the cursor stands on.
func (o *oldBucket) load() (err error) {
	if o.item, o.ok, err = o.cursor.item(); err == nil && o.ok {
		err = o.cursor.tree.check(o.item)
	}
	return err
}

// next gives out the item at hand.
func (o *oldBucket) next() (it item, err error) {
	o.seen++
	it = o.item
	if o.ok, err = o.cursor.next(); err == nil && o.ok {
		err = o.load()
	}
	return it, err
}

// before gives fn the items up to a key; nil is beyond the last.
func (o *oldBucket) before(key []byte, fn func(item) error) error {
	for o.ok && (key == nil || bytes.Compare(o.item.key, key) < 0) {
		it, err := o.next()
		if err == nil {
			err = fn(it)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take gives out the item at hand if it has this key.
func (o *oldBucket) take(key []byte) (it item, had bool, err error) {
	if !o.ok || !bytes.Equal(o.item.key, key) {
		return item{}, false, nil
	}
	it, err = o.next()
	return it, true, err
}

// edits gives out the entries of a source bucket by bucket, without those of stores that are not wanted.
type edits struct {
	from   source
	stores map[Store]counts
	ahead  entry // not yet given out, or nil
}

// each gives fn the entries up to the first that is not mine.
func (s *edits) each(mine func(entry) bool, fn func(entry) error) error {
	for {
		if s.ahead == nil {
			e, err := s.from.next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			s.ahead = e
		}
		if _, wanted := s.stores[s.ahead.store()]; wanted {
			if !mine(s.ahead) {
				return nil
			}
			if err := fn(s.ahead); err != nil {
				return err
			}
		}
		s.ahead = nil
	}
}
