// Package hashes is the hash value: fields and their values, each of which may have a deadline of its own. It knows no
// protocol, no keys, no clock and no files.
//
// A hash has one of two forms. It begins small, and Enlarge makes it large, for good; when is the caller's to decide.
//
//	small    fields u16 | timed u16 | entry · entry · …            one block of bytes, in the order of insertion (run.go)
//	entry    length | field | length<<1 + timed | [deadline i64] | value             lengths are uvarints
//	large    dict: field → 0 | value  or  1 | deadline i64 | value (large.go), and the order of the deadlines, if any
//
// "timed" are the fields that have a deadline. A field without one pays nothing for it in the small form and a byte in the
// large one.
//
// Costs. In the small form everything is a walk over the entries, which for some hundred of them is quicker than hashing,
// and there is one allocation beside the Hash itself. In the large form a field costs a lookup in a dict.
//
// Rejected: one deadline column for all fields of a hash that has one (the first HEXPIRE of a large hash would rewrite all
// of it); deadlines in a dict of their own (two lookups and two sets of parts to keep in step).
//
// Slices handed out lie in the hash's own memory: they are good until its next change and must not be written to. A Hash
// is not safe for concurrent use.
package hashes

import (
	"iter"
	"math/rand/v2"
	"unsafe"

	"holdfast/dict"
	"holdfast/expiry"
)

const hashSize = int64(unsafe.Sizeof(Hash{}))

// SmallMax is the most fields that a small hash holds.
const SmallMax = 1<<16 - 1

// Hash is a hash. Make one with New.
type Hash struct {
	run   run // while large is nil
	large *large
}

// New returns an empty hash, which is small.
func New() *Hash { return &Hash{} }

// Len returns the number of fields.
func (h *Hash) Len() int {
	if h.large != nil {
		return h.large.fields.Len()
	}
	return h.run.len()
}

// Timed returns the number of fields that have a deadline.
func (h *Hash) Timed() int {
	if h.large != nil {
		return h.large.order.Len()
	}
	return h.run.timed()
}

// Bytes returns the memory that the hash holds.
func (h *Hash) Bytes() int64 {
	if h.large != nil {
		return hashSize + h.large.bytes()
	}
	return hashSize + int64(cap(h.run))
}

// Encoding is what OBJECT ENCODING calls the form, as of Redis 7.4.
func (h *Hash) Encoding() string {
	switch {
	case h.large != nil:
		return "hashtable"
	case h.run.timed() > 0:
		return "listpackex"
	}
	return "listpack"
}

// Large reports whether the hash is large.
func (h *Hash) Large() bool { return h.large != nil }

// Enlarge makes a small hash large. The seed decides how fields lie; it comes from outside, since nothing here is random.
func (h *Hash) Enlarge(seed dict.Seed) {
	if h.large != nil {
		return
	}
	l := newLarge(dict.New(seed))
	for e := range h.run.entries() {
		l.put(e.field, e.value, expiry.None, e.deadline)
	}
	*h = Hash{large: l}
}

// Get returns a field's value.
func (h *Hash) Get(field []byte) (value []byte, ok bool) {
	value, _, ok = h.Field(field)
	return value, ok
}

// Field returns a field's value and its deadline, expiry.None where it has none.
func (h *Hash) Field(field []byte) (value []byte, deadline int64, ok bool) {
	if h.large != nil {
		return h.large.get(field)
	}
	e, ok := h.run.find(field)
	return e.value, e.deadline, ok
}

// Set gives a field a value, and takes its deadline away. It copies both, and reports whether the field is new.
func (h *Hash) Set(field, value []byte) (added bool) { return h.put(field, value, false) }

// SetKeeping is Set that leaves the field its deadline.
func (h *Hash) SetKeeping(field, value []byte) (added bool) { return h.put(field, value, true) }

func (h *Hash) put(field, value []byte, keep bool) (added bool) {
	if h.large != nil {
		_, old, there := h.large.get(field)
		deadline := expiry.None
		if keep {
			deadline = old
		}
		h.large.put(field, value, old, deadline)
		return !there
	}
	e, there := h.run.find(field)
	deadline := expiry.None
	if keep {
		deadline = e.deadline
	}
	h.run.put(e, field, value, deadline)
	return !there
}

// SetDeadline gives a field that is there a deadline, in unix milliseconds and above 0, or takes it away (expiry.None).
func (h *Hash) SetDeadline(field []byte, deadline int64) {
	if h.large != nil {
		h.large.setDeadline(field, deadline)
		return
	}
	e, ok := h.run.find(field)
	if !ok {
		panic("BUG: hashes: a deadline for a field that is not there")
	}
	if e.deadline != deadline {
		h.run.put(e, field, append([]byte(nil), e.value...), deadline)
	}
}

// Delete removes a field, and reports whether it was there.
func (h *Hash) Delete(field []byte) bool {
	if h.large != nil {
		return h.large.delete(field)
	}
	e, ok := h.run.find(field)
	if ok {
		h.run.remove(e)
	}
	return ok
}

// Lapses returns the earliest deadline of a field, expiry.Never without one.
func (h *Hash) Lapses() int64 {
	if h.large != nil {
		return h.large.order.Next()
	}
	return h.run.lapses()
}

// lapseBytes is how long the names of the fields together may get that one Lapse removes, until it leaves the rest to the next: a
// command in the log names them.
const lapseBytes = 16 << 20

// Lapse removes fields whose deadline is at or before now, the earliest first where the hash is large, up to most or till their
// names are long, and returns these.
func (h *Hash) Lapse(now int64, most int) (fields [][]byte) {
	for n := 0; len(fields) < most && n < lapseBytes && h.Lapses() <= now; {
		if h.large == nil {
			return h.run.lapse(now, most)
		}
		field := []byte(h.large.order.Pop())
		h.large.fields.Delete(field)
		fields = append(fields, field)
		n += len(field)
	}
	return fields
}

// All yields every field with its value. The loop must not change the hash.
func (h *Hash) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(field, value []byte) bool) {
		h.Each(func(field, value []byte, _ int64) bool { return yield(field, value) })
	}
}

// Each calls fn with every field, its value and its deadline, until fn returns false. fn must not change the hash.
func (h *Hash) Each(fn func(field, value []byte, deadline int64) bool) {
	if h.large != nil {
		h.large.each(fn)
		return
	}
	for e := range h.run.entries() {
		if !fn(e.field, e.value, e.deadline) {
			return
		}
	}
}

// Scan calls fn for the fields at the next step of an order that goes through all of the hash while it changes, as SCAN
// does, and returns the cursor of the step after it, 0 at the end. Cursor 0 begins. A small hash is one step.
func (h *Hash) Scan(cursor uint64, fn func(field, value []byte)) (next uint64) {
	if h.large != nil {
		return h.large.scan(cursor, fn)
	}
	for field, value := range h.All() {
		fn(field, value)
	}
	return 0
}

// Random returns some field, all equally likely. The hash is not empty.
func (h *Hash) Random(rng *rand.Rand) (field, value []byte) {
	if h.large != nil {
		return h.large.random(rng)
	}
	i := rng.IntN(h.run.len())
	for field, value := range h.All() {
		if i == 0 {
			return field, value
		}
		i--
	}
	panic("BUG: hashes: a random field of an empty hash")
}

// Clone returns a copy that shares nothing with h and has no stored parts.
func (h *Hash) Clone() *Hash {
	if h.large != nil {
		return &Hash{large: h.large.clone()}
	}
	return &Hash{run: append(run(nil), h.run...)}
}

// Pieces yields each field with its value, and behind them a mark where it has a deadline: what a digest is made of.
func (h *Hash) Pieces() iter.Seq[[][]byte] {
	return func(yield func([][]byte) bool) {
		var room [3][]byte
		mark := []byte("!!hexpire!!")
		h.Each(func(field, value []byte, deadline int64) bool {
			pieces := append(room[:0], field, value)
			if deadline != expiry.None {
				pieces = append(pieces, mark)
			}
			return yield(pieces)
		})
	}
}
