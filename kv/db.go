package kv

import (
	"slices"

	"holdfast/expiry"
)

// DB is one numbered database. All its methods want the engine's lock.
type DB struct {
	ks    *Keyspace
	store uint32 // where the base keeps this database: changes when the database is flushed
	table table
	arena arena

	strings pool[[]byte] // long strings and long keys
	values  pool[held]

	ttl      *expiry.Index    // what is due: see due
	lapses   map[uint32]int64 // what lapses first in a collection, by its number in values; those where something does
	live     int              // keys in the table, tombs not counted
	pooled   int64            // bytes in strings
	valued   int64            // bytes in values, as last settled
	freezing *Freeze

	// What only the base holds: see cold.go.
	coldKeys  int
	coldTTLs  int
	coldNext  int64  // no cold key is due before this
	coldAt    int64  // the base's deadlines up to this,
	coldAfter []byte // and up to this key among those of that moment, have been dealt with
}

// held is a collection and the size at which it was last counted.
type held struct {
	Value
	bytes int64
}

func newDB(ks *Keyspace, store uint32) *DB {
	db := &DB{ks: ks, store: store, ttl: expiry.NewIndex(), lapses: map[uint32]int64{}, coldNext: expiry.Never}
	db.table = newTable(ks.seed, func(r ref) []byte { return db.key(block(db.arena.at(r))) })
	return db
}

func (db *DB) key(b block) []byte {
	if b.has(flagLongKey) {
		return *db.strings.at(b.keyNumber())
	}
	return b.inlineKey()
}

// Len is the number of keys.
func (db *DB) Len() int { return db.live + db.coldKeys }

// Deadlines is the number of keys that have a deadline, or something in their value has.
func (db *DB) Deadlines() int { return db.ttl.Len() + db.coldTTLs }

// Store is the number under which the base keeps this database.
func (db *DB) Store() uint32 { return db.store }

// position is where a key stands in the table.
type position struct {
	hash uint64
	seg  *segment
	i    int
	b    block
}

// lookup is the one way to a key; a cold one becomes hot. A tomb is found too: callers that read want present.
func (db *DB) lookup(key []byte) (position, bool) {
	p := position{hash: db.table.hash(key)}
	p.seg, p.i = db.table.find(p.hash, key)
	if p.i < 0 {
		return db.fetch(p, key)
	}
	p.b = db.arena.at(p.seg.slots[p.i].ref())
	return p, true
}

func (db *DB) present(key []byte) (position, bool) {
	p, ok := db.lookup(key)
	return p, ok && p.b.kind() != none
}

// Get returns the key and notes the access.
func (db *DB) Get(key []byte) (Entry, bool) {
	p, ok := db.present(key)
	if !ok {
		db.Miss(key)
		return Entry{}, false
	}
	db.ks.Hits++
	db.ks.notice(p.b)
	return Entry{db: db, b: p.b}, true
}

// Miss counts a lookup that found no key, and tells who wants to know.
func (db *DB) Miss(key []byte) {
	db.ks.Misses++
	if db.ks.Missed != nil {
		db.ks.Missed(db, key)
	}
}

// Anew tells who hears of new keys that a key replaced another, where Redis deletes the one first and adds the other then.
func (db *DB) Anew(key []byte) {
	if db.ks.Added != nil {
		db.ks.Added(db, key)
	}
}

func (db *DB) tellAdded(b block) {
	if db.ks.Added != nil {
		db.ks.Added(db, db.key(b))
	}
}

// Peek returns the key as if nobody had looked.
func (db *DB) Peek(key []byte) (Entry, bool) {
	p, ok := db.present(key)
	return Entry{db: db, b: p.b}, ok
}

// room is how many bytes a block needs besides the value.
func room(key []byte, deadline int64) int {
	n := offBody + len(key)
	if len(key) > maxInlineKey {
		n = offBody + numberBytes
	}
	if deadline != expiry.None {
		n += 8
	}
	return n
}

// newBlock begins an entry: header, deadline, key, and room for n bytes of value unless they are too many for a block. The
// caller puts the value in, then the block into the table with place.
func (db *DB) newBlock(key []byte, kind Kind, deadline int64, n int) (ref, block) {
	size := room(key, deadline)
	if size+n > maxBlock {
		n = 0
	}
	held := db.arena.bytes
	r, fresh := db.arena.alloc(size + n)
	if db.arena.bytes > held {
		db.ks.owed += owedShare * pageBytes
	}
	b := block(fresh)
	b.begin(kind, deadline)
	db.fillKey(b, key)
	b.setAccess(db.ks.fresh())
	return r, b
}

func (db *DB) fillKey(b block, key []byte) {
	if len(key) <= maxInlineKey {
		b.setKeyLen(len(key))
		copy(b[b.keyAt():], key)
		return
	}
	b.set(flagLongKey)
	b.setKeyLen(numberBytes)
	n, own := db.addString(len(key))
	copy(own, key)
	b.setKeyNumber(n)
}

// place puts a finished block into the table. Where the key was found already, at p, it takes the place of the
// block there, which is freed only now: key and value of the new one may have been the old one's.
func (db *DB) place(p position, found bool, r ref) {
	b := block(db.arena.at(r))
	if !found {
		db.table.insert(p.hash, db.ks.epoch, r)
		db.live++
		db.reschedule(p.hash, expiry.None, db.due(b))
		db.tellAdded(b)
		return
	}
	if p.b.kind() == none {
		db.live++
		defer db.tellAdded(b)
	}
	b[offFlags] |= p.b[offFlags] & flagStored
	db.reschedule(p.hash, db.due(p.b), db.due(b))
	db.free(p)
	p.seg.setRef(p.i, r)
}

// free gives back what the entry at p holds, its block included. The slot is the caller's to mend.
func (db *DB) free(p position) {
	if p.b.has(flagLongKey) {
		db.removeString(p.b.keyNumber())
	}
	switch {
	case !p.b.pools():
	case p.b.kind() == String:
		db.removeString(p.b.number())
	default:
		db.removeValue(p.b.number())
	}
	db.arena.release(p.seg.slots[p.i].ref())
}

// addValue takes a collection into the pool.
func (db *DB) addValue(v Value) (number uint32) {
	h := held{Value: v, bytes: v.Bytes()}
	db.valued += h.bytes
	number = db.values.add(h)
	if at := lapseOf(v); at != expiry.None {
		db.lapses[number] = at
	}
	return number
}

func (db *DB) removeValue(number uint32) {
	db.valued -= db.values.at(number).bytes
	db.values.remove(number)
	delete(db.lapses, number)
	if len(db.ks.edited) > 0 { // the number may soon be another's
		db.ks.edited = slices.DeleteFunc(db.ks.edited, func(e edit) bool { return e.db == db && e.number == number })
	}
}

// SetValue makes the key hold the collection, whatever it held. The collection is the keyspace's from then on: a small
// one is kept as bytes, and to change it there is Edit.
func (db *DB) SetValue(key []byte, kind Kind, v Value, deadline int64) {
	p, found := db.lookup(key)
	if found {
		db.beforeChange(p)
	}
	r, _ := db.newValue(key, kind, v, deadline)
	db.place(p, found, r)
}

// Edit returns the collection under the key for a change. The keyspace counts its bytes anew at Settle; one that the
// change leaves empty is the caller's to delete.
func (db *DB) Edit(key []byte) (Value, bool) {
	p, ok := db.present(key)
	if !ok || p.b.kind() == String {
		return nil, false
	}
	db.beforeChange(p)
	db.ks.notice(p.b)
	packed := !p.b.pools()
	n := db.open(p.b)
	db.ks.edited = append(db.ks.edited, edit{db, p.hash, n, packed, p.b.has(flagParted)})
	return db.values.at(n).Value, true
}

// Delete removes the key, and reports whether it was there.
func (db *DB) Delete(key []byte) bool {
	p, ok := db.present(key)
	if !ok {
		return false
	}
	db.beforeChange(p)
	db.live--
	if p.b.has(flagStored) {
		db.bury(p)
		return true
	}
	db.reschedule(p.hash, db.due(p.b), expiry.None)
	db.free(p)
	db.table.remove(p.seg, p.i, p.hash)
	return true
}

// bury leaves a tomb: the base still has the key, and must learn at the next checkpoint that it is gone.
func (db *DB) bury(p position) {
	r, b := db.newBlock(db.key(p.b), none, expiry.None, 0)
	b.set(flagStored)
	db.place(p, true, r)
}

// Rename moves what from holds to to, deadline included, replacing what to holds. The caller knows that from
// is there and that the two differ.
func (db *DB) Rename(from, to []byte) {
	db.Move(from, db, to)
}

// Move moves what the key holds to another database, or another name.
func (db *DB) Move(key []byte, into *DB, as []byte) {
	e, _ := db.Peek(key)
	if e.Kind() == String {
		into.SetString(as, e.Text(), e.Deadline())
		if moved, _ := into.Peek(as); e.Raw() {
			moved.b.set(flagRaw)
		}
	} else {
		into.SetValue(as, e.Kind(), db.values.at(db.open(e.b)).Value, e.Deadline())
	}
	db.Delete(key)
}

// IndexBytes is the part of Bytes that the table takes, and the index of deadlines.
func (db *DB) IndexBytes() (table, deadlines int64) { return db.table.bytes(), db.dueBytes() }

// Bytes is the memory that the database holds.
func (db *DB) Bytes() int64 {
	return db.arena.bytes + db.table.bytes() + db.dueBytes() +
		db.strings.bytes() + db.pooled + db.values.bytes() + db.valued
}
