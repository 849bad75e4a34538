package kv

import (
	"bytes"
	"hash/maphash"

	"holdfast/expiry"
)

// A Batch is records of the base on their way into the table. Whatever can be done for them without the engine's lock is
// done while it is filled: hashing, and laying out their blocks in pages, of which the arena takes over the full ones as they
// are. What is left for the lock is a slot in the table for each key.
//
// It is filled by one goroutine, and then handed to Hydrate step by step, until that says that there is no more.
type Batch struct {
	seed   maphash.Seed
	access uint32 // what the entries bear as their last access
	arena  arena
	laid   []laid
	space  []laid // laid with what has left it
	others []other

	moved   bool     // the arena has taken over the full pages
	numbers []uint32 // by page: its number in the arena that took it over; 0: it was not full
}

// laid is a record whose block lies in an arena: the batch's, or, where blocks are moved (compact.go), the database's own.
type laid struct {
	hash     uint64
	at       ref
	deadline bool // it has one; of a batch's
}

// other is a record that takes more than a block.
type other struct {
	key []byte
	Stored
}

// Begin makes b an empty batch for this keyspace.
func (ks *Keyspace) Begin(b *Batch) {
	*b = Batch{seed: ks.seed, access: ks.fresh(), space: b.space[:0]}
	b.laid = b.space
}

// Add adds a record. The key and the text are copied.
func (b *Batch) Add(key []byte, s Stored) {
	size := room(key, s.Deadline)
	if s.Kind != String || len(key) > maxInlineKey || size+len(s.Text) > maxBlock {
		s.Text = bytes.Clone(s.Text)
		b.others = append(b.others, other{bytes.Clone(key), s})
		return
	}
	r, mem := b.arena.alloc(size + len(s.Text))
	e := block(mem)
	e.begin(String, s.Deadline)
	e.set(flagStored)
	e.setAccess(b.access)
	e.setKeyLen(len(key))
	e.setValLen(len(s.Text))
	copy(e[e.keyAt():], key)
	copy(e[e.valueAt():], s.Text)
	b.laid = append(b.laid, laid{maphash.Bytes(b.seed, key), r, s.Deadline != expiry.None})
	b.space = b.laid
}

// Len is how many records are left to be handed to Hydrate.
func (b *Batch) Len() int { return len(b.laid) + len(b.others) }

// hydrateStep is how many keys one step makes hot: so many that their places in the table are fetched from memory side by
// side, and few enough that a step takes some 10 microseconds.
const hydrateStep = 128

// Hydrate makes some keys of the batch hot, those that are cold, and reports whether there are more; the base must not
// have changed since they were read from it.
func (db *DB) Hydrate(b *Batch) (more bool) {
	if !b.moved {
		b.moveInto(&db.arena)
	}
	step := b.laid[:min(hydrateStep, len(b.laid))]
	b.laid = b.laid[len(step):]
	db.table.touchAll(step)
	for _, l := range step {
		db.settle(b, l)
	}
	if len(step) > 0 {
		return b.Len() > 0
	}
	if len(b.others) > 0 {
		o := b.others[0]
		b.others = b.others[1:]
		hash := db.table.hash(o.key)
		if _, at := db.table.find(hash, o.key); at < 0 {
			db.admit(hash, o.key, o.Stored)
		}
	}
	return b.Len() > 0
}

// moveInto hands the full pages over. The blocks of others are copied when their turn comes: with many classes there are many
// that are nearly empty.
func (b *Batch) moveInto(a *arena) {
	b.moved = true
	b.numbers = make([]uint32, len(b.arena.pages))
	for i, p := range b.arena.pages {
		if p != nil && p.full() {
			b.numbers[i] = a.adopt(p)
		}
	}
}

// settle gives one record its slot, where its key is cold.
func (db *DB) settle(b *Batch, l laid) {
	r, own := makeRef(b.numbers[l.at.page()], uint16(l.at.block())), b.numbers[l.at.page()] == 0
	seg, i, found := db.table.place(l.hash, func(hot ref) bool {
		return bytes.Equal(db.key(db.arena.at(hot)), block(b.arena.at(l.at)).inlineKey())
	})
	if !own {
		db.arena.loose--
	}
	switch {
	case found && !own:
		db.arena.release(r)
		return
	case found:
		return
	case own:
		from := b.arena.at(l.at)
		var to []byte
		r, to = db.arena.alloc(len(from))
		copy(to, from)
	}
	db.table.fill(seg, i, l.hash, clean, r)
	db.live++
	db.coldKeys--
	if l.deadline {
		db.reschedule(l.hash, expiry.None, block(db.arena.at(r)).deadline())
		db.coldTTLs--
	}
}

// Drop gives up what is left of a batch that will not be hydrated further into this database.
func (db *DB) Drop(b *Batch) {
	for _, l := range b.laid {
		if b.moved && b.numbers[l.at.page()] != 0 {
			db.arena.loose--
			db.arena.release(makeRef(b.numbers[l.at.page()], uint16(l.at.block())))
		}
	}
	b.laid, b.others = nil, nil
}

// Grow makes segments that the table will need once all cold keys are hot, some at a time: it goes on from a cursor, which is
// 0 at first, and returns the next; 0 is the end. A table that grows while the keys come fetches each of them again for each
// doubling.
func (db *DB) Grow(cursor uint64) (next uint64) {
	return db.table.grow(cursor, db.table.used+db.coldKeys)
}
