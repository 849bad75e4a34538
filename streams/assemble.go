package streams

import (
	"strconv"

	"holdfast/outline"
)

// Assembly makes a stream of its entries in their order, and of the asides behind them.
func Assembly() outline.Assembly {
	return outline.Assembly{ElementMax: PartBytesMax, Begin: func(s outline.Site) outline.Assembler {
		limits := Limits{Bytes: s.Setting("stream-node-max-bytes"), Entries: s.Setting("stream-node-max-entries")}
		return &assembler{to: NewBuilder(limits, s.Part)}
	}}
}

type assembler struct {
	to    *Builder
	pairs [][]byte
}

func (a *assembler) Add(e outline.Element) error {
	if e.Aside != "" {
		return a.aside(e)
	}
	id, ok := entryID(e)
	if !ok {
		return outline.ErrNoValue
	}
	a.pairs = a.pairs[:0]
	for _, piece := range e.Pieces[1:] {
		a.pairs = append(a.pairs, piece.Bytes)
	}
	return a.to.Append(id, a.pairs)
}

func (a *assembler) End() (head []byte, err error) { return a.to.End() }

func (*assembler) Discard() error { return nil }

// aside gives the stream what it has beside its entries.
func (a *assembler) aside(e outline.Element) error {
	s, r := a.to.Aside(), roles{Element: e}
	switch e.Aside {
	case AsideState:
		last, maxDeleted, added := r.id(outline.LastID), r.id(outline.MaxDeleted), r.number(outline.Added)
		if last.Less(s.last) {
			return ErrOrder
		}
		s.SetLast(last)
		s.SetMaxDeleted(maxDeleted)
		s.SetAdded(uint64(added))
	case AsideGroup:
		if s.CreateGroup(r.bytes(outline.Group), r.id(outline.Delivered), r.number(outline.Read)) == nil {
			return outline.ErrNoValue
		}
	case AsideConsumer, AsidePending:
		g, name := s.Group(r.bytes(outline.Group)), r.bytes(outline.Consumer)
		if g == nil {
			return outline.ErrNoValue
		}
		switch c := g.Consumer(name); {
		case e.Aside == AsideConsumer && c == nil:
			g.CreateConsumer(name)
		case e.Aside == AsideConsumer, c == nil:
			return outline.ErrNoValue
		default:
			g.Give(r.id(outline.ID), c, r.number(outline.At), uint64(r.number(outline.Times)))
		}
	default:
		return outline.ErrNoValue
	}
	return r.err
}

// Checker looks at the elements of a stream, one after the other, whether they are as a stream has them: outline.ErrNoValue.
func Checker() outline.Visitor {
	entries, before := int64(0), ID{}
	return func(e outline.Element) error {
		ok := false
		switch e.Aside {
		case "":
			entries++
			id, is := entryID(e)
			before, ok = id, is && id != (ID{}) // whether IDs rise, whoever takes them says
		default:
			ok = checkAside(e, before, entries)
		}
		if !ok || e.Deadline != 0 {
			return outline.ErrNoValue
		}
		return nil
	}
}

// checkAside looks at an aside behind so many entries, of which the last one has the ID before.
func checkAside(e outline.Element, before ID, entries int64) bool {
	r := roles{Element: e}
	ok := true
	switch e.Aside {
	case AsideState:
		last := r.id(outline.LastID)
		ok = !last.Less(before) && !last.Less(r.id(outline.MaxDeleted)) && r.number(outline.Added) >= entries
	case AsideGroup:
		r.bytes(outline.Group)
		r.id(outline.Delivered)
		ok = r.number(outline.Read) >= Unknown
	case AsideConsumer:
		r.bytes(outline.Group)
		r.bytes(outline.Consumer)
	case AsidePending:
		r.bytes(outline.Group)
		r.bytes(outline.Consumer)
		r.id(outline.ID)
		ok = r.number(outline.At) >= 0 && r.number(outline.Times) >= 0
	default:
		ok = false
	}
	return ok && r.err == nil
}

// entryID reads the ID of what is an entry by its pieces: an ID, then fields with their values.
func entryID(e outline.Element) (id ID, ok bool) {
	if n := len(e.Pieces); n < 3 || n%2 == 0 || e.Pieces[0].Role != outline.ID {
		return id, false
	}
	return ParseID(e.Pieces[0].Bytes, 0)
}

// roles reads pieces by what they are.
type roles struct {
	outline.Element
	err error
}

func (r *roles) bytes(role outline.Role) []byte {
	b, ok := r.Piece(role)
	if !ok {
		r.err = outline.ErrNoValue
	}
	return b
}

// number reads a decimal number; those without a sign may use all 64 bits.
func (r *roles) number(role outline.Role) int64 {
	text := string(r.bytes(role))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		var unsigned uint64
		unsigned, err = strconv.ParseUint(text, 10, 64)
		n = int64(unsigned)
	}
	if err != nil || text != strconv.FormatInt(n, 10) && text != strconv.FormatUint(uint64(n), 10) { // "+5" is no number to a command
		r.err = outline.ErrNoValue
	}
	return n
}

func (r *roles) id(role outline.Role) ID {
	id, ok := ParseID(r.bytes(role), 0)
	if !ok {
		r.err = outline.ErrNoValue
	}
	return id
}
