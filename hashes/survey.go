package hashes

import (
	"fmt"

	"holdfast/dict"
	"holdfast/expiry"
	"holdfast/outline"
)

// TimedFields is what a summary calls the fields with deadlines of their own.
const TimedFields = "fields with a TTL"

// Survey tells what a stored hash holds, by its body.
func Survey(f outline.Form) (outline.Summary, error) {
	form, n, rest, err := decodeHead(f.Body)
	if err != nil {
		return outline.Summary{}, err
	}
	s, timed := outline.Summary{Encoding: "hashtable"}, n
	if form == formLarge {
		s.Elements, err = dict.Stored(rest, f.InParts())
	} else if n > SmallMax {
		err = fmt.Errorf("%w: a small hash of %d fields", ErrCorrupt, n)
	} else {
		s.Encoding, s.Elements, timed = "listpack", int64(n), timedEntries(rest)
		if timed > 0 {
			s.Encoding = "listpackex"
		}
	}
	if err == nil && timed > uint64(s.Elements) {
		err = fmt.Errorf("%w: %d deadlines for %d fields", ErrCorrupt, timed, s.Elements)
	}
	if timed > 0 {
		s.More = []outline.Count{{What: TimedFields, N: int64(timed)}}
	}
	return s, err
}

// timedEntries counts the deadlines in bytes that may end within an entry.
func timedEntries(b []byte) (timed uint64) {
	for len(b) > 0 {
		size, deadline, err := checkEntry(b)
		if err != nil {
			break // Walk says so
		}
		if deadline != expiry.None {
			timed++
		}
		b = b[size:]
	}
	return timed
}

// Walk visits the fields of a stored hash in the order in which they are stored.
func Walk(f outline.Form, visit outline.Visitor) error {
	body, err := f.Whole()
	if err != nil {
		return err
	}
	form, n, rest, err := decodeHead(body)
	if err != nil {
		return err
	}
	w := walk{visit: visit}
	if form == formSmall {
		if f.InParts() {
			return fmt.Errorf("head of a hash: %w: a small hash has no parts", ErrCorrupt)
		}
		return w.small(rest, n)
	}
	err = dict.Walk(rest, f, func(field, held []byte) error {
		if _, err := check(held); err != nil {
			return err
		}
		value, deadline := open(held)
		return w.field(field, value, deadline)
	})
	if err == nil && w.timed != n {
		err = fmt.Errorf("%w: %d deadlines where %d are announced", ErrCorrupt, w.timed, n)
	}
	return err
}

// walk is a Walk under way.
type walk struct {
	visit         outline.Visitor
	pieces        [2]outline.Piece
	fields, timed uint64
}

func (w *walk) field(field, value []byte, deadline int64) error {
	w.fields++
	if deadline != expiry.None {
		w.timed++
	}
	w.pieces = [2]outline.Piece{{Role: outline.Field, Bytes: field}, {Role: outline.Value, Bytes: value}}
	return w.visit(outline.Element{Pieces: w.pieces[:], Own: 1, Deadline: deadline})
}

func (w *walk) small(b []byte, n uint64) error {
	for len(b) > 0 {
		size, _, err := checkEntry(b)
		if err != nil {
			return fmt.Errorf("field %d: %w", w.fields, err)
		}
		e := run(b).entryAt(0)
		if err := w.field(e.field, e.value, e.deadline); err != nil {
			return err
		}
		b = b[size:]
	}
	if w.fields != n || n > SmallMax {
		return fmt.Errorf("%w: %d fields where %d are announced", ErrCorrupt, w.fields, n)
	}
	return nil
}
