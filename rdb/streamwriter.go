package rdb

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"

	"holdfast/outline"
	"holdfast/streams"
)

// stream writes a stream, whose elements are walked twice: the number of its nodes stands before them. What is pending in its
// groups is in memory meanwhile.
func (w *valueWriter) stream(walk func(outline.Visitor) error) error {
	var p streamPlan
	var node nodeWriter
	nodes := 0
	err := walk(func(e outline.Element) error {
		if e.Aside != "" {
			return p.aside(e)
		}
		id, pairs, err := entryOf(e)
		if err != nil {
			return err
		}
		if node.full() {
			node = newNode(id, pairs)
			nodes++
		}
		if p.count == 0 {
			p.first = id
		}
		p.count++
		node.add(id, len(e.Pieces)/2, pairs)
		return nil
	})
	if err != nil {
		return fmt.Errorf("key %.100q: %w", w.key.Name, err)
	}
	w.begin(typeStream7_0)
	w.b = appendLength(w.b, uint64(nodes))
	node = nodeWriter{}
	err = walk(func(e outline.Element) error {
		if e.Aside != "" {
			return nil
		}
		id, pairs, err := entryOf(e)
		if err != nil {
			return err
		}
		if node.full() {
			if err := w.node(&node); err != nil {
				return err
			}
			node = newNode(id, pairs)
		}
		node.add(id, len(e.Pieces)/2, pairs)
		return nil
	})
	if err == nil {
		err = w.node(&node)
	}
	if err != nil {
		return err
	}
	return w.tail(&p)
}

func (w *valueWriter) node(n *nodeWriter) error {
	if n.entries > 0 {
		w.b = appendBytes(appendBytes(w.b, appendRawID(nil, n.first)), n.done())
	}
	return w.flush(writeAbove)
}

// tail writes what stands behind the nodes.
func (w *valueWriter) tail(p *streamPlan) error {
	w.b = appendID(appendLength(w.b, uint64(p.count)), p.last)
	w.b = appendID(appendID(w.b, p.first), p.maxDeleted)
	w.b = appendLength(appendLength(w.b, p.added), uint64(len(p.groups)))
	for _, g := range p.groups {
		w.text([]byte(g.name))
		w.b = appendLength(appendID(w.b, g.last), uint64(g.read))
		slices.SortFunc(g.pending, func(a, b pendingOf) int { return a.id.Compare(b.id) })
		w.b = appendLength(w.b, uint64(len(g.pending)))
		for _, e := range g.pending {
			w.b = binary.LittleEndian.AppendUint64(appendRawID(w.b, e.id), uint64(e.delivered))
			w.b = appendLength(w.b, e.count)
			if err := w.flush(writeAbove); err != nil {
				return err
			}
		}
		slices.SortStableFunc(g.pending, func(a, b pendingOf) int { return cmp.Compare(a.consumer, b.consumer) })
		w.b = appendLength(w.b, uint64(len(g.consumers)))
		rest := g.pending
		for i, name := range g.consumers {
			n, seen := 0, int64(0)
			for n < len(rest) && rest[n].consumer == i {
				seen = max(seen, rest[n].delivered)
				n++
			}
			w.text([]byte(name))
			w.b = appendLength(binary.LittleEndian.AppendUint64(w.b, uint64(seen)), uint64(n))
			for _, e := range rest[:n] {
				w.b = appendRawID(w.b, e.id)
				if err := w.flush(writeAbove); err != nil {
					return err
				}
			}
			rest = rest[n:]
		}
	}
	return nil
}

// streamPlan is what a stream has beside its entries.
type streamPlan struct {
	count                   int64
	first, last, maxDeleted streams.ID
	added                   uint64
	groups                  []*groupPlan
}

type groupPlan struct {
	name      string
	last      streams.ID
	read      int64
	consumers []string
	places    map[string]int // in consumers
	pending   []pendingOf
}

type pendingOf struct {
	id        streams.ID
	consumer  int
	delivered int64
	count     uint64
}

// aside takes in what is no entry.
func (p *streamPlan) aside(e outline.Element) error {
	f := fields{e.Pieces, nil}
	switch e.Aside {
	case "stream":
		p.last, p.maxDeleted, p.added = f.id(outline.LastID), f.id(outline.MaxDeleted), uint64(f.number(outline.Added))
	case "group":
		p.groups = append(p.groups, &groupPlan{name: f.text(outline.Group), last: f.id(outline.Delivered), read: f.number(outline.Read), places: map[string]int{}})
	case "consumer":
		if g := p.group(&f); g != nil {
			name := f.text(outline.Consumer)
			g.places[name] = len(g.consumers)
			g.consumers = append(g.consumers, name)
		}
	case "pending":
		if g := p.group(&f); g != nil {
			at, known := g.places[f.text(outline.Consumer)]
			if !known {
				f.err = fmt.Errorf("%w: what is pending is nobody's", ErrCorrupt)
			}
			g.pending = append(g.pending, pendingOf{f.id(outline.ID), at, f.number(outline.At), uint64(f.number(outline.Times))})
		}
	}
	return f.err
}

func (p *streamPlan) group(f *fields) *groupPlan {
	name := f.text(outline.Group)
	for _, g := range p.groups {
		if g.name == name {
			return g
		}
	}
	f.err = fmt.Errorf("%w: there is no group %.100q", ErrCorrupt, name)
	return nil
}

// fields reads the pieces of an element by their roles.
type fields struct {
	pieces []outline.Piece
	err    error
}

func (f *fields) text(role outline.Role) string {
	for _, p := range f.pieces {
		if p.Role == role {
			return string(p.Bytes)
		}
	}
	f.err = fmt.Errorf("%w: %s is missing", ErrCorrupt, role)
	return ""
}

func (f *fields) number(role outline.Role) int64 {
	n, err := strconv.ParseInt(f.text(role), 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%w: %s is no number", ErrCorrupt, role)
	}
	return n
}

func (f *fields) id(role outline.Role) streams.ID {
	id, ok := streams.ParseID([]byte(f.text(role)), 0)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%w: %s is no ID", ErrCorrupt, role)
	}
	return id
}

// entryOf takes an entry apart.
func entryOf(e outline.Element) (streams.ID, iter.Seq2[[]byte, []byte], error) {
	if len(e.Pieces) < 3 || len(e.Pieces)%2 == 0 || e.Pieces[0].Role != outline.ID || len(e.Pieces) > math.MaxInt32 {
		return streams.ID{}, nil, fmt.Errorf("%w: no entry of a stream", ErrCorrupt)
	}
	id, ok := streams.ParseID(e.Pieces[0].Bytes, 0)
	if !ok {
		return id, nil, fmt.Errorf("%w: no ID of an entry", ErrCorrupt)
	}
	return id, func(yield func([]byte, []byte) bool) {
		for i := 1; i < len(e.Pieces); i += 2 {
			if !yield(e.Pieces[i].Bytes, e.Pieces[i+1].Bytes) {
				return
			}
		}
	}, nil
}
