package hashes

import (
	"encoding/binary"

	"holdfast/dict"
	"holdfast/expiry"
)

// Builder makes the parts of a large hash out of fields that come in the order of a dict: see dict.Builder.
type Builder struct {
	fields *dict.Builder
	timed  uint64
	buf    []byte
}

// NewBuilder begins a hash of so many fields, which take so many bytes with their values.
func NewBuilder(seed dict.Seed, fields, size int64, emit func(id uint64, payload []byte) error) *Builder {
	return &Builder{fields: dict.NewBuilder(seed, fields, size, emit)}
}

// Hash is what the fields are to be sorted by, and those of the same one by their bytes.
func (b *Builder) Hash(field []byte) uint64 { return b.fields.Hash(field) }

// Add adds a field with its deadline, expiry.None for none: dict.ErrTwice.
func (b *Builder) Add(hash uint64, field, value []byte, deadline int64) error {
	b.buf = append(b.buf[:0], untimed)
	if deadline != expiry.None {
		b.timed++
		b.buf[0] = timed
		b.buf = binary.LittleEndian.AppendUint64(b.buf, uint64(deadline))
	}
	b.buf = append(b.buf, value...)
	return b.fields.Add(hash, field, b.buf)
}

// End gives out the last parts, and returns what AppendHead would append.
func (b *Builder) End() (head []byte, err error) {
	dict, err := b.fields.End()
	head = binary.AppendUvarint(append(head, version, formLarge), b.timed)
	return append(head, dict...), err
}
