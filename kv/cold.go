package kv

import (
	"math"

	"holdfast/expiry"
)

// A database may have keys that only the base holds: after a start, until they have been asked for or hydrated, and
// under a memory limit with the policy `spill`. They are cold. The hot layer knows how many there are, and nothing else
// of them; who asks for a key that is not in the table makes it hot.
//
// The table is the authority over the base. A key that is in the table, be it as a tomb, is not cold, whatever the base
// has under its name; the base's record counts only where the table has nothing.

// Cold is the base, as of the last checkpoint. What it cannot read it deals with itself: its methods do not fail.
type Cold interface {
	// Get returns what is stored under a key.
	Get(store uint32, key []byte) (Stored, bool)
	// Each calls fn for the keys behind `after` (nil: from the first) in the base's order, until fn returns false.
	// What fn gets is good only during the call.
	Each(store uint32, after []byte, fn func(key []byte, s Stored) bool)
	// Deadlines calls fn for the deadlines behind (at, after), of each key its own or what lapses first in its value,
	// whichever is earlier: the earliest first and those of one moment in the base's order, until fn returns false. With after nil it begins with the first of that moment.
	Deadlines(store uint32, at int64, after []byte, fn func(at int64, key []byte) bool)
	// Sample returns a key by a random descent: pick(n) chooses one of n ways. False when there is none.
	Sample(store uint32, pick func(n int) int) ([]byte, bool)
}

// Stored is a record of the base.
type Stored struct {
	Kind     Kind
	Deadline int64
	Lapse    int64        // of what is in the value the earliest; expiry.None without one
	Text     []byte       // of a string
	Load     func() Value // of another kind
	Parted   bool         // it lies in parts: see Freeze
}

// coldKey is an Entry that is not in the table.
type coldKey struct {
	key []byte
	Stored
}

// SetCold gives the keyspace its base, before the first Restore or Spill.
func (ks *Keyspace) SetCold(c Cold) { ks.cold = c }

// Restore says that the base keeps a database under a store number, with so many keys, of which so many are in its index
// of deadlines.
// All of them are cold then.
func (ks *Keyspace) Restore(i int, store uint32, keys, deadlines int) *DB {
	ks.stores = max(ks.stores, store)
	for j, other := range ks.dbs {
		if other.store == store && j != i {
			ks.Flush(j) // an empty one that has the number by chance, as after a Swap: two must never share one
		}
	}
	db := newDB(ks, store)
	db.coldKeys, db.coldTTLs = keys, deadlines
	db.coldNext = expiry.Never
	if deadlines > 0 {
		db.coldNext = math.MinInt64 // to be looked up when somebody asks
	}
	ks.dbs[i] = db
	return db
}

// ColdKeys is how many keys only the base holds.
func (ks *Keyspace) ColdKeys() (n int) {
	for _, db := range ks.dbs {
		n += db.coldKeys
	}
	return n
}

// ColdKeys is how many keys only the base holds.
func (db *DB) ColdKeys() int { return db.coldKeys }

// ColdDeadlines is how many of them have deadlines, of their own or within them.
func (db *DB) ColdDeadlines() int { return db.coldTTLs }

// fetch makes a cold key hot.
func (db *DB) fetch(p position, key []byte) (position, bool) {
	if db.coldKeys == 0 {
		return p, false
	}
	s, ok := db.ks.cold.Get(db.store, key)
	if !ok {
		return p, false
	}
	return db.admit(p.hash, key, s), true
}

// admit puts a record of the base into the table, where its key is not. It is no change.
func (db *DB) admit(hash uint64, key []byte, s Stored) position {
	var r ref
	var b block
	if s.Kind == String {
		r, b = db.newBlock(key, String, s.Deadline, len(s.Text))
		copy(db.newString(b, len(s.Text)), s.Text)
	} else {
		r, b = db.newValue(key, s.Kind, s.Load(), s.Deadline)
	}
	b.set(flagStored)
	if s.Parted {
		b.set(flagParted)
	}
	p := position{hash: hash, b: b}
	p.seg, p.i = db.table.insert(hash, clean, r)
	db.live++
	db.reschedule(hash, expiry.None, db.due(b))
	db.coldKeys--
	if earlier(s.Deadline, s.Lapse) != expiry.None {
		db.coldTTLs--
	}
	return p
}

// Spillable reports whether Spill would make the entry cold: the base has it as it stands.
func (db *DB) Spillable(e Entry) bool {
	if e.cold != nil {
		return false
	}
	key := e.Key()
	seg, i := db.table.find(db.table.hash(key), key)
	return i >= 0 && db.spillable(seg.slots[i], e.b)
}

// spillable wants the key as the base has it, and not with a deadline that DueCold has passed: it would never be found to
// be due.
func (db *DB) spillable(s slot, b block) bool {
	at := db.due(b)
	return s.mark() == clean && b.has(flagStored) && b.kind() != none && (at == expiry.None || at > db.coldAt)
}

// Spill makes a key cold if the base has it as it stands, and reports whether it did.
func (db *DB) Spill(key []byte) bool {
	hash := db.table.hash(key)
	seg, i := db.table.find(hash, key)
	if i < 0 {
		return false
	}
	p := position{hash: hash, seg: seg, i: i, b: db.arena.at(seg.slots[i].ref())}
	if !db.spillable(seg.slots[i], p.b) {
		return false
	}
	db.coldKeys++
	if at := db.due(p.b); at != expiry.None {
		db.coldTTLs++
		db.coldNext = min(db.coldNext, at)
		db.reschedule(hash, at, expiry.None)
	}
	db.live--
	db.free(p)
	db.table.remove(seg, i, hash)
	return true
}

// hot reports whether the table has the key, be it as a tomb.
func (db *DB) hot(key []byte) (b block, ok bool) {
	seg, i := db.table.find(db.table.hash(key), key)
	if i < 0 {
		return nil, false
	}
	return db.arena.at(seg.slots[i].ref()), true
}

// eachCold calls fn for every cold key until it returns false.
func (db *DB) eachCold(fn func(Entry) bool) {
	if db.coldKeys == 0 {
		return
	}
	db.ks.cold.Each(db.store, nil, func(key []byte, s Stored) bool {
		if _, ok := db.hot(key); ok {
			return true
		}
		return fn(Entry{db: db, cold: &coldKey{key, s}})
	})
}

// Lapsed counts the keys that are due at now, or have something in them that is, up to a limit.
func (db *DB) Lapsed(now int64, limit int) (n int) {
	db.ttl.Each(func(at int64, _ uint64) bool {
		if at <= now {
			n++
		}
		return at <= now && n < limit
	})
	if db.coldTTLs == 0 || n >= limit {
		return n
	}
	db.ks.cold.Deadlines(db.store, math.MinInt64, nil, func(at int64, key []byte) bool {
		if _, ok := db.hot(key); !ok && at <= now {
			n++
		}
		return at <= now && n < limit
	})
	return n
}

// dueAtOnce bounds what one DueCold looks at.
const dueAtOnce = 1024

// DueCold returns up to most cold keys that are due at now, or have something in them that is; none does not mean that there
// are no more, as long as NextDeadline is not after now. Each is returned once: the caller deletes it, or makes it hot.
func (db *DB) DueCold(now int64, most int) (keys [][]byte) {
	if db.coldNext > now {
		return nil
	}
	if db.coldTTLs == 0 {
		db.coldNext = expiry.Never // what the base has left are deadlines of hot keys
		return nil
	}
	seen, next := 0, expiry.Never
	db.ks.cold.Deadlines(db.store, db.coldAt, db.coldAfter, func(at int64, key []byte) bool {
		if at > now || seen == dueAtOnce || len(keys) == most {
			next = at
			return false
		}
		seen++
		db.coldAt, db.coldAfter = at, append([]byte{}, key...) // not into the old one, which Deadlines may look at
		if _, ok := db.hot(key); !ok {
			keys = append(keys, append([]byte(nil), key...))
		}
		return true
	})
	db.coldNext = next
	return keys
}
