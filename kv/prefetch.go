package kv

import "runtime"

// prefetchMost is for how many keys places are fetched at a time: about what a processor's nearer caches keep meanwhile.
const prefetchMost = 64

// Prefetch has the processor fetch what looking up n keys will touch, their slots and then their blocks, without waiting
// for one before it asks for the next. A lookup by itself waits for memory some five times. It changes nothing.
func (db *DB) Prefetch(n int, key func(i int) []byte) {
	var slots [prefetchMost]slot
	n = min(n, len(slots))
	for i := range n {
		slots[i] = db.table.touch(db.table.hash(key(i)))
	}
	var fetched byte
	for _, s := range slots[:n] {
		if s != 0 {
			fetched |= db.arena.at(s.ref())[0]
		}
	}
	runtime.KeepAlive(fetched)
}
