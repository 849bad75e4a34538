package sets

import (
	"encoding/binary"

	"holdfast/dict"
	"holdfast/outline"
)

// Assembly makes a large set of its members, in any order.
func Assembly() outline.Assembly {
	const lengths = 32 // and more, that are stored before a member
	return outline.Assembly{ElementMax: dict.PartBytesMax - lengths, Begin: func(s outline.Site) outline.Assembler {
		return &assembler{to: NewBuilder(s.Seed, s.Elements, s.Size, s.Part), order: s.Sorter(4)}
	}}
}

// assembler sorts the members by their hashes.
type assembler struct {
	to    Builder
	order outline.Sorter
	key   []byte
}

const hashBytes = 8

func (a *assembler) Add(e outline.Element) error {
	if err := Check(e); err != nil {
		return err
	}
	member := e.Pieces[0].Bytes
	a.key = append(binary.BigEndian.AppendUint64(a.key[:0], a.to.Hash(member)), member...)
	return a.order.Add(a.key, nil)
}

func (a *assembler) End() (head []byte, err error) {
	err = a.order.Each(func(key, _ []byte) error { return a.to.Add(binary.BigEndian.Uint64(key), key[hashBytes:]) })
	if err != nil {
		return nil, err
	}
	return a.to.End()
}

func (a *assembler) Discard() error { return a.order.Discard() }

// Check looks whether an element is one of a set: outline.ErrNoValue. One of which nothing but its bytes is known is.
func Check(e outline.Element) error {
	if e.Has(outline.Member) || e.Has("") {
		return nil
	}
	return outline.ErrNoValue
}
