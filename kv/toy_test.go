package kv

import (
	"encoding/binary"
	"maps"
	"slices"

	"holdfast/expiry"
)

// toy is a collection for tests: some bytes. Where there are few it is packed, and in the base many lie in parts.
type toy struct {
	b      []byte
	stored map[uint64]string // the parts as they were at the last MarkClean, or when they were read
}

const (
	toyKind Kind = 9

	toyPackedMax   = 250
	toyPartedAbove = 300
	toyPartBytes   = 64
)

var (
	_ Parted   = (*toy)(nil)
	_ Lapser   = (*toy)(nil)
	_ Packable = (*toy)(nil)
)

// toyLapse is what lapses first in a toy: its bytes say so.
func toyLapse(b string) int64 {
	if len(b) < 2 || b[0] != 2 {
		return expiry.None
	}
	return 1000 + int64(b[1])<<3
}

func (v *toy) Lapses() int64 {
	if at := toyLapse(string(v.b)); at != expiry.None {
		return at
	}
	return expiry.Never
}

func (v *toy) Lapse(now int64, most int) [][]byte {
	if v.Lapses() > now || most == 0 {
		return nil
	}
	v.b[0] = 1
	return [][]byte{{2}}
}

func (v *toy) PackedSize() int {
	if len(v.b) > toyPackedMax || v.stored != nil || v.Lapses() != expiry.Never {
		return 0
	}
	return len(v.b)
}

func (v *toy) AppendPacked(dst []byte) []byte { return append(dst, v.b...) }

// toyTypes are the types of a keyspace for tests.
func toyTypes() *Types {
	return NewTypes(Type{Kind: toyKind, Unpack: func(b []byte) Value { return &toy{b: b} }})
}

func (v *toy) Len() int                       { return len(v.b) }
func (v *toy) Bytes() int64                   { return int64(len(v.b)) }
func (v *toy) AppendBinary(dst []byte) []byte { return append(dst, v.b...) }
func (v *toy) Parted() bool                   { return len(v.b) > toyPartedAbove }
func (v *toy) AppendHead(dst []byte) []byte   { return binary.AppendUvarint(dst, uint64(len(v.b))) }

func (v *toy) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error {
	id := uint64(0)
	for part := range slices.Chunk(v.b, toyPartBytes) {
		if was, ok := v.stored[id]; id >= from && (!changed || !ok || was != string(part)) {
			if err := fn(id, part); err != nil {
				return err
			}
		}
		id++
	}
	return nil
}

func (v *toy) DroppedParts(fn func(id uint64)) {
	for _, id := range slices.Sorted(maps.Keys(v.stored)) {
		if !v.Parted() || id*toyPartBytes >= uint64(len(v.b)) {
			fn(id)
		}
	}
}

func (v *toy) MarkClean() { v.stored = v.parts() }

// parts are those that it has now; nil when it lies in one piece.
func (v *toy) parts() map[uint64]string {
	if !v.Parted() {
		return nil
	}
	parts := map[uint64]string{}
	_ = v.PartsFrom(0, false, func(id uint64, payload []byte) error {
		parts[id] = string(payload)
		return nil
	})
	return parts
}
