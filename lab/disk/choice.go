package disk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Choice says which pieces of one Crash are lost. The zero Choice loses none.
type Choice struct {
	runs  []run // rising, with something kept between them
	total int   // pieces that there are
}

// run is the pieces from one to another, both included.
type run struct{ from, to int }

// marks are the pieces that are lost, one by one.
type marks []bool

// choice makes a Choice of marks.
func (lost marks) choice() Choice {
	ch := Choice{total: len(lost)}
	for i, is := range lost {
		if !is {
			continue
		}
		if n := len(ch.runs); n > 0 && ch.runs[n-1].to == i-1 {
			ch.runs[n-1].to = i
		} else {
			ch.runs = append(ch.runs, run{i, i})
		}
	}
	return ch
}

// marks makes a Choice of this crash into marks.
func (c *Crash) marks(ch Choice) marks {
	lost := make(marks, c.Pieces())
	for _, r := range ch.runs {
		if r.to >= len(lost) {
			panic("BUG: a choice of another crash")
		}
		for i := r.from; i <= r.to; i++ {
			lost[i] = true
		}
	}
	return lost
}

// Choice loses these pieces, in any order, and no others.
func (c *Crash) Choice(lost []int) Choice {
	m := make(marks, c.Pieces())
	for _, i := range lost {
		if i < 0 || i >= len(m) {
			panic("BUG: a piece that is not at risk")
		}
		m[i] = true
	}
	return m.choice()
}

// String is "none", "all", or the numbers of the lost pieces, such as "3,7-9".
func (ch Choice) String() string {
	switch {
	case len(ch.runs) == 0:
		return "none"
	case ch.runs[0] == run{0, ch.total - 1}:
		return "all"
	}
	var b strings.Builder
	for i, r := range ch.runs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(r.from))
		if r.to > r.from {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(r.to))
		}
	}
	return b.String()
}

// ParseChoice is the inverse of String. The numbers may come in any order. ErrChoice if a text is no choice, or names
// pieces that this crash does not have.
func (c *Crash) ParseChoice(text string) (Choice, error) {
	lost := make(marks, c.Pieces())
	switch text {
	case "none":
		return lost.choice(), nil
	case "all":
		for i := range lost {
			lost[i] = true
		}
		return lost.choice(), nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 31)
		b, errB := strconv.ParseUint(to, 10, 31)
		if errA != nil || errB != nil || a > b {
			return Choice{}, fmt.Errorf("%q in %q: %w: want all, none, or pieces such as 3,7-9", part, text, ErrChoice)
		}
		if b >= uint64(len(lost)) {
			return Choice{}, fmt.Errorf("%q in %q, of %d pieces: %w", part, text, len(lost), ErrChoice)
		}
		for i := a; i <= b; i++ {
			lost[i] = true
		}
	}
	return lost.choice(), nil
}

// Lost are the numbers of the lost pieces, rising.
func (ch Choice) Lost() []int {
	var lost []int
	for _, r := range ch.runs {
		for i := r.from; i <= r.to; i++ {
			lost = append(lost, i)
		}
	}
	return lost
}

// Len is how many pieces are lost.
func (ch Choice) Len() int {
	n := 0
	for _, r := range ch.runs {
		n += r.to - r.from + 1
	}
	return n
}

// Has reports whether piece i is lost.
func (ch Choice) Has(i int) bool {
	_, found := slices.BinarySearchFunc(ch.runs, i, func(r run, i int) int {
		switch {
		case r.to < i:
			return -1
		case r.from > i:
			return 1
		}
		return 0
	})
	return found
}
