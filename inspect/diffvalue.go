package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"maps"
	"slices"

	"holdfast/outline"
)

// ElementDifference is an element that one of two values has, or that both have with another content.
type ElementDifference struct {
	Change        string // Added, Removed or Changed
	Place         int64  // in its list, from 0 on; -1 where places mean nothing
	Before, After *outline.Element
}

// MarshalJSON is an object with "change", "place" where that means something, "before" and "after".
func (d ElementDifference) MarshalJSON() ([]byte, error) {
	dst := fmt.Appendf(nil, `{"change":"%s"`, d.Change)
	if d.Place >= 0 {
		dst = fmt.Appendf(dst, `,"place":%d`, d.Place)
	}
	if d.Before != nil {
		dst = appendElement(append(dst, `,"before":`...), *d.Before)
	}
	if d.After != nil {
		dst = appendElement(append(dst, `,"after":`...), *d.After)
	}
	return append(dst, '}'), nil
}

// WriteText writes the difference on a line, indented.
func (d ElementDifference) WriteText(w io.Writer) error {
	mark := map[string]string{Added: "+", Removed: "-", Changed: "~"}[d.Change]
	line := fmt.Appendf(nil, "     %s  ", mark)
	if d.Place >= 0 {
		line = fmt.Appendf(line, "[%d] ", d.Place)
	}
	switch {
	case d.Change == Changed:
		line = appendPieces(line, *d.Before)
		line = append(line, " → "...)
		after := *d.After
		after.Pieces, after.Aside = after.Pieces[after.Own:], ""
		line = appendPieces(line, after)
	case d.After != nil:
		line = appendPieces(line, *d.After)
	default:
		line = appendPieces(line, *d.Before)
	}
	_, err := w.Write(append(line, '\n'))
	return err
}

// appendPieces shows an element: its pieces, quoted, and its deadline.
func appendPieces(dst []byte, e outline.Element) []byte {
	if e.Aside != "" {
		dst = append(append(dst, e.Aside...), ": "...)
	}
	for i, piece := range e.Pieces {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = Bytes(piece.Bytes).appendQuoted(dst)
	}
	if e.Deadline != 0 {
		dst = append(dst, " until "+clock(e.Deadline)...)
	}
	return dst
}

// diffMemory is how much of a value is held in memory to be found again.
const diffMemory = 32 << 20

// diffValues tells how one value differs from another of the same kind.
func diffValues(a, b *Entry, tell func(ElementDifference) error) error {
	if a.Kind != b.Kind {
		return nil
	}
	placed := false
	for _, e := range []*Entry{a, b} {
		first, ok, err := firstElement(e.Value)
		if err != nil {
			return err
		}
		placed = placed || ok && first.Own == 0 && first.Aside == ""
	}
	if placed {
		return diffPlaces(a, b, tell)
	}
	passes := 1 + uint64(max(a.Bytes, b.Bytes)/diffMemory)
	seed := maphash.MakeSeed()
	for pass := range passes {
		mine := func(identity []byte) bool { return passes == 1 || maphash.Bytes(seed, identity)%passes == pass }
		if err := diffNames(a.Value, b.Value, mine, tell); err != nil {
			return err
		}
	}
	return nil
}

func firstElement(v Value) (first outline.Element, ok bool, err error) {
	err = v.Walk(func(e outline.Element) error {
		first, ok = e, true
		return errEnough
	})
	if ok {
		err = nil
	}
	return first, ok, err
}

// appendIdentity appends what tells an element from the others of its value.
func appendIdentity(dst []byte, e outline.Element, place int) []byte {
	dst = append(append(dst, e.Aside...), 0)
	if e.Own == 0 && e.Aside == "" {
		return binary.AppendUvarint(dst, uint64(place))
	}
	return appendCounted(dst, e.Pieces[:e.Own])
}

// appendContent appends what else there is of it.
func appendContent(dst []byte, e outline.Element) []byte {
	return binary.AppendVarint(appendCounted(dst, e.Pieces[e.Own:]), e.Deadline)
}

func appendCounted(dst []byte, pieces []outline.Piece) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(pieces)))
	for _, p := range pieces {
		dst = append(binary.AppendUvarint(dst, uint64(len(p.Bytes))), p.Bytes...)
	}
	return dst
}

// diffNames compares elements that have names, those that are this pass's: it holds those of a.
func diffNames(a, b Value, mine func(identity []byte) bool, tell func(ElementDifference) error) error {
	before := map[string]outline.Element{}
	var id, content, other []byte
	err := a.Walk(func(e outline.Element) error {
		if id = appendIdentity(id[:0], e, 0); mine(id) {
			before[string(id)] = cloneElement(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.Walk(func(e outline.Element) error {
		if id = appendIdentity(id[:0], e, 0); !mine(id) {
			return nil
		}
		was, ok := before[string(id)]
		if !ok {
			return tell(ElementDifference{Change: Added, Place: -1, After: &e})
		}
		delete(before, string(id))
		content, other = appendContent(content[:0], was), appendContent(other[:0], e)
		if bytes.Equal(content, other) {
			return nil
		}
		return tell(ElementDifference{Change: Changed, Place: -1, Before: &was, After: &e})
	})
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if e := before[id]; err == nil {
			err = tell(ElementDifference{Change: Removed, Place: -1, Before: &e})
		}
	}
	return err
}

func cloneElement(e outline.Element) outline.Element {
	e.Pieces = slices.Clone(e.Pieces)
	for i := range e.Pieces {
		e.Pieces[i].Bytes = bytes.Clone(e.Pieces[i].Bytes)
	}
	return e
}

// diffPlaces compares elements that have nothing but their places. What both values begin with, and what both end with, is
// the same; what is between was removed, and added.
func diffPlaces(a, b *Entry, tell func(ElementDifference) error) error {
	head, err := common(a, b, 0, 0, min(a.Elements, b.Elements), true)
	if err != nil {
		return err
	}
	rest := min(a.Elements, b.Elements) - head
	tail, err := common(a, b, a.Elements-rest, b.Elements-rest, rest, false)
	if err != nil {
		return err
	}
	kept, err := keptPlaces(a, b, head, tail)
	if err != nil {
		return err
	}
	err = between(a, head, a.Elements-tail, func(place int64, e outline.Element) error {
		if kept[0][place] {
			return nil
		}
		return tell(ElementDifference{Change: Removed, Place: placeOf(place, e), Before: &e})
	})
	if err != nil {
		return err
	}
	return between(b, head, b.Elements-tail, func(place int64, e outline.Element) error {
		if kept[1][place] {
			return nil
		}
		return tell(ElementDifference{Change: Added, Place: placeOf(place, e), After: &e})
	})
}

// placeOf is the place of an element; the one element of a string has none.
func placeOf(place int64, e outline.Element) int64 {
	if isText(e) {
		return -1
	}
	return place
}

// between visits the elements from one place to another.
func between(e *Entry, from, to int64, fn func(int64, outline.Element) error) error {
	if from >= to {
		return nil
	}
	place := int64(-1)
	err := e.Value.Walk(func(el outline.Element) error {
		if place++; place >= to {
			return errEnough
		}
		if place < from {
			return nil
		}
		return fn(place, el)
	})
	if err == errEnough {
		return nil
	}
	return err
}

// common counts the equal elements among n of each, from a place of each on: those before the first that differ, or those
// behind the last.
func common(a, b *Entry, fromA, fromB, n int64, leading bool) (same int64, err error) {
	var failed [2]error
	nextA, stopA := iter.Pull(elementsFrom(a, fromA, &failed[0]))
	defer stopA()
	nextB, stopB := iter.Pull(elementsFrom(b, fromB, &failed[1]))
	defer stopB()
	var x, y []byte
	for range n {
		e, ok := nextA()
		f, also := nextB()
		if !ok || !also {
			break
		}
		x, y = appendContent(x[:0], e), appendContent(y[:0], f)
		switch {
		case bytes.Equal(x, y):
			same++
		case leading:
			return same, nil
		default:
			same = 0
		}
	}
	if failed[0] != nil {
		return 0, failed[0]
	}
	return same, failed[1]
}

// elementsFrom yields the elements from a place on.
func elementsFrom(e *Entry, from int64, failed *error) iter.Seq[outline.Element] {
	return func(yield func(outline.Element) bool) {
		place := int64(-1)
		err := e.Value.Walk(func(el outline.Element) error {
			if place++; place >= from && !yield(el) {
				return errEnough
			}
			return nil
		})
		if err != errEnough {
			*failed = err
		}
	}
}
