package commands

import (
	"holdfast/kv"
	"holdfast/resp"
)

// A string is an array of bits too: bit 0 is the highest of the first byte.

func bitCommands() []*Command {
	return []*Command{
		{
			Name: "setbit", Group: Bitmaps, Since: "2.2.0", Arity: 4, Flags: Write | DenyOOM, Categories: CatBitmap,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key offset value",
			Summary: "Sets or clears a bit of a string and returns what it was.", Complexity: "O(1)",
			Run: setBitCommand,
		},
		{
			Name: "getbit", Group: Bitmaps, Since: "2.2.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatBitmap,
			Keys:    Key(1, RO|Access),
			Syntax:  "key offset",
			Summary: "Returns a bit of a string.", Complexity: "O(1)",
			Run: getBitCommand,
		},
		{
			Name: "bitcount", Group: Bitmaps, Since: "2.6.0", Arity: -2, Flags: ReadOnly, Categories: CatBitmap,
			Keys:    Key(1, RO|Access),
			Syntax:  "key [start end [BYTE | BIT]]",
			Summary: "Counts the bits that are set in a string or a part of it.", Complexity: "O(n) in the bytes looked at",
			Run: bitCountCommand,
		},
		{
			Name: "bitpos", Group: Bitmaps, Since: "2.8.7", Arity: -3, Flags: ReadOnly, Categories: CatBitmap,
			Keys:    Key(1, RO|Access),
			Syntax:  "key bit [start [end [BYTE | BIT]]]",
			Summary: "Finds the first bit that is set, or clear, in a string or a part of it.", Complexity: "O(n) in the bytes looked at",
			Run: bitPosCommand,
		},
		{
			Name: "bitop", Group: Bitmaps, Since: "2.6.0", Arity: -4, Flags: Write | DenyOOM, Categories: CatBitmap,
			Keys:    []KeySpec{keyAt(2, OW|Update), {Flags: RO | Access, Begin: 3, Last: -1, Step: 1}},
			Syntax:  "<AND | OR | XOR | NOT> destkey key [key ...]",
			Summary: "Combines strings bit by bit and stores the result.", Complexity: "O(n) in the bytes of all strings",
			Run: bitOpCommand,
		},
		{
			Name: "bitfield", Group: Bitmaps, Since: "3.2.0", Arity: -2, Flags: Write | DenyOOM, Categories: CatBitmap,
			Keys:       Key(1, RW|Access|Update|Variable),
			Syntax:     "key [" + bitfieldOperation + " [" + bitfieldOperation + " ...]]",
			Summary:    "Reads, sets and adds to integers of any width in a string.",
			Complexity: "O(n) in the operations",
			Run:        bitfieldCommand,
		},
		{
			Name: "bitfield_ro", Group: Bitmaps, Since: "6.0.0", Arity: -2, Flags: ReadOnly | Fast, Categories: CatBitmap,
			Keys:    Key(1, RO|Access),
			Syntax:  "key [GET encoding offset [GET encoding offset ...]]",
			Summary: "Reads integers of any width in a string.", Complexity: "O(n) in the operations",
			Run: bitfieldROCommand,
		},
	}
}

const bitfieldOperation = "<GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] " +
	"<SET encoding offset value | INCRBY encoding offset increment>>"

// SETBIT key offset value
func setBitCommand(c *Call) {
	at, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		return
	}
	bit, ok := ParseInt(c.Args[3])
	if !ok || bit&^1 != 0 {
		c.Reply.Error(resp.ErrBitValue)
		return
	}
	text, grown, ok := c.bitsForChange(at)
	if !ok {
		return
	}
	shift := 7 - at&7
	old := int64(text[at>>3]>>shift) & 1
	text[at>>3] = text[at>>3]&^(1<<shift) | byte(bit<<shift)
	if grown || old != bit {
		c.Changed(EventString, "setbit", c.Args[1])
	}
	c.Reply.Int(old)
}

// GETBIT key offset
func getBitCommand(c *Call) {
	at, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		return
	}
	text, ok := c.readString()
	switch {
	case !ok:
	case at>>3 >= int64(len(text)):
		c.Reply.Int(0)
	default:
		c.Reply.Int(int64(text[at>>3]>>(7-at&7)) & 1)
	}
}

// bitOffset reads the place of a bit; where it is none, the reply says so. With a width, #n is the place of the n-th
// integer of so many bits.
func (c *Call) bitOffset(arg []byte, width int64) (int64, bool) {
	times := int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, times = arg[1:], width
	}
	n, ok := ParseInt(arg)
	at := n * times
	if !ok || n < 0 || at/times != n || at>>3 >= c.directives().stringMax.Load() && !c.Replaying {
		c.Reply.Error(resp.ErrBitOffset)
		return 0, false
	}
	return at, true
}

// bitsForChange returns the string under the key, writable where it lies and made long enough for the bit; grown says
// that it was not. The string is raw from then on, as in Redis. Where the key holds something else, the reply says so.
func (c *Call) bitsForChange(last int64) (text []byte, grown, ok bool) {
	e, found, ok := c.editedString()
	if !ok {
		return nil, false, false
	}
	if need := last>>3 + 1; !found || int64(len(e.Text())) < need {
		return c.DB.GrowString(c.Args[1], int(need)), true, true
	}
	text, _ = c.DB.EditString(c.Args[1], true)
	return text, false, true
}

// bitRange is the part of a string that BITCOUNT or BITPOS is about, from one bit up to but not including another.
type bitRange struct{ from, to int64 }

// bitRangeOf makes a range of inclusive bounds in bytes or bits, which count from the end where negative.
func bitRangeOf(start, end, bytes int64, inBits bool) bitRange {
	total := bytes
	if inBits {
		total *= 8
	}
	start, end = fromEnd(start, total), min(fromEnd(end, total), total-1)
	if start > end {
		return bitRange{}
	}
	if inBits {
		return bitRange{start, end + 1}
	}
	return bitRange{start * 8, (end + 1) * 8}
}

// inBits reads BYTE or BIT; where the argument is neither, the reply says so.
func (c *Call) inBits(i int) (inBits, ok bool) {
	switch {
	case i >= len(c.Args), c.is(i, "BYTE"):
		return false, true
	case c.is(i, "BIT"):
		return true, true
	}
	c.Reply.Error(resp.ErrSyntax)
	return false, false
}

// BITCOUNT key [start end [BYTE | BIT]]
func bitCountCommand(c *Call) {
	e, found := c.DB.Get(c.Args[1])
	switch {
	case !found: // forgives anything behind it, as in Redis
		c.Reply.Int(0)
		return
	case e.Kind() != kv.String:
		c.Reply.Error(resp.ErrWrongType)
		return
	case len(c.Args) == 2:
		c.Reply.Int(countBits(e.Text(), bitRange{0, int64(len(e.Text())) * 8}))
		return
	case len(c.Args) == 3 || len(c.Args) > 5:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	start, ok := c.int(2)
	if !ok {
		return
	}
	end, ok := c.int(3)
	if !ok {
		return
	}
	if start < 0 && end < 0 && start > end {
		c.Reply.Int(0)
		return
	}
	if inBits, ok := c.inBits(4); ok {
		c.Reply.Int(countBits(e.Text(), bitRangeOf(start, end, int64(len(e.Text())), inBits)))
	}
}

// BITPOS key bit [start [end [BYTE | BIT]]]
func bitPosCommand(c *Call) {
	bit, ok := c.int(2)
	if !ok {
		return
	}
	if bit&^1 != 0 {
		c.Reply.Error(resp.ErrBitArgument)
		return
	}
	e, found := c.DB.Get(c.Args[1])
	switch {
	case !found: // endless zeros
		c.Reply.Int(-bit)
		return
	case e.Kind() != kv.String:
		c.Reply.Error(resp.ErrWrongType)
		return
	case len(c.Args) > 6:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	text := e.Text()
	r, ok := c.bitPosRange(int64(len(text)))
	if !ok {
		return
	}
	at := findBit(text, r, bit == 1)
	if at < 0 && bit == 0 && len(c.Args) < 5 && r.from < r.to { // an open end goes on with zeros
		at = r.to
	}
	c.Reply.Int(at)
}

func (c *Call) bitPosRange(n int64) (r bitRange, ok bool) {
	start, end := int64(0), n-1
	if len(c.Args) > 3 {
		if start, ok = c.int(3); !ok {
			return r, false
		}
	}
	inBits, ok := c.inBits(5)
	if !ok {
		return r, false
	}
	if len(c.Args) > 4 {
		if end, ok = c.int(4); !ok {
			return r, false
		}
	}
	return bitRangeOf(start, end, n, inBits), true
}
