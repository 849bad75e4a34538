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
	before := db.due(p.b)
	p.b.setDeadline(deadline)
	db.reschedule(p.hash, before, db.due(p.b))
	return true
}

// due is when somebody has to look after a key: at its deadline, or when something in its value lapses, whichever comes
// first. That is what the index has; expiry.None for nothing. One index for both makes them come in order.
func (db *DB) due(b block) int64 {
	if len(db.lapses) == 0 || !b.collects() {
		return b.deadline()
	}
	return earlier(b.deadline(), db.lapses[b.number()])
}

// earlier is the earlier of two times that may be expiry.None.
func earlier(a, b int64) int64 {
	if a == expiry.None || b != expiry.None && b < a {
		return b
	}
	return a
}

// lapseOf is what lapses first in a value, or expiry.None.
func lapseOf(v Value) int64 {
	if l, ok := v.(Lapser); ok {
		if at := l.Lapses(); at != expiry.Never {
			return at
		}
	}
	return expiry.None
}

// lapseAgain asks a value that may have changed what lapses first, and tells the index.
func (db *DB) lapseAgain(hash uint64, number uint32) {
	now := lapseOf(db.values.at(number).Value)
	if len(db.lapses) == 0 && now == expiry.None || db.lapses[number] == now {
		return
	}
	b := db.collecting(hash, number).b
	before := db.due(b)
	if now == expiry.None {
		delete(db.lapses, number)
	} else {
		db.lapses[number] = now
	}
	db.reschedule(hash, before, db.due(b))
}

// dueBytes is the memory that it takes to know what is due when.
func (db *DB) dueBytes() int64 {
	const mapped = 24 // bytes of an entry in a map, with its share of free room
	return db.ttl.Bytes() + int64(len(db.lapses))*mapped
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
	key := db.key(old)
	if old.kind() != String && !old.pools() && room(key, deadline)+old.valLen() > maxBlock {
		db.open(old)
	}
	n := 0
	if !old.pools() {
		n = old.valLen()
	}
	r, b := db.newBlock(key, old.kind(), deadline, n)
	b[offFlags] |= old[offFlags] & (flagRaw | flagParted)
	b.setAccess(old.access())
	if old.pools() {
		b.pool(old.number())
		before := db.due(old)
		old.disown()
		db.reschedule(p.hash, before, old.deadline()) // as place will find it
	} else {
		copy(db.newString(b, n), old.inside())
	}
	db.place(p, true, r)
}

// NextDeadline is a time before which no key of the database is due, nor anything in one: the earliest, where no key is cold.
// expiry.Never: nothing is ever due.
func (db *DB) NextDeadline() int64 { return min(db.ttl.Next(), db.coldNext) }

// Due returns a hot key that is due at now, or has something in it that is; false when there is none. For the others see
// DueCold.
func (db *DB) Due(now int64) (Entry, bool) {
	at, hash, ok := db.ttl.Due(now)
	if !ok {
		return Entry{}, false
	}
	return db.dueAt(at, hash), true
}

// dueAt is the hot key that the index knows by the time and its hash.
func (db *DB) dueAt(at int64, hash uint64) Entry {
	return Entry{db: db, b: db.holding(hash, func(b block) bool { return db.due(b) == at }).b}
}

// collecting is where the hot key of a hash is whose value is the pooled collection of that number.
func (db *DB) collecting(hash uint64, number uint32) position {
	return db.holding(hash, func(b block) bool { return b.collects() && b.number() == number })
}

// holding is where the hot key of a hash is, of which there is one that answers a description.
func (db *DB) holding(hash uint64, is func(block) bool) position {
	seg := db.table.segment(hash)
	tag := seg.tag(hash)
	for i := int(tag >> 8); seg.slots[i] != 0; i = (i + 1) % segmentSlots {
		if s := seg.slots[i]; s.tag() == tag {
			if b := block(db.arena.at(s.ref())); is(b) && db.table.hash(db.key(b)) == hash {
				return position{hash: hash, seg: seg, i: i, b: b}
			}
		}
	}
	panic("BUG: a deadline, or a collection, without its key")
}
