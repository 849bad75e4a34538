package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"

	"holdfast/dict"
	"holdfast/hashes"
	"holdfast/inspect"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/sets"
	"holdfast/snapshot"
	"holdfast/streams"
	"holdfast/zsets"
)

// A value that is large for the memory that there is goes into the base in parts as it is read, and is never made whole. Lists
// and streams lie in a base in the order of a file; the others are sorted on the way: by their hashes, or by their scores.

// large reports whether a value is to be stored so. One with an element that is too long for a part lies in the base in one piece.
func (d *directory) large(k *rdb.Key) bool {
	const perElement, least = 16, 64 << 10
	if k.Size+perElement*k.Elements < max(d.Memory/32, least) {
		return false
	}
	switch k.Kind {
	case kv.List:
		return k.Longest <= lists.PartBytesMax
	case kv.Set, kv.Hash:
		return k.Longest+32 <= dict.PartBytesMax
	case kv.ZSet:
		return k.Longest <= zsets.PartBytesMax
	case kv.Stream:
		return k.Longest <= streams.PartBytesMax
	}
	return false
}

// inParts is a value on its way into the parts of a key.
type inParts struct {
	*directory
	to    *snapshot.Changes
	store snapshot.Store
	entry *inspect.Entry
	size  int64 // of the elements, in bytes
	rules rdb.Rules
}

// putInParts adds a key to the base, whose elements have so many bytes. A value that makes no sense is what refused says, and
// leaves nothing.
func (d *directory) putInParts(to *snapshot.Changes, e *inspect.Entry, size int64, rules rdb.Rules, refused func() error) error {
	p := inParts{directory: d, to: to, store: storeOf(e.DB), entry: e, size: size, rules: rules}
	if err := to.Delete(p.store, e.Key); err != nil {
		return err
	}
	head, err := p.build()
	switch {
	case errors.Is(err, dict.ErrTwice), errors.Is(err, streams.ErrOrder), errors.Is(err, dict.ErrCorrupt), errors.Is(err, errNoValue):
		return errors.Join(refused(), to.Delete(p.store, e.Key))
	case errors.Is(err, rdb.ErrCorrupt): // the file is not what it was when the value was measured
		return errors.Join(err, to.Delete(p.store, e.Key))
	case err != nil:
		return err
	}
	return to.Put(p.store, e.Key, snapshot.Record{Kind: byte(e.Kind), Parted: true, Deadline: e.Deadline, Lapse: e.Lapse, Payload: head})
}

// errNoValue: an element is not what its type has.
var errNoValue = errors.New("an element that the type does not have")

// build adds the parts, and returns the head.
func (p *inParts) build() ([]byte, error) {
	switch p.entry.Kind {
	case kv.List:
		b := lists.NewBuilder(p.part)
		if err := p.entry.Value.Walk(func(e outline.Element) error { return b.Add(e.Pieces[0].Bytes) }); err != nil {
			return nil, err
		}
		return b.End()
	case kv.Set:
		return p.set()
	case kv.ZSet:
		return p.zset()
	case kv.Hash:
		return p.hash()
	case kv.Stream:
		return p.stream()
	}
	panic(fmt.Sprintf("BUG: parts of a value of kind %d", p.entry.Kind))
}

func (p *inParts) part(id uint64, payload []byte) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return p.to.PutPart(p.store, p.entry.Key, id, payload)
}

// order is one that may take so many of the shares of the memory.
func (p *inParts) order(shares int64) *snapshot.Order {
	return snapshot.NewOrder(p.FS, p.place.Work(), int(p.Memory*shares/16))
}

const hashBytes = 8

func (p *inParts) set() (_ []byte, err error) {
	b := sets.NewBuilder(p.rules.Seed(), p.entry.Elements, p.size, p.part)
	order := p.order(4)
	defer func() { err = errors.Join(err, order.Discard()) }()
	var key []byte
	err = p.entry.Value.Walk(func(e outline.Element) error {
		member := e.Pieces[0].Bytes
		key = append(binary.BigEndian.AppendUint64(key[:0], b.Hash(member)), member...)
		return order.Add(key, nil)
	})
	if err == nil {
		err = order.Each(func(key, _ []byte) error { return b.Add(binary.BigEndian.Uint64(key), key[hashBytes:]) })
	}
	if err != nil {
		return nil, err
	}
	return b.End()
}

func (p *inParts) hash() (_ []byte, err error) {
	b := hashes.NewBuilder(p.rules.Seed(), p.entry.Elements, p.size, p.part)
	order := p.order(4)
	defer func() { err = errors.Join(err, order.Discard()) }()
	var key, held []byte
	err = p.entry.Value.Walk(func(e outline.Element) error {
		field := e.Pieces[0].Bytes
		key = append(binary.BigEndian.AppendUint64(key[:0], b.Hash(field)), field...)
		held = append(binary.BigEndian.AppendUint64(held[:0], uint64(e.Deadline)), e.Pieces[1].Bytes...)
		return order.Add(key, held)
	})
	if err == nil {
		err = order.Each(func(key, held []byte) error {
			deadline := int64(binary.BigEndian.Uint64(held))
			return b.Add(binary.BigEndian.Uint64(key), key[hashBytes:], held[8:], deadline)
		})
	}
	if err != nil {
		return nil, err
	}
	return b.End()
}

// zset sorts twice: the elements by their scores, and, as a member may come with two of them, two hashes of each member.
func (p *inParts) zset() (_ []byte, err error) {
	b := zsets.NewBuilder(p.rules.Seed(), p.part)
	order, members := p.order(3), p.order(1)
	defer func() { err = errors.Join(err, order.Discard(), members.Discard()) }()
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	var key, value []byte
	err = p.entry.Value.Walk(func(e outline.Element) error {
		member := e.Pieces[0].Bytes
		score, err := strconv.ParseFloat(string(e.Pieces[1].Bytes), 64)
		if err != nil && !math.IsInf(score, 0) || math.IsNaN(score) {
			return errNoValue
		}
		key = append(zsets.AppendOrder(key[:0], score), member...)
		value = binary.BigEndian.AppendUint64(value[:0], math.Float64bits(score))
		if err := order.Add(key, value); err != nil {
			return err
		}
		key = binary.BigEndian.AppendUint64(key[:0], maphash.Bytes(seeds[0], member))
		return members.Add(binary.BigEndian.AppendUint64(key, maphash.Bytes(seeds[1], member)), nil)
	})
	if err == nil {
		var last [16]byte
		err = members.Each(func(key, _ []byte) error {
			if string(key) == string(last[:]) {
				return dict.ErrTwice
			}
			copy(last[:], key)
			return nil
		})
	}
	if err == nil {
		err = order.Each(func(key, value []byte) error {
			return b.Add(key[len(value):], math.Float64frombits(binary.BigEndian.Uint64(value)))
		})
	}
	if err != nil {
		return nil, err
	}
	return b.End()
}

func (p *inParts) stream() ([]byte, error) {
	b := streams.NewBuilder(p.rules.Streams, p.part)
	var pairs [][]byte
	err := p.entry.Value.Walk(func(e outline.Element) error {
		if e.Aside != "" {
			return aside(b.Aside(), e)
		}
		id, ok := streams.ParseID(e.Pieces[0].Bytes, 0)
		if !ok {
			return errNoValue
		}
		pairs = pairs[:0]
		for _, piece := range e.Pieces[1:] {
			pairs = append(pairs, piece.Bytes)
		}
		return b.Append(id, pairs)
	})
	if err != nil {
		return nil, err
	}
	return b.End()
}

// aside gives a stream what it has beside its entries.
func aside(s *streams.Stream, e outline.Element) error {
	r := roles{pieces: e.Pieces}
	switch e.Aside {
	case "stream":
		s.SetLast(r.id(outline.LastID))
		s.SetMaxDeleted(r.id(outline.MaxDeleted))
		s.SetAdded(uint64(r.number(outline.Added)))
	case "group":
		if s.CreateGroup(r.bytes(outline.Group), r.id(outline.Delivered), r.number(outline.Read)) == nil {
			return dict.ErrTwice
		}
	case "consumer", "pending":
		g, name := s.Group(r.bytes(outline.Group)), r.bytes(outline.Consumer)
		if g == nil {
			return errNoValue
		}
		switch c := g.Consumer(name); {
		case e.Aside == "consumer" && c == nil:
			g.CreateConsumer(name)
		case e.Aside == "consumer":
			return dict.ErrTwice
		case c == nil:
			return errNoValue
		default:
			g.Give(r.id(outline.ID), c, r.number(outline.At), uint64(r.number(outline.Times)))
		}
	}
	return r.err
}

// roles finds pieces by what they are.
type roles struct {
	pieces []outline.Piece
	err    error
}

func (r *roles) bytes(role outline.Role) []byte {
	for _, p := range r.pieces {
		if p.Role == role {
			return p.Bytes
		}
	}
	r.err = errNoValue
	return nil
}

// number reads a decimal number; those of a stream without a sign may use all 64 bits.
func (r *roles) number(role outline.Role) int64 {
	text := string(r.bytes(role))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		var unsigned uint64
		unsigned, err = strconv.ParseUint(text, 10, 64)
		n = int64(unsigned)
	}
	if err != nil {
		r.err = errNoValue
	}
	return n
}

func (r *roles) id(role outline.Role) streams.ID {
	id, ok := streams.ParseID(r.bytes(role), 0)
	if !ok {
		r.err = errNoValue
	}
	return id
}
