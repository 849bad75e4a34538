package hashes

import (
	"bytes"
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

// AsideDeadline is of an aside that an Assembler takes beside the elements: a field, and the deadline of one that has come without.
const AsideDeadline = "deadline"

// assembler sorts the fields by their hashes. What belongs to one is its deadline, and its value; of an aside, its deadline with
// the highest bit set.
type assembler struct {
	to         *Builder
	order      outline.Sorter
	key, value []byte
	asides     bool
}

const (
	eight   = 8 // bytes of a hash, and of a deadline
	isAside = 1 << 63
)

func (a *assembler) Add(e outline.Element) error {
	deadline, value := uint64(e.Deadline), []byte(nil)
	switch {
	case e.Aside == AsideDeadline && e.Deadline > 0 && len(e.Pieces) == 1:
		a.asides = true
		deadline |= isAside
	case Check(e) != nil:
		return outline.ErrNoValue
	default:
		value = e.Pieces[1].Bytes
	}
	field := e.Pieces[0].Bytes
	a.key = append(binary.BigEndian.AppendUint64(a.key[:0], a.to.Hash(field)), field...)
	a.value = append(binary.BigEndian.AppendUint64(a.value[:0], deadline), value...)
	return a.order.Add(a.key, a.value)
}

func (a *assembler) End() (head []byte, err error) {
	if a.asides {
		err = a.merge()
	} else {
		err = a.order.Each(a.put)
	}
	if err != nil {
		return nil, err
	}
	return a.to.End()
}

func (a *assembler) put(key, value []byte) error {
	return a.to.Add(binary.BigEndian.Uint64(key), key[eight:], value[eight:], int64(binary.BigEndian.Uint64(value)))
}

// merge gives each field that has an aside the deadline of that. It comes right behind the field.
func (a *assembler) merge() error {
	a.key = a.key[:0]
	err := a.order.Each(func(key, value []byte) error {
		deadline := binary.BigEndian.Uint64(value)
		if deadline&isAside != 0 {
			if !bytes.Equal(key, a.key) || binary.BigEndian.Uint64(a.value) != 0 {
				return outline.ErrNoValue
			}
			binary.BigEndian.PutUint64(a.value, deadline&^isAside)
			return nil
		}
		err := a.flush()
		a.key, a.value = append(a.key[:0], key...), append(a.value[:0], value...)
		return err
	})
	if err != nil {
		return err
	}
	return a.flush()
}

// flush puts the field that waits for its aside.
func (a *assembler) flush() error {
	if len(a.key) == 0 {
		return nil
	}
	return a.put(a.key, a.value)
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
