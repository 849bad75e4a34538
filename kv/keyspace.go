// Package kv is the hot layer: keys, values and deadlines in memory, in numbered databases.
//
// A key's name, its deadline and its value, where it is a short string or a small collection (packed.go), lie in one block
// of bytes (entry.go) in an arena of size classes (arena.go), found through an extendible hash (table.go): some 30 bytes
// beyond the data itself, nothing for the garbage collector to follow, and no moment at which growth stops the server. How
// an entry lies in memory is nobody's business outside this package.
//
// The keyspace also knows what changed since the last checkpoint, and hands a checkpoint the state as it stood at
// its cut while changes go on (freeze.go). That works because every change passes through a method here.
//
// Nothing here locks, looks at a clock or logs: the engine does.
package kv

import (
	"hash/maphash"
	"slices"

	"holdfast/expiry"
)

// Keyspace is all databases. All its methods want the engine's lock.
type Keyspace struct {
	Types *Types
	// Hits and Misses count the lookups by Get, and others that commands count as such.
	Hits, Misses int64
	// Moved counts the blocks that Compact has moved.
	Moved int64

	// Added, where set, hears of each key that comes to be there, and Missed of each that Get looked for in vain.
	Added, Missed func(db *DB, key []byte)

	dbs       []*DB
	seed      maphash.Seed
	stores    uint32 // the last store number given out
	epoch     mark   // the mark of what changes now
	freeze    *Freeze
	cold      Cold
	places    places
	clock     uint32 // unix seconds, for access times
	frequency *Frequency
	unnoticed bool  // accesses leave no trace
	owed      int64 // bytes that Repay is to move
	edited    []edit
	piece     int   // about so many bytes of parts, or of whole values, a checkpoint gets at a time
	spare     spare // what Compact leaves as it is
	found     Found
	foretold  Found
}

// edit is a collection that was handed out for change and is not counted again yet.
type edit struct {
	db     *DB
	hash   uint64 // of its key
	number uint32
	opened bool // it lay in its key's block
	parted bool // the base has it in parts that it knew of
}

// New returns a keyspace of n empty databases.
func New(n int, types *Types) *Keyspace {
	ks := &Keyspace{Types: types, seed: maphash.MakeSeed(), epoch: markA, piece: pieceBytes, spare: spare{spareShare, spareLeast}}
	for range n {
		ks.dbs = append(ks.dbs, newDB(ks, ks.nextStore()))
	}
	return ks
}

func (ks *Keyspace) nextStore() uint32 {
	ks.stores++
	return ks.stores
}

// Databases is how many there are.
func (ks *Keyspace) Databases() int { return len(ks.dbs) }

// DB returns a database by its number.
func (ks *Keyspace) DB(i int) *DB { return ks.dbs[i] }

// Number is a database's number.
func (ks *Keyspace) Number(db *DB) int { return slices.Index(ks.dbs, db) }

// SetClock tells the time, in unix milliseconds, that accesses from now on bear.
func (ks *Keyspace) SetClock(now int64) { ks.clock = uint32(now / 1000) }

// Swap exchanges two databases. Their keys do not move, here or in the base.
func (ks *Keyspace) Swap(i, j int) { ks.dbs[i], ks.dbs[j] = ks.dbs[j], ks.dbs[i] }

// Flush empties a database, in a time that does not depend on what it held: a new one takes its place, under a store
// number that the base does not know, and the base drops the old store at the next checkpoint. Some of its pages stay for the keys
// that come next.
func (ks *Keyspace) Flush(i int) {
	old := ks.dbs[i]
	ks.dbs[i] = newDB(ks, ks.nextStore())
	if ks.freeze == nil { // which hands out what lies in them
		ks.dbs[i].arena.inherit(&old.arena)
	}
}

// Hash is a key's hash; equal keys of any database have equal ones.
func (ks *Keyspace) Hash(key []byte) uint64 { return maphash.Bytes(ks.seed, key) }

// NextDeadline is the earliest of all databases, or expiry.Never.
func (ks *Keyspace) NextDeadline() int64 {
	next := expiry.Never
	for _, db := range ks.dbs {
		next = min(next, db.NextDeadline())
	}
	return next
}

// Settle counts anew the collections that were handed out for change, asks them what lapses first, and packs those that are
// small. The engine calls it after each command.
func (ks *Keyspace) Settle() {
	for _, e := range ks.edited {
		if h := e.db.values.at(e.number); h.Value != nil {
			n := h.Value.Bytes()
			e.db.valued += n - h.bytes
			h.bytes = n
			e.db.lapseAgain(e.hash, e.number)
			if e.parted {
				e.db.disownParts(e, h.Value)
			}
			e.db.pack(e)
		}
	}
	clear(ks.edited) // a database that is flushed is not to live on in it
	ks.edited = ks.edited[:0]
}

// Bytes is the memory that the keyspace holds.
func (ks *Keyspace) Bytes() (n int64) {
	for _, db := range ks.dbs {
		n += db.Bytes()
	}
	return n
}

// SpareBytes is the part of Bytes that pages have to spare: blocks of keys that are gone, which other keys of their size
// will take.
func (ks *Keyspace) SpareBytes() (n int64) {
	for _, db := range ks.dbs {
		n += db.arena.bytes - db.arena.handed
	}
	return n
}

// DataBytes is the part of Bytes that values and keys take, without the tables and what pages have to spare.
func (ks *Keyspace) DataBytes() (n int64) {
	for _, db := range ks.dbs {
		n += db.arena.handed + db.pooled + db.valued
	}
	return n
}
