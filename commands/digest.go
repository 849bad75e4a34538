package commands

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/streams"
)

// digest is a fingerprint of data, made in the way of Redis 7.0's DEBUG DIGEST, so that the two can be compared. It
// is no protection against anybody: it is to find differences.
//
//	keyspace  mix the number of each database that has keys, then add each of its keys
//	key       mix its name, then as value
//	value     mix the type's number; mix or add the elements; add "!!expire!!" where there is a deadline
//	elements  mix each where their order counts, else add it; one made of pieces is their own mix, begun at zero
//
// The numbers are big-endian, of 32 bits.
type digest [sha1.Size]byte

// add takes b in where the order does not matter.
func (d *digest) add(b []byte) {
	for i, x := range sha1.Sum(b) {
		d[i] ^= x
	}
}

// mix takes b in where the order matters.
func (d *digest) mix(b []byte) {
	d.add(b)
	*d = sha1.Sum(d[:])
}

func (d *digest) mixNumber(n uint32) { d.mix(binary.BigEndian.AppendUint32(nil, n)) }

func (d *digest) String() string { return hex.EncodeToString(d[:]) }

// A collection is digested if it is a sequence or a gathering. New types join by having one of the two methods; a
// stream is neither.
type (
	// sequence has elements in an order, such as a list.
	sequence interface {
		All() iter.Seq2[int, []byte]
	}
	// gathering has elements in no order: a set's members, a hash's pairs of field and value, a sorted set's pairs of
	// member and score.
	gathering interface {
		Pieces() iter.Seq[[][]byte]
	}
)

// digestTypes are the numbers of types in a digest, by the names that TYPE tells.
var digestTypes = map[string]uint32{"string": 0, "list": 1, "set": 2, "zset": 3, "hash": 4, "stream": 6}

// value takes in what a key holds.
func (d *digest) value(types *kv.Types, e kv.Entry) {
	d.mixNumber(digestTypes[types[e.Kind()].Name])
	if e.Kind() == kv.String {
		d.mix(e.Text())
	} else {
		d.elements(e.Value())
	}
	if e.Deadline() != expiry.None {
		d.add([]byte("!!expire!!"))
	}
}

func (d *digest) elements(v kv.Value) {
	switch v := v.(type) {
	case sequence:
		for _, element := range v.All() {
			d.mix(element)
		}
	case gathering:
		for pieces := range v.Pieces() {
			d.gather(pieces)
		}
	case *streams.Stream:
		d.entries(v)
	default:
		panic("BUG: a value that cannot be digested")
	}
}

// entries takes in a stream's: each ID, written with a point, then its fields and values. Groups do not count.
func (d *digest) entries(s *streams.Stream) {
	s.Range(streams.ID{}, streams.MaxID(), func(e streams.Entry) bool {
		d.mix(fmt.Appendf(nil, "%d.%d", e.ID.MS, e.ID.Seq))
		for field, value := range e.Pairs() {
			d.mix(field)
			d.mix(value)
		}
		return true
	})
}

func (d *digest) gather(pieces [][]byte) {
	if len(pieces) == 1 {
		d.add(pieces[0])
		return
	}
	var own digest
	for i, piece := range pieces {
		if i < 2 {
			own.mix(piece)
		} else {
			own.add(piece) // the mark of a field that has a deadline, as Redis 7.4
		}
	}
	d.add(own[:])
}

// digestAll is the digest of the whole keyspace, without what is due.
func (c *Call) digestAll() digest {
	var all digest
	for i := range c.Keys.Databases() {
		begun := false
		c.Keys.DB(i).Each(func(e kv.Entry) bool {
			if due(e, c.Now) {
				return true
			}
			if !begun {
				begun = true
				all.mixNumber(uint32(i))
			}
			var own digest
			own.mix(e.Key())
			own.value(c.Keys.Types, e)
			all.add(own[:])
			return true
		})
	}
	return all
}

// digestKey is the digest of one key's value, all zeros where there is none.
func (c *Call) digestKey(key []byte) digest {
	var d digest
	c.Expire(c.Client.DB, key)
	if e, ok := c.DB.Peek(key); ok {
		d.value(c.Keys.Types, e)
	}
	return d
}
