package zsets

import (
	"fmt"

	"holdfast/outline"
)

// Survey tells what a stored set holds, by its body.
func Survey(f outline.Form) (outline.Summary, error) {
	_, h, err := begin(f.Body, f.InParts())
	s := outline.Summary{Encoding: "listpack", Elements: int64(h.elements)}
	if h.large {
		s.Encoding = "skiplist"
	}
	return s, err
}

// header is what stands before the entries.
type header struct {
	large            bool
	elements, leaves uint64
}

// begin reads it, and returns what follows.
func begin(body []byte, inParts bool) (rest []byte, h header, err error) {
	switch {
	case inParts:
		h.large = true
		_, h.leaves, h.elements, err = decodeHead(body)
	case len(body) < 2 || body[0] != version || body[1] > formLarge:
		err = fmt.Errorf("%w: version or form is missing or unknown", ErrCorrupt)
	default:
		h.large, rest = body[1] == formLarge, body[2:]
		if h.large {
			_, rest, err = readSeed(rest)
		}
		if err == nil {
			rest, h.elements, err = readCount(rest)
		}
	}
	if err == nil && int64(h.elements) < 0 {
		err = fmt.Errorf("%w: %d elements", ErrCorrupt, h.elements)
	}
	return rest, h, err
}

// Walk visits the elements of a stored set, by score and then by member.
func Walk(f outline.Form, visit outline.Visitor) error {
	body, err := f.Whole()
	if err != nil {
		return err
	}
	rest, h, err := begin(body, f.InParts())
	if err != nil {
		return err
	}
	w := walk{visit: visit}
	if f.InParts() {
		err = f.Parts(w.part)
	} else {
		err = w.run(rest)
	}
	if err == nil && (w.elements != h.elements || w.parts != h.leaves) {
		err = fmt.Errorf("%w: %d elements in %d parts where %d in %d are announced", ErrCorrupt, w.elements, w.parts, h.elements, h.leaves)
	}
	return err
}

// walk is a Walk under way.
type walk struct {
	visit           outline.Visitor
	pieces          [2]outline.Piece
	score           [32]byte
	last            page // the entry before, of this part or, copied, of the one before it
	elements, parts uint64
}

func (w *walk) part(_ uint64, payload []byte) error {
	w.parts++
	if len(payload) == 0 {
		return fmt.Errorf("%w: an empty part", ErrCorrupt)
	}
	err := w.run(payload)
	w.last = append(page(nil), w.last...)
	return err
}

func (w *walk) run(p page) error {
	for len(p) > 0 {
		size, err := p.checkEntry()
		if err != nil {
			return err
		}
		if w.last != nil && !w.last.before(p) {
			return fmt.Errorf("%w: elements out of order", ErrCorrupt)
		}
		w.last = p[:size]
		w.elements++
		member, _ := p.member()
		w.pieces[0] = outline.Piece{Role: outline.Member, Bytes: member}
		w.pieces[1] = outline.Piece{Role: outline.Score, Bytes: AppendScore(w.score[:0], p.score())}
		if err := w.visit(outline.Element{Pieces: w.pieces[:], Own: 1}); err != nil {
			return err
		}
		p = p[size:]
	}
	return nil
}
