package kv

import "math/rand/v2"

// SCAN goes through the table in hash order. Where there are cold keys it then goes through the base in the base's
// order, and leaves out of the first part what is in the base as it stands, since it would come twice. A key that is
// there all the while is seen: when the first part passes its hash, it is in the base, where it stays and the second
// part sees it, hot or cold; or it is in the table and has changed, and the first part sees it. A changed key that the
// base has an older record of is seen twice, which SCAN may do.

const (
	// cursorShift leaves the cursor of the first part 48 bits, and all of it less than the 53 that a double carries.
	cursorShift = 16
	cursorBits  = 48

	cursorCold = 1 << cursorBits       // the scan has met with cold keys
	cursorBase = 1 << (cursorBits + 1) // the second part; the lower bits number a place that was remembered
)

// Scan calls fn for the keys at the next step of the order that SCAN follows, a few as a rule, and returns the
// cursor of the step after it, 0 at the end. Every key that is there from the first call to the last is seen, and only
// once unless meanwhile the table shrinks, a checkpoint ends, or keys go cold. Any number will do as a cursor. fn must not
// change the database, nor look a key up, which may make it hot; the names of the keys it gets are good until the next
// change, Compact or Repay.
func (db *DB) Scan(cursor uint64, fn func(Entry)) uint64 {
	if cursor&cursorBase != 0 {
		return db.scanBase(cursor, fn)
	}
	cold := cursor & cursorCold
	if db.coldKeys > 0 {
		cold = cursorCold // to the end, though no key may be cold by then: one that is now was not seen
	}
	var few [16]slot
	found, next := db.table.walk(cursor<<cursorShift, few[:0])
	for _, s := range found {
		b := block(db.arena.at(s.ref()))
		if b.kind() != none && (cold == 0 || s.mark() != clean) {
			fn(Entry{db: db, b: b})
		}
	}
	switch next >>= cursorShift; {
	case next != 0:
		return next | cold
	case cold != 0:
		return db.ks.places.remember(place{}, db.store, nil)
	}
	return 0
}

// scanStep is how many keys of the base one step sees.
const scanStep = 16

func (db *DB) scanBase(cursor uint64, fn func(Entry)) uint64 {
	if db.ks.cold == nil {
		return 0 // no cursor of ours
	}
	from, known := db.ks.places.recall(cursor)
	if known && from.store != db.store {
		return 0 // the database has been flushed since
	}
	seen, next, after := 0, uint64(0), from.after
	db.ks.cold.Each(db.store, from.after, func(key []byte, s Stored) bool {
		if seen == scanStep {
			next = db.ks.places.remember(from, db.store, after)
			return false
		}
		seen++
		after = append([]byte{}, key...)
		if b, hot := db.hot(key); !hot {
			fn(Entry{db: db, cold: &coldKey{after, s}})
		} else if b.kind() != none {
			fn(Entry{db: db, b: b})
		}
		return true
	})
	return next
}

// places remembers where scans of the base are. A key does not fit into a cursor, so the cursor numbers it. A scan has two
// places, where it is and where it was, so that a client may ask again for what got lost; when it moves on it gives up the
// older one. There is room for many scans at a time, however far they go; one whose place has been forgotten goes through
// the base again from the start.
type places struct {
	last uint64  // the number given out last: how many there were, and in its lower bits the slot
	hand uint64  // where to look for a slot to take
	ring []place // made when the first is to be remembered
}

const placeBits = 12

type place struct {
	number uint64
	before uint64 // the number of the place where the scan was before
	store  uint32
	after  []byte
}

// slotOf is where in the ring a place lies.
func slotOf(number uint64) uint64 { return number % (1 << placeBits) }

// remember returns a cursor that leads to a place. It is that of a scan which moves on from another, or, with the zero
// place, comes to the base.
func (p *places) remember(from place, store uint32, after []byte) (cursor uint64) {
	if p.ring == nil {
		p.ring = make([]place, 1<<placeBits)
	}
	slot := slotOf(from.before)
	if from.before == 0 || p.ring[slot].number != from.before {
		slot = p.oldest()
	}
	p.last = (p.last>>placeBits+1)<<placeBits&(cursorBase-1) | slot
	p.ring[slot] = place{number: p.last, before: from.number, store: store, after: after}
	return cursorBase | p.last
}

// oldest returns a slot to take: of some in turn, the one that was not used for longest, so that a scan which goes on keeps
// its place whatever others come and go.
func (p *places) oldest() uint64 {
	p.hand++
	slot := slotOf(p.hand)
	for i := range uint64(8) {
		if other := slotOf(p.hand + i); p.ring[other].number < p.ring[slot].number {
			slot = other
		}
	}
	return slot
}

// recall returns the place, and whether it is known; else the start.
func (p *places) recall(cursor uint64) (at place, known bool) {
	number := cursor &^ cursorBase
	if p.ring == nil || number == 0 || p.ring[slotOf(number)].number != number {
		return place{}, false
	}
	return p.ring[slotOf(number)], true
}

// Each calls fn for every key until it returns false. fn must not change the database, nor look a key up; what it gets is
// good only during the call.
func (db *DB) Each(fn func(Entry) bool) {
	going := true
	db.eachFrom(0, func(e Entry) bool {
		going = fn(e)
		return going
	})
	if going {
		db.eachCold(fn)
	}
}

func (db *DB) eachFrom(cursor uint64, fn func(Entry) bool) {
	for going := true; going; going = going && cursor != 0 {
		cursor = db.table.walkSegment(cursor, func(seg *segment, i int) {
			if b := block(db.arena.at(seg.slots[i].ref())); going && b.kind() != none {
				going = fn(Entry{db: db, b: b})
			}
		})
	}
}

// randomTries is how often Random guesses: enough to find one key in a segment.
const randomTries = 16 * segmentSlots

// Random returns some key, all equally likely, cold ones roughly; false when there is none. (Among almost nothing but
// tombs the key after a longer run of them is likelier.)
func (db *DB) Random(rnd *rand.Rand) (found Entry, ok bool) {
	if db.coldKeys > 0 && rnd.IntN(db.live+db.coldKeys) >= db.live {
		if e, ok := db.randomCold(rnd); ok {
			return e, true
		}
	}
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
			return Entry{db: db, b: b}, true
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

// randomCold draws from the base until it meets a key that is there, hot or cold; at last it takes any.
func (db *DB) randomCold(rnd *rand.Rand) (Entry, bool) {
	for range 64 {
		key, ok := db.ks.cold.Sample(db.store, rnd.IntN)
		if !ok {
			break
		}
		if e, ok := db.Peek(key); ok {
			return e, true
		}
	}
	var key []byte
	db.eachCold(func(e Entry) bool {
		key = append(key, e.Key()...)
		return false
	})
	return db.Peek(key)
}
