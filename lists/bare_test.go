package lists

import (
	"bytes"
	"fmt"
	"testing"
)

// bares counts the nodes of a list that are bare.
func bares(l *List) (n int) {
	for _, node := range l.nodes() {
		if node.bare {
			n++
		}
	}
	return n
}

// alike returns a list with bare nodes, and its model.
func alike(t *testing.T, n int, element func(i int) []byte) (*List, [][]byte) {
	t.Helper()
	l, model := New(), [][]byte{}
	for i := range n {
		model = append(model, element(i))
		l.PushBack(model[i])
	}
	if all := l.Nodes(); all < 8 || bares(l) != all-4 { // all but two at each end
		t.Fatalf("%d of %d nodes are bare", bares(l), all)
	}
	requireEqual(t, l, model)
	return l, model
}

func id(i int) []byte { return fmt.Appendf(nil, "id:%06d", i) }

func TestElementsOfOneLengthTakeNoMoreThanTheyDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		element func(i int) []byte
		most    float64
	}{
		"counted":   {id, 4.8},
		"scattered": {func(i int) []byte { return fmt.Appendf(nil, "%016x", uint64(i)*0x9e3779b97f4a7c15) }, 17},
		"the same":  {func(int) []byte { return []byte("0123456789") }, 0.3},
		"empty":     {func(int) []byte { return nil }, 0.3},
	} {
		l, model := alike(t, 200_000, c.element)
		if per := float64(l.Bytes()) / float64(l.Len()); per > c.most {
			t.Errorf("%s: %.2f bytes each", name, per)
		}
		decoded, err := Decode(l.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		requireEqual(t, decoded, model)
		requireEqual(t, l.Clone(), model)
		if all := decoded.Nodes(); bares(decoded) != all-4 {
			t.Errorf("%s: %d of %d nodes are bare when read again", name, bares(decoded), all)
		}
	}
}

func TestElementsThatDifferInLengthOrSaveNothingAreNotBare(t *testing.T) {
	for _, element := range []func(i int) []byte{
		func(i int) []byte { return fmt.Appendf(nil, "id:%d", 999+i%2) },
		func(i int) []byte { return fmt.Appendf(nil, "%0100d", i*0x9e3779b9)[:90] },
	} {
		l := New()
		for i := range 20_000 {
			b := element(i)
			b[0] ^= byte(i % 7)
			l.PushBack(b)
		}
		if n := bares(l); n != 0 {
			t.Errorf("%d nodes are bare", n)
		}
		check(t, l)
	}
}

// What reads, finds nothing or replaces an element by one like the others leaves nodes bare; any other change costs one node.
func TestAChangeGivesOneNodeItsEntriesBack(t *testing.T) {
	full, model := alike(t, 20_000, id)
	for _, c := range []struct {
		name string
		do   func(l *List) bool
		less int
	}{
		{"Set of a like one", func(l *List) bool { return l.Set(9000, []byte("id:009999")) }, 0},
		{"Set of another beginning", func(l *List) bool { return l.Set(9000, []byte("no:009999")) }, 1},
		{"Set of a longer one", func(l *List) bool { return l.Set(-9000, []byte("id:0099990")) }, 1},
		{"Insert before none", func(l *List) bool { return !l.Insert([]byte("id:xxxxxx"), []byte("a"), false) }, 0},
		{"Insert before one", func(l *List) bool { return l.Insert(id(9000), []byte("a"), false) }, 1},
		{"Remove of none", func(l *List) bool { return l.Remove(0, []byte("id:xxxxxx")) == 0 }, 0},
		{"Remove of none so long", func(l *List) bool { return l.Remove(-1, []byte("id:00900")) == 0 }, 0},
		{"Remove of one", func(l *List) bool { return l.Remove(0, id(9000)) == 1 }, 1},
		{"Remove of one, from the end", func(l *List) bool { return l.Remove(-1, id(9000)) == 1 }, 1},
		{"Index", func(l *List) bool { b, _ := l.Index(9000); return bytes.Equal(b, id(9000)) }, 0},
		{"Positions", func(l *List) bool { return l.Positions(id(9000), -1, 1, 0)[0] == 9000 }, 0},
		{"pops down to it", func(l *List) bool {
			for range 3000 {
				l.PopFront()
			}
			b, _ := l.PopFront()
			return bytes.Equal(b, id(3000))
		}, 2},
	} {
		l := full.Clone()
		if !c.do(l) {
			t.Errorf("%s: not done", c.name)
		}
		if got := bares(full) - bares(l); got != c.less {
			t.Errorf("%s: %d nodes are bare no more, not %d", c.name, got, c.less)
		}
		check(t, l)
	}
	requireEqual(t, full, model)
}

// A list whose length goes up and down across the end of a node does not make that node bare and unmake it each time.
func TestPushesAndPopsInTurnMeetNoBareNode(t *testing.T) {
	for _, front := range []bool{false, true} {
		l, _ := alike(t, 20_000, id)
		for range 3 {
			for n := l.Nodes(); l.Nodes() == n; {
				l.push(id(1), front)
			}
			before := bares(l)
			for i := range 2000 {
				for range i % 4 {
					l.pop(front)
				}
				for range i % 4 {
					l.push(id(2), front)
				}
				if n := bares(l); n != before {
					t.Fatalf("front %v: %d nodes are bare, %d were", front, n, before)
				}
			}
			check(t, l)
		}
	}
}

// A bare node may be all that is left of a list.
func TestABareNodeIsLeftAlone(t *testing.T) {
	giant := bytes.Repeat([]byte("B"), 2*blockMax)
	for name, do := range map[string]func(l *List){
		"LREM":         func(l *List) { l.Remove(0, giant) },
		"pops":         func(l *List) { l.PopFront(); l.PopFront(); l.PopBack(); l.PopBack() },
		"pops, mirror": func(l *List) { l.PopBack(); l.PopBack(); l.PopFront(); l.PopFront() },
		"LTRIM":        func(l *List) { l.Trim(2, 3) },
	} {
		l := New()
		for _, b := range [][]byte{giant, giant, []byte("aaaaaaaaa1"), []byte("aaaaaaaaa2"), giant, giant} {
			l.PushBack(b)
		}
		if bares(l) != 1 {
			t.Fatalf("%d nodes are bare", bares(l))
		}
		do(l)
		model := [][]byte{[]byte("aaaaaaaaa1"), []byte("aaaaaaaaa2")}
		if l.Nodes() != 1 || l.PackedSize() == 0 {
			t.Fatalf("%s: %d nodes are left, packed into %d bytes", name, l.Nodes(), l.PackedSize())
		}
		check(t, l)
		requireEqual(t, l, model)
		requireEqual(t, Unpack(l.AppendPacked(nil)), model)
	}
}
