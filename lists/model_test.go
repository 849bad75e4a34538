package lists

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// check recounts what a List keeps as sums and verifies the invariants of the package comment.
func check(t testing.TB, l *List) {
	t.Helper()
	if n := l.PackedSize(); n > 0 && len(l.AppendPacked(nil)) != n {
		t.Fatalf("packed into %d bytes where %d were told", len(l.AppendPacked(nil)), n)
	}
	nodes, elements, blocks := l.nodes(), 0, int64(0)
	for k, n := range nodes {
		if n.bare && (n.count < 2 || len(n.block) != int(n.head)+int(n.count)*int(n.rest)) {
			t.Fatalf("node %d: %d bare elements of %d and %d bytes in %d", k, n.count, n.head, n.rest, len(n.block))
		}
		p, count := n.appendEntries(nil), 0
		for len(p) > 0 {
			size, err := checkFirst(p)
			if err != nil {
				t.Fatalf("node %d: %v", k, err)
			}
			p = p[size:]
			count++
		}
		switch {
		case count == 0 || count != int(n.count):
			t.Fatalf("node %d has %d elements and counts %d", k, count, n.count)
		case len(n.appendEntries(nil)) != n.used():
			t.Fatalf("node %d: %d bytes of entries, not %d", k, len(n.appendEntries(nil)), n.used())
		case count > 1 && (n.used() > blockMax || cap(n.block) > blockMax):
			t.Fatalf("node %d: %d elements in %d of %d bytes", k, count, n.used(), cap(n.block))
		case cap(n.block) > blockMax && !n.bare && n.head != 0:
			t.Fatalf("node %d: %d bytes before a big element", k, n.head)
		case k > 0 && n.id <= nodes[k-1].id:
			t.Fatalf("node %d: id %#x after %#x", k, n.id, nodes[k-1].id)
		}
		elements += count
		blocks += int64(cap(n.block))
	}
	want := listSize + blocks
	if s := l.more; s != nil {
		want += spineSize + int64(len(s.buf))*nodeSize + int64(cap(s.stored))*8
		if len(nodes) < 2 && len(s.stored) == 0 {
			t.Fatalf("a spine for %d nodes", len(nodes))
		}
		for i, n := range s.buf {
			if (i < s.first || i >= s.first+s.used) && n.block != nil {
				t.Fatalf("unused slot %d of the spine holds a block", i)
			}
		}
	}
	if l.Bytes() != want || l.Len() != elements {
		t.Fatalf("Bytes %d, Len %d; a recount says %d and %d", l.Bytes(), l.Len(), want, elements)
	}
}

// contents returns the elements, having read them both ways.
func contents(t testing.TB, l *List) [][]byte {
	t.Helper()
	forth := [][]byte{}
	for i, b := range l.All() {
		if i != len(forth) {
			t.Fatalf("All yields index %d for element %d", i, len(forth))
		}
		forth = append(forth, bytes.Clone(b))
	}
	i := len(forth)
	l.Reverse(0, -1, func(b []byte) bool {
		i--
		if i < 0 || !bytes.Equal(b, forth[i]) {
			t.Fatalf("element %d reads differently from the end", i)
		}
		return true
	})
	if i != 0 {
		t.Fatalf("Reverse stopped %d elements early", i)
	}
	return forth
}

// requireEqual checks the list and compares it with the model.
func requireEqual(t testing.TB, l *List, model [][]byte) {
	t.Helper()
	check(t, l)
	got := contents(t, l)
	if len(got) != len(model) {
		t.Fatalf("%d elements, want %d", len(got), len(model))
	}
	for i := range got {
		if !bytes.Equal(got[i], model[i]) {
			t.Fatalf("element %d is %s, want %s", i, brief(got[i]), brief(model[i]))
		}
	}
}

func brief(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q… (%d bytes)", b[:40], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// store is what a checkpoint has written of one list: in one piece, or a head and parts.
type store struct {
	whole, head []byte
	parts       map[uint64][]byte
}

// checkpoint does what the comment in parts.go asks of one, and returns how many parts it wrote.
func (s *store) checkpoint(t testing.TB, l *List) (written int) {
	t.Helper()
	if s.parts == nil {
		s.parts = map[uint64][]byte{}
	}
	l.DroppedParts(func(id uint64) {
		if _, ok := s.parts[id]; !ok {
			t.Fatalf("part %#x is dropped and was not stored", id)
		}
		delete(s.parts, id)
	})
	if l.Parted() {
		s.whole, s.head = nil, l.AppendHead(nil)
		if err := l.Parts(true, func(id uint64, payload []byte) error {
			s.parts[id] = bytes.Clone(payload)
			written++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	} else {
		s.whole, s.head = l.AppendBinary(nil), nil
	}
	l.MarkClean()
	return written
}

// load rebuilds the list as a start would.
func (s *store) load(t testing.TB) *List {
	t.Helper()
	if s.head == nil {
		if len(s.parts) != 0 {
			t.Fatalf("%d parts remain beside a list stored in one piece", len(s.parts))
		}
		l, err := Decode(s.whole)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l, err := FromParts(s.head, s.reader())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reader returns the parts in order, as FromParts takes them.
func (s *store) reader() func() (uint64, []byte, bool, error) {
	var ids []uint64
	for id := range s.parts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, s.parts[id], true, nil
	}
}
