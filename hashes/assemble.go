package hashes

import (
	"encoding/binary"

	"holdfast/dict"
	"holdfast/outline"
)

// Assembly makes a large hash of its fields, in any order.
func Assembly() outline.Assembly {
	const deadline = 32 // with the lengths, and more
	return outline.Assembly{ElementMax: dict.PartBytesMax - deadline, Begin: func(s outline.Site) outline.Assembler {
		return &assembler{to: NewBuilder(s.Seed, s.Elements, s.Size, s.Part), order: s.Sorter(4)}
	}}
}

// assembler sorts the fields by their hashes. What belongs to one is its deadline, and its value.
type assembler struct {
	to         *Builder
	order      outline.Sorter
	key, value []byte
}

const eight = 8 // bytes of a hash, and of a deadline

func (a *assembler) Add(e outline.Element) error {
	if err := Check(e); err != nil {
		return err
	}
	field := e.Pieces[0].Bytes
	a.key = append(binary.BigEndian.AppendUint64(a.key[:0], a.to.Hash(field)), field...)
	a.value = append(binary.BigEndian.AppendUint64(a.value[:0], uint64(e.Deadline)), e.Pieces[1].Bytes...)
	return a.order.Add(a.key, a.value)
}

func (a *assembler) End() (head []byte, err error) {
	err = a.order.Each(func(key, value []byte) error {
		return a.to.Add(binary.BigEndian.Uint64(key), key[eight:], value[eight:], int64(binary.BigEndian.Uint64(value)))
	})
	if err != nil {
		return nil, err
	}
	return a.to.End()
}

func (a *assembler) Discard() error { return a.order.Discard() }

// Check looks whether an element is one of a hash: outline.ErrNoValue.
func Check(e outline.Element) error {
	if e.Deadline >= 0 {
		e.Deadline = 0
	}
	if !e.Has(outline.Field, outline.Value) {
		return outline.ErrNoValue
	}
	return nil
}
