package kv

// A checkpoint wants the keyspace as it stood at one moment, the cut, and must not stop it. Freeze gives it that:
//
//   - Every change marks its key with the epoch's mark. The cut ends the epoch: from then on changes bear the other
//     mark, and what bears the old one is what the checkpoint has to write.
//   - Step, called in slices, hands out the marked keys in hash order as they stand.
//   - Who is about to change a key that Step has not reached hands it out first (beforeChange): capture before write.
//
// So each key is handed out once, as it stood at the cut, whatever happens meanwhile, and nothing is copied but
// what changes during those moments. A copy-on-write table was rejected for the memory it takes when much changes;
// fork is not to be had in Go, and doubles the memory in the worst case where it is.
//
// A whole freeze (for a base written anew) hands out every key instead of the marked ones. Which keys it has passed
// already is a comparison of hashes, since the table is walked in the order of hashes.
//
// Deleted keys that the base holds stay in the table as tombs until a checkpoint has told the base; so a tomb, too,
// is a change that is handed out.

// mark says in which epoch a key last changed.
type mark uint8

const (
	clean mark = iota
	markA
	markB
	told // a tomb that a running checkpoint has handed out
)

func (m mark) other() mark { return markA + markB - m }

// Frozen is a key as it stood at the cut. Its bytes are good only during the call that hands it out.
type Frozen struct {
	Store    uint32
	Key      []byte
	Deleted  bool // the base is to forget the key; what follows is zero
	Kind     Kind
	Deadline int64
	Text     []byte // of a string
	Value    Value  // of another kind
}

// FrozenDB is what a database was at the cut.
type FrozenDB struct {
	Index           int
	Store           uint32
	Keys, Deadlines int
}

// Freeze is a checkpoint's view of the keyspace.
type Freeze struct {
	// DBs describes the databases that held keys at the cut.
	DBs []FrozenDB

	ks     *Keyspace
	whole  bool
	old    mark // what changed before the cut bears this
	sink   func(Frozen)
	left   []*DB  // databases to walk; the first is under way
	cursor uint64 // in left[0]
	all    []*DB
}

// Freeze cuts: the view it returns is of this moment. sink receives the keys, from Step and from changes, always
// under the engine's lock. One freeze at a time; end it with Commit, when Step has said that there is no more, or with
// Abort.
func (ks *Keyspace) Freeze(whole bool, sink func(Frozen)) *Freeze {
	if ks.freeze != nil {
		panic("BUG: a freeze within a freeze")
	}
	if ks.aborted && !whole {
		panic("BUG: after a freeze that was aborted only a whole one knows what changed")
	}
	f := &Freeze{ks: ks, whole: whole, old: ks.epoch, sink: sink}
	for i, db := range ks.dbs {
		db.freezing = f
		f.left = append(f.left, db)
		if db.live > 0 {
			f.DBs = append(f.DBs, FrozenDB{i, db.store, db.live, db.ttl.Len()})
		}
	}
	f.all = append(f.all, f.left...)
	ks.epoch = ks.epoch.other()
	ks.freeze = f
	return f
}

// Step hands out the keys of one segment of the table, some 150 of them, and reports whether there are more.
func (f *Freeze) Step() bool {
	if len(f.left) == 0 {
		return false
	}
	db := f.left[0]
	f.cursor = db.table.walkSegment(f.cursor, func(seg *segment, i int) {
		s := seg.slots[i]
		if m := s.mark(); m == f.ks.epoch || m != f.old && !f.whole {
			return
		}
		b := block(db.arena.at(s.ref()))
		f.handOut(db, b)
		if b.kind() == none {
			seg.setMark(i, told)
		} else {
			seg.setMark(i, clean)
		}
	})
	if f.cursor == 0 {
		db.freezing = nil
		f.left = f.left[1:]
	}
	return len(f.left) > 0
}

func (f *Freeze) handOut(db *DB, b block) {
	if b.kind() == none {
		if !f.whole {
			f.sink(Frozen{Store: db.store, Key: db.key(b), Deleted: true})
		}
		return
	}
	e := Entry{db, b}
	out := Frozen{Store: db.store, Key: e.Key(), Kind: b.kind(), Deadline: b.deadline()}
	if b.kind() == String {
		out.Text = e.Text()
	} else {
		out.Value = e.Value()
	}
	f.sink(out)
	b.set(flagStored)
}

// beforeChange is called with every key that is about to change, and marks it.
func (db *DB) beforeChange(p position) {
	m := p.seg.slots[p.i].mark()
	if m == db.ks.epoch {
		return
	}
	if f := db.freezing; f != nil && (m == f.old || f.whole && f.ahead(db, p.hash)) {
		f.handOut(db, p.b)
	}
	p.seg.setMark(p.i, db.ks.epoch)
}

// ahead reports whether the walk has yet to come to the hash.
func (f *Freeze) ahead(db *DB, hash uint64) bool { return db != f.left[0] || hash >= f.cursor }

// Commit ends the freeze after the base has all of it. The tombs that it told the base of go: in slices, of which
// the returned function does one and reports whether there are more.
func (f *Freeze) Commit() (sweep func() bool) {
	if len(f.left) > 0 {
		panic("BUG: a freeze committed before its last step")
	}
	f.ks.aborted = false
	f.end()
	dbs, cursor := f.all, uint64(0)
	return func() bool {
		if len(dbs) == 0 {
			return false
		}
		if cursor = dbs[0].sweepSegment(cursor); cursor == 0 {
			dbs = dbs[1:]
		}
		return len(dbs) > 0
	}
}

// Abort ends the freeze when the base did not take it. What was handed out no longer counts as changed, so the
// next freeze must be whole. Marks that Step has not come to are wiped here, at some 5 ns a key (a caller that minds
// the pause steps to the end first): a later epoch has the same mark, and would take them for its own.
func (f *Freeze) Abort() {
	for _, db := range f.left {
		wipe := func(seg *segment, i int) {
			if seg.slots[i].mark() == f.old {
				seg.setMark(i, clean)
			}
		}
		for f.cursor = db.table.walkSegment(f.cursor, wipe); f.cursor != 0; {
			f.cursor = db.table.walkSegment(f.cursor, wipe)
		}
	}
	f.ks.aborted = true
	f.end()
}

func (f *Freeze) end() {
	for _, db := range f.all {
		db.freezing = nil
	}
	f.ks.freeze = nil
}

func (db *DB) sweepSegment(cursor uint64) uint64 {
	var tombs [][]byte
	next := db.table.walkSegment(cursor, func(seg *segment, i int) {
		if s := seg.slots[i]; s.mark() == told {
			tombs = append(tombs, append([]byte(nil), db.key(block(db.arena.at(s.ref())))...))
		}
	})
	for _, key := range tombs {
		p, _ := db.lookup(key)
		db.free(p)
		db.table.remove(p.seg, p.i, p.hash)
	}
	return next
}
