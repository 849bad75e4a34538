package lists

import (
	"encoding/binary"
	"slices"
)

// PartBytesMax is how long an element may be, in bytes, for a Builder.
const PartBytesMax = partMax - 2*binary.MaxVarintLen64

// Builder makes the parts of a list out of its elements, and holds a node of them: so a list that is larger than memory can
// be stored.
type Builder struct {
	emit            func(id uint64, payload []byte) error
	block           []byte
	nodes, elements uint64
}

// NewBuilder begins a list. emit gets the parts in rising order of ids; a payload is good until it returns.
func NewBuilder(emit func(id uint64, payload []byte) error) *Builder { return &Builder{emit: emit} }

// Add puts an element behind the others.
func (b *Builder) Add(element []byte) error {
	at, size := len(b.block), entrySize(len(element))
	if at > 0 && at+size > blockMax {
		if err := b.flush(); err != nil {
			return err
		}
		at = 0
	}
	b.block = slices.Grow(b.block, size)[:at+size]
	putEntry(b.block[at:], element)
	b.elements++
	return nil
}

// End gives out the last part, and returns what AppendHead would append.
func (b *Builder) End() (head []byte, err error) {
	if len(b.block) > 0 {
		err = b.flush()
	}
	head = binary.AppendUvarint(append(head, version), b.nodes)
	return binary.AppendUvarint(head, b.elements), err
}

func (b *Builder) flush() error {
	id := idFirst + b.nodes*idStep
	b.nodes++
	err := b.emit(id, b.block)
	b.block = b.block[:0]
	return err
}
