package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"
)

// Report is what Verify found.
type Report struct {
	Stores    int
	Keys      int64
	Deadlines int64
	Parts     int64 // chunks of large values among them
	Pages     int64 // of the file
	FreePages int64
	// Problems are what is wrong, each satisfying errors.Is(p, ErrCorrupt), up to 100 of them.
	Problems []error
	// Found is the number of problems, however many.
	Found int64
}

// Verify reads everything and checks everything: bbolt's header pages, every page's shape and place, the free
// list, every checksum, the counts of the meta, deadline entries against records both ways, parts against
// records, and then, if all that is well, lets bbolt's own check run. progress, if any, is told how many of the
// file's pages are done. Changes wait until it is over; it takes some 60 bytes of memory per page for bbolt's
// check.
//
// Where problems were found the error is ErrCorrupt too, and says the first; the Report has the others.
func (b *Base) Verify(progress func(done, total int64)) (Report, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tx, v, root, err := b.begin("verifying")
	if err != nil {
		return Report{}, err
	}
	x := verification{base: b, view: &v, root: root, found: map[Store]counts{}}
	x.walk = newWalk(&v, true)
	x.walk.fault, x.walk.leaf = x.fault, x.leaf
	steps := []func() error{
		func() error { return x.header(tx.ID()) },
		func() error { return x.file(progress) },
		x.freePages,
		x.counts,
		func() error { return x.bboltCheck(tx.Tx) },
	}
	for _, step := range steps {
		if err := guard(b.path, "verifying", step); err != nil {
			x.problem(err)
		}
	}
	if err := end(tx, nil); err != nil {
		return x.report, err
	}
	if x.report.Found == 1 {
		return x.report, fmt.Errorf("verifying %s: %w", b.path, x.report.Problems[0])
	}
	if x.report.Found > 0 {
		return x.report, fmt.Errorf("verifying %s: %d problems, the first: %w", b.path, x.report.Found, x.report.Problems[0])
	}
	return x.report, nil
}

// verification is a Verify under way.
type verification struct {
	base   *Base
	view   *view
	root   uint64
	walk   walk
	report Report
	free   []uint64
	found  map[Store]counts

	progress func(done, total int64)
	done     int64
	// last is the stored key whose record was last looked up for its parts, and what it is.
	last struct {
		store Store
		key   []byte
		head  head
		ok    bool
	}
}

func (x *verification) problem(err error) {
	const most = 100
	x.report.Found++
	if len(x.report.Problems) < most {
		x.report.Problems = append(x.report.Problems, err)
	}
}

// fault notes a problem and lets the walk go on.
func (x *verification) fault(err error) error {
	x.problem(err)
	return nil
}

// header checks what Open checks, and that both of bbolt's header pages are valid.
func (x *verification) header(txid int) error {
	h, free, err := checkHeader(bytes.NewReader(x.view.data), int64(len(x.view.data)), x.view.file)
	if err != nil {
		return err
	}
	if h.bad >= 0 {
		x.problem(x.view.damage(uint64(h.bad), "is no valid header"))
	}
	for id := range uint64(2) {
		p := page(x.view.data[int(id)*h.pageSize:])
		if h.bad != int(id) && (p.id() != id || p.flags() != pageMeta) {
			x.problem(x.view.damage(id, "calls itself %d, with flags %#x", p.id(), p.flags()))
		}
	}
	if int(h.txid) != txid || h.root != x.root {
		x.problem(x.view.damage(0, "has changed under the open file"))
	}
	list := page(x.view.data[int(h.freelist)*h.pageSize:])
	for i := range uint64(list.overflow()) + 1 {
		if err := x.walk.reach("", h.freelist+i); err != nil {
			return err
		}
	}
	x.free = free
	return nil
}

func (x *verification) file(progress func(done, total int64)) error {
	x.progress = progress
	err := x.walk.file(x.root)
	if progress != nil {
		progress(int64(x.view.pages()), int64(x.view.pages()))
	}
	return err
}

// leaf checks the items of a leaf page.
func (x *verification) leaf(t *tree, p page) error {
	x.base.relieve(x.view, len(p))
	if x.done += int64(1 + p.overflow()); x.progress != nil {
		x.progress(x.done, int64(x.view.pages()))
	}
	if t.bucket == bucketMeta {
		return nil // counts reads it
	}
	which, store, ok := parseBucket([]byte(t.bucket))
	if !ok {
		x.problem(&DamageError{File: x.view.file, Bucket: t.bucket, Offset: -1, What: "nobody knows this bucket"})
		return nil
	}
	x.count(which, store, int64(p.count()))
	s := storeView{x.view, x.root, store}
	check := [...]func(*storeView, item) error{tableKeys: x.record, tableDeadlines: x.deadline, tableParts: x.part}[which]
	for i := range p.count() {
		it, _ := p.item(i)
		err := t.check(it)
		if err == nil {
			err = check(&s, it)
		}
		if err != nil {
			x.problem(err)
		}
	}
	return nil
}

// count adds to what was found, damaged or not.
func (x *verification) count(t table, store Store, n int64) {
	c := x.found[store]
	switch t {
	case tableKeys:
		c.keys += n
	case tableDeadlines:
		c.deadlines += n
	case tableParts:
		x.report.Parts += n
	}
	x.found[store] = c
}

// record checks a record, and that its deadline has an entry.
func (x *verification) record(s *storeView, it item) error {
	h, ok := parseHead(it.value)
	var err error
	if ok && h.has(flagChunked) { // a long body is not put together
		if _, _, err = s.glance(it, &arena{}); err == nil {
			err = s.chunks(it.key, h.body, math.MaxUint64, func(b []byte) { x.base.relieve(x.view, len(b)) })
		}
	} else {
		_, _, h, _, err = s.unpack(it.key, it.value)
	}
	if err != nil || h.due() == 0 {
		return err
	}
	deadlines, err := s.tree(tableDeadlines)
	if err != nil {
		return err
	}
	ok = false
	if deadlines != nil {
		_, ok, err = deadlines.find(appendDeadlineKey(nil, h.due(), it.key))
	}
	if err == nil && !ok {
		err = s.damage(tableKeys, it.key, fmt.Sprintf("deadline %d has no entry", h.due()))
	}
	return err
}

// deadline checks that an entry's record has that deadline.
func (x *verification) deadline(s *storeView, it item) error {
	at, stored, ok := splitDeadlineKey(it.key)
	if !ok {
		return s.damage(tableDeadlines, it.key, "the entry makes no sense")
	}
	h, ok, err := x.head(s, stored)
	if err == nil && (!ok || h.due() != at) {
		err = s.damage(tableDeadlines, it.key, "the entry belongs to no record")
	}
	return err
}

// part checks that a part's record has parts.
func (x *verification) part(s *storeView, it item) error {
	stored, space, number, ok := splitPartKey(it.key)
	if !ok {
		return s.damage(tableParts, it.key, "the part makes no sense")
	}
	if x.last.store != s.store || !bytes.Equal(x.last.key, stored) {
		h, ok, err := x.head(s, stored)
		if err != nil {
			return err
		}
		x.last.store, x.last.key, x.last.head, x.last.ok = s.store, bytes.Clone(stored), h, ok
	}
	h, needs := x.last.head, byte(flagParted)
	if space == spaceChunks {
		needs = flagChunked
	}
	if !x.last.ok || !h.has(needs) {
		return s.damage(tableParts, it.key, "the part belongs to no record")
	}
	if space == spaceChunks && (len(h.body) != 8 || number > math.MaxUint64/chunk || number*chunk >= binary.LittleEndian.Uint64(h.body)) {
		return s.damage(tableParts, it.key, "the chunk is beyond its value's end")
	}
	return nil
}

// head looks a record up.
func (x *verification) head(s *storeView, stored []byte) (h head, ok bool, err error) {
	keys, err := s.tree(tableKeys)
	if err != nil || keys == nil {
		return head{}, false, err
	}
	value, ok, err := keys.find(stored)
	if err != nil || !ok {
		return head{}, false, err
	}
	h, ok = parseHead(value)
	return h, ok, nil
}

// freePages checks that every page is either in use or free.
func (x *verification) freePages() error {
	x.report.Pages, x.report.FreePages = int64(x.view.pages()), int64(len(x.free))
	if x.report.Found > 0 {
		return nil // pages below a damaged one were not reached
	}
	for _, id := range x.free {
		if x.walk.reached.has(id) {
			x.problem(x.view.damage(id, "is in use and in the free list"))
		}
		x.walk.reached.set(id)
	}
	for id := uint64(2); id < x.view.pages(); id++ {
		if !x.walk.reached.has(id) {
			x.problem(x.view.damage(id, "is neither in use nor free"))
		}
	}
	return nil
}

// counts checks the meta against what was found.
func (x *verification) counts() error {
	state, err := x.view.readState(x.root)
	if err != nil {
		return err
	}
	x.report.Stores = len(state.stores)
	for store, want := range state.stores {
		s := storeView{x.view, x.root, store}
		got := x.found[store]
		if got != want {
			x.problem(s.damage(tableKeys, nil, fmt.Sprintf(
				"%d keys and %d deadlines were found where the meta counts %d and %d", got.keys, got.deadlines, want.keys, want.deadlines)))
		}
		for t := tableKeys; t <= tableParts; t++ {
			if _, err := s.tree(t); err != nil {
				x.problem(err)
			}
		}
		x.report.Keys += got.keys
		x.report.Deadlines += got.deadlines
	}
	for store := range x.found {
		if _, known := state.stores[store]; !known {
			x.problem((&storeView{x.view, x.root, store}).damage(tableKeys, nil, "the meta does not know this store"))
		}
	}
	return nil
}

// bboltCheck lets bbolt look too. It runs in a goroutine of bbolt's, out of reach of guard, and trusts what it
// reads: so only where we found nothing.
func (x *verification) bboltCheck(tx *bbolt.Tx) error {
	if x.report.Found > 0 {
		return nil
	}
	const relief = 5 * time.Millisecond // it reads all of the mapped file, and tells nobody how far it is
	ticker := time.NewTicker(relief)
	defer ticker.Stop()
	var errs []error
	for found, open := tx.Check(), true; open; {
		select {
		case err, more := <-found:
			if open = more; more {
				errs = append(errs, err)
			}
		case <-ticker.C:
			x.base.relieve(x.view, relieveEvery)
		}
	}
	if len(errs) > 0 {
		return &DamageError{File: x.view.file, Offset: -1, What: "bbolt's check: " + errors.Join(errs...).Error()}
	}
	return nil
}
