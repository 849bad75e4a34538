package streams

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	const top = math.MaxUint64
	for text, want := range map[string]ID{
		"0": {0, 9}, "1-2": {1, 2}, "18446744073709551615-18446744073709551615": {top, top}, "5-0": {5, 0},
		"007-01": {7, 1}, "+7-+1": {7, 1}, " 7-\t1": {7, 1}, "7--05": {7, top - 4}, "7--0": {7, 0}, "7-1\x00x": {7, 1}, "7\x00-1": {7, 9},
		strings.Repeat("0", 126) + "5": {5, 9},
	} {
		if id, ok := ParseID([]byte(text), 9); !ok || id != want {
			t.Errorf("%q is %v, %v", text, id, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+", "-1", "1-", "1--", "1--5", "x", "1-x", "1x", "1-2-3", "1-*", "*", "18446744073709551616", "1-18446744073709551616",
		"1 ", "(1", strings.Repeat("0", 128),
	} {
		if id, ok := ParseID([]byte(text), 9); ok {
			t.Errorf("%q is %v", text, id)
		}
	}
	for text, given := range map[string]bool{"5-*": false, "5-0": true, "5": true} {
		if id, g, ok := ParseAuto([]byte(text)); !ok || g != given || id != (ID{MS: 5}) {
			t.Errorf("%q is %v, given %v, %v", text, id, g, ok)
		}
	}
	for _, text := range []string{"*", "-*", "5-**", "5-6-*", "x-*", strings.Repeat("0", 126) + "-*"} {
		if id, _, ok := ParseAuto([]byte(text)); ok {
			t.Errorf("%q is %v", text, id)
		}
	}
}

func TestNextAndPrevious(t *testing.T) {
	const top = math.MaxUint64
	for _, c := range []struct{ a, b ID }{{ID{0, 0}, ID{0, 1}}, {ID{1, top}, ID{2, 0}}, {ID{top, top - 1}, ID{top, top}}} {
		next, ok := c.a.Next()
		prev, ok2 := c.b.Prev()
		if !ok || !ok2 || next != c.b || prev != c.a || c.a.Compare(c.b) != -1 || !c.a.Less(c.b) {
			t.Errorf("%v and %v: %v, %v", c.a, c.b, next, prev)
		}
	}
	if id, ok := MaxID().Next(); ok {
		t.Errorf("%v is behind the highest", id)
	}
	if id, ok := (ID{}).Prev(); ok {
		t.Errorf("%v is before the lowest", id)
	}
}

// A million entries of one short field take no more than the entries and an eighth.
func TestMemoryOfManyEntries(t *testing.T) {
	const n = 1_000_000
	s := numbered(n)
	if per := float64(s.Bytes()) / n; per > 24 { // 13 bytes of value, 6 of entry
		t.Errorf("%.1f bytes an entry", per)
	}
	if got := s.Nodes(); got != n/100 {
		t.Errorf("%d nodes", got)
	}
}

func TestLimitsOfNodes(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		nodes  int
	}{{Limits{4096, 100}, 10}, {Limits{0, 100}, 10}, {Limits{4096, 0}, 5}, {Limits{1, 0}, 1000}, {Limits{0, 0}, 1}, {Limits{0, 1}, 1000}} {
		s := New()
		for i := range uint64(1000) {
			s.Append(ID{1, i + 1}, words("field", "a value of x"), c.limits)
		}
		if s.Nodes() != c.nodes {
			t.Errorf("%+v: %d nodes, want %d", c.limits, s.Nodes(), c.nodes)
		}
	}
}

func TestTrimKeepsWholeNodesWithinTheLimit(t *testing.T) {
	for _, c := range []struct {
		trim Trim
		want int
	}{
		{Trim{Keep: 950, WholeNodes: true}, 0},
		{Trim{Keep: 900, WholeNodes: true}, 100},
		{Trim{Keep: 333, WholeNodes: true}, 600},
		{Trim{Keep: 0, WholeNodes: true, Limit: 250}, 200},
		{Trim{Keep: 0, WholeNodes: true, Limit: 99}, 0},
		{Trim{ByID: true, From: ID{350, 0}, WholeNodes: true}, 300},
		{Trim{ByID: true, From: ID{351, 0}}, 350},
		{Trim{ByID: true, From: MaxID()}, 1000},
		{Trim{Keep: 950}, 50},
	} {
		s := numbered(1000)
		if got := s.Trim(c.trim); got != c.want || s.Len() != 1000-c.want {
			t.Errorf("%+v removes %d, want %d", c.trim, got, c.want)
		}
		check(t, s)
	}
}

// Deleted entries stay in their node. They are not its ends, and not in the way of a last ID that is put below them.
func TestDeletedEntriesAtTheEnds(t *testing.T) {
	s := numbered(6)
	for _, ms := range []uint64{1, 5, 6} {
		s.Delete(ID{ms, 0})
	}
	if s.First() != (ID{2, 0}) || s.Top() != (ID{4, 0}) {
		t.Errorf("from %v to %v", s.First(), s.Top())
	}
	s.SetLast(ID{4, 0})
	s.Append(ID{4, 1}, words("field", "v"), Limits{4096, 100})
	check(t, s)
	stored, err := Decode(s.AppendBinary(nil))
	if err != nil || stored.Len() != 4 || s.Nodes() != 1 {
		t.Fatalf("comes back as %+v, %v", stored, err)
	}
	if e, ok := stored.Get(ID{3, 0}); !ok || !bytes.Equal(plain(e).pairs[1], []byte("value-0000002")) {
		t.Errorf("3-0 holds %q, %v", plain(e).pairs, ok)
	}
}

// The number of fields takes a byte more from 128 on.
func TestAnEntryOfManyFields(t *testing.T) {
	for _, fields := range []int{127, 128, 300} {
		s := numbered(1)
		s.Append(ID{2, 0}, words(make([]string, 2*fields)...), Limits{})
		check(t, s)
		if e, ok := s.Get(ID{2, 0}); !ok || e.Len() != fields || s.Nodes() != 1 {
			t.Errorf("%d fields: %d, %v", fields, e.Len(), ok)
		}
	}
}
