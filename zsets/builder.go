package zsets

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"holdfast/dict"
)

// PartBytesMax is how long a member may be, in bytes, for a Builder.
const PartBytesMax = partMax - 32

// Builder makes the parts of a large set out of elements that come in the set's order, and holds a leaf of them: so a set that is
// larger than memory can be stored. It looks at the order, and not whether a member comes twice with different scores.
type Builder struct {
	seed             dict.Seed
	emit             func(id uint64, payload []byte) error
	page             page
	score            float64 // of the last element,
	member           []byte  // and it
	leaves, elements uint64
}

// NewBuilder begins a set. emit gets the parts in rising order of ids; a payload is good until it returns.
func NewBuilder(seed dict.Seed, emit func(id uint64, payload []byte) error) *Builder {
	return &Builder{seed: seed, emit: emit}
}

// AppendOrder appends bytes that sort, with those of the member behind them, as the elements of a set do; at most 8.
func AppendOrder(dst []byte, score float64) []byte {
	if score == 0 {
		score = 0 // and not -0
	}
	n := math.Float64bits(score)
	if n>>63 == 1 {
		n = ^n
	} else {
		n |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, n)
}

// Add puts an element behind the others: dict.ErrTwice where it is the last one.
func (b *Builder) Add(member []byte, score float64) error {
	if score == 0 {
		score = 0 // and not -0
	}
	if b.elements > 0 {
		switch last := placeOf(b.score, b.member); {
		case score == b.score && bytes.Equal(member, b.member):
			return dict.ErrTwice
		case last.above(score, member):
			panic("BUG: zsets: elements out of order")
		}
	}
	b.score, b.member = score, append(b.member[:0], member...)
	at, size := len(b.page), entrySize(len(member), score)
	if at > 0 && at+size > pageMax {
		if err := b.flush(); err != nil {
			return err
		}
		at = 0
	}
	b.page = slices.Grow(b.page, size)[:at+size]
	b.page[at:].put(member, score)
	b.elements++
	return nil
}

// End gives out the last part, and returns what AppendHead would append.
func (b *Builder) End() (head []byte, err error) {
	if len(b.page) > 0 {
		err = b.flush()
	}
	head = append(append(head, version), b.seed[:]...)
	head = binary.AppendUvarint(head, b.leaves)
	return binary.AppendUvarint(head, b.elements), err
}

func (b *Builder) flush() error {
	id := idFirst + b.leaves*idStep
	b.leaves++
	err := b.emit(id, b.page)
	b.page = b.page[:0]
	return err
}
