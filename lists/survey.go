package lists

import (
	"fmt"

	"holdfast/outline"
)

// Survey tells what a stored list holds, by its body.
func Survey(f outline.Form) (outline.Summary, error) {
	_, n, _, err := begin(f.Body, f.InParts())
	return outline.Summary{Encoding: Encoding, Elements: int64(n)}, err
}

// begin reads the counts of a body, and returns what follows them.
func begin(body []byte, inParts bool) (rest []byte, elements, nodes uint64, err error) {
	n := 1
	if inParts {
		n = 2
	}
	rest, counts, err := decodeHead(body, n)
	if inParts {
		nodes, elements = counts[0], counts[1]
	} else {
		elements = counts[0]
	}
	if err == nil && int64(elements) < 0 {
		err = fmt.Errorf("%w: %d elements", ErrCorrupt, elements)
	}
	return rest, elements, nodes, err
}

// Walk visits the elements of a stored list, the first one first.
func Walk(f outline.Form, visit outline.Visitor) error {
	body, err := f.Whole()
	if err != nil {
		return err
	}
	rest, elements, nodes, err := begin(body, f.InParts())
	if err != nil {
		return err
	}
	w := walk{visit: visit}
	if !f.InParts() {
		err = w.run(rest)
	} else if len(rest) > 0 {
		err = fmt.Errorf("head of a list: %w: %d bytes too many", ErrCorrupt, len(rest))
	} else {
		err = f.Parts(w.part)
	}
	if err == nil && (w.elements != elements || w.parts != nodes) {
		err = fmt.Errorf("%w: %d elements in %d parts where %d in %d are announced", ErrCorrupt, w.elements, w.parts, elements, nodes)
	}
	return err
}

// walk is a Walk under way.
type walk struct {
	visit           outline.Visitor
	pieces          [1]outline.Piece
	elements, parts uint64
}

func (w *walk) part(_ uint64, payload []byte) error {
	w.parts++
	if len(payload) == 0 {
		return fmt.Errorf("%w: an empty part", ErrCorrupt)
	}
	return w.run(payload)
}

func (w *walk) run(b []byte) error {
	for len(b) > 0 {
		size, err := checkFirst(b)
		if err != nil {
			return err
		}
		element, _ := first(b)
		w.elements++
		w.pieces[0] = outline.Piece{Role: outline.Item, Bytes: element}
		if err := w.visit(outline.Element{Pieces: w.pieces[:]}); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
