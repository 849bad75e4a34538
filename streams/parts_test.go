package streams

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// busy is a stream of n entries, half of which are pending for one of a hundred consumers.
func busy(n int) (*Stream, *Group) {
	s := numbered(n)
	g := s.CreateGroup([]byte("workers"), ID{}, 0)
	for i := range 100 {
		g.CreateConsumer(fmt.Appendf(nil, "worker-%02d", i))
	}
	for i := range n / 2 {
		g.Give(ID{uint64(i + 1), 0}, g.Consumers()[i%100], 1_700_000_000_000, 1)
	}
	return s, g
}

// ackOf acknowledges what is pending in a chunk but for the last so many.
func ackOf(g *Group, chunk, left int) {
	for c := g.chunks[chunk]; len(c.items) > left; {
		g.Ack(c.items[0].ID)
	}
}

func TestOneCommandRewritesOnePart(t *testing.T) {
	s, g := busy(100_000)
	st := &store{}
	if n := st.checkpoint(t, s); n != s.Nodes()+len(g.chunks) {
		t.Fatalf("the first checkpoint wrote %d parts of %d nodes and %d chunks", n, s.Nodes(), len(g.chunks))
	}
	for _, c := range []struct {
		name string
		do   func()
		most int
	}{
		{"nothing", func() {}, 0},
		{"XADD", func() { s.Append(ID{1_000_000, 0}, words("field", "v"), Limits{4096, 100}) }, 1},
		{"XDEL", func() { s.Delete(ID{50_000, 0}) }, 1},
		{"XTRIM", func() { s.Trim(Trim{Keep: 99_000}) }, 1},
		{"XACK", func() { g.Ack(ID{25_000, 0}) }, 1},
		{"XCLAIM", func() { g.Give(ID{30_000, 0}, g.Consumers()[0], 5, 2) }, 1},
		{"XREADGROUP", func() { g.Give(ID{60_000, 0}, g.Consumers()[0], 5, 1) }, 1},
		{"XCLAIM FORCE within a full chunk", func() { g.Give(ID{30_001, 1}, g.Consumers()[0], 5, 2) }, 2},
		{"XCLAIM FORCE near its end", func() { g.Give(ID{31_100, 1}, g.Consumers()[0], 5, 2) }, 2},
		{"XACK of most of a chunk", func() { ackOf(g, 10, 40) }, 1},
		{"XACK after which it takes in the next one", func() { ackOf(g, 11, chunkLow-1) }, 1},
		{"XGROUP SETID", func() { g.Last = ID{7, 7} }, 0},
		{"XGROUP CREATE", func() { s.CreateGroup([]byte("a"), ID{}, 0) }, 0},
		{"XGROUP DELCONSUMER", func() { g.DeleteConsumer(g.Consumers()[99]) }, len(g.chunks)},
		{"XRANGE", func() { s.Range(ID{}, MaxID(), func(Entry) bool { return true }) }, 0},
		{"XGROUP DESTROY", func() { s.DestroyGroup([]byte("workers")) }, 0},
	} {
		c.do()
		check(t, s)
		if n := st.checkpoint(t, s); n > c.most {
			t.Errorf("%s: %d parts were rewritten, want at most %d", c.name, n, c.most)
		}
		loaded := st.load(t)
		check(t, loaded)
		if !bytes.Equal(loaded.AppendBinary(nil), s.AppendBinary(nil)) {
			t.Fatalf("%s: the parts in the store make another stream", c.name)
		}
	}
	if len(st.parts) != s.Nodes() {
		t.Errorf("%d parts are left of %d nodes", len(st.parts), s.Nodes())
	}
}

func TestAStreamLeavesAndRejoinsTheStoreInParts(t *testing.T) {
	s, g := busy(10_000)
	st := &store{}
	st.checkpoint(t, s)
	if !s.Parted() || len(st.parts) < 100 {
		t.Fatalf("Parted %v, %d parts", s.Parted(), len(st.parts))
	}
	s.Trim(Trim{Keep: 10})
	for from, more := g.From(ID{}); more; from, more = g.From(ID{}) {
		g.Ack(from.ID)
	}
	st.checkpoint(t, s)
	if s.Parted() || len(st.parts) != 0 || st.head != nil {
		t.Fatalf("a stream of %d bytes is in %d parts", s.Bytes(), len(st.parts))
	}
	for i := range uint64(10_000) {
		s.Append(ID{20_000 + i, 0}, words("again", "and again"), Limits{4096, 100})
	}
	if n := st.checkpoint(t, s); n != s.Nodes() {
		t.Fatalf("%d of %d parts written", n, s.Nodes())
	}
	if !bytes.Equal(st.load(t).AppendBinary(nil), s.AppendBinary(nil)) {
		t.Error("comes back otherwise")
	}
}

func TestAStreamReadFromPartsIsClean(t *testing.T) {
	s, _ := busy(10_000)
	st := &store{}
	st.checkpoint(t, s)
	s = st.load(t)
	if n := st.checkpoint(t, s); n != 0 {
		t.Fatalf("%d parts are dirty after loading", n)
	}
	if c := s.Clone(); c.Bytes() > s.Bytes()*11/10 {
		t.Errorf("a copy takes %d bytes, the stream %d", c.Bytes(), s.Bytes())
	}
}

func TestFromPartsRefuses(t *testing.T) {
	s, g := busy(600)
	type part struct {
		id      uint64
		payload []byte
	}
	var parts []part
	if err := s.Parts(false, func(id uint64, payload []byte) error {
		parts = append(parts, part{id, bytes.Clone(payload)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	nodes, head := s.Nodes(), s.AppendHead(nil)
	if len(parts) != nodes+len(g.chunks) || nodes < 3 || len(g.chunks) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	without := func(i int) []part { return append(append([]part(nil), parts[:i]...), parts[i+1:]...) }
	with := func(i int, p part) []part {
		all := append([]part(nil), parts...)
		all[i] = p
		return all
	}
	for _, c := range []struct {
		name  string
		head  []byte
		parts []part
	}{
		{"no head", nil, parts},
		{"half a head", head[:len(head)-1], parts},
		{"a head with more behind", append(bytes.Clone(head), 0), parts},
		{"a node is missing", head, without(1)},
		{"a chunk is missing", head, without(nodes + 1)},
		{"no parts", head, nil},
		{"a part twice", head, append(append([]part(nil), parts[:1]...), parts...)},
		{"nodes out of order", head, with(1, part{parts[1].id, parts[0].payload})},
		{"a damaged node", head, with(1, part{parts[1].id, parts[1].payload[:50]})},
		{"an empty part", head, with(1, part{parts[1].id, nil})},
		{"an empty chunk", head, with(nodes, part{parts[nodes].id, []byte{0}})},
		{"a chunk of no group", head, with(nodes, part{parts[nodes].id, append([]byte{9}, parts[nodes].payload[1:]...)})},
		{"a chunk cut short", head, with(nodes, part{parts[nodes].id, parts[nodes].payload[:50]})},
		{"chunks that overlap", head, with(nodes, part{parts[nodes].id, parts[nodes+1].payload})},
		{"a chunk of too many", head, with(nodes, part{parts[nodes].id, append(bytes.Clone(parts[nodes].payload), parts[nodes+1].payload[1:]...)})},
	} {
		left := c.parts
		v, err := FromParts(c.head, func() (uint64, []byte, bool, error) {
			if len(left) == 0 {
				return 0, nil, false, nil
			}
			p := left[0]
			left = left[1:]
			return p.id, p.payload, true, nil
		})
		if !errors.Is(err, ErrCorrupt) || v != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPartsStopsAtAnErrorAndGoesOn(t *testing.T) {
	s, g := busy(10_000)
	errStop := errors.New("stop")
	for _, from := range []uint64{s.nodes[0].part, s.nodes[5].part, g.chunks[0].id, g.chunks[5].id} {
		calls := 0
		err := s.PartsFrom(from, false, func(id uint64, _ []byte) error {
			if calls++; id != from {
				t.Errorf("from %#x: begins with %#x", from, id)
			}
			return errStop
		})
		if err != errStop || calls != 1 {
			t.Errorf("from %#x: %d calls, %v", from, calls, err)
		}
	}
}

func TestAnEntryThatIsTooLongForAPart(t *testing.T) {
	s := numbered(10_000)
	if !s.Parted() {
		t.Fatal("not in parts")
	}
	s.Append(ID{20_000, 0}, [][]byte{[]byte("field"), make([]byte, partMax)}, Limits{4096, 100})
	if s.Parted() {
		t.Error("a part of more than a store takes")
	}
	s.Delete(ID{20_000, 0})
	if !s.Parted() {
		t.Error("not in parts again")
	}
}
