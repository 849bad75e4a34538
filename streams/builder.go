package streams

import (
	"fmt"

	"holdfast/outline"
)

// ErrOrder says that the ID of an entry is not above those before it. It is outline.ErrNoValue.
var ErrOrder = fmt.Errorf("streams: the IDs of entries do not rise: %w", outline.ErrNoValue)

// PartBytesMax is how much an entry may have, in bytes, for a Builder.
const PartBytesMax = partMax - 1<<20

// Builder makes the parts of a stream out of its entries, and holds some nodes of them: so a stream that is larger than memory
// can be stored. Its groups, and what is pending in them, are in memory.
type Builder struct {
	s      *Stream
	limits Limits
	emit   func(id uint64, payload []byte) error
	nodes  int // that have gone
	buf    []byte
}

// NewBuilder begins a stream. emit gets the parts in rising order of ids; a payload is good until it returns.
func NewBuilder(l Limits, emit func(id uint64, payload []byte) error) *Builder {
	return &Builder{s: New(), limits: l, emit: emit}
}

// Append adds an entry of pairs of field and value: ErrOrder.
func (b *Builder) Append(id ID, pairs [][]byte) error {
	const held = 1 << 20
	if !b.s.last.Less(id) {
		return ErrOrder
	}
	if b.s.blocks > held {
		if err := b.shed(len(b.s.nodes) - 1); err != nil {
			return err
		}
	}
	b.s.Append(id, pairs, b.limits)
	return nil
}

// Aside is the stream as far as it is no entries: what it knows of itself, and its groups. Append is not called any more.
func (b *Builder) Aside() *Stream { return b.s }

// shed gives out the first n nodes that are there.
func (b *Builder) shed(n int) error {
	for i := range n {
		gone := &b.s.nodes[i]
		b.buf = gone.appendTo(b.buf[:0])
		if err := b.emit(gone.part, b.buf); err != nil {
			return err
		}
		b.s.blocks -= int64(cap(gone.block))
	}
	b.nodes += n
	left := copy(b.s.nodes, b.s.nodes[n:])
	clear(b.s.nodes[left:])
	b.s.nodes = b.s.nodes[:left]
	return nil
}

// End gives out the last parts, and returns what AppendHead would append.
func (b *Builder) End() (head []byte, err error) {
	if err := b.shed(len(b.s.nodes)); err != nil {
		return nil, err
	}
	if err := b.s.PartsFrom(chunkParts, false, b.emit); err != nil {
		return nil, err
	}
	return b.s.appendHeadOf(append(head, version), b.nodes, false), nil
}
