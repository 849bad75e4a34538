package lists

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// of returns a list of the words in s.
func of(s string) *List {
	l := New()
	for _, w := range strings.Fields(s) {
		l.PushBack([]byte(w))
	}
	return l
}

// text returns the elements joined by spaces.
func text(t testing.TB, l *List) string {
	t.Helper()
	check(t, l)
	return string(bytes.Join(contents(t, l), []byte(" ")))
}

// numbered returns a list of the n elements element-0000000 to element-n, 15 bytes each.
func numbered(n int) *List {
	l := New()
	for i := range n {
		l.PushBack(fmt.Appendf(nil, "element-%07d", i))
	}
	return l
}

func TestPushAndPop(t *testing.T) {
	l := of("b c")
	l.PushFront([]byte("a"))
	l.PushBack(nil)
	if got := text(t, l); got != "a b c " {
		t.Fatalf("contents %q", got)
	}
	for _, step := range []struct {
		pop  func() ([]byte, bool)
		want string
	}{{l.PopFront, "a"}, {l.PopBack, ""}, {l.PopBack, "c"}, {l.PopFront, "b"}} {
		if b, ok := step.pop(); !ok || string(b) != step.want {
			t.Fatalf("popped %q, %v; want %q", b, ok, step.want)
		}
	}
	for _, pop := range []func() ([]byte, bool){l.PopFront, l.PopBack} {
		if b, ok := pop(); ok || b != nil {
			t.Fatalf("popped %q from an empty list", b)
		}
	}
	if l.Bytes() != New().Bytes() {
		t.Fatalf("an emptied list holds %d bytes, a new one %d", l.Bytes(), New().Bytes())
	}
}

func TestElementSizesAroundEveryLengthOfTheLengths(t *testing.T) {
	l, model := New(), [][]byte{}
	for _, n := range []int{0, 1, 126, 127, 128, 129, 8187, 8188, 8189, 8192, 16383, 16384, 16385, 1<<21 - 1, 1 << 21} {
		b := bytes.Repeat([]byte{'x'}, n)
		l.PushBack(b)
		l.PushFront(b)
		model = append(slices.Insert(model, 0, b), b)
	}
	requireEqual(t, l, model)
}

// The expected contents are those of redis-server 7.0.15.
func TestInsertRemoveTrim(t *testing.T) {
	insert := func(pivot, b string, after bool) func(*List) int {
		return func(l *List) int {
			if l.Insert([]byte(pivot), []byte(b), after) {
				return l.Len()
			}
			return -1
		}
	}
	remove := func(count int, b string) func(*List) int {
		return func(l *List) int { return l.Remove(count, []byte(b)) }
	}
	trim := func(start, stop int) func(*List) int {
		return func(l *List) int { l.Trim(start, stop); return l.Len() }
	}
	for _, c := range []struct {
		name   string
		before string
		do     func(*List) int
		reply  int
		after  string
	}{
		{"LINSERT BEFORE takes the first pivot", "1 2 3 4 3", insert("3", "Q", false), 6, "1 2 Q 3 4 3"},
		{"LINSERT AFTER takes the first pivot", "1 2 3 4 3", insert("3", "R", true), 6, "1 2 3 R 4 3"},
		{"LINSERT BEFORE the first", "1 2", insert("1", "Q", false), 3, "Q 1 2"},
		{"LINSERT AFTER the last", "1 2", insert("2", "R", true), 3, "1 2 R"},
		{"LINSERT without a pivot", "1 2", insert("9", "R", true), -1, "1 2"},
		{"LREM from the head", "a b a c a", remove(2, "a"), 2, "b c a"},
		{"LREM from the tail", "a b a c a", remove(-2, "a"), 2, "a b c"},
		{"LREM all", "a b a c a", remove(0, "a"), 3, "b c"},
		{"LREM more than there are", "a b a c a", remove(-9, "a"), 3, "b c"},
		{"LREM the least count", "a b a c a", remove(math.MinInt, "a"), 3, "b c"},
		{"LREM compares bytes, not numbers", "01 1", remove(0, "1"), 1, "01"},
		{"LREM the last element there is", "a", remove(1, "a"), 1, ""},
		{"LTRIM", "a b c d", trim(1, 2), 2, "b c"},
		{"LTRIM from the end", "1 2 3", trim(-2, -1), 2, "2 3"},
		{"LTRIM clamps", "a b c d", trim(-100, 100), 4, "a b c d"},
		{"LTRIM beyond the end", "a b c", trim(100, 200), 0, ""},
		{"LTRIM backwards", "1 2 3", trim(2, 1), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := of(c.before)
			if got := c.do(l); got != c.reply {
				t.Errorf("reply %d, want %d", got, c.reply)
			}
			if got := text(t, l); got != c.after {
				t.Errorf("contents %q, want %q", got, c.after)
			}
		})
	}
}

func TestIndexAndSet(t *testing.T) {
	l := of("a b c")
	for i, want := range map[int]string{0: "a", 2: "c", -1: "c", -3: "a"} {
		if b, ok := l.Index(i); !ok || string(b) != want {
			t.Errorf("Index(%d) = %q, %v; want %q", i, b, ok, want)
		}
	}
	for _, i := range []int{3, -4, math.MaxInt, math.MinInt} {
		if b, ok := l.Index(i); ok {
			t.Errorf("Index(%d) = %q, want none", i, b)
		}
		if l.Set(i, []byte("z")) {
			t.Errorf("Set(%d) = true", i)
		}
	}
	l.Set(0, []byte("z"))
	l.Set(-1, bytes.Repeat([]byte{'y'}, 9000))
	l.Set(1, nil)
	l.Set(-1, []byte("x"))
	if got := text(t, l); got != "z  x" {
		t.Errorf("contents %q", got)
	}
}

// The expected elements are those of redis-server 7.0.15.
func TestRangeAndReverse(t *testing.T) {
	for _, c := range []struct {
		start, stop int
		want        string
	}{
		{0, -1, "abcde"}, {-100, 2, "abc"}, {3, 1, ""}, {3, 100, "de"}, {-3, -2, "cd"}, {5, 9, ""},
		{0, -6, ""}, {math.MinInt, math.MaxInt, "abcde"}, {math.MaxInt, math.MinInt, ""},
	} {
		l, forth, back := of("a b c d e"), "", ""
		l.Range(c.start, c.stop, func(b []byte) bool { forth += string(b); return true })
		l.Reverse(c.start, c.stop, func(b []byte) bool { back = string(b) + back; return true })
		if forth != c.want || back != c.want {
			t.Errorf("%d to %d: %q forwards, %q backwards, want %q", c.start, c.stop, forth, back, c.want)
		}
	}
}

// The expected positions are those of redis-server 7.0.15.
func TestPositions(t *testing.T) {
	l := of("a b c d 1 2 3 4 3 3 3")
	for _, c := range []struct {
		rank, count, maxlen int
		want                []int
	}{
		{1, 1, 0, []int{6}},
		{2, 1, 0, []int{8}},
		{-1, 1, 0, []int{10}},
		{-2, 1, 0, []int{9}},
		{1, 0, 0, []int{6, 8, 9, 10}},
		{-1, 0, 0, []int{10, 9, 8, 6}},
		{2, 2, 0, []int{8, 9}},
		{1, 0, 7, []int{6}},
		{1, 0, 6, nil},
		{-1, 0, 3, []int{10, 9, 8}},
		{-3, 0, 3, []int{8}},
		{5, 0, 0, nil},
		{math.MinInt, 1, 0, []int{10}},
		{math.MaxInt, 1, 0, nil},
	} {
		if got := l.Positions([]byte("3"), c.rank, c.count, c.maxlen); !slices.Equal(got, c.want) {
			t.Errorf("rank %d count %d maxlen %d: %v, want %v", c.rank, c.count, c.maxlen, got, c.want)
		}
	}
}

func TestPoppedBytesMayBePushedAgain(t *testing.T) {
	l := numbered(600) // nearly fills the block of the only node, so that elements slide
	model := contents(t, l)
	for range 2000 {
		b, _ := l.PopBack()
		l.PushFront(b)
		model = append([][]byte{model[len(model)-1]}, model[:len(model)-1]...)
	}
	requireEqual(t, l, model)
	for range 2000 {
		b, _ := l.PopFront()
		l.PushBack(b)
		model = append(model[1:], model[0])
	}
	requireEqual(t, l, model)
}

func TestMemory(t *testing.T) {
	per := func(l *List) float64 { return float64(l.Bytes()) / float64(l.Len()) }
	ten := []byte("0123456789")

	l := of("a")
	if l.Bytes() > 64 {
		t.Errorf("a list of one short element takes %d bytes", l.Bytes())
	}
	if l = of("0123456789 0123456789"); l.Bytes() > 80 {
		t.Errorf("a list of two elements of 10 bytes takes %d bytes", l.Bytes())
	}

	back, front := New(), New()
	for range 200_000 {
		back.PushBack(ten)
		front.PushFront(ten)
	}
	if per(back) > 12.2 || per(front) > 12.2 {
		t.Errorf("%.2f bytes per element pushed at the back, %.2f at the front", per(back), per(front))
	}

	for _, size := range []int{700, 3000, 4500, 9000} { // elements that fill a block badly
		l, b := New(), make([]byte, size)
		for range 1000 {
			l.PushBack(b)
		}
		if per(l) > 1.15*float64(size)+100 {
			t.Errorf("%.0f bytes per element of %d", per(l), size)
		}
	}

	l = of("pivot end")
	for range 100_000 {
		l.Insert([]byte("pivot"), ten, true)
	}
	if check(t, l); per(l) > 14 {
		t.Errorf("%.2f bytes per element inserted in the middle", per(l))
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	const n = 20_000
	for name, take := range map[string]func(l *List, left int){
		"PopFront": func(l *List, left int) {
			for l.Len() > left {
				l.PopFront()
			}
		},
		"PopBack": func(l *List, left int) {
			for l.Len() > left {
				l.PopBack()
			}
		},
		"Trim": func(l *List, left int) { l.Trim(n/2, n/2+left-1) },
		"Remove": func(l *List, left int) {
			for i := range n {
				if i >= left {
					l.Set(i, []byte("gone"))
				}
			}
			l.Remove(0, []byte("gone"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := numbered(n)
			for left, limit := range map[int]int64{1000: 45_000, 10: 1_000} {
				c := l.Clone()
				take(c, left)
				if check(t, c); c.Len() != left || c.Bytes() > limit {
					t.Errorf("%d elements of 15 bytes hold %d bytes, more than %d", c.Len(), c.Bytes(), limit)
				}
			}
		})
	}
}

// A steady queue must not copy its elements over and over, whatever its length.
func TestPushAllocatesNothingPerElement(t *testing.T) {
	ten := []byte("0123456789")
	for _, length := range []int{1, 100, 650, 680, 700, 5000} {
		l := New()
		for range length {
			l.PushBack(ten)
		}
		perOp := testing.AllocsPerRun(20, func() {
			for range 1000 {
				l.PushBack(ten)
				l.PopFront()
				l.PushFront(ten)
				l.PopBack()
			}
		}) / 4000
		if perOp > 0.05 {
			t.Errorf("a queue of %d: %.3f allocations per operation", length, perOp)
		}
		check(t, l)
	}
}
