package kv

import (
	"errors"
	"math"
)

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
// moved, or was too small for parts meanwhile, or was part of a checkpoint that failed, is handed out whole. So many
// parts may be many: they are handed out some at a time, the head first, as long as nobody wants to change it. Who does
// gets the rest handed out before, at once.

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
	// Parts calls fn for parts of Value, where it is to lie in parts; nil where it is not.
	Parts func(fn func(id uint64, payload []byte))
	// Partly: the base has it as it was when it was last handed out, and what changed since is handed out.
	Partly bool
	// Continued: the head and some parts have been handed out before, and these are more of them.
	Continued bool
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
	// Bytes is what the keyspace counted of itself then.
	Bytes int64

	ks     *Keyspace
	old    mark // what changed before the cut bears this
	sink   func(Frozen)
	left   []*DB  // databases to walk; the first is under way
	cursor uint64 // in left[0]
	walked bool   // to its end
	all    []*DB
	big    []piecemeal // of left[0]: collections that are left to be handed out; the first may be under way
}

// piecemeal is a collection that is handed out piece by piece.
type piecemeal struct {
	hash uint64
	key  []byte
	from uint64 // the least part that is left; 0: all of it is, and the head
}

const (
	// pieceBytes is about how many bytes of parts, or of whole values, are handed out at a time, and partCost what a part counts beside its own.
	pieceBytes = 64 << 10
	partCost   = 64
)

// Freeze cuts: the view it returns is of this moment. sink receives the keys that changed since the last Freeze, from
// Step and from changes, always under the engine's lock. One freeze at a time; end it with Commit, when Step has said
// that there is no more, or with Abort, and sweep before the next.
func (ks *Keyspace) Freeze(sink func(Frozen)) *Freeze {
	if ks.freeze != nil {
		panic("BUG: a freeze within a freeze")
	}
	f := &Freeze{ks: ks, old: ks.epoch, sink: sink, Bytes: ks.Bytes()}
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

// Step hands out the keys of one segment of the table, some 150 of them or fewer that are long, or a piece of a big collection,
// and reports whether there are more.
func (f *Freeze) Step() bool {
	if len(f.left) == 0 {
		return false
	}
	db := f.left[0]
	if len(f.big) > 0 {
		f.handOutPiece(db)
	} else {
		room := int64(db.ks.piece)
		next, whole := db.table.walkMarked(f.cursor, f.old, func(seg *segment, i int) bool {
			room -= f.handOutAt(db, seg, i)
			return room > 0
		})
		f.cursor, f.walked = next, whole && next == 0
	}
	if f.walked && len(f.big) == 0 {
		f.walked = false
		db.freezing = nil
		f.left = f.left[1:]
	}
	return len(f.left) > 0
}

// handOutAt hands out a key, or notes that it has a big collection, which comes next. It returns about how many bytes it gave.
func (f *Freeze) handOutAt(db *DB, seg *segment, i int) (gave int64) {
	b := block(db.arena.at(seg.slots[i].ref()))
	if b.collects() {
		if p, ok := db.values.at(b.number()).Value.(Parted); ok && p.Parted() && p.Bytes() > int64(db.ks.piece) {
			key := append([]byte(nil), db.key(b)...)
			f.big = append(f.big, piecemeal{hash: db.table.hash(key), key: key})
			return 0
		}
	}
	gave = Entry{db: db, b: b}.Bytes()
	f.handOut(db, b)
	seg.setMark(i, told)
	return gave
}

// handOutPiece hands out a piece of the first big collection, unless a change has meanwhile had it handed out.
func (f *Freeze) handOutPiece(db *DB) {
	next := &f.big[0]
	seg, i := db.table.find(next.hash, next.key)
	if i >= 0 && seg.slots[i].mark() == f.old {
		b := block(db.arena.at(seg.slots[i].ref()))
		if next.from = f.handOutParts(db, b, next.from, db.ks.piece); next.from > 0 {
			return
		}
		seg.setMark(i, told)
	}
	f.big = f.big[1:]
}

// handOut hands out a key, or what is left of one whose collection is under way.
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
		if p, ok := out.Value.(Parted); ok && p.Parted() {
			from := uint64(0)
			if len(f.big) > 0 && db == f.left[0] && string(f.big[0].key) == string(out.Key) {
				from = f.big[0].from
			}
			f.handOutParts(db, b, from, math.MaxInt)
			return
		}
		b.clear(flagParted)
	}
	f.sink(out)
	b.set(flagStored)
}

// errEnough ends a piece.
var errEnough = errors.New("enough parts for now")

// handOutParts hands out about so many bytes of a collection's parts, from an id on; from 0 on the head as well. It returns
// the least id that is left; 0 where none is.
func (f *Freeze) handOutParts(db *DB, b block, from uint64, most int) (next uint64) {
	e := Entry{db: db, b: b}
	v := e.Value().(Parted)
	out := Frozen{
		Store: db.store, Key: e.Key(), Kind: b.kind(), Deadline: b.deadline(), Lapse: e.Lapse(), Value: v,
		Partly: b.has(flagParted), Continued: from > 0,
	}
	out.Parts = func(fn func(id uint64, payload []byte)) {
		given := 0
		err := v.PartsFrom(from, out.Partly, func(id uint64, payload []byte) error {
			if given >= most {
				next = id
				return errEnough
			}
			given += len(payload) + partCost
			fn(id, payload)
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			panic("BUG: an error of nobody's: " + err.Error())
		}
	}
	if f.sink(out); next > 0 {
		return next
	}
	v.MarkClean()
	b.set(flagParted | flagStored)
	return 0
}

// disownParts has a collection that a change left too small for parts be handed out whole from now on: it may have been made anew,
// as SPOP makes a set of integers, and know nothing of the parts that the base has when it is large again.
func (db *DB) disownParts(e edit, v Value) {
	if p, ok := v.(Parted); !ok || !p.Parted() {
		db.collecting(e.hash, e.number).b.clear(flagParted)
	}
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
	next, _ := db.table.walkMarked(cursor, told, func(seg *segment, i int) bool {
		if b := block(db.arena.at(seg.slots[i].ref())); b.kind() == none {
			tombs = append(tombs, append([]byte(nil), db.key(b)...))
		} else {
			seg.setMark(i, clean)
		}
		return true
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
