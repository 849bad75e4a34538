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
// Deleted keys that the base holds stay in the table as tombs until a checkpoint has told the base; so a tomb, too,
// is a change that is handed out.
//
// A collection that lies in the base in parts (Parted) is handed out by the parts that changed since it last was. It
// keeps that account itself, and it holds only for the key under which the base has it: a collection that is new, or
// moved, or was part of a checkpoint that failed, is handed out whole.

// mark says in which epoch a key last changed.
type mark uint8

const (
	clean mark = iota // as the base has it
	markA
	markB
	told // as a running checkpoint was told
)

func (m mark) other() mark { return markA + markB - m }

// Frozen is a key as it stood at the cut. Its bytes are good only during the call that hands it out.
type Frozen struct {
	Store    uint32
	Key      []byte
	Deleted  bool // the base is to forget the key; what follows is zero
	Kind     Kind
	Deadline int64
	Lapse    int64  // of what is in the value the earliest; expiry.None without one
	Text     []byte // of a string
	Value    Value  // of another kind
	// Partly: Value is Parted, and the base has it as it was when it was last handed out.
	Partly bool
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
	old    mark // what changed before the cut bears this
	sink   func(Frozen)
	left   []*DB  // databases to walk; the first is under way
	cursor uint64 // in left[0]
	all    []*DB
}

// Freeze cuts: the view it returns is of this moment. sink receives the keys that changed since the last Freeze, from
// Step and from changes, always under the engine's lock. One freeze at a time; end it with Commit, when Step has said
// that there is no more, or with Abort, and sweep before the next.
func (ks *Keyspace) Freeze(sink func(Frozen)) *Freeze {
	if ks.freeze != nil {
		panic("BUG: a freeze within a freeze")
	}
	f := &Freeze{ks: ks, old: ks.epoch, sink: sink}
	for i, db := range ks.dbs {
		db.freezing = f
		f.left = append(f.left, db)
		if db.Len() > 0 {
			f.DBs = append(f.DBs, FrozenDB{i, db.store, db.Len(), db.Deadlines()})
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
	f.cursor = db.table.walkMarked(f.cursor, f.old, func(seg *segment, i int) {
		f.handOut(db, block(db.arena.at(seg.slots[i].ref())))
		seg.setMark(i, told)
	})
	if f.cursor == 0 {
		db.freezing = nil
		f.left = f.left[1:]
	}
	return len(f.left) > 0
}

func (f *Freeze) handOut(db *DB, b block) {
	e := Entry{db: db, b: b}
	out := Frozen{Store: db.store, Key: e.Key(), Kind: b.kind(), Deadline: b.deadline()}
	switch b.kind() {
	case none:
		f.sink(Frozen{Store: db.store, Key: e.Key(), Deleted: true})
		return
	case String:
		out.Text = e.Text()
	default:
		out.Value, out.Lapse = e.Value(), e.Lapse()
		p, ok := out.Value.(Parted)
		parted := ok && p.Parted()
		out.Partly = parted && b.has(flagParted)
		b.clear(flagParted)
		if parted {
			b.set(flagParted)
		}
	}
	f.sink(out)
	if b.has(flagParted) {
		out.Value.(Parted).MarkClean()
	}
	b.set(flagStored)
}

// beforeChange is called with every key that is about to change, and marks it.
func (db *DB) beforeChange(p position) {
	m := p.seg.slots[p.i].mark()
	if m == db.ks.epoch {
		return
	}
	if f := db.freezing; f != nil && m == f.old {
		f.handOut(db, p.b)
	}
	p.seg.setMark(p.i, db.ks.epoch)
}

// Commit ends the freeze after the base has all of it. What was handed out is clean then, and the tombs among it go: in
// slices, of which sweep does one and reports whether there are more.
func (f *Freeze) Commit() (sweep func() bool) {
	if len(f.left) > 0 {
		panic("BUG: a freeze committed before its last step")
	}
	return f.end(func(db *DB, cursor uint64) uint64 { return db.settleSegment(cursor) })
}

// Abort ends the freeze when the base did not take it: all of it counts as changed again, and collections as changed in
// every part. It sweeps as Commit does.
func (f *Freeze) Abort() (sweep func() bool) {
	return f.end(func(db *DB, cursor uint64) uint64 { return db.revertSegment(cursor) })
}

func (f *Freeze) end(segment func(*DB, uint64) uint64) (sweep func() bool) {
	for _, db := range f.all {
		db.freezing = nil
	}
	dbs, cursor := f.all, uint64(0)
	return func() bool {
		if cursor = segment(dbs[0], cursor); cursor == 0 {
			dbs = dbs[1:]
		}
		if len(dbs) > 0 {
			return true
		}
		f.ks.freeze = nil
		return false
	}
}

// settleSegment makes clean what the base was told of, and removes the tombs.
func (db *DB) settleSegment(cursor uint64) uint64 {
	var tombs [][]byte
	next := db.table.walkMarked(cursor, told, func(seg *segment, i int) {
		if b := block(db.arena.at(seg.slots[i].ref())); b.kind() == none {
			tombs = append(tombs, append([]byte(nil), db.key(b)...))
		} else {
			seg.setMark(i, clean)
		}
	})
	for _, key := range tombs {
		p, _ := db.lookup(key)
		db.free(p)
		db.table.remove(p.seg, p.i, p.hash)
	}
	return next
}

// revertSegment makes everything that is not clean a change of the present epoch.
func (db *DB) revertSegment(cursor uint64) uint64 {
	return db.table.walkSegment(cursor, func(seg *segment, i int) {
		if s := seg.slots[i]; s.mark() != clean {
			block(db.arena.at(s.ref())).clear(flagParted)
			seg.setMark(i, db.ks.epoch)
		}
	})
}
