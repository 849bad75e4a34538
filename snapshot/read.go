package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Get looks up one key, in a read transaction of its own. ok says whether the key is there; a damaged key or
// record is an error, never a miss. The payload is a copy. A store that the meta does not name is empty.
func (b *Base) Get(store Store, key []byte) (r Record, ok bool, err error) {
	err = b.read("looking up a key", func(v *view, root uint64) error {
		s := storeView{v, root, store}
		keys, err := s.tree(tableKeys)
		if err != nil || keys == nil {
			return err
		}
		stored := appendStored(make([]byte, 0, 64), key)
		value, found, err := keys.find(stored)
		if err != nil || !found {
			return err
		}
		_, payload, h, copied, err := s.unpack(stored, value)
		if !copied {
			payload = append([]byte{}, payload...)
		}
		r, ok = h.record(payload), err == nil
		return err
	})
	return r, ok, err
}

// Find looks up many keys, and calls fn for those that are there, in their order, until it returns false. It is Get for each of
// them, but passes over large values, which lie in chunks; sorted keys find what they have to read side by side. Key and payload
// are valid until fn returns; fn must not call methods of this base.
func (b *Base) Find(store Store, keys [][]byte, fn func(key []byte, r Record) (more bool)) error {
	const most, mostBytes = 256, 1 << 20 // of a transaction
	var memory arena
	var stored []byte
	var got []Entry
	for len(keys) > 0 {
		got = got[:0]
		memory.reset()
		done := 0
		err := b.read("looking up keys", func(v *view, root uint64) error {
			s := storeView{v, root, store}
			t, err := s.tree(tableKeys)
			if t == nil {
				done = len(keys)
				return err
			}
			c := cursor{tree: t}
			for ; done < min(most, len(keys)) && memory.bytes < mostBytes && err == nil; done++ {
				var e Entry
				var found bool
				stored = appendStored(stored[:0], keys[done])
				if e.Record, found, err = s.lookUp(&c, stored, &memory); found {
					e.Key = keys[done]
					got = append(got, e)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range got {
			if !fn(e.Key, e.Record) {
				return nil
			}
		}
		keys = keys[done:]
	}
	return nil
}

// lookUp finds the record of a stored key, unless its value lies in chunks.
func (s *storeView) lookUp(c *cursor, stored []byte, a *arena) (Record, bool, error) {
	value, found, err := c.tree.findOn(c, stored)
	if err != nil || !found {
		return Record{}, false, err
	}
	if h, ok := parseHead(value); ok && h.has(flagChunked) {
		return Record{}, false, nil
	}
	e, err := s.entry(item{key: stored, value: value}, a)
	return e.Record, err == nil, err
}

// Part looks up one part of a parted key, as Get looks up a key.
func (b *Base) Part(store Store, key []byte, part uint64) (payload []byte, ok bool, err error) {
	err = b.read("looking up a part", func(v *view, root uint64) error {
		s := storeView{v, root, store}
		parts, err := s.tree(tableParts)
		if err != nil || parts == nil {
			return err
		}
		value, found, err := parts.find(appendPartKey(nil, appendStored(nil, key), spaceParts, part))
		if found && err == nil {
			payload, ok = append([]byte{}, value[sumSize:]...), true
		}
		return err
	})
	return payload, ok, err
}

// part is what EachPart gives out.
type part struct {
	number  uint64
	payload []byte
}

// EachPart calls fn for the parts of a parted key in the order of their numbers. The payload is valid until fn
// returns; fn's error ends the iteration and is returned. The base does not know how many parts there ought
// to be: whoever reads them compares with what the head says.
func (b *Base) EachPart(store Store, key []byte, fn func(part uint64, payload []byte) error) error {
	prefix := appendPartPrefix(nil, appendStored(nil, key), spaceParts)
	return scan[part]{
		doing: "iterating over parts", store: store, table: tableParts,
		from: binary.BigEndian.AppendUint64(bytes.Clone(prefix), 0),
		take: func(s *storeView, it item, a *arena) (p part, ok bool, err error) {
			if !bytes.HasPrefix(it.key, prefix) {
				return p, false, nil
			}
			_, _, number, ok := splitPartKey(it.key)
			if !ok {
				return p, false, s.damage(tableParts, it.key, "the part makes no sense")
			}
			return part{number, a.copy(it.value[sumSize:])}, true, nil
		},
		give: func(p part) error { return fn(p.number, p.payload) },
	}.run(b)
}

// Each calls fn for every key of a store from `from` on (nil is the start): in byte order, and after them the
// keys longer than MaxPlainKey in the order of their hashes. Key and payload are valid until fn returns; fn's
// error ends the iteration and is returned. From the start to the end the number of keys must be the meta's.
//
// All of it is one read transaction: the state of one commit. While it is open no commit reuses the pages it
// sees, so that the file grows, and one that has to enlarge the mapping waits. fn must not call methods of this
// base: a read that waits for that commit, inside a read that the commit waits for, would wait for ever.
// Whoever can do with several states, as hydration does, takes Slice.
func (b *Base) Each(store Store, from []byte, fn func(key []byte, r Record) error) error {
	sc := scan[Entry]{
		doing: "iterating", store: store, table: tableKeys,
		take: takeEntry,
		give: func(e Entry) error { return fn(e.Key, e.Record) },
	}
	if from == nil {
		sc.expect = func(c counts) int64 { return c.keys }
	} else {
		sc.from = appendStored(nil, from)
	}
	return sc.run(b)
}

func takeEntry(s *storeView, it item, a *arena) (Entry, bool, error) {
	e, err := s.entry(it, a)
	return e, true, err
}

// Entry is a key with its record.
type Entry struct {
	Key []byte
	Record
}

// Slice returns up to max entries in the order of Each, beginning behind the key `after` (nil is the start; the
// empty key is a key), and whether there are more. It is a short read transaction of its own, and ends early
// rather than grow beyond about 1 MiB. Keys and payloads are copies and may be kept. Between slices the base
// may change; where it did not, the slices together have as many keys as the meta says.
func (b *Base) Slice(store Store, after []byte, max int) (entries []Entry, more bool, err error) {
	sc := scan[Entry]{doing: "reading a slice", store: store, table: tableKeys, take: takeEntry}
	if after != nil {
		sc.from = append(appendStored(nil, after), 0) // the least that is greater
	}
	err = b.read(sc.doing, func(v *view, root uint64) error {
		r, err := sc.start(v, root)
		if err == nil {
			err = r.fill(max)
		}
		entries, more = r.got, !r.done
		return err
	})
	return entries, more, err
}

// Some calls fn for some max keys in the order of Each, some 2 MiB of them at most, beginning behind the key `after` (nil is
// the start), and says whether there are more. It is Slice for whoever keeps nothing of what is shown: key and payload
// are valid until fn returns.
//
// It is several short read transactions, between which the base may change, and fn runs in none of them: so fn may wait,
// and take locks. In one it could not. A change that needs a larger mapping or writes over what the transaction sees waits
// for its end, as Close does, and all other reads wait for the former: whoever holds the lock may be among them.
func (b *Base) Some(store Store, after []byte, max int, fn func(key []byte, r Record)) (more bool, err error) {
	const atOnce, bytesMax = 256, 2 << 20
	sc := scan[Entry]{doing: "reading a slice", store: store, table: tableKeys, take: takeEntry}
	if after != nil {
		sc.from = append(appendStored(nil, after), 0) // the least that is greater
	}
	var got []Entry
	var memory arena
	keys, bytes := 0, 0
	for more = true; more && keys < max && bytes < bytesMax; {
		memory.reset()
		err := b.read(sc.doing, func(v *view, root uint64) error {
			r, err := sc.start(v, root)
			r.got, r.arena = got[:0], memory
			if err == nil {
				err = r.fill(min(atOnce, max-keys))
			}
			got, memory, more = r.got, r.arena, !r.done
			b.relieve(v, r.read)
			return err
		})
		if err != nil {
			return false, err
		}
		for _, e := range got {
			keys++
			bytes += len(e.Key) + len(e.Payload)
			fn(e.Key, e.Record)
		}
		if n := len(got); n > 0 {
			sc.from = append(appendStored(sc.from[:0], got[n-1].Key), 0)
		}
	}
	return more, nil
}

// scan is an iteration over one of a store's buckets.
type scan[T any] struct {
	doing string
	store Store
	table table
	from  []byte // the first key not less than this
	// take copies what is wanted of a sound item. It says false where the scan ends before it.
	take func(s *storeView, it item, a *arena) (T, bool, error)
	give func(T) error
	// expect, if any, says how many there must be when the scan comes to the bucket's end.
	expect func(c counts) int64
}

// run scans to the end in one read transaction. What is given out was copied first, in batches: the caller's function never
// runs while mapped pages are being read, so that its panics are its own. It runs within the transaction, so that it must
// neither wait for anybody nor take a lock under which the base is read, changed or closed.
func (sc scan[T]) run(b *Base) (err error) {
	tx, v, root, err := b.begin(sc.doing)
	if err != nil {
		return err
	}
	defer func() { err = end(tx, err) }()
	var r running[T]
	err = guard(b.path, sc.doing, func() (err error) {
		r, err = sc.start(&v, root)
		return err
	})
	var seen int64
	for err == nil && !r.done {
		const batch = 256
		r.got = r.got[:0]
		r.arena.reset()
		err = guard(b.path, sc.doing, func() error { return r.fill(batch) })
		for i := 0; i < len(r.got) && err == nil; i++ {
			seen++
			err = sc.give(r.got[i])
		}
		b.relieve(&v, r.read)
		r.read = 0
	}
	if err != nil || sc.expect == nil {
		return err
	}
	return guard(b.path, sc.doing, func() error { return r.complete(seen) })
}

// running is a scan under way.
type running[T any] struct {
	scan   *scan[T]
	store  storeView
	cursor cursor
	item   item // that the cursor stands on
	arena  arena
	got    []T
	read   int  // bytes of the items taken, since the caller looked
	done   bool // nothing is left
}

// start stands on the first item.
func (sc *scan[T]) start(v *view, root uint64) (r running[T], err error) {
	r = running[T]{scan: sc, store: storeView{v, root, sc.store}}
	r.cursor.tree, err = r.store.tree(sc.table)
	if err != nil || r.cursor.tree == nil {
		r.done = true
		return r, err
	}
	if _, err = r.cursor.seek(sc.from); err != nil {
		return r, err
	}
	var ok bool
	r.item, ok, err = r.cursor.item()
	r.done = !ok
	return r, err
}

// fill takes up to max items, fewer if they are large.
func (r *running[T]) fill(max int) error {
	const bytesMax = 1 << 20
	for !r.done && len(r.got) < max && r.arena.bytes < bytesMax {
		if err := r.cursor.tree.check(r.item); err != nil {
			r.done = true
			return err
		}
		t, ok, err := r.scan.take(&r.store, r.item, &r.arena)
		if err != nil || !ok {
			r.done = true
			return err
		}
		r.got = append(r.got, t)
		r.read += len(r.item.key) + len(r.item.value)
		if r.item, ok, err = r.cursor.behind(r.item); err != nil || !ok {
			r.done = true
			return err
		}
	}
	return nil
}

// complete checks the number of items against the meta of the same transaction.
func (r *running[T]) complete(seen int64) error {
	state, err := r.store.view.readState(r.store.root)
	if err != nil {
		return err
	}
	if want := r.scan.expect(state.stores[r.scan.store]); seen != want {
		return r.store.damage(r.scan.table, nil, fmt.Sprintf("%d entries were found where the meta counts %d", seen, want))
	}
	return nil
}
