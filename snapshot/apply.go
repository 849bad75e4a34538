package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"holdfast/internal/vfs"
)

// Result says what a change came to.
type Result struct {
	Keys     int64 // records put or deleted, as often as they were applied
	Bytes    int64 // written to the base, and to the redo file where there was one
	Pages    int64 // of the base, written
	Duration time.Duration
	Meta     Meta // as it stands in the base now
}

// Apply changes the base by ch and stores m, all or nothing: a crash at any moment leaves a file that Open makes
// the old state or the new one. Stores that m no longer names are dropped. Get and the iterations go on
// meanwhile; with a large ch they may see some of it before Apply returns, so that whoever asks must not ask
// for keys that are in ch.
//
// A small ch is one bbolt transaction. A large one is first written to path+".redo", sorted, which leaves ch empty, and then
// applied in several: one transaction with 64 k random keys would hold some 0.3 GB.
//
// After an error the state is the old one, the new one (Meta says which), or one that the next Apply or Open
// finishes from the redo file. ErrFailed, then and later, means that only a new Open helps. That there is no room
// (vfs.NoRoom) is not that: Apply may be called again when there is room.
func (b *Base) Apply(ch *Changes, m Meta) (Result, error) {
	started := time.Now() // a stopwatch; nothing depends on it
	to := newState(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ready(); err != nil {
		return Result{}, err
	}
	before := b.db.Stats().TxStats
	b.exchanged.pages, b.exchanged.bytes = 0, 0
	var r Result
	var err error
	if ch.Len() <= b.limits.whole && ch.Bytes() <= b.limits.bytes {
		if r.Keys, err = b.applyWhole(ch, to); err == nil {
			err = b.twin()
		}
	} else {
		r.Keys, r.Bytes, err = b.applyRedo(ch, to)
	}
	after := b.db.Stats().TxStats
	r.Pages = after.PageCount - before.PageCount + b.exchanged.pages
	r.Bytes += after.PageAlloc - before.PageAlloc + b.exchanged.bytes
	r.Duration = time.Since(started)
	r.Meta = b.Meta()
	return r, err
}

// ready says whether the base can be changed, and finishes what is unfinished. The caller holds mu.
func (b *Base) ready() error {
	switch {
	case b.readOnly:
		return fmt.Errorf("changing %s: %w", b.path, ErrReadOnly)
	case b.failed != nil:
		return fmt.Errorf("changing %s: %w: %w", b.path, ErrFailed, b.failed)
	}
	return b.finishRedo()
}

// applyWhole applies everything in one transaction.
func (b *Base) applyWhole(ch *Changes, to state) (keys int64, err error) {
	from, err := ch.resolved()
	if err != nil {
		return 0, err
	}
	err = b.update(func(w *writer) error {
		w.wanted = to.stores
		for {
			e, err := from.next()
			if err == io.EOF {
				keys = w.keys
				return w.finish(to)
			}
			if err == nil {
				err = w.apply(e)
			}
			if err != nil {
				return err
			}
		}
	})
	return keys, err
}

// update runs one write transaction, which fn fills. What is committed becomes the base's state.
func (b *Base) update(fn func(w *writer) error) error {
	if err := b.fence(); err != nil {
		return err
	}
	old := b.meta.Load()
	w := &writer{path: b.path, state: *old, buckets: map[bucketOf]opened{}}
	w.state.stores = maps.Clone(old.stores)
	inside := errors.New("fn did not return")
	err := guard(b.path, "writing", func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			w.tx = tx
			inside = fn(w)
			return inside
		})
	})
	if err == nil {
		state := w.state
		b.meta.Store(&state)
		return nil
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return fmt.Errorf("changing %s: %w", b.path, ErrClosed)
	}
	if inside == nil || !errors.Is(err, inside) { // the commit failed, or bbolt panicked
		var write *fs.PathError
		if !errors.As(err, &write) || !vfs.NoRoom(err) {
			b.failed = err
			err = fmt.Errorf("%w: %w", ErrFailed, err)
		}
		if w.tx == nil || w.tx.DB() != nil {
			b.stuck.Store(true)
		}
	}
	return fmt.Errorf("changing %s: %w", b.path, err)
}

// fence runs the check of that name before the first transaction that writes.
func (b *Base) fence() error {
	if b.fenced {
		return nil
	}
	err := b.read("checking before the first write", fence)
	b.fenced = err == nil
	return err
}

// writer is one write transaction.
type writer struct {
	path    string
	tx      *bbolt.Tx
	state   state            // what finish or interrupt stores; its counts move with every record
	wanted  map[Store]counts // entries of other stores are left out
	buckets map[bucketOf]opened
	arena   arena // values must live until the commit

	keys  int64
	count int   // entries, and
	bytes int64 // their size, of this transaction

	// parted says of the key at hand whether its record is.
	parted struct {
		key entry
		is  bool
	}
}

// bucketOf is one of a store's buckets.
type bucketOf struct {
	table table
	store Store
}

// opened is a bucket with a cursor to look keys up with: Get would make a new one each time. It is sought anew after any change.
type opened struct {
	*bbolt.Bucket
	lookup *bbolt.Cursor
}

// bucket returns one of a store's buckets, and makes it if need be.
func (w *writer) bucket(t table, s Store) (opened, error) {
	if b, ok := w.buckets[bucketOf{t, s}]; ok {
		return b, nil
	}
	b, err := w.tx.CreateBucketIfNotExists(t.bucket(s))
	if err != nil {
		return opened{}, w.blame(t, s, nil, err)
	}
	o := opened{b, b.Cursor()}
	w.buckets[bucketOf{t, s}] = o
	return o, nil
}

// apply does what an entry wants, whether or not it was done before.
func (w *writer) apply(e entry) error {
	if _, ok := w.wanted[e.store()]; !ok {
		return nil
	}
	w.count++
	w.bytes += int64(len(e))
	switch e.op() {
	case opPut, opDelete:
		return w.record(e)
	case opChunk:
		return w.put(tableParts, e.store(), appendPartKey(nil, e.key(), spaceChunks, e.part()), e.value())
	case opPart, opDelPart:
		return w.part(e)
	}
	panic(fmt.Sprintf("BUG: snapshot: entry of kind %d in a change", e.op()))
}

// put puts a copy of a value.
func (w *writer) put(t table, s Store, key, value []byte) error {
	b, err := w.bucket(t, s)
	if err == nil {
		err = w.blame(t, s, key, b.Put(key, w.arena.copy(value)))
	}
	return err
}

func (w *writer) delete(t table, s Store, key []byte) error {
	b, err := w.bucket(t, s)
	if err == nil {
		err = w.blame(t, s, key, b.Delete(key))
	}
	return err
}

// blame says what an error of bbolt means: we never nest buckets, so one that is in the way is damage.
func (w *writer) blame(t table, s Store, key []byte, err error) error {
	if errors.Is(err, bolterrors.ErrIncompatibleValue) {
		return &DamageError{
			File: w.path, Bucket: string(t.bucket(s)), Key: bytes.Clone(key), Offset: -1,
			What: "an entry is said to be a bucket, or the bucket an entry",
		}
	}
	if err != nil {
		return fmt.Errorf("bucket %s, key %.64q: %w", t.bucket(s), key, err)
	}
	return nil
}

// record puts or deletes a record, with its deadline entry, and removes what belonged to the old one.
func (w *writer) record(e entry) error {
	w.keys++
	old, had, err := w.old(e)
	if err != nil {
		return err
	}
	var h head
	if e.op() == opPut {
		h, _ = parseHead(e.value())
	}
	if had {
		if err = w.removeOld(e, old, h); err != nil {
			return err
		}
	}
	if e.op() == opDelete {
		err = w.delete(tableKeys, e.store(), e.key())
	} else {
		err = w.put(tableKeys, e.store(), e.key(), e.value())
	}
	if err == nil && h.due() != 0 && (!had || h.due() != old.due()) {
		key := appendDeadlineKey(nil, h.due(), e.key())
		err = w.put(tableDeadlines, e.store(), key, seal(key, make([]byte, sumSize)))
	}
	c := w.state.stores[e.store()]
	c.keys += one(e.op() == opPut) - one(had)
	c.deadlines += one(h.due() != 0) - one(had && old.due() != 0)
	w.state.stores[e.store()] = c
	w.parted.key, w.parted.is = append(w.parted.key[:0], e.about()...), h.has(flagParted)
	return err
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// removeOld removes what belongs to a record that is replaced or deleted and not to the one in its place.
func (w *writer) removeOld(e entry, old, now head) (err error) {
	if old.has(flagChunked) {
		err = w.deleteParts(e, spaceChunks)
	}
	if err == nil && old.has(flagParted) && (e.op() == opDelete || e.clear()) {
		err = w.deleteParts(e, spaceParts)
	}
	if err == nil && old.due() != 0 && old.due() != now.due() {
		err = w.delete(tableDeadlines, e.store(), appendDeadlineKey(nil, old.due(), e.key()))
	}
	return err
}

// old returns the record that is there now.
func (w *writer) old(e entry) (h head, ok bool, err error) {
	b, err := w.bucket(tableKeys, e.store())
	if err != nil {
		return head{}, false, err
	}
	found, value := b.lookup.Seek(e.key())
	if value == nil || !bytes.Equal(found, e.key()) {
		return head{}, false, nil
	}
	if h, ok = parseHead(value); !ok || !sound(e.key(), value) {
		return head{}, false, &DamageError{
			File: w.path, Bucket: string(tableKeys.bucket(e.store())), Key: bytes.Clone(e.key()), Offset: -1,
			What: "the checksum of the record to replace does not match",
		}
	}
	return h, true, nil
}

// part puts or deletes a part. To put one on a record that is not parted is the caller's bug: nobody would ever
// remove it.
func (w *writer) part(e entry) error {
	key := appendPartKey(nil, e.key(), spaceParts, e.part())
	if e.op() == opDelPart {
		return w.delete(tableParts, e.store(), key)
	}
	if w.parted.key == nil || !sameKey(w.parted.key, e) {
		h, ok, err := w.old(e)
		if err != nil {
			return err
		}
		w.parted.key, w.parted.is = append(w.parted.key[:0], e.about()...), ok && h.has(flagParted)
	}
	if !w.parted.is {
		panic(fmt.Sprintf("BUG: snapshot: part %d of key %q, which is not parted", e.part(), e.key()))
	}
	return w.put(tableParts, e.store(), key, e.value())
}

// deleteParts removes all of a key's parts or chunks.
func (w *writer) deleteParts(e entry, space byte) error {
	b, err := w.bucket(tableParts, e.store())
	if err != nil {
		return err
	}
	prefix := appendPartPrefix(nil, e.key(), space)
	var keys [][]byte // a cursor does not outlive a change
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, w.arena.copy(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the transaction the one that reaches the new state: stores that are no longer named go, those
// that are named have all their buckets, and the meta is the new one.
func (w *writer) finish(to state) error {
	for store := range w.state.stores {
		if _, kept := to.stores[store]; kept {
			continue
		}
		delete(w.state.stores, store)
		for t := tableKeys; t <= tableParts; t++ {
			name := t.bucket(store)
			delete(w.buckets, bucketOf{t, store})
			if err := w.tx.DeleteBucket(name); err != nil && !errors.Is(err, bolterrors.ErrBucketNotFound) {
				return fmt.Errorf("dropping bucket %s: %w", name, err)
			}
		}
	}
	for store := range to.stores {
		if _, known := w.state.stores[store]; !known {
			w.state.stores[store] = counts{} // also without keys
		}
		for t := tableKeys; t <= tableParts; t++ {
			if _, err := w.bucket(t, store); err != nil {
				return err
			}
		}
	}
	w.state.Meta, w.state.applying = to.Meta, false
	return w.writeState()
}

// interrupt ends a transaction that is not the last of a redo file.
func (w *writer) interrupt() error {
	w.state.applying = true
	return w.writeState()
}

func (w *writer) writeState() error {
	meta, err := w.tx.CreateBucketIfNotExists([]byte(bucketMeta))
	if err == nil {
		err = meta.Put([]byte(keyFormat), formatValue())
	}
	if err == nil {
		err = meta.Put([]byte(keyState), w.state.value())
	}
	return err
}
