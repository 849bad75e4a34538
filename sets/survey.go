package sets

import (
	"fmt"

	"holdfast/dict"
	"holdfast/outline"
	"holdfast/packed"
)

// Survey tells what a stored set holds, by its body.
func Survey(f outline.Form) (s outline.Summary, err error) {
	form, rest, err := decodeHead(f.Body)
	if err != nil {
		return s, err
	}
	s.Encoding = "hashtable"
	switch form {
	case formIntegers:
		if len(rest) == 0 || rest[0] != 2 && rest[0] != 4 && rest[0] != 8 {
			return s, fmt.Errorf("%w: integers without a width", ErrCorrupt)
		}
		s.Encoding = "intset"
		s.Elements = (f.Size - int64(len(f.Body)-len(rest)) - 1) / int64(rest[0])
	case formSmall:
		s.Elements = countMembers(rest)
	case formLarge:
		s.Elements, err = dict.Stored(rest, f.InParts())
	}
	return s, err
}

// countMembers counts the members of a run that may end within one.
func countMembers(b []byte) (n int64) {
	if whole, err := packed.Check(b); err == nil {
		return int64(whole)
	}
	for len(b) > 0 {
		size, ok := packed.First(b)
		if !ok {
			break
		}
		n++
		b = b[size:]
	}
	return n
}

// Walk visits the members of a stored set in the order in which they are stored.
func Walk(f outline.Form, visit outline.Visitor) error {
	body, err := f.Whole()
	if err != nil {
		return err
	}
	form, rest, err := decodeHead(body)
	if err != nil {
		return err
	}
	w := walk{visit: visit}
	switch {
	case form == formLarge:
		return dict.Walk(rest, f, func(member, value []byte) error {
			if len(value) > 0 {
				return fmt.Errorf("%w: a member with a value", ErrCorrupt)
			}
			return w.member(member)
		})
	case f.InParts():
		return fmt.Errorf("head of a set: %w: form %d has no parts", ErrCorrupt, form)
	case form == formIntegers:
		return w.integers(rest)
	}
	return w.small(rest)
}

// walk is a Walk under way.
type walk struct {
	visit  outline.Visitor
	pieces [1]outline.Piece
}

func (w *walk) member(member []byte) error {
	w.pieces[0] = outline.Piece{Role: outline.Member, Bytes: member}
	return w.visit(outline.Element{Pieces: w.pieces[:], Own: 1})
}

func (w *walk) integers(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: integers without a width", ErrCorrupt)
	}
	width, numbers := b[0], b[1:]
	n, ok := checkInts(numbers, width)
	if !ok {
		return fmt.Errorf("%w: %d bytes are not rising integers", ErrCorrupt, len(b))
	}
	var room [maxDigits]byte
	for i := range n {
		if err := w.member(intAt(numbers, width, i).append(room[:0])); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) small(b []byte) error {
	n, err := packed.Check(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n > smallMost {
		return fmt.Errorf("%w: a small set of %d members", ErrCorrupt, n)
	}
	for _, member := range packed.Run(b).All() {
		if err := w.member(member); err != nil {
			return err
		}
	}
	return nil
}
