package kv

import (
	"encoding/binary"

	"holdfast/expiry"
)

// A block in the arena is one key:
//
//	kind u8 | flags u8 | key length u16 | value length u32 | access u32 | [deadline i64] | key | value
//
// The value is a string's bytes, or a collection packed into bytes (packed.go). One that does not fit lies in a pool, and
// its number stands in the place of its length; the number of a key that does not fit stands in the key's.
const (
	offKind   = 0
	offFlags  = 1
	offKeyLen = 2
	offValLen = 4
	offAccess = 8
	offBody   = 12

	maxInlineKey = 512
	numberBytes  = 4 // of a number into a pool
)

const (
	flagDeadline = 1 << iota // a deadline follows the header
	flagPooled               // the value lies in DB.strings, or DB.values
	flagLongKey              // the key lies in DB.strings
	flagRaw                  // APPEND or SETRANGE made this string: OBJECT ENCODING says raw
	flagParted               // the base, if it has the key, has it in parts that Value.MarkClean knows of
	flagStored               // the base has a record of this key, or will when the running checkpoint ends
)

// block is an entry's bytes.
type block []byte

func (b block) kind() Kind           { return Kind(b[offKind]) }
func (b block) has(flag byte) bool   { return b[offFlags]&flag != 0 }
func (b block) set(flag byte)        { b[offFlags] |= flag }
func (b block) clear(flag byte)      { b[offFlags] &^= flag }
func (b block) keyLen() int          { return int(binary.LittleEndian.Uint16(b[offKeyLen:])) }
func (b block) setKeyLen(n int)      { binary.LittleEndian.PutUint16(b[offKeyLen:], uint16(n)) }
func (b block) valLen() int          { return int(binary.LittleEndian.Uint32(b[offValLen:])) }
func (b block) setValLen(n int)      { binary.LittleEndian.PutUint32(b[offValLen:], uint32(n)) }
func (b block) access() uint32       { return binary.LittleEndian.Uint32(b[offAccess:]) }
func (b block) setAccess(n uint32)   { binary.LittleEndian.PutUint32(b[offAccess:], n) }
func (b block) setDeadline(at int64) { binary.LittleEndian.PutUint64(b[offBody:], uint64(at)) }

func (b block) deadline() int64 {
	if !b.has(flagDeadline) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b[offBody:]))
}

func (b block) keyAt() int {
	if b.has(flagDeadline) {
		return offBody + 8
	}
	return offBody
}

// begin writes the header of an entry that has no key and no value yet.
func (b block) begin(kind Kind, deadline int64) {
	clear(b[:offBody])
	b[offKind] = byte(kind)
	if deadline != expiry.None {
		b.set(flagDeadline)
		b.setDeadline(deadline)
	}
}

// inlineKey is the key of a block without flagLongKey.
func (b block) inlineKey() []byte {
	at := b.keyAt()
	return b[at : at+b.keyLen()]
}

func (b block) valueAt() int { return b.keyAt() + b.keyLen() }

// pools reports whether the value lies in a pool.
func (b block) pools() bool { return b.has(flagPooled) }

// collects reports whether the value is a collection in a pool.
func (b block) collects() bool { return b.has(flagPooled) && b.kind() != String }

// inside is the value that lies in the block itself.
func (b block) inside() []byte {
	at, n := b.valueAt(), b.valLen()
	return b[at : at+n : at+n]
}

// fits reports whether the block is of the size that a value of n bytes wants.
func (b block) fits(n int) bool { return blockSize(b.valueAt()+n) == len(b) }

// fill has n bytes of the block be the value, and returns them for the caller to write.
func (b block) fill(n int) []byte {
	b.clear(flagPooled)
	b.setValLen(n)
	return b.inside()
}

// pool says that the value is the pool's of that number.
func (b block) pool(number uint32) {
	b.set(flagPooled)
	b.setNumber(number)
}

// disown leaves the entry nothing to free but its key: another block has its number.
func (b block) disown() {
	b[offKind] = byte(String)
	b.clear(flagPooled)
}

// number is that of a value in a pool.
func (b block) number() uint32        { return binary.LittleEndian.Uint32(b[offValLen:]) }
func (b block) setNumber(n uint32)    { binary.LittleEndian.PutUint32(b[offValLen:], n) }
func (b block) keyNumber() uint32     { return binary.LittleEndian.Uint32(b[b.keyAt():]) }
func (b block) setKeyNumber(n uint32) { binary.LittleEndian.PutUint32(b[b.keyAt():], n) }

// Entry is a key that was found. It is good until the next change to its database, or until Compact or Repay, which move it;
// that of a cold key, as Each and Scan come by, only during the call that it is handed to.
type Entry struct {
	db   *DB
	b    block
	cold *coldKey // instead of b, where whole databases are walked
}

// Kind is what the key holds.
func (e Entry) Kind() Kind {
	if e.cold != nil {
		return e.cold.Kind
	}
	return e.b.kind()
}

// Key is the key's name; the bytes are the keyspace's own, good as long as the entry.
func (e Entry) Key() []byte {
	if e.cold != nil {
		return e.cold.key
	}
	return e.db.key(e.b)
}

// Deadline is the unix millisecond at which the key goes, or expiry.None.
func (e Entry) Deadline() int64 {
	if e.cold != nil {
		return e.cold.Deadline
	}
	return e.b.deadline()
}

// Lapse is the unix millisecond at which something within the value goes, or expiry.None.
func (e Entry) Lapse() int64 {
	switch {
	case e.cold != nil:
		return e.cold.Lapse
	case len(e.db.lapses) == 0 || !e.b.collects():
		return expiry.None
	}
	return e.db.lapses[e.b.number()]
}

// Text is a string's bytes: the keyspace's own, good as long as the entry.
func (e Entry) Text() []byte {
	if e.cold != nil {
		return e.cold.Text
	}
	if e.b.has(flagPooled) {
		return *e.db.strings.at(e.b.number())
	}
	return e.b.inside()
}

// Value is a collection, to be read: good as long as the entry. To change it, see DB.Edit.
func (e Entry) Value() Value {
	switch {
	case e.cold != nil:
		return e.cold.Load()
	case e.b.pools():
		return e.db.values.at(e.b.number()).Value
	}
	return e.db.unpack(e.b.kind(), e.b.inside())
}

// Raw: the string was made by an operation after which Redis keeps it unencoded.
func (e Entry) Raw() bool { return e.cold == nil && e.b.has(flagRaw) }

// Accessed is the unix second of a hot key's last access.
func (e Entry) Accessed() uint32 { return e.b.access() }

// Bytes is the memory that key and value take: none where they are cold.
func (e Entry) Bytes() int64 {
	if e.cold != nil {
		return 0
	}
	n := int64(len(e.b)) + 12 // its block and its share of the table
	if e.b.has(flagLongKey) {
		n += int64(cap(*e.db.strings.at(e.b.keyNumber()))) + 24
	}
	switch {
	case !e.b.pools():
	case e.Kind() == String:
		n += int64(cap(*e.db.strings.at(e.b.number()))) + 24
	default:
		n += e.Value().Bytes() + 24
	}
	return n
}
