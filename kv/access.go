package kv

import (
	"math/rand/v2"

	"holdfast/expiry"
)

// Each entry bears a word that says how it was used: the unix second of the last access, or, while an LFU policy is
// on, the minute of the last access and a counter that grows with the logarithm of the accesses and decays with time. The
// two are told apart by the policy alone, so after a change of policy it takes a while until they mean something, as in
// Redis.

// Frequency says how the LFU counter behaves; nil while no LFU policy is on.
type Frequency struct {
	LogFactor    int64 // how slowly it grows
	DecayMinutes int64 // after which it falls by one; 0: it never does
	Rand         *rand.Rand
}

// frequencyAtFirst is the counter of a new key, so that it is not the first to go.
const frequencyAtFirst = 5

// SetFrequency turns LFU counting on, or off with nil.
func (ks *Keyspace) SetFrequency(f *Frequency) { ks.frequency = f }

// SetUnnoticed makes accesses from now on leave keys as old, or as rarely used, as they are; or ends that. What is
// written anew is new all the same. It returns what was the case.
func (ks *Keyspace) SetUnnoticed(on bool) (was bool) {
	was, ks.unnoticed = ks.unnoticed, on
	return was
}

// notice notes an access to a key that stays as it is, unless nobody is to know.
func (ks *Keyspace) notice(b block) {
	if !ks.unnoticed {
		ks.touch(b)
	}
}

// Notice notes the access of a lookup that is none for reading: it is no hit, as one by Get is.
func (e Entry) Notice() { e.db.ks.notice(e.b) }

// touch notes an access.
func (ks *Keyspace) touch(b block) {
	if f := ks.frequency; f != nil {
		b.setAccess(ks.minute()<<8 | f.grow(ks.counter(b.access())))
		return
	}
	b.setAccess(ks.clock)
}

// fresh is the word of an entry that is new.
func (ks *Keyspace) fresh() uint32 {
	if ks.frequency != nil {
		return ks.minute()<<8 | frequencyAtFirst
	}
	return ks.clock
}

func (ks *Keyspace) minute() uint32 { return ks.clock / 60 & 0xffff }

// counter is a word's LFU counter as it stands now, decayed since the last access.
func (ks *Keyspace) counter(word uint32) uint32 {
	counter := word & 0xff
	if ks.frequency.DecayMinutes == 0 {
		return counter
	}
	passed := (ks.clock/60 - word>>8) & 0xffff
	return counter - min(counter, passed/uint32(ks.frequency.DecayMinutes))
}

// grow adds one with a probability that falls as the counter rises.
func (f *Frequency) grow(counter uint32) uint32 {
	if counter == 255 {
		return counter
	}
	above := max(0, float64(counter)-frequencyAtFirst)
	if f.Rand.Float64() < 1/(above*float64(f.LogFactor)+1) {
		counter++
	}
	return counter
}

// Idle is how many seconds ago the key was last used.
func (e Entry) Idle() int64 {
	if e.cold != nil {
		return 0
	}
	return max(0, int64(e.db.ks.clock)-int64(e.b.access()))
}

// Frequency is the key's LFU counter, 0 to 255; 0 while no LFU policy is on.
func (e Entry) Frequency() int64 {
	if e.cold != nil || e.db.ks.frequency == nil {
		return 0
	}
	return int64(e.db.ks.counter(e.b.access()))
}

// SetUse makes a key that is there look as if it was last used so many seconds ago or, while an LFU policy is on, as if its
// counter stood at frequency, 0 to 255. What is below 0 is left as it is.
func (db *DB) SetUse(key []byte, idle, frequency int64) {
	p, ok := db.present(key)
	switch {
	case !ok:
	case db.ks.frequency != nil && frequency >= 0:
		p.b.setAccess(db.ks.minute()<<8 | uint32(frequency))
	case db.ks.frequency == nil && idle >= 0:
		p.b.setAccess(db.ks.clock - uint32(min(idle, int64(db.ks.clock))))
	}
}

// Sample calls fn for up to n hot keys, some consecutive ones at a random place of the table.
func (db *DB) Sample(rnd *rand.Rand, n int, fn func(Entry)) {
	for tries := 0; n > 0 && db.live > 0 && tries < 8; tries++ {
		seg := db.table.segment(rnd.Uint64())
		start := rnd.IntN(segmentSlots)
		for i := 0; i < segmentSlots && n > 0; i++ {
			s := seg.slots[(start+i)%segmentSlots]
			if s == 0 {
				continue
			}
			if b := block(db.arena.at(s.ref())); b.kind() != none {
				fn(Entry{db: db, b: b})
				n--
			}
		}
	}
}

// SampleVolatile calls fn for up to n hot keys that have a deadline, at random, perhaps twice for the same. Those of which
// only something in the value has one do not count.
func (db *DB) SampleVolatile(rnd *rand.Rand, n int, fn func(Entry)) {
	for range min(n, db.ttl.Len()) {
		if e := db.dueAt(db.ttl.At(rnd.IntN(db.ttl.Len()))); e.Deadline() != expiry.None {
			fn(e)
		}
	}
}

// Soonest is the hot key that is due first; false where none has a deadline.
func (db *DB) Soonest() (found Entry, ok bool) {
	db.ttl.Each(func(at int64, hash uint64) bool {
		found = db.dueAt(at, hash)
		ok = found.Deadline() != expiry.None
		return !ok
	})
	return found, ok
}
