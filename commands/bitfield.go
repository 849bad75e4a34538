package commands

import (
	"holdfast/kv"
	"holdfast/resp"
)

// bitfieldType is the kind of an integer within a string: i1 to i64 and u1 to u63.
type bitfieldType struct {
	signed bool
	width  int64 // bits
}

// parseBitfieldType reads a type; u64 is none, as its numbers are not all integers of the protocol.
func parseBitfieldType(arg []byte) (t bitfieldType, ok bool) {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return t, false
	}
	t.signed = arg[0] == 'i'
	t.width, ok = ParseInt(arg[1:])
	return t, ok && t.width >= 1 && (t.width <= 63 || t.signed && t.width == 64)
}

// bitfieldOp is one operation of BITFIELD.
type bitfieldOp struct {
	bitfieldType
	verb     byte // 'g'et, 's'et, or 'a'dd
	overflow overflow
	at       int64 // bits
	operand  int64 // to be set or added
}

// overflow says what becomes of a number that its type does not hold.
type overflow byte

const (
	wrap overflow = iota
	saturate
	fail
)

// BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> ...]
func bitfieldCommand(c *Call) {
	ops, last, ok := c.bitfieldOps()
	if !ok {
		return
	}
	if last < 0 {
		c.getBitfields(ops)
		return
	}
	text, grown, ok := c.bitsForChange(last)
	if !ok {
		return
	}
	c.Reply.Array(len(ops))
	changes := 0
	for i := range ops {
		if c.bitfield(text, &ops[i]) || grown && ops[i].verb != 'g' {
			changes++
		}
	}
	if changes > 0 {
		c.Changed(EventString, "setbit", c.Args[1])
		c.Changes += changes - 1
	}
}

// BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]
func bitfieldROCommand(c *Call) {
	ops, last, ok := c.bitfieldOps()
	switch {
	case !ok:
	case last >= 0:
		c.Reply.Error(resp.ErrBitfieldReadOnly)
	default:
		c.getBitfields(ops)
	}
}

// getBitfields replies to operations that are all GETs.
func (c *Call) getBitfields(ops []bitfieldOp) {
	e, found := c.DB.Get(c.Args[1])
	if found && e.Kind() != kv.String {
		c.Reply.Error(resp.ErrWrongType)
		return
	}
	var text []byte
	if found {
		text = e.Text()
	}
	c.Reply.Array(len(ops))
	for i := range ops {
		c.bitfield(text, &ops[i])
	}
}

// bitfieldOps reads the operations, and the last bit that they write, -1 if they only read.
func (c *Call) bitfieldOps() (ops []bitfieldOp, last int64, ok bool) {
	last = -1
	mode := wrap
	for i := 2; i < len(c.Args); {
		op := bitfieldOp{overflow: mode}
		more := len(c.Args) - 1 - i
		switch {
		case c.is(i, "GET") && more >= 2:
			op.verb = 'g'
		case c.is(i, "SET") && more >= 3:
			op.verb = 's'
		case c.is(i, "INCRBY") && more >= 3:
			op.verb = 'a'
		case c.is(i, "OVERFLOW") && more >= 1:
			if mode, ok = c.overflow(i + 1); !ok {
				return nil, 0, false
			}
			i += 2
			continue
		default:
			c.Reply.Error(resp.ErrSyntax)
			return nil, 0, false
		}
		if !c.bitfieldOp(&op, i+1) {
			return nil, 0, false
		}
		i += 3
		if op.verb != 'g' {
			last = max(last, op.at+op.width-1)
			i++
		}
		ops = append(ops, op)
	}
	return ops, last, true
}

func (c *Call) overflow(i int) (overflow, bool) {
	switch {
	case c.is(i, "WRAP"):
		return wrap, true
	case c.is(i, "SAT"):
		return saturate, true
	case c.is(i, "FAIL"):
		return fail, true
	}
	c.Reply.Error(resp.ErrBitfieldOverflow)
	return 0, false
}

// bitfieldOp reads what follows the verb: type, place and, unless it only reads, the operand.
func (c *Call) bitfieldOp(op *bitfieldOp, i int) (ok bool) {
	if op.bitfieldType, ok = parseBitfieldType(c.Args[i]); !ok {
		c.Reply.Error(resp.ErrBitfieldType)
		return false
	}
	if op.at, ok = c.bitOffset(c.Args[i+1], op.width); !ok || op.verb == 'g' {
		return ok
	}
	op.operand, ok = c.int(i + 2)
	return ok
}

// bitfield carries out one operation, writes its part of the reply, and reports whether it changed the text.
func (c *Call) bitfield(text []byte, op *bitfieldOp) bool {
	old := op.read(text)
	if op.verb == 'g' {
		c.Reply.Int(int64(old))
		return false
	}
	value, fits := op.result(old)
	if !fits && op.overflow == fail {
		c.Reply.Null()
		return false
	}
	op.write(text, value)
	if op.verb == 's' {
		c.Reply.Int(int64(old))
	} else {
		c.Reply.Int(int64(value))
	}
	return value != old
}

// read is the integer in the text, which goes on with zeros; a negative one as its two's complement in 64 bits.
func (op *bitfieldOp) read(text []byte) uint64 {
	var n uint64
	for i := op.at; i < op.at+op.width; {
		take := min(8-i&7, op.at+op.width-i) // bits of this byte
		var b byte
		if i>>3 < int64(len(text)) {
			b = text[i>>3]
		}
		n = n<<take | uint64(b>>(8-i&7-take))&(1<<take-1)
		i += take
	}
	return op.extend(n)
}

// extend makes 64 bits of the type's lowest ones: copies of the sign, or zeros.
func (op *bitfieldOp) extend(n uint64) uint64 {
	unused := 64 - op.width
	if op.signed {
		return uint64(int64(n<<unused) >> unused)
	}
	return n << unused >> unused
}

// write puts the lowest bits of n in their place in the text, which is long enough.
func (op *bitfieldOp) write(text []byte, n uint64) {
	left := op.width
	for i := op.at; left > 0; {
		take := min(8-i&7, left)
		shift := 8 - i&7 - take
		mask := byte(1<<take-1) << shift
		left -= take
		text[i>>3] = text[i>>3]&^mask | byte(n>>left)<<shift&mask
		i += take
	}
}

// result is what SET or INCRBY makes of the old number; fits is false where the type did not hold it, and the result
// is then what OVERFLOW asks for.
func (op *bitfieldOp) result(old uint64) (n uint64, fits bool) {
	n = uint64(op.operand)
	carried := 0 // out of 64 bits: upwards or downwards
	if op.verb == 'a' {
		n += old
		carried = op.carry(old, n)
	}
	switch {
	case carried < 0 || carried == 0 && op.signed && int64(n) < op.lowest():
		return op.overflown(n, uint64(op.lowest())), false
	case carried > 0 || op.signed && int64(n) > op.highest() || !op.signed && n > uint64(op.highest()):
		return op.overflown(n, uint64(op.highest())), false
	}
	return n, true
}

// carry reports whether adding the operand to old left 64 bits: 1 upwards, -1 downwards. An unsigned number never does
// so upwards, as it has 63 bits at most.
func (op *bitfieldOp) carry(old, sum uint64) int {
	switch {
	case !op.signed && op.operand < 0 && sum > old, op.signed && op.operand < 0 && int64(sum) > int64(old):
		return -1
	case op.signed && op.operand > 0 && int64(sum) < int64(old):
		return 1
	}
	return 0
}

func (op *bitfieldOp) overflown(n, limit uint64) uint64 {
	if op.overflow == saturate {
		return limit
	}
	return op.extend(n)
}

func (op *bitfieldOp) lowest() int64 {
	if op.signed {
		return -1 << (op.width - 1)
	}
	return 0
}

func (op *bitfieldOp) highest() int64 {
	if op.signed {
		return 1<<(op.width-1) - 1
	}
	return 1<<op.width - 1
}
