package kv

import "testing"

// check verifies what the package promises itself: table, arena, pools, deadlines and sums of every database.
func check(t testing.TB, ks *Keyspace) {
	t.Helper()
	for _, db := range ks.dbs {
		c := checker{TB: t, db: db, blocks: map[ref]bool{}, ttl: map[due]int{}}
		c.strings, c.values = map[uint32]bool{}, map[uint32]bool{}
		c.directory()
		c.slots()
		c.arena()
		checkPool(t, &db.strings, c.strings)
		checkPool(t, &db.values, c.values)
		c.deadlines()
		if db.pooled != c.pooled || db.valued != c.valued {
			t.Fatalf("%d bytes in strings and %d in values; a recount says %d and %d", db.pooled, db.valued, c.pooled, c.valued)
		}
	}
}

type due struct {
	at   int64
	hash uint64
}

// checker gathers what the entries of a database hold.
type checker struct {
	testing.TB
	db              *DB
	blocks          map[ref]bool
	strings, values map[uint32]bool
	ttl             map[due]int
	pooled, valued  int64
}

// directory checks that each segment has the run of entries that its prefix asks for.
func (c *checker) directory() {
	c.Helper()
	table, segs := &c.db.table, 0
	if len(table.dir) != 1<<table.depth {
		c.Fatalf("a directory of %d entries at depth %d", len(table.dir), table.depth)
	}
	for i := 0; i < len(table.dir); segs++ {
		seg := table.dir[i]
		run := 1 << (table.depth - seg.depth)
		if i%run != 0 {
			c.Fatalf("a segment of depth %d begins at entry %d of depth %d", seg.depth, i, table.depth)
		}
		for _, other := range table.dir[i : i+run] {
			if other != seg {
				c.Fatalf("entry %d: a segment of depth %d has not its whole run", i, seg.depth)
			}
		}
		i += run
	}
	if segs != table.segs {
		c.Fatalf("%d segments; the table counts %d", segs, table.segs)
	}
}

// slots checks that every entry is found where it lies, and notes what it holds.
func (c *checker) slots() {
	c.Helper()
	table, used, live := &c.db.table, 0, 0
	var last *segment
	for _, seg := range table.dir {
		if seg == last {
			continue
		}
		last = seg
		inSegment := 0
		for i, s := range seg.slots {
			if s == 0 {
				continue
			}
			inSegment++
			b := block(c.db.arena.at(s.ref()))
			key := c.db.key(b)
			hash := table.hash(key)
			if at, found := table.find(hash, key); at != seg || found != i {
				c.Fatalf("key %.40q lies in slot %d and is found in %d, in the same segment: %v", key, i, found, at == seg)
			}
			if seg.tag(hash) != s.tag() {
				c.Fatalf("key %.40q: tag %#x in the slot, %#x by its hash", key, s.tag(), seg.tag(hash))
			}
			if c.blocks[s.ref()] {
				c.Fatalf("key %.40q shares its block", key)
			}
			c.blocks[s.ref()] = true
			if b.kind() != none {
				live++
			}
			c.entry(key, hash, s, b)
		}
		if inSegment != int(seg.used) || inSegment > segmentFull {
			c.Fatalf("%d entries in a segment that counts %d", inSegment, seg.used)
		}
		used += inSegment
	}
	if used != table.used || live != c.db.live {
		c.Fatalf("%d entries, %d of them live; counted are %d and %d", used, live, table.used, c.db.live)
	}
}

func (c *checker) entry(key []byte, hash uint64, s slot, b block) {
	c.Helper()
	if b.has(flagLongKey) != (len(key) > maxInlineKey) {
		c.Fatalf("a key of %d bytes, in the pool: %v", len(key), b.has(flagLongKey))
	}
	if b.has(flagLongKey) {
		c.note(b.keyNumber())
	}
	need := b.valueAt()
	switch {
	case b.kind() == none:
		if !b.has(flagStored) || b.has(flagDeadline) || b.has(flagPooled) {
			c.Fatalf("a tomb with flags %#x", b[offFlags])
		}
	case b.has(flagPooled) && b.kind() == String:
		c.note(b.number())
		// It may have had a deadline when it went there, of 8 bytes.
		if text := (Entry{db: c.db, b: b}).Text(); b.valueAt()+8+len(text) <= maxBlock {
			c.Fatalf("%d bytes in the pool of strings", len(text))
		}
	case !b.has(flagPooled):
		need += b.valLen()
		if b.kind() != String && packedSize(Entry{db: c.db, b: b}.Value()) != b.valLen() {
			c.Fatalf("key %.40q has a collection in its block that is not to be packed", key)
		}
	default:
		// As with a string.
		if n := packedSize(c.db.values.at(b.number()).Value); n > 0 && b.valueAt()+8+n <= maxBlock {
			c.Fatalf("key %.40q has a collection of %d bytes in the pool", key, n)
		}
		if c.values[b.number()] {
			c.Fatalf("key %.40q shares its value", key)
		}
		c.values[b.number()] = true
		h := c.db.values.at(b.number())
		if h.bytes != h.Value.Bytes() {
			c.Fatalf("a value of %d bytes counts as %d", h.Value.Bytes(), h.bytes)
		}
		c.valued += h.bytes
	}
	if len(b) != blockSize(need) {
		c.Fatalf("an entry of %d bytes in a block of %d, not %d", need, len(b), blockSize(need))
	}
	if s.mark() != clean && s.mark() != c.db.ks.epoch && c.db.ks.freeze == nil {
		c.Fatalf("key %.40q has mark %d, and no checkpoint is under way", key, s.mark())
	}
	if s.mark() == clean && (b.kind() == none || !b.has(flagStored)) {
		c.Fatalf("key %.40q is clean, with kind %d and flags %#x", key, b.kind(), b[offFlags])
	}
	if b.has(flagDeadline) {
		if b.deadline() == 0 {
			c.Fatalf("key %.40q has room for a deadline, and none", key)
		}
	}
	at := b.deadline()
	if b.collects() {
		at = earlier(at, lapseOf(c.db.values.at(b.number()).Value))
	}
	if at != 0 {
		c.ttl[due{at, hash}]++
	}
}

func (c *checker) note(number uint32) {
	c.Helper()
	if c.strings[number] {
		c.Fatalf("string %d is held twice", number)
	}
	c.strings[number] = true
	c.pooled += int64(cap(*c.db.strings.at(number)))
}

// arena checks that every block is held by an entry, or free, or was never handed out.
func (c *checker) arena() {
	c.Helper()
	a, handed, pages := &c.db.arena, int64(0), int64(0)
	inPage := map[uint32]int{}
	classes := map[int]class{}
	for r := range c.blocks {
		inPage[r.page()]++
	}
	for number, p := range a.pages {
		if p == nil {
			continue
		}
		pages++
		handed += int64(p.used * p.size)
		classes[p.size] = class{pages: classes[p.size].pages + 1, used: classes[p.size].used + p.used}
		if p.used != inPage[uint32(number)] || p.used == 0 {
			c.Fatalf("page %d counts %d blocks; entries hold %d", number, p.used, inPage[uint32(number)])
		}
		free := map[int]bool{}
		for next := p.free; next != 0; {
			i := int(next) - 1
			if free[i] || i >= p.fresh || c.blocks[makeRef(uint32(number), uint16(i))] {
				c.Fatalf("page %d: block %d is in the chain of free ones, and should not be", number, i)
			}
			free[i] = true
			next = p.nextFree(i)
		}
		if len(free)+p.used != p.fresh || p.fresh*p.size > len(p.mem) {
			c.Fatalf("page %d: %d blocks used, %d free, of %d", number, p.used, len(free), p.fresh)
		}
	}
	pages += int64(len(a.idle))
	for size := smallestBlock; size <= maxBlock; size = blockSize(size + 1) {
		if got, want := a.class(size), classes[size]; got.pages != want.pages || got.used != want.used {
			c.Fatalf("class %d counts %d pages and %d blocks; there are %d and %d", size, got.pages, got.used, want.pages, want.used)
		}
	}
	if handed != a.handed || pages*pageBytes != a.bytes {
		c.Fatalf("%d bytes handed out of %d pages; counted are %d and %d", handed, pages, a.handed, a.bytes/pageBytes)
	}
	if p := a.pages; a.leaving != 0 && (p[a.leaving] == nil || p[a.leaving].place > 0) {
		c.Fatalf("page %d is being emptied, and is %+v", a.leaving, p[a.leaving])
	}
	for r := range c.blocks {
		if r.page() == a.leaving && r.block() < a.emptied {
			c.Fatalf("block %d is left in page %d, which is empty up to %d", r.block(), a.leaving, a.emptied)
		}
	}
	for _, number := range a.spare {
		if a.pages[number] != nil {
			c.Fatalf("page %d is in use and spare", number)
		}
	}
	a.checkRoom(c)
}

// checkRoom checks that each page with room is in the list of its class, once, and nothing else but full pages.
func (a *arena) checkRoom(t testing.TB) {
	t.Helper()
	listed := 0
	for class := range a.classes {
		room := a.classes[class].room
		listed += len(room)
		for i, number := range room {
			if p := a.pages[number]; p == nil || p.size/classStep != class || p.place != i+1 || number == a.leaving {
				t.Fatalf("class %d: page %d stands at %d of those with room, and is %+v", class, number, i, p)
			}
		}
	}
	for number, p := range a.pages {
		switch {
		case p == nil:
		case p.place > 0:
			listed--
		case !p.full() && uint32(number) != a.leaving:
			t.Fatalf("page %d has room, and is not among those", number)
		}
	}
	if listed != 0 {
		t.Fatalf("%d more places are taken by pages with room than there are such pages", listed)
	}
}

func checkPool[T any](t testing.TB, p *pool[T], held map[uint32]bool) {
	t.Helper()
	for _, n := range p.free {
		if held[n] {
			t.Fatalf("number %d of a pool is free and held, or free twice", n)
		}
		held[n] = true
	}
	if len(held) != int(p.count) {
		t.Fatalf("%d numbers of a pool are held or free, of %d", len(held), p.count)
	}
}

func (c *checker) deadlines() {
	c.Helper()
	for number, at := range c.db.lapses {
		if v := c.db.values.at(number).Value; !c.values[number] || lapseOf(v) != at {
			c.Fatalf("value %d is said to lapse at %d", number, at)
		}
	}
	n, earliest := 0, int64(0)
	c.db.ttl.Each(func(at int64, hash uint64) bool {
		if n == 0 {
			earliest = at
		}
		n++
		if c.ttl[due{at, hash}] != 1 {
			c.Fatalf("the index has a deadline %d that no key has", at)
		}
		return true
	})
	if n != len(c.ttl) || n != c.db.ttl.Len() {
		c.Fatalf("%d deadlines in the index, which counts %d; keys have %d", n, c.db.ttl.Len(), len(c.ttl))
	}
	if n > 0 && c.db.ttl.Next() != earliest {
		c.Fatalf("the next hot deadline is %d, not %d", c.db.ttl.Next(), earliest)
	}
}
