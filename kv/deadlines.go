package kv

import "holdfast/expiry"

// SetDeadline gives the key a deadline, or takes it away (expiry.None). It reports whether the key is there.
func (db *DB) SetDeadline(key []byte, deadline int64) bool {
	p, ok := db.present(key)
	if !ok {
		return false
	}
	old := p.b.deadline()
	if old == deadline {
		return true
	}
	db.beforeChange(p)
	if old == expiry.None || deadline == expiry.None {
		db.resize(p, deadline)
		return true
	}
	db.reschedule(p.hash, old, deadline)
	p.b.setDeadline(deadline)
	return true
}

// reschedule tells the index of a key's new deadline.
func (db *DB) reschedule(hash uint64, old, deadline int64) {
	if old == deadline {
		return
	}
	if old != expiry.None {
		db.ttl.Remove(old, hash)
	}
	if deadline != expiry.None {
		db.ttl.Add(deadline, hash)
	}
}

// resize moves an entry to a block with, or without, a place for a deadline.
func (db *DB) resize(p position, deadline int64) {
	old := p.b
	n := old.valLen()
	if old.pools() {
		n = numberBytes
	}
	r, b := db.newBlock(db.key(old), old.kind(), deadline, n)
	b[offFlags] |= old[offFlags] & (flagPooled | flagRaw | flagParted)
	b.setAccess(old.access())
	if old.pools() {
		b.setNumber(old.number())
		old.disown()
	} else {
		copy(db.newString(b, n), Entry{db: db, b: old}.Text())
	}
	db.place(p, true, r)
}

// NextDeadline is the earliest deadline in the database, or expiry.Never.
func (db *DB) NextDeadline() int64 { return min(db.ttl.Next(), db.coldNext) }

// Due returns a hot key whose deadline is at or before now; false when there is none. For the others see DueCold.
func (db *DB) Due(now int64) (Entry, bool) {
	at, hash, ok := db.ttl.Due(now)
	if !ok {
		return Entry{}, false
	}
	return db.dueAt(at, hash), true
}

// dueAt is the hot key that the index knows by its deadline and its hash.
func (db *DB) dueAt(at int64, hash uint64) Entry {
	seg := db.table.segment(hash)
	tag := seg.tag(hash)
	for i := int(tag >> 8); seg.slots[i] != 0; i = (i + 1) % segmentSlots {
		if s := seg.slots[i]; s.tag() == tag {
			b := block(db.arena.at(s.ref()))
			if b.deadline() == at && db.table.hash(db.key(b)) == hash {
				return Entry{db: db, b: b}
			}
		}
	}
	panic("BUG: a deadline without its key")
}
