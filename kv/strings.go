package kv

import "holdfast/expiry"

// Strings lie in their key's block as long as both fit there, in DB.strings beyond that.

// SetString makes the key hold the string, whatever it held, with the deadline (expiry.None for none). The
// value may be a string of this keyspace, even the key's own.
func (db *DB) SetString(key, value []byte, deadline int64) {
	if db.ks.foretold != FoundOther && db.setForetold(key, value, deadline) {
		return
	}
	p, found := db.lookup(key)
	db.note(p, found)
	if found {
		db.beforeChange(p)
		if db.overwrite(p, value, deadline) {
			return
		}
	}
	r, _ := db.newStringBlock(key, value, deadline)
	db.place(p, found, r)
}

func (db *DB) newStringBlock(key, value []byte, deadline int64) (ref, block) {
	r, b := db.newBlock(key, String, deadline, len(value))
	copy(db.newString(b, len(value)), value)
	return r, b
}

// overwrite replaces the value where it lies if the new one fits and wastes little: in its block, whose size class
// stays right, or in a pooled string's memory, of which it fills at least half.
func (db *DB) overwrite(p position, value []byte, deadline int64) bool {
	b := p.b
	if b.kind() != String || b.has(flagDeadline) != (deadline != expiry.None) {
		return false
	}
	need := b.valueAt() + len(value)
	if b.has(flagPooled) {
		s := db.strings.at(b.number())
		if need <= maxBlock || len(value) > cap(*s) || len(value) < cap(*s)/2 {
			return false
		}
		*s = append((*s)[:0], value...)
	} else {
		if need > len(b) || blockSize(need) != len(b) {
			return false
		}
		copy(b[b.valueAt():], value)
		b.setValLen(len(value))
	}
	if deadline != expiry.None {
		db.reschedule(p.hash, b.deadline(), deadline)
		b.setDeadline(deadline)
	}
	b.clear(flagRaw)
	db.ks.touch(b)
	return true
}

// newString makes a string of n bytes, whose contents are undefined, the value of a new block.
func (db *DB) newString(b block, n int) []byte {
	if b.valueAt()+n <= len(b) {
		return b.fill(n)
	}
	number, own := db.addString(n)
	b.pool(number)
	return own
}

// addString makes a string of n bytes in the pool.
func (db *DB) addString(n int) (uint32, []byte) {
	own := make([]byte, n)
	db.pooled += int64(cap(own))
	return db.strings.add(own), own
}

func (db *DB) removeString(n uint32) {
	db.pooled -= int64(cap(*db.strings.at(n)))
	db.strings.remove(n)
}

// EditString returns the string under the key, writable up to the length it has, and marks it as raw where asked.
// For a longer one see GrowString.
func (db *DB) EditString(key []byte, raw bool) ([]byte, bool) {
	p, ok := db.present(key)
	if !ok || p.b.kind() != String {
		return nil, false
	}
	db.beforeChange(p)
	db.ks.notice(p.b)
	p.b.clear(flagRaw)
	if raw {
		p.b.set(flagRaw)
	}
	return Entry{db: db, b: p.b}.Text(), true
}

// GrowString lengthens the string under the key to n bytes, at least what it has, the new ones zero, keeping its
// deadline, and returns it writable. A missing key begins empty. Long strings get room to grow on.
func (db *DB) GrowString(key []byte, n int) []byte {
	p, found := db.lookup(key)
	var old []byte
	var deadline int64
	if found {
		db.beforeChange(p)
		if p.b.kind() == String {
			old, deadline = Entry{db: db, b: p.b}.Text(), p.b.deadline()
			n = max(n, len(old))
			if grown, ok := db.growInPlace(p.b, n); ok {
				return grown
			}
		}
	}
	r, b := db.newBlock(key, String, deadline, n)
	b.set(flagRaw)
	grown := db.newString(b, n)
	clear(grown[copy(grown, old):])
	db.place(p, found, r)
	return grown
}

func (db *DB) growInPlace(b block, n int) ([]byte, bool) {
	if b.has(flagPooled) {
		s := db.strings.at(b.number())
		db.pooled -= int64(cap(*s))
		*s = append(*s, make([]byte, n-len(*s))...)
		db.pooled += int64(cap(*s))
		b.set(flagRaw)
		return *s, true
	}
	at := b.valueAt()
	if at+n > len(b) {
		return nil, false
	}
	clear(b[at+b.valLen() : at+n])
	b.setValLen(n)
	b.set(flagRaw)
	return b[at : at+n], true
}
