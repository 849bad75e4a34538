package commands

import (
	"holdfast/kv"
	"holdfast/resp"
)

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]
func lcsCommand(c *Call) {
	a, okA := c.lcsText(c.Args[1])
	b, okB := c.lcsText(c.Args[2])
	if !okA || !okB {
		c.Reply.Error(resp.ErrLCSNotString)
		return
	}
	o, ok := c.lcsOptions(3)
	if !ok {
		return
	}
	// Redis keeps a table of 4 bytes a cell, and refuses one that is larger than a string may be. The table here
	// takes a bit a cell, but whoever sends such strings should not wait longer for it either.
	if int64(len(a)+1) > c.directives().stringMax.Load()/4/int64(len(b)+1) {
		c.Reply.Error(resp.ErrLCSTooLarge)
		return
	}
	table, length := newLCSTable(a, b)
	switch {
	case o.length:
		c.Reply.Int(int64(length))
	case o.index:
		c.replyMatches(table.matches(a, b), length, o)
	default:
		common := make([]byte, length)
		for _, m := range table.matches(a, b) {
			length -= m.length
			copy(common[length:], a[m.a:m.a+m.length])
		}
		c.Reply.Bulk(common)
	}
}

// lcsText is the string under the key, empty for a missing one; false where the key holds something else.
func (c *Call) lcsText(key []byte) ([]byte, bool) {
	e, found := c.DB.Get(key)
	switch {
	case !found:
		return nil, true
	case e.Kind() != kv.String:
		return nil, false
	}
	return e.Text(), true
}

type lcsOptions struct {
	length, index, withLength bool
	atLeast                   int64
}

func (c *Call) lcsOptions(i int) (o lcsOptions, ok bool) {
	for ; i < len(c.Args); i++ {
		switch {
		case c.is(i, "LEN"):
			o.length = true
		case c.is(i, "IDX"):
			o.index = true
		case c.is(i, "WITHMATCHLEN"):
			o.withLength = true
		case c.is(i, "MINMATCHLEN") && i+1 < len(c.Args):
			i++
			if o.atLeast, ok = c.int(i); !ok {
				return o, false
			}
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	if o.length && o.index {
		c.Reply.Error(resp.ErrLCSLengthAndIndex)
		return o, false
	}
	return o, true
}

// replyMatches replies the matches as pairs of inclusive ranges, the last match first.
func (c *Call) replyMatches(matches []lcsMatch, length int, o lcsOptions) {
	c.Reply.Map(2)
	c.Reply.BulkString("matches")
	opened, n := c.Reply.ArrayLater(), 0
	for _, m := range matches {
		if int64(m.length) < o.atLeast {
			continue
		}
		n++
		if o.withLength {
			c.Reply.Array(3)
		} else {
			c.Reply.Array(2)
		}
		for _, from := range [...]int{m.a, m.b} {
			c.Reply.Array(2)
			c.Reply.Int(int64(from))
			c.Reply.Int(int64(from + m.length - 1))
		}
		if o.withLength {
			c.Reply.Int(int64(m.length))
		}
	}
	c.Reply.ArrayEnd(opened, n)
	c.Reply.BulkString("len")
	c.Reply.Int(int64(length))
}

// lcsTable remembers of each pair of prefixes of two strings, whose last bytes differ, which of the two to shorten
// on the way back through a longest common subsequence: the first where that is strictly better, else the
// second, as Redis does. One bit says it, so the table is a 32nd of the lengths that it was computed from.
type lcsTable struct {
	width        int // len(b)
	shortenFirst []uint64
}

// newLCSTable compares all prefixes of a and b, and returns the length of what they have in common.
func newLCSTable(a, b []byte) (t lcsTable, length int) {
	t = lcsTable{width: len(b), shortenFirst: make([]uint64, (len(a)*len(b)+63)/64)}
	row := make([]uint32, len(b)) // of the prefix of a so far, and each prefix of b
	for i := range a {
		var left, diagonal uint32
		for j := range b {
			above := row[j]
			switch {
			case a[i] == b[j]:
				left = diagonal + 1
			case above > left:
				left = above
				cell := i*t.width + j
				t.shortenFirst[cell/64] |= 1 << (cell % 64)
			}
			diagonal, row[j] = above, left
		}
	}
	if len(a) == 0 || len(b) == 0 {
		return t, 0
	}
	return t, int(row[len(b)-1])
}

// lcsMatch is a run of bytes that both strings have, by where it begins in each.
type lcsMatch struct{ a, b, length int }

// matches returns the runs of one longest common subsequence, the last one first.
func (t lcsTable) matches(a, b []byte) (runs []lcsMatch) {
	for i, j := len(a), len(b); i > 0 && j > 0; {
		cell := (i-1)*t.width + j - 1
		switch {
		case a[i-1] != b[j-1] && t.shortenFirst[cell/64]>>(cell%64)&1 == 1:
			i--
		case a[i-1] != b[j-1]:
			j--
		default:
			if n := len(runs); n > 0 && runs[n-1].a == i && runs[n-1].b == j {
				runs[n-1] = lcsMatch{i - 1, j - 1, runs[n-1].length + 1}
			} else {
				runs = append(runs, lcsMatch{i - 1, j - 1, 1})
			}
			i, j = i-1, j-1
		}
	}
	return runs
}
