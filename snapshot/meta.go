package snapshot

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Format is the version of the file format that this package writes. It reads 1 too, in which nothing within a value
// lapses.
const Format = 2

const (
	bucketMeta  = "meta"
	keyFormat   = "format"
	keyState    = "state"
	formatMagic = "HFBASE"
)

// DB says where a logical database lives.
type DB struct {
	Index     int   // what SELECT takes
	Store     Store // no two databases have the same
	Keys      int64 // counted by this package; ignored where a Meta is handed in
	Deadlines int64 // those among them that are in the index of deadlines; likewise
}

// Meta is what a base says of itself.
type Meta struct {
	Format int      // the file's format; ignored where a Meta is handed in
	ID     [16]byte // of the data set
	LSN    uint64   // everything up to this record is in the base, and nothing after it
	Time   int64    // unix milliseconds, of the checkpoint
	Logged bool     // a log accompanies the base: without it the base alone may be old
	DBs    []DB     // databases without keys may be left out
	Extra  []byte   // the caller's
}

// counts are those of one store's buckets.
type counts struct{ keys, deadlines int64 }

// state is the meta as it is stored: the counts belong to stores, of which there are more than databases
// while a redo file is being applied.
type state struct {
	Meta
	stores map[Store]counts
	// applying says that a redo file is half applied: the Meta is the old one, the data is neither.
	applying bool
}

const (
	stateLogged = 1 << iota
	stateApplying
)

// newState is the state that m describes, with no keys in its stores. Two databases in one store, or the same
// database twice, are the caller's bug.
func newState(m Meta) state {
	s := state{Meta: m, stores: make(map[Store]counts, len(m.DBs))}
	s.Format = Format
	s.DBs = slices.Clone(m.DBs)
	indexes := make(map[int]bool, len(m.DBs))
	for _, db := range m.DBs {
		if _, twice := s.stores[db.Store]; twice || indexes[db.Index] || db.Index < 0 {
			panic(fmt.Sprintf("BUG: snapshot: databases %+v share an index or a store", m.DBs))
		}
		s.stores[db.Store], indexes[db.Index] = counts{}, true
	}
	return s
}

// counted fills in the counts of the databases.
func (s state) counted() Meta {
	m := s.Meta
	m.DBs = slices.Clone(m.DBs)
	for i, db := range m.DBs {
		m.DBs[i].Keys, m.DBs[i].Deadlines = s.stores[db.Store].keys, s.stores[db.Store].deadlines
	}
	m.Extra = slices.Clone(m.Extra)
	return m
}

// formatValue is what stands under "format", in this and every later format.
func formatValue() []byte {
	value := append(make([]byte, sumSize), formatMagic...)
	return seal([]byte(keyFormat), binary.LittleEndian.AppendUint32(value, Format))
}

// parseFormat undoes formatValue; the value is sound.
func parseFormat(value []byte) (format int, ok bool) {
	if len(value) < sumSize+len(formatMagic)+4 || string(value[sumSize:sumSize+len(formatMagic)]) != formatMagic {
		return 0, false
	}
	return int(binary.LittleEndian.Uint32(value[sumSize+len(formatMagic):])), true
}

// value is what stands under "state". All numbers are little endian.
func (s state) value() []byte {
	le := binary.LittleEndian
	b := make([]byte, sumSize, 256)
	b = le.AppendUint64(b, s.LSN)
	b = le.AppendUint64(b, uint64(s.Time))
	b = append(b, s.ID[:]...)
	var flags byte
	if s.Logged {
		flags |= stateLogged
	}
	if s.applying {
		flags |= stateApplying
	}
	b = append(b, flags)
	b = le.AppendUint32(b, uint32(len(s.stores)))
	for _, store := range slices.Sorted(maps.Keys(s.stores)) {
		b = le.AppendUint32(b, uint32(store))
		b = le.AppendUint64(b, uint64(s.stores[store].keys))
		b = le.AppendUint64(b, uint64(s.stores[store].deadlines))
	}
	b = le.AppendUint32(b, uint32(len(s.DBs)))
	for _, db := range s.DBs {
		b = le.AppendUint32(b, uint32(db.Index))
		b = le.AppendUint32(b, uint32(db.Store))
	}
	b = le.AppendUint32(b, uint32(len(s.Extra)))
	return seal([]byte(keyState), append(b, s.Extra...))
}

// parseState undoes value; the value is sound, and still not believed.
func parseState(value []byte) (s state, ok bool) {
	r := reader{rest: value[sumSize:]}
	s.Format = Format
	s.LSN = r.u64()
	s.Time = int64(r.u64())
	copy(s.ID[:], r.take(16))
	if flags := r.take(1); !r.short {
		s.Logged, s.applying = flags[0]&stateLogged != 0, flags[0]&stateApplying != 0
	}
	s.stores = make(map[Store]counts)
	for n := r.u32(); n > 0 && !r.short; n-- {
		store := Store(r.u32())
		s.stores[store] = counts{int64(r.u64()), int64(r.u64())}
	}
	for n := r.u32(); n > 0 && !r.short; n-- {
		db := DB{Index: int(r.u32()), Store: Store(r.u32())}
		if _, known := s.stores[db.Store]; !known {
			return state{}, false
		}
		s.DBs = append(s.DBs, db)
	}
	if n := r.u32(); n > 0 {
		s.Extra = slices.Clone(r.take(int(n)))
	}
	return s, !r.short && len(r.rest) == 0
}

// reader takes little-endian numbers off a slice; once it is too short, everything is zero.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if r.short = r.short || n > len(r.rest); r.short {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// readState reads the meta bucket.
func (v *view) readState(root uint64) (state, error) {
	meta, err := v.metaBucket(root)
	if err != nil {
		return state{}, err
	}
	value, ok, err := meta.find([]byte(keyState))
	if err != nil {
		return state{}, err
	}
	s, valid := state{}, false
	if ok {
		s, valid = parseState(value)
	}
	if !valid {
		return state{}, v.metaDamage(keyState)
	}
	return s, nil
}

func (v *view) metaDamage(key string) error {
	return &DamageError{File: v.file, Bucket: bucketMeta, Key: []byte(key), Offset: -1, What: "is missing or makes no sense"}
}

// metaBucket opens the meta bucket of a base whose format is known here.
func (v *view) metaBucket(root uint64) (*tree, error) {
	meta, err := v.bucket(root, []byte(bucketMeta))
	format, valid := 0, false
	if err == nil && meta != nil {
		var value []byte
		var ok bool
		if value, ok, err = meta.find([]byte(keyFormat)); err == nil && ok {
			format, valid = parseFormat(value)
		}
	}
	if valid && format <= Format {
		return meta, nil
	}
	if valid {
		return nil, fmt.Errorf("%s: %w: %d, and this program knows up to %d", v.file, ErrNewer, format, Format)
	}
	if err == nil {
		err = v.metaDamage(keyFormat)
	}
	if ours, look := v.anyOfOurs(root); look == nil && !ours {
		err = fmt.Errorf("%s: %w: a bbolt file of somebody else's", v.file, ErrNotBase)
	}
	return nil, err
}

// bucket opens a bucket by name; nil says that there is none.
func (v *view) bucket(root uint64, name []byte) (*tree, error) {
	t := tree{view: v, root: root}
	c := cursor{tree: &t}
	exact, err := c.seek(name)
	if err != nil || !exact {
		return nil, err
	}
	it, _, err := c.item()
	if err != nil {
		return nil, err
	}
	return v.open(it)
}

// anyOfOurs says whether some bucket has a name that only this package gives.
func (v *view) anyOfOurs(root uint64) (bool, error) {
	c := cursor{tree: &tree{view: v, root: root}}
	err := c.first()
	for err == nil {
		it, ok, bad := c.item()
		if bad != nil || !ok {
			return false, bad
		}
		if _, _, ours := parseBucket(it.key); ours {
			return true, nil
		}
		if ok, err = c.next(); !ok {
			return false, err
		}
	}
	return false, err
}
