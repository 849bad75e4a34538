package streams

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// words makes pairs out of text.
func words(text ...string) [][]byte {
	pairs := make([][]byte, len(text))
	for i, w := range text {
		pairs[i] = []byte(w)
	}
	return pairs
}

// numbered is a stream of n entries 1-0, 2-0 …, each with one field.
func numbered(n int) *Stream {
	s := New()
	for i := range n {
		s.Append(ID{uint64(i + 1), 0}, words("field", fmt.Sprintf("value-%07d", i)), Limits{4096, 100})
	}
	return s
}

// grouped is a small stream with everything in it.
func grouped() *Stream {
	s := New()
	s.Append(ID{5, 1}, words("f", "a"), Limits{})
	s.Append(ID{5, 2}, words("g", "b", "h", "c"), Limits{})
	s.Append(ID{7, 0}, words("f", ""), Limits{0, 2})
	s.Delete(ID{5, 1})
	g := s.CreateGroup([]byte("g"), ID{5, 2}, 2)
	g.CreateConsumer([]byte("idle"))
	g.Give(ID{5, 2}, g.CreateConsumer([]byte("alice")), 1000, 3)
	g.Give(ID{5, 1}, g.Consumer([]byte("alice")), 900, 1)
	s.CreateGroup([]byte(""), ID{}, Unknown)
	return s
}

func TestEncodingIsWhatTheFormatSays(t *testing.T) {
	s := New()
	s.Append(ID{300, 7}, words("f", "ab"), Limits{})
	s.Append(ID{301, 2}, words("g", "c"), Limits{})
	g := s.CreateGroup([]byte("G"), ID{300, 7}, 1)
	g.Give(ID{300, 7}, g.CreateConsumer([]byte("C")), 5, 2)
	want := []byte{
		1,
		0xad, 2, 2, 0, 0, 2, 2, 1, 1, // last 301-2, deleted 0-0, added, entries, nodes, groups
		0, 1, 'G', 0xac, 2, 7, 2, 1, 1, 0, 1, 'C', // group 0: name, last, read and 1, pending, one consumer: 0, name
		19, 0xac, 2, 7, // the node's length and first ID
		1, 1, 'f', // its fields
		6, flagShared, 0, 0, 2, 'a', 'b',
		8, 0, 1, 2, 1, 1, 'g', 1, 'c',
		0xac, 2, 7, 5, 2, 0, // pending: ID, delivered, count, consumer
	}
	want[22] = byte(len(want) - 23 - 6)
	if got := s.AppendBinary([]byte("before")); !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Fatalf("encoded as\n%v, want\n%v", got[6:], want)
	}
}

func TestNumbersAreThePlacesInOnePiece(t *testing.T) {
	a, b := New(), New()
	for _, s := range []*Stream{a, b} {
		s.CreateGroup([]byte("z"), ID{}, 0)
	}
	a.CreateGroup([]byte("gone"), ID{}, 0)
	for _, s := range []*Stream{a, b} {
		g := s.CreateGroup([]byte("y"), ID{}, 0)
		if s == a {
			g.DeleteConsumer(g.CreateConsumer([]byte("gone")))
		}
		g.Give(ID{1, 1}, g.CreateConsumer([]byte("c2")), 1, 1)
		g.Give(ID{1, 2}, g.CreateConsumer([]byte("c1")), 1, 1)
	}
	a.DestroyGroup([]byte("gone"))
	if !bytes.Equal(a.AppendBinary(nil), b.AppendBinary(nil)) {
		t.Error("what is gone shows in the encoding")
	}
}

func TestDecodeRefuses(t *testing.T) {
	head := func(nodes, groups byte, rest ...byte) []byte {
		return append([]byte{1, 5, 5, 0, 0, 1, nodes, nodes, groups}, rest...)
	}
	node := func(b ...byte) []byte { return head(1, 0, append([]byte{byte(len(b))}, b...)...) }
	for name, b := range map[string][]byte{
		"nothing":                        {},
		"another version":                {2, 0, 0, 0, 0, 0, 0, 0, 0},
		"half a head":                    {1, 5, 5, 0},
		"a byte too many":                append(head(0, 0), 0),
		"a number of more bytes":         {1, 5, 0x85, 0, 0, 0, 0, 0, 0, 0},
		"a node that is missing":         head(1, 0),
		"a node cut short":               head(1, 0, 9, 1, 1),
		"a node of nothing":              node(),
		"a node without entries":         node(1, 1, 0),
		"a node of deleted entries":      node(1, 1, 0, 4, flagDeleted, 0, 0, 0),
		"unknown flags":                  node(1, 1, 0, 4, 4, 0, 0, 0),
		"a first entry with a distance":  node(1, 1, 0, 4, 0, 1, 0, 0),
		"IDs that stay":                  node(1, 1, 0, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0),
		"an entry of nothing":            node(1, 1, 0, 0),
		"an entry that is longer":        node(1, 1, 0, 5, 0, 0, 0, 0, 0),
		"an entry that is shorter":       node(1, 1, 0, 3, 0, 0, 0, 0),
		"an entry over the end":          node(1, 1, 0, 9, 0, 0, 0, 0),
		"shared fields without values":   node(1, 1, 1, 1, 'f', 3, flagShared, 0, 0),
		"a billion fields":               node(append([]byte{1, 1}, binary.AppendUvarint(nil, 1<<30)...)...),
		"an entry behind the last ID":    node(9, 9, 0, 4, 0, 0, 0, 0),
		"a billion groups":               head(0, 0xff, 0xff, 0xff, 0x0f),
		"a group that is missing":        head(0, 1),
		"groups out of order":            head(0, 2, 0, 1, 'b', 0, 0, 0, 0, 0, 1, 1, 'a', 0, 0, 0, 0, 0),
		"two groups of one number":       head(0, 2, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 1, 'b', 0, 0, 0, 0, 0),
		"consumers out of order":         head(0, 1, 0, 1, 'a', 0, 0, 0, 0, 2, 0, 1, 'b', 1, 1, 'a'),
		"two consumers of one number":    head(0, 1, 0, 1, 'a', 0, 0, 0, 0, 2, 0, 1, 'a', 0, 1, 'b'),
		"pending entries that are none":  head(0, 1, 0, 1, 'a', 0, 0, 0, 1, 1, 0, 1, 'c'),
		"a pending entry of nobody":      head(0, 1, 0, 1, 'a', 0, 0, 0, 1, 1, 0, 1, 'c', 1, 1, 0, 0, 1),
		"pending entries out of order":   head(0, 1, 0, 1, 'a', 0, 0, 0, 2, 1, 0, 1, 'c', 1, 2, 0, 0, 0, 1, 1, 0, 0, 0),
		"entries that are not announced": {1, 5, 5, 0, 0, 1, 2, 1, 0, 7, 1, 1, 0, 4, 0, 0, 0, 0},
	} {
		if s, err := Decode(b); !errors.Is(err, ErrCorrupt) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if s, err := Decode(node(1, 1, 0, 4, 0, 0, 0, 0)); err != nil || s.Len() != 1 {
		t.Errorf("the sound one: %v, %v", s, err)
	}
}

func TestDecodeFindsEveryCut(t *testing.T) {
	whole := grouped().AppendBinary(nil)
	for n := range whole {
		if _, err := Decode(whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	s, err := Decode(whole)
	if err != nil || !bytes.Equal(s.AppendBinary(nil), whole) {
		t.Errorf("all of them: %v", err)
	}
	clear(whole)
	if e, ok := s.Get(ID{5, 2}); !ok || plain(e).pairs[1][0] != 'b' {
		t.Error("the stream refers to the bytes it was read from")
	}
}

func TestAnEmptyStreamIsKept(t *testing.T) {
	s := New()
	s.Append(ID{3, 3}, words("f", "v"), Limits{})
	s.Delete(ID{3, 3})
	s.CreateGroup([]byte("g"), ID{3, 3}, 1)
	again, err := Decode(s.AppendBinary(nil))
	if err != nil {
		t.Fatal(err)
	}
	check(t, again)
	if again.Len() != 0 || again.LastID() != (ID{3, 3}) || again.MaxDeleted() != (ID{3, 3}) || again.Added() != 1 || again.Group([]byte("g")).Read != 1 {
		t.Errorf("comes back as %+v", again)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(New().AppendBinary(nil))
	f.Add(grouped().AppendBinary(nil))
	f.Add(numbered(300).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		use(t, s)
		again, err := Decode(s.AppendBinary(nil))
		if err != nil || !bytes.Equal(again.AppendBinary(nil), s.AppendBinary(nil)) {
			t.Fatalf("%x decodes, and what it encodes as does not: %v", b, err)
		}
	})
}

// use does what commands do to a stream that was read.
func use(t *testing.T, s *Stream) {
	check(t, s)
	s.Reverse(ID{}, MaxID(), func(e Entry) bool {
		plain(e)
		return true
	})
	for _, g := range s.Groups() {
		g.Lag()
		if p, ok := g.From(ID{}); ok {
			g.Give(p.ID, g.Owner(p), 1, 1)
			g.Ack(p.ID)
		}
		if len(g.Consumers()) > 0 {
			g.DeleteConsumer(g.Consumers()[0])
		}
		g.CreateConsumer([]byte("a consumer with a name of its own"))
	}
	s.Delete(s.First())
	if id, ok := s.LastID().Next(); ok && id.Seq > 0 {
		s.Append(id, words("f", "v"), Limits{4096, 100})
	}
	s.Trim(Trim{Keep: s.Len() / 2})
	check(t, s)
}

// FuzzParts takes its input for a head and parts: a byte for the length of each, then that many bytes. Every other part
// is a chunk of pending entries.
func FuzzParts(f *testing.F) {
	s := grouped()
	head := s.AppendHead(nil)
	input := append([]byte{byte(len(head))}, head...)
	if err := s.Parts(false, func(_ uint64, payload []byte) error {
		input = append(append(input, byte(len(payload))), payload...)
		return nil
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(input, uint8(2))
	f.Add([]byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, nodes uint8) {
		field := func() []byte {
			if len(b) == 0 {
				return nil
			}
			n := min(int(b[0]), len(b)-1)
			part := b[1 : 1+n]
			b = b[1+n:]
			return part
		}
		head, id := field(), uint64(0)
		s, err := FromParts(head, func() (uint64, []byte, bool, error) {
			if id++; id == uint64(nodes)+1 {
				id |= chunkParts
			}
			return id, field(), len(b) > 0, nil
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		use(t, s)
	})
}
