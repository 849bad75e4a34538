package kv

import "holdfast/expiry"

// What SetString finds under a key, it replaces. All that matters of it is whether it is there, and whether it is in the
// index of deadlines: for the counts, and so that a key which the base has leaves a tomb when it is deleted. A log that
// says so spares a replay to fetch from all over the base what is then overwritten, which costs more than all else.

// Found is what SetString found under one key, or under several the same. The numbers stand in logs.
type Found uint8

const (
	FoundNothing Found = 1 << iota // the key was not there
	FoundLasting                   // the key was there, and nothing of it is ever due
	foundDue

	FoundOther Found = 0 // something that is due sometime, or not the same under all of them
)

// Found returns what all calls of SetString since the last Found have found, and begins anew. Without one it is FoundOther.
func (ks *Keyspace) Found() Found {
	f := ks.found
	ks.found = 0
	if f == FoundNothing || f == FoundLasting {
		return f
	}
	return FoundOther
}

// note adds what SetString has found.
func (db *DB) note(p position, found bool) {
	switch {
	case !found || p.b.kind() == none:
		db.ks.found |= FoundNothing
	case db.due(p.b) == expiry.None:
		db.ks.found |= FoundLasting
	default:
		db.ks.found |= foundDue
	}
}

// Foretell says what SetString will find under keys, until something else is foretold: it fetches no cold one meanwhile, and
// notes nothing. FoundOther foretells nothing.
func (ks *Keyspace) Foretell(f Found) { ks.foretold = f }

// setForetold is SetString for a key that is not hot, and of which it was foretold what is under it. False: nothing was done.
func (db *DB) setForetold(key, value []byte, deadline int64) bool {
	if _, ok := db.hot(key); ok {
		return false
	}
	r, b := db.newStringBlock(key, value, deadline)
	if db.ks.foretold == FoundLasting && db.coldKeys > 0 {
		b.set(flagStored)
		db.coldKeys--
	}
	db.place(position{hash: db.table.hash(key)}, false, r)
	return true
}
