package kv

import "math/rand/v2"

// cursorShift leaves a cursor 48 bits, so that clients whose numbers are doubles can carry it.
const cursorShift = 16

// Scan calls fn for the keys at the next step of the order that SCAN follows, a key or two as a rule, and returns the
// cursor of the step after it, 0 at the end. Every key that is there from the first call to the last is seen, and only
// once unless the table shrinks meanwhile. Any number will do as a cursor. fn must not change the database.
func (db *DB) Scan(cursor uint64, fn func(Entry)) uint64 {
	var few [16]ref
	refs, next := db.table.walk(cursor<<cursorShift, few[:0])
	for _, r := range refs {
		if b := block(db.arena.at(r)); b.kind() != none {
			fn(Entry{db, b})
		}
	}
	return next >> cursorShift
}

// Each calls fn for every key until it returns false. fn must not change the database.
func (db *DB) Each(fn func(Entry) bool) { db.eachFrom(0, fn) }

func (db *DB) eachFrom(cursor uint64, fn func(Entry) bool) {
	for going := true; going; going = going && cursor != 0 {
		cursor = db.table.walkSegment(cursor, func(seg *segment, i int) {
			if b := block(db.arena.at(seg.slots[i].ref())); going && b.kind() != none {
				going = fn(Entry{db, b})
			}
		})
	}
}

// randomTries is how often Random guesses: enough to find one key in a segment.
const randomTries = 16 * segmentSlots

// Random returns some key, all equally likely; false when there is none. (Among almost nothing but tombs the key
// after a longer run of them is likelier.)
func (db *DB) Random(rnd *rand.Rand) (found Entry, ok bool) {
	if db.live == 0 {
		return Entry{}, false
	}
	for range randomTries {
		i := rnd.IntN(len(db.table.dir))
		seg := db.table.dir[i]
		s := seg.slots[rnd.IntN(segmentSlots)]
		if s == 0 || i > 0 && db.table.dir[i-1] == seg { // a segment counts once, however much of the directory it has
			continue
		}
		if b := block(db.arena.at(s.ref())); b.kind() != none {
			return Entry{db, b}, true
		}
	}
	take := func(e Entry) bool {
		found, ok = e, true
		return false
	}
	if db.eachFrom(rnd.Uint64(), take); !ok {
		db.eachFrom(0, take)
	}
	return found, ok
}
