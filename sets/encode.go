package sets

import (
	"errors"
	"fmt"

	"holdfast/dict"
	"holdfast/packed"
)

// The encoding of a set:
//
//	integers          version 1 | 1 | width 2, 4 or 8 | integer · integer · …     little-endian, rising
//	small             version 1 | 2 | member · member · …                         a packed.Run
//	large, in one     version 1 | 3 | the dict's own encoding
//	large, in parts   head: version 1 | 3 | the dict's head;   parts: the dict's
//
// A large set lies in parts when it is big enough: see package dict, whose rules for checkpoints hold here too.

const version = 1

const (
	formIntegers byte = 1
	formSmall    byte = 2
	formLarge    byte = 3
)

// smallMost is the most members that a small set is read with, some more than one is written with.
const smallMost = 1024

// ErrCorrupt says that bytes are not the encoding of a set.
var ErrCorrupt = errors.New("sets: corrupt encoding")

// AppendBinary appends the encoding of the set in one piece.
func (s *Set) AppendBinary(dst []byte) []byte {
	switch {
	case s.large != nil:
		return s.large.AppendBinary(append(dst, version, formLarge))
	case s.integers():
		dst = append(dst, version, formIntegers, s.width)
	default:
		dst = append(dst, version, formSmall)
	}
	return append(dst, s.small...)
}

// Decode returns the set that AppendBinary encoded; it does not refer to b. Bytes that AppendBinary cannot have written
// are ErrCorrupt. It allocates in proportion to the members it has found sound.
func Decode(b []byte) (*Set, error) {
	form, rest, err := decodeHead(b)
	if err != nil {
		return nil, err
	}
	switch form {
	case formIntegers:
		return decodeInts(rest)
	case formSmall:
		return decodeSmall(rest)
	}
	large, err := dict.Decode(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for _, value := range large.All() {
		if len(value) > 0 {
			return nil, fmt.Errorf("%w: a member with a value", ErrCorrupt)
		}
	}
	return &Set{large: large}, nil
}

func decodeHead(b []byte) (form byte, rest []byte, err error) {
	if len(b) < 2 || b[0] != version || b[1] < formIntegers || b[1] > formLarge {
		return 0, nil, fmt.Errorf("%w: the version or the form is missing or unknown", ErrCorrupt)
	}
	return b[1], b[2:], nil
}

func decodeInts(b []byte) (*Set, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: integers without a width", ErrCorrupt)
	}
	n, ok := checkInts(b[1:], b[0])
	if !ok {
		return nil, fmt.Errorf("%w: %d bytes are not rising integers", ErrCorrupt, len(b))
	}
	return &Set{small: packed.Run(b[1:]).Clone(), n: n, width: b[0]}, nil
}

func decodeSmall(b []byte) (*Set, error) {
	n, err := packed.Check(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n > smallMost {
		return nil, fmt.Errorf("%w: a small set of %d members", ErrCorrupt, n)
	}
	run := packed.Run(b).Clone()
	for off, member := range run.All() {
		if first, _ := run.Find(member, 1); first != off {
			return nil, fmt.Errorf("%w: a member twice", ErrCorrupt)
		}
	}
	return &Set{small: run, n: n}, nil
}

// Parted tells whether the set is big enough to be stored in parts.
func (s *Set) Parted() bool { return s.large != nil && s.large.Parted() }

// AppendHead appends what FromParts needs to know beside the parts. The set is Parted.
func (s *Set) AppendHead(dst []byte) []byte {
	return s.large.AppendHead(append(dst, version, formLarge))
}

// Parts calls fn with each part in rising order of ids, or only with those that changed since MarkClean. The set is Parted.
func (s *Set) Parts(changed bool, fn func(id uint64, payload []byte) error) error {
	return s.PartsFrom(0, changed, fn)
}

// PartsFrom is Parts for ids that are at least from; it goes on behind an earlier call while the set does not change.
func (s *Set) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error {
	return s.large.PartsFrom(from, changed, fn)
}

// DroppedParts calls fn with the ids of the parts that are in the store and are to be deleted from it.
func (s *Set) DroppedParts(fn func(id uint64)) {
	if s.large != nil {
		s.large.DroppedParts(fn)
	}
}

// MarkClean says that the store holds the set as it stands.
func (s *Set) MarkClean() {
	if s.large != nil {
		s.large.MarkClean()
	}
}

// FromParts rebuilds a set from its head and its parts, which next returns in rising order of ids, and false after the
// last. The set does not refer to the payloads, and is clean. Heads and parts that were not written together, or are
// damaged, are ErrCorrupt; an error of next is returned wrapped.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*Set, error) {
	form, rest, err := decodeHead(head)
	if err != nil {
		return nil, fmt.Errorf("head of a set: %w", err)
	}
	if form != formLarge {
		return nil, fmt.Errorf("head of a set: %w: form %d has no parts", ErrCorrupt, form)
	}
	large, err := dict.FromParts(rest, next)
	if errors.Is(err, dict.ErrCorrupt) {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	} else if err != nil {
		return nil, err
	}
	return &Set{large: large}, nil
}
