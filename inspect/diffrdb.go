package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// An RDB file has its keys in no order. To be compared it is read once, and sorted by key in temporary files: not the
// values, but a digest of what each holds and where in the file it is. Two values with the same digest are the same, so that
// the file is looked into again only for what differs, and only where that is to be told element by element.
//
// Rejected: making a base of the file first (room for all of the data, and twice the time); a table of digests by the hash of
// the key, which needs no names (what differs would come in an order of its own, and the other side be read twice).

// sortMemory is what sorting takes before it needs files, in bytes.
const sortMemory = 64 << 20

// sortedRDB is an RDB file as a side of a diff.
type sortedRDB struct {
	source *RDBSource
	sorter *snapshot.Sorter
	keys   map[int]int64

	read   bool // the fields below are a key
	ended  bool
	db     int
	now    keyedHead
	value  sortedValue
	before []byte // the key that came before it in its database
	came   bool   // one did
}

// sortedValue is a value of a sorted file.
type sortedValue struct {
	source   *RDBSource
	sum      sum
	from, to int64 // in the file: its type, and behind its value
	elements int64
	module   bool
	encoding string
}

func (s *RDBSource) ordered(d *diff) (_ orderedKeys, err error) {
	o := &sortedRDB{source: s, sorter: snapshot.NewSorter(s.fs, d.options.Temporary, sortMemory), keys: map[int]int64{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.sorter.Discard())
		}
	}()
	var value []byte
	scope := Scope{DB: d.options.DB, Prefix: d.options.Prefix, Ended: d.ctx.Err, Progress: func(done, total int64) {
		if d.options.Progress != nil {
			d.options.Progress("sorting keys", done, total)
		}
	}}
	return o, s.EachFile(scope, func(e *Entry, f *rdb.File) error {
		v := sortedValue{to: f.Offset(), elements: e.Elements, module: e.Kind == 0, encoding: e.Encoding}
		v.from = v.to - e.Bytes - 1
		var err error
		if v.module {
			v.sum, err = d.seeds.bytes(s.file, v.from, v.to)
		} else {
			v.sum, err = d.seeds.digest(e.Value)
		}
		if err != nil {
			return err
		}
		o.keys[e.DB]++
		value = v.append(value[:0], e)
		return o.sorter.Add(snapshot.Store(e.DB), e.Key, value)
	})
}

// bytes digests a piece of a file.
func (of seeds) bytes(r io.ReaderAt, from, to int64) (s sum, err error) {
	for i := range s {
		var hash maphash.Hash
		hash.SetSeed(of[i])
		if _, err := io.Copy(&hash, io.NewSectionReader(r, from, to-from)); err != nil {
			return s, err
		}
		s[i] = hash.Sum64()
	}
	return s, nil
}

// append appends what the sorter keeps of a key.
func (v *sortedValue) append(dst []byte, e *Entry) []byte {
	dst = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, v.sum[0]), v.sum[1])
	dst = append(dst, byte(e.Kind))
	dst = binary.AppendVarint(dst, e.Deadline)
	dst = binary.AppendVarint(binary.AppendVarint(dst, v.from), v.to)
	return append(binary.AppendVarint(dst, v.elements), v.encoding...)
}

// parse undoes append.
func (v *sortedValue) parse(b []byte) (h snapshot.Head, ok bool) {
	const fixed = 17
	if len(b) < fixed {
		return h, false
	}
	v.sum = sum{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	h.Kind, v.module = b[16], b[16] == 0
	b = b[fixed:]
	for _, n := range []*int64{&h.Deadline, &v.from, &v.to, &v.elements} {
		size := 0
		if *n, size = binary.Varint(b); size <= 0 {
			return h, false
		}
		b = b[size:]
	}
	v.encoding = string(b)
	h.Size = -1 // its bytes are nobody else's
	return h, true
}

// Walk reads the value from the file again.
func (v *sortedValue) Walk(visit outline.Visitor) error {
	if v.module {
		return v.source.blame(rdb.ErrModule)
	}
	f, err := rdb.ReadKey(v.source.file, v.from, v.to)
	if err != nil {
		return v.source.blame(err)
	}
	f.EndBy(v.source.ended)
	return (&rdbValue{v.source, f}).Walk(visit)
}

func (s *sortedRDB) databases() map[int]int64 { return s.keys }

func (s *sortedRDB) end() error { return s.sorter.Discard() }

func (s *sortedRDB) cursor(db int) cursor {
	s.came = false
	return sortedCursor{s, db}
}

// sortedCursor is one database of the file.
type sortedCursor struct {
	*sortedRDB
	of int
}

func (c sortedCursor) peek() (*keyedHead, error) {
	if err := c.fetch(); err != nil || c.ended || c.db != c.of {
		return nil, err
	}
	return &c.now, nil
}

// fetch gets the next key from the sorter.
func (s *sortedRDB) fetch() error {
	if s.read || s.ended {
		return nil
	}
	store, key, value, err := s.sorter.Next()
	if err == io.EOF {
		s.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	s.value = sortedValue{source: s.source}
	head, ok := s.value.parse(value)
	if !ok {
		return fmt.Errorf("reading what was sorted: %w", snapshot.ErrCorrupt)
	}
	if s.came && int(store) == s.db && bytes.Equal(key, s.before) {
		return s.source.blame(twiceError(s.value.from, key, int(store)))
	}
	s.db, s.now, s.read = int(store), keyedHead{key, head}, true
	return nil
}

// twiceError is the damage of a file that has a key twice, as no Redis writes and none loads it.
func twiceError(at int64, key []byte, db int) error {
	return &rdb.DamageError{Kind: rdb.ErrCorrupt, Offset: at, Reason: fmt.Sprintf("key %.100q of database %d is there twice", key, db)}
}

func (c sortedCursor) next() {
	c.read, c.came = false, true
	c.before = append(c.before[:0], c.now.key...)
}

func (c sortedCursor) stop() {}

func (c sortedCursor) entry(h *keyedHead) (*Entry, error) {
	v := c.value
	e := &Entry{
		DB: c.db, Key: h.key, Kind: kv.Kind(h.head.Kind), Type: typeModule, Deadline: h.head.Deadline, Bytes: v.to - v.from - 1,
		Summary: outline.Summary{Encoding: v.encoding, Elements: v.elements}, Value: &v,
	}
	if !v.module {
		e.Type = c.source.types[e.Kind].Name
	}
	return e, nil
}
