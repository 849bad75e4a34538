package kv

// A small collection lies in its key's block as bytes (Packable): no struct, no slice, no place in a pool, and nothing for
// the garbage collector to follow. A value is made of them where somebody asks.
//
//	read      a view of the bytes where they are
//	change    Edit opens it: a value of its own, in the pool, made of a copy; the block keeps the bytes as they were
//	          Settle packs it again, into the same block where its size still fits, or leaves it in the pool if it is
//	          small no more
//
// A million hashes of five short fields take 130 bytes each so, and took 220 as structs (Redis: 190).

// openRoom is how many bytes a collection that is opened gets beside its own: for a short element more.
const openRoom = 32

// unpack makes a value of a collection's bytes.
func (db *DB) unpack(kind Kind, b []byte) Value { return db.ks.Types[kind].Unpack(b) }

// packedSize is how many bytes a collection takes in a block; 0 where it is not to lie in one.
func packedSize(v Value) int {
	if p, ok := v.(Packable); ok {
		return p.PackedSize()
	}
	return 0
}

// newValue is newBlock with a collection for its value, packed or in the pool.
func (db *DB) newValue(key []byte, kind Kind, v Value, deadline int64) (ref, block) {
	n := packedSize(v)
	if n == 0 || room(key, deadline)+n > maxBlock {
		r, b := db.newBlock(key, kind, deadline, 0)
		b.pool(db.addValue(v))
		return r, b
	}
	r, b := db.newBlock(key, kind, deadline, n)
	b.put(v, n)
	return r, b
}

// put packs a collection of n bytes into the block.
func (b block) put(v Value, n int) {
	if wrote := v.(Packable).AppendPacked(b.fill(n)[:0]); len(wrote) != n {
		panic("BUG: a collection is not packed into as many bytes as it said")
	}
}

// open has the block's collection be in the pool, if it is not, and returns its number.
func (db *DB) open(b block) (number uint32) {
	if b.pools() {
		return b.number()
	}
	packed := b.inside()
	number = db.addValue(db.unpack(b.kind(), append(make([]byte, 0, len(packed)+openRoom), packed...)))
	b.pool(number)
	return number
}

// pack puts a collection that was handed out for change into its key's block, if it is small. The block of one that is small no
// more gives up the room of its bytes.
func (db *DB) pack(e edit) {
	h := db.values.at(e.number)
	n := packedSize(h.Value)
	if n > maxBlock {
		n = 0
	}
	if n == 0 && !e.opened {
		return
	}
	p := db.collecting(e.hash, e.number)
	if n == 0 || p.b.valueAt()+n > maxBlock {
		if !p.b.fits(0) {
			db.resize(p, p.b.deadline())
		}
		return
	}
	v := h.Value
	db.valued -= h.bytes
	db.values.remove(e.number)
	if p.b.fits(n) {
		p.b.put(v, n)
		return
	}
	r, b := db.newBlock(db.key(p.b), p.b.kind(), p.b.deadline(), n)
	b.setAccess(p.b.access())
	b.put(v, n)
	p.b.disown()
	db.place(p, true, r)
}
