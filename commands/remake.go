package commands

import (
	"strconv"

	"holdfast/outline"
	"holdfast/streams"
)

// What makes a value anew out of its elements, by commands as a client would send them: kv.Type.Remake for each type. They
// are commands of every Redis that has the type; only deadlines of fields need 7.4.

// Elements that are gathered into one command: some of them, and not too many bytes.
const (
	remadeMax      = 256
	remadeBytesMax = 64 << 10
)

// remaker gathers elements into commands.
type remaker struct {
	word, key []byte
	emit      func(args ...[]byte) error

	buf  []byte // the pieces that have gathered
	ends []int  // where each ends in buf
	n    int    // elements
	args [][]byte
}

func newRemaker(name string, key []byte, emit func(args ...[]byte) error) *remaker {
	return &remaker{word: word(name), key: key, emit: emit}
}

// add gathers the pieces of an element. Those of a long one go at once, and are not copied.
func (m *remaker) add(pieces ...[]byte) error {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	if m.n >= remadeMax || len(m.buf)+size > remadeBytesMax {
		if err := m.flush(); err != nil {
			return err
		}
	}
	if size > remadeBytesMax {
		return m.emit(append(append(m.args[:0], m.word, m.key), pieces...)...)
	}
	for _, p := range pieces {
		m.buf = append(m.buf, p...)
		m.ends = append(m.ends, len(m.buf))
	}
	m.n++
	return nil
}

// flush makes a command of what has gathered.
func (m *remaker) flush() error {
	if m.n == 0 {
		return nil
	}
	m.args = append(m.args[:0], m.word, m.key)
	from := 0
	for _, end := range m.ends {
		m.args = append(m.args, m.buf[from:end:end])
		from = end
	}
	m.buf, m.ends, m.n = m.buf[:0], m.ends[:0], 0
	return m.emit(m.args...)
}

func remakeString(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
	return func(e outline.Element) error { return emit(word("SET"), key, piece(e, 0)) }, func() error { return nil }
}

// remakeRun is for the types whose elements are one piece each.
func remakeRun(name string) func(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
	return func(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
		m := newRemaker(name, key, emit)
		return func(e outline.Element) error { return m.add(piece(e, 0)) }, m.flush
	}
}

func remakeZSet(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
	m := newRemaker("ZADD", key, emit)
	return func(e outline.Element) error { return m.add(piece(e, 1), piece(e, 0)) }, m.flush
}

func remakeHash(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
	m := newRemaker("HSET", key, emit)
	return func(e outline.Element) error {
		if err := m.add(piece(e, 0), piece(e, 1)); err != nil || e.Deadline == 0 {
			return err
		}
		if err := m.flush(); err != nil {
			return err
		}
		return emit(word("HPEXPIREAT"), key, decimal(e.Deadline), word(fieldsWord), word("1"), piece(e, 0))
	}, m.flush
}

// piece is one of an element's; empty where there is none, and then the command will be refused.
func piece(e outline.Element, i int) []byte {
	if i < len(e.Pieces) {
		return e.Pieces[i].Bytes
	}
	return nil
}

// remakeStream adds the entries, and then sets what an entry that was deleted has left, and makes the groups. What is pending in
// a group and deleted from the stream XCLAIM does not bring back.
func remakeStream(key []byte, emit func(args ...[]byte) error) (outline.Visitor, func() error) {
	entries := 0
	return func(e outline.Element) error {
		role := func(role outline.Role) []byte {
			b, _ := e.Piece(role)
			return b
		}
		switch e.Aside {
		case "":
			entries++
			args := [][]byte{word("XADD"), key}
			for _, p := range e.Pieces {
				args = append(args, p.Bytes)
			}
			return emit(args...)
		case streams.AsideState:
			if entries == 0 { // the key is made by an entry that does not stay
				last := role(outline.LastID)
				if string(last) == "0-0" {
					last = word("0-1")
				}
				if err := emit(word("XADD"), key, word("MAXLEN"), word("0"), last, word("x"), word("y")); err != nil {
					return err
				}
			}
			return emit(word("XSETID"), key, role(outline.LastID), word("ENTRIESADDED"), role(outline.Added), word("MAXDELETEDID"), role(outline.MaxDeleted))
		case streams.AsideGroup:
			return emit(word("XGROUP"), word("CREATE"), key, role(outline.Group), role(outline.Delivered), word("ENTRIESREAD"), role(outline.Read))
		case streams.AsideConsumer:
			return emit(word("XGROUP"), word("CREATECONSUMER"), key, role(outline.Group), role(outline.Consumer))
		case streams.AsidePending:
			return emit(word("XCLAIM"), key, role(outline.Group), role(outline.Consumer), word("0"), role(outline.ID),
				word("TIME"), role(outline.At), word("RETRYCOUNT"), role(outline.Times), word("FORCE"), word("JUSTID"))
		}
		return nil
	}, func() error { return nil }
}

// Remade makes the command that gives a key its deadline, which is to come when its value is whole.
func Remade(key []byte, deadline int64) [][]byte {
	return [][]byte{word("PEXPIREAT"), key, strconv.AppendInt(nil, deadline, 10)}
}
