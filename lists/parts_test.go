package lists

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestOnePushRewritesOnePart(t *testing.T) {
	l, s := numbered(1_000_000), &store{}
	if n := s.checkpoint(t, l); n != l.Nodes() {
		t.Fatalf("the first checkpoint wrote %d of %d parts", n, l.Nodes())
	}
	for _, c := range []struct {
		name string
		do   func()
		most int
	}{
		{"nothing", func() {}, 0},
		{"LPUSH", func() { l.PushFront([]byte("x")) }, 1},
		{"RPUSH", func() { l.PushBack([]byte("x")) }, 1},
		{"LPOP", func() { l.PopFront() }, 1},
		{"LSET", func() { l.Set(500_000, []byte("y")) }, 1},
		{"LINSERT splits a full node", func() { l.Insert([]byte("element-0300000"), []byte("z"), true) }, 2},
		{"LREM", func() { l.Remove(1, []byte("z")) }, 1},
		{"LTRIM", func() { l.Trim(1, -2) }, 2},
		{"LRANGE", func() { l.Range(0, -1, func([]byte) bool { return true }) }, 0},
		{"a failed LINSERT", func() { l.Insert([]byte("none"), []byte("z"), true) }, 0},
	} {
		c.do()
		if n := s.checkpoint(t, l); n > c.most {
			t.Errorf("%s: %d parts were rewritten, want at most %d", c.name, n, c.most)
		}
	}
	if len(s.head) > 16 {
		t.Errorf("a head of %d bytes", len(s.head))
	}
	loaded := s.load(t)
	check(t, loaded)
	if !bytes.Equal(loaded.AppendBinary(nil), l.AppendBinary(nil)) {
		t.Error("the parts in the store make another list")
	}
}

func TestAListLeavesAndRejoinsTheStoreInParts(t *testing.T) {
	l, s := numbered(20_000), &store{}
	s.checkpoint(t, l)
	parts := len(s.parts)
	if !l.Parted() || parts < 30 {
		t.Fatalf("Parted %v, %d parts", l.Parted(), parts)
	}

	l.Trim(100, 120)
	s.checkpoint(t, l)
	if l.Parted() || len(s.parts) != 0 || s.head != nil {
		t.Fatalf("a list of %d bytes is in %d parts", l.Bytes(), len(s.parts))
	}
	requireEqual(t, s.load(t), contents(t, l))

	for range 20_000 {
		l.PushFront([]byte("again and again"))
	}
	if n := s.checkpoint(t, l); n != l.Nodes() {
		t.Fatalf("%d of %d parts written", n, l.Nodes())
	}
	requireEqual(t, s.load(t), contents(t, l))

	for l.Len() > 0 {
		l.PopFront()
	}
	s.checkpoint(t, l)
	if len(s.parts) != 0 || l.Bytes() != New().Bytes() {
		t.Fatalf("the emptied list leaves %d parts and %d bytes", len(s.parts), l.Bytes())
	}
}

func TestNodesJoinedByLREMAreWrittenAgain(t *testing.T) {
	l, plain := numbered(6000), New()
	for k, n := range l.nodes() { // quarters of full nodes: neighbours fill half a block
		n.frame()
		n.cutBack(int(n.count) * 3 / 4)
		plain.insertNode(k, n)
	}
	l = plain
	for l.Bytes() <= PartedAbove {
		l.PushBack(bytes.Repeat([]byte("x"), 8000))
	}
	s, before := &store{}, l.Nodes()
	s.checkpoint(t, l)
	l.Remove(1, []byte("element-0000650")) // changes the second node only
	if l.Nodes() >= before {
		t.Fatalf("%d nodes of %d are left", l.Nodes(), before)
	}
	s.checkpoint(t, l)
	requireEqual(t, s.load(t), contents(t, l))
}

func TestAListReadFromPartsIsClean(t *testing.T) {
	l, s := numbered(20_000), &store{}
	s.checkpoint(t, l)
	l = s.load(t)
	if n := s.checkpoint(t, l); n != 0 {
		t.Fatalf("%d parts are dirty after loading", n)
	}
	l.Trim(0, 10)
	s.checkpoint(t, l)
	requireEqual(t, s.load(t), contents(t, l))
}

// stored builds a list from parts with the given ids, each with one element of 8,000 bytes, and a store that has them.
func stored(t *testing.T, ids ...uint64) (*List, *store) {
	t.Helper()
	plain := New()
	for i := range ids {
		plain.PushBack(bytes.Repeat([]byte{byte('a' + i)}, 8000))
	}
	s := &store{parts: map[uint64][]byte{}, head: plain.AppendHead(nil)}
	for i, id := range ids {
		s.parts[id] = plain.nodes()[i].appendEntries(nil)
	}
	l := s.load(t)
	requireEqual(t, l, contents(t, plain))
	return l, s
}

func TestWhereNoIDIsLeftAllAreNumberedAnew(t *testing.T) {
	ids := []uint64{0, 1, 2, 3, 4, idFirst, math.MaxUint64 - 3, math.MaxUint64 - 2, math.MaxUint64 - 1, math.MaxUint64}
	big := bytes.Repeat([]byte{'z'}, 6000)
	for name, do := range map[string]func(*List){
		"front":  func(l *List) { l.PushFront(big) },
		"back":   func(l *List) { l.PushBack(big) },
		"middle": func(l *List) { l.Insert(bytes.Repeat([]byte{'c'}, 8000), big, true) },
	} {
		t.Run(name, func(t *testing.T) {
			l, s := stored(t, ids...)
			do(l)
			check(t, l)
			if n := s.checkpoint(t, l); n != l.Nodes() {
				t.Errorf("%d of %d parts written", n, l.Nodes())
			}
			requireEqual(t, s.load(t), contents(t, l))
		})
	}
}

func TestInsertingAtOnePlaceRunsOutOfIDsAndGoesOn(t *testing.T) {
	l, s := stored(t, 1<<40, 2<<40, 3<<40, 4<<40, 5<<40, 6<<40, 7<<40, 8<<40, 9<<40, 10<<40)
	pivot := bytes.Repeat([]byte{'e'}, 8000)
	renumbered := 0
	for range 100 {
		l.Insert(pivot, bytes.Repeat([]byte{'z'}, 8000), true)
		if n := s.checkpoint(t, l); n == l.Nodes() {
			renumbered++
		} else if n != 1 {
			t.Fatalf("%d parts written for one node", n)
		}
	}
	if renumbered != 2 { // 40 halvings of the gap there was, 32 of a new one
		t.Errorf("numbered anew %d times", renumbered)
	}
	requireEqual(t, s.load(t), contents(t, l))
}

func TestAnIDThatComesBackIsNotDropped(t *testing.T) {
	l, s := numbered(20_000), &store{}
	s.checkpoint(t, l)
	last := l.nodes()[l.Nodes()-1].id
	for l.nodes()[l.Nodes()-1].id == last {
		l.PopBack()
	}
	for l.nodes()[l.Nodes()-1].id != last {
		l.PushBack([]byte("new"))
	}
	l.DroppedParts(func(id uint64) { t.Errorf("part %#x is dropped", id) })
	s.checkpoint(t, l)
	requireEqual(t, s.load(t), contents(t, l))
}

func TestPartsCanBeTakenInSlices(t *testing.T) {
	l := numbered(50_000)
	var whole, sliced []uint64
	if err := l.Parts(true, func(id uint64, _ []byte) error { whole = append(whole, id); return nil }); err != nil {
		t.Fatal(err)
	}
	errPause := errors.New("pause")
	for from, calls := uint64(0), 0; ; calls++ {
		taken := 0
		err := l.PartsFrom(from, true, func(id uint64, _ []byte) error {
			if taken == 7 {
				from = id
				return errPause
			}
			taken++
			sliced = append(sliced, id)
			return nil
		})
		if err == nil {
			break
		}
		if err != errPause || calls > len(whole) {
			t.Fatalf("call %d: %v", calls, err)
		}
	}
	if !slices.Equal(whole, sliced) || len(whole) != l.Nodes() {
		t.Fatalf("%d parts in slices, %d in one, %d nodes", len(sliced), len(whole), l.Nodes())
	}
}

func TestFromPartsRefuses(t *testing.T) {
	type part struct {
		id      uint64
		payload string
	}
	a, b := part{1, "\x01a\x01"}, part{2, "\x01b\x01"}
	for _, c := range []struct {
		name  string
		head  string
		parts []part
	}{
		{"no head", "", nil},
		{"another version", "\x02\x00\x00", nil},
		{"half a head", "\x01\x02", []part{a, b}},
		{"a head with more behind", "\x01\x02\x02\x00", []part{a, b}},
		{"a missing part", "\x01\x02\x02", []part{a}},
		{"a part too many", "\x01\x01\x01", []part{a, b}},
		{"elements missing", "\x01\x02\x03", []part{a, b}},
		{"parts out of order", "\x01\x02\x02", []part{b, a}},
		{"a part twice", "\x01\x02\x02", []part{a, a}},
		{"an empty part", "\x01\x02\x01", []part{a, {2, ""}}},
		{"a damaged part", "\x01\x02\x02", []part{a, {2, "\x01b\x02"}}},
		{"a part of more than a block", "\x01\x01\xd0\x0f", []part{{1, string(bytes.Repeat([]byte("\x04four\x04"), 2000))}}},
	} {
		i := -1
		l, err := FromParts([]byte(c.head), func() (uint64, []byte, bool, error) {
			if i++; i == len(c.parts) {
				return 0, nil, false, nil
			}
			return c.parts[i].id, []byte(c.parts[i].payload), true, nil
		})
		if !errors.Is(err, ErrCorrupt) || l != nil {
			t.Errorf("%s: %v, %v", c.name, l, err)
		}
	}

	errRead := errors.New("read failed")
	l, err := FromParts([]byte("\x01\x01\x01"), func() (uint64, []byte, bool, error) { return 0, nil, true, errRead })
	if !errors.Is(err, errRead) || l != nil {
		t.Errorf("a reader's error comes back as %v, %v", l, err)
	}
	l, err = FromParts(New().AppendHead(nil), func() (uint64, []byte, bool, error) { return 0, nil, false, nil })
	if err != nil || l.Len() != 0 {
		t.Errorf("the empty list comes back as %v, %v", l, err)
	}
}

func TestPartsStopsAtAnError(t *testing.T) {
	l, calls, errStop := numbered(20_000), 0, errors.New("stop")
	err := l.Parts(false, func(uint64, []byte) error { calls++; return errStop })
	if err != errStop || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestAnElementThatIsTooLongForAPart(t *testing.T) {
	l, s := numbered(20_000), &store{}
	s.checkpoint(t, l)
	l.PushBack(make([]byte, partMax))
	if l.Parted() {
		t.Error("a part of more than a store takes")
	}
	l.PopBack()
	if !l.Parted() {
		t.Error("not in parts again")
	}
}
