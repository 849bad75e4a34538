package rdb

import (
	"encoding/binary"
	"math"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/sets"
	"holdfast/streams"
	"holdfast/zsets"
)

// Encode returns the payload of a value, as DUMP replies it.
func Encode(o Object) []byte {
	switch v := o.Value.(type) {
	case nil:
		return seal(appendString([]byte{typeString}, o.Text), version7_0)
	case *lists.List:
		return seal(appendList(v), version7_0)
	case *sets.Set:
		return seal(appendSet(v), version7_0)
	case *zsets.Set:
		return seal(appendZSet(v), version7_0)
	case *hashes.Hash:
		if v.Lapses() != math.MaxInt64 {
			return seal(appendTimedHash(v), version7_4)
		}
		return seal(appendHash(v), version7_0)
	case *streams.Stream:
		return seal(appendStream(v), version7_0)
	}
	panic("BUG: rdb: a value of an unknown kind")
}

// begin is the beginning of a collection: its type and the number of its elements, with room for the rest.
func begin(form byte, v kv.Value) []byte {
	return appendLength(append(make([]byte, 0, v.Bytes()+footerSize), form), uint64(v.Len()))
}

func appendList(l *lists.List) []byte {
	b := begin(typeList, l)
	for _, element := range l.All() {
		b = appendString(b, element)
	}
	return b
}

func appendSet(s *sets.Set) []byte {
	b := begin(typeSet, s)
	for member := range s.All() {
		b = appendString(b, member)
	}
	return b
}

func appendZSet(z *zsets.Set) []byte {
	b := begin(typeZSet, z)
	for member, score := range z.All() {
		b = binary.LittleEndian.AppendUint64(appendString(b, member), math.Float64bits(score))
	}
	return b
}

func appendHash(h *hashes.Hash) []byte {
	b := begin(typeHash, h)
	for field, value := range h.All() {
		b = appendString(appendString(b, field), value)
	}
	return b
}

// appendTimedHash writes each deadline as its distance from the first one, plus one.
func appendTimedHash(h *hashes.Hash) []byte {
	first := h.Lapses()
	b := binary.LittleEndian.AppendUint64([]byte{typeHashTimed}, uint64(first))
	b = appendLength(b, uint64(h.Len()))
	h.Each(func(field, value []byte, deadline int64) bool {
		after := uint64(0)
		if deadline > 0 {
			after = uint64(deadline-first) + 1
		}
		b = appendString(appendString(appendLength(b, after), field), value)
		return true
	})
	return b
}
