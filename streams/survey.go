package streams

import (
	"fmt"
	"math"
	"strconv"

	"holdfast/outline"
)

// What a summary, and the asides of a walk, speak of.
const (
	AsideState    = "stream"
	AsideGroup    = "group"
	AsideConsumer = "consumer"
	AsidePending  = "pending"
)

// Survey tells what a stored stream holds, by its body.
func Survey(f outline.Form) (outline.Summary, error) {
	s := outline.Summary{Encoding: "stream"}
	body, err := f.Whole() // the names of groups and consumers may be long
	if err != nil {
		return s, err
	}
	r := reader{rest: body}
	head, c := r.head()
	if c.len > math.MaxInt64 {
		r.refuse("a number out of range")
	}
	if r.err != nil {
		return s, r.err
	}
	s.Elements = int64(c.len)
	if len(head.groups) == 0 {
		return s, nil
	}
	consumers, pending := int64(0), int64(0)
	for i, g := range head.groups {
		consumers += int64(len(g.consumers))
		pending += int64(min(c.pending[i], math.MaxInt32))
	}
	for _, count := range []outline.Count{{What: "groups", N: int64(len(head.groups))}, {What: "consumers", N: consumers}, {What: "pending entries", N: pending}} {
		if count.N > 0 {
			s.More = append(s.More, count)
		}
	}
	return s, nil
}

// Walk visits the entries of a stored stream, and then as asides: its own numbers ("stream"), its groups and behind each
// its consumers ("group", "consumer"), and what is pending in them ("pending"), in no certain order.
func Walk(f outline.Form, visit outline.Visitor) error {
	body, err := f.Whole()
	if err != nil {
		return err
	}
	w := walk{r: reader{rest: body}, visit: visit}
	w.head, w.counts = w.r.head()
	w.found.pending = make([]uint64, len(w.counts.pending))
	if w.r.err != nil {
		return w.r.err
	}
	if f.InParts() {
		if w.r.end(); w.r.err == nil {
			err = f.Parts(w.part)
		}
		if err == nil {
			err = w.groups()
		}
	} else {
		err = w.whole()
	}
	if err == nil {
		err = w.r.err
	}
	if err == nil {
		err = w.verify()
	}
	return err
}

// walk is a Walk under way.
type walk struct {
	r       reader
	visit   outline.Visitor
	head    *Stream // without entries
	counts  counts  // announced
	found   counts
	last    ID   // of the entry before
	grouped bool // the groups were visited
	pieces  []outline.Piece
}

// whole walks what follows the head of a stream in one piece.
func (w *walk) whole() error {
	for w.found.nodes < w.counts.nodes && w.r.err == nil {
		if err := w.node(w.r.string()); err != nil {
			return err
		}
	}
	if err := w.groups(); err != nil || w.r.err != nil {
		return err
	}
	for i, g := range w.head.groups {
		before := ID{}
		for n := uint64(0); n < w.counts.pending[i] && w.r.err == nil; n++ {
			p := w.r.pending()
			if w.r.owned(g, p, before, n == 0); w.r.err != nil {
				break
			}
			before = p.ID
			if err := w.pending(i, p); err != nil {
				return err
			}
		}
	}
	w.r.end()
	return nil
}

func (w *walk) part(number uint64, payload []byte) error {
	if number&chunkParts == 0 {
		return w.node(payload)
	}
	if err := w.groups(); err != nil {
		return err
	}
	return w.chunk(payload)
}

// node visits the entries of one node.
func (w *walk) node(payload []byte) error {
	if w.r.err != nil {
		return w.r.err
	}
	w.found.nodes++
	r := reader{rest: payload}
	n := r.node(0, false)
	if r.err == nil && w.found.nodes > 1 && !w.last.Less(n.first) {
		r.refuse("the IDs of nodes do not rise")
	}
	if r.err != nil {
		return r.err
	}
	w.last = n.last
	w.found.len += uint64(n.live)
	var id []byte
	for c := n.cursor(); c.next(); {
		if c.deleted() {
			continue
		}
		id = c.id.AppendText(id[:0])
		w.pieces = append(w.pieces[:0], outline.Piece{Role: outline.ID, Bytes: id})
		for field, value := range c.entry().Pairs() {
			w.pieces = append(w.pieces, outline.Piece{Role: outline.Field, Bytes: field}, outline.Piece{Role: outline.Value, Bytes: value})
		}
		if err := w.visit(outline.Element{Pieces: w.pieces, Own: 1, Nested: true}); err != nil {
			return err
		}
	}
	return nil
}

// aside visits something that is no entry.
func (w *walk) aside(what string, own int, pieces ...outline.Piece) error {
	return w.visit(outline.Element{Aside: what, Own: own, Pieces: pieces})
}

// groups visits what the head has beside counts, once.
func (w *walk) groups() error {
	if w.grouped {
		return nil
	}
	w.grouped = true
	s := w.head
	err := w.aside(AsideState, 0, idPiece(outline.LastID, s.last), idPiece(outline.MaxDeleted, s.maxDeleted),
		outline.Piece{Role: outline.Added, Bytes: strconv.AppendUint(nil, s.added, 10)})
	for i := 0; i < len(s.groups) && err == nil; i++ {
		g := s.groups[i]
		name := outline.Piece{Role: outline.Group, Bytes: []byte(g.Name)}
		err = w.aside(AsideGroup, 1, name, idPiece(outline.Delivered, g.Last), numberPiece(outline.Read, g.Read))
		for k := 0; k < len(g.consumers) && err == nil; k++ {
			err = w.aside(AsideConsumer, 2, name, outline.Piece{Role: outline.Consumer, Bytes: []byte(g.consumers[k].Name)})
		}
	}
	return err
}

// chunk visits the pending entries of a part.
func (w *walk) chunk(payload []byte) error {
	r := reader{rest: payload}
	number := r.uvarint()
	i := 0
	for i < len(w.head.groups) && uint64(w.head.groups[i].number) != number {
		i++
	}
	if r.err == nil && i == len(w.head.groups) {
		r.refuse("pending entries of no group")
	}
	before := ID{}
	for first := true; (first || len(r.rest) > 0) && r.err == nil; first = false {
		p := r.pending()
		if r.owned(w.head.groups[i], p, before, first); r.err != nil {
			break
		}
		before = p.ID
		if err := w.pending(i, p); err != nil {
			return err
		}
	}
	return r.err
}

// pending visits a pending entry of the i-th group.
func (w *walk) pending(i int, p Pending) error {
	w.found.pending[i]++
	g := w.head.groups[i]
	return w.aside(AsidePending, 2,
		outline.Piece{Role: outline.Group, Bytes: []byte(g.Name)}, idPiece(outline.ID, p.ID),
		outline.Piece{Role: outline.Consumer, Bytes: []byte(g.byNumber[p.owner].Name)},
		numberPiece(outline.At, p.Delivered), outline.Piece{Role: outline.Times, Bytes: strconv.AppendUint(nil, p.Count, 10)})
}

func idPiece(role outline.Role, id ID) outline.Piece {
	return outline.Piece{Role: role, Bytes: id.AppendText(nil)}
}

func numberPiece(role outline.Role, n int64) outline.Piece {
	return outline.Piece{Role: role, Bytes: strconv.AppendInt(nil, n, 10)}
}

// verify compares what was found with what the head announces.
func (w *walk) verify() error {
	if w.found.len != w.counts.len || w.found.nodes != w.counts.nodes {
		return fmt.Errorf("%w: %d entries in %d nodes where %d in %d are announced",
			ErrCorrupt, w.found.len, w.found.nodes, w.counts.len, w.counts.nodes)
	}
	if w.head.last.Less(w.last) {
		return fmt.Errorf("%w: the last entry is behind the last ID", ErrCorrupt)
	}
	for i, n := range w.found.pending {
		if n != w.counts.pending[i] {
			return fmt.Errorf("%w: %d pending entries where %d are announced", ErrCorrupt, n, w.counts.pending[i])
		}
	}
	return nil
}
