package lua

import (
	"encoding/binary"
	"math"

	glua "github.com/yuin/gopher-lua"
)

func (m *Machine) msgpackFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"pack": m.msgPack, "unpack": m.msgUnpack, "unpack_one": m.msgUnpackOne, "unpack_limit": m.msgUnpackLimit,
	}
}

// msgDepthMax is how deep tables are packed; below that there is nil, as in Redis.
const msgDepthMax = 16

// cmsgpack.pack(...)
func (m *Machine) msgPack(l *glua.LState) int {
	top := l.GetTop()
	if top == 0 {
		badArgument(l, 0, "MessagePack pack needs input.")
	}
	p := msgPacker{m: m, l: l}
	for i := 1; i <= top; i++ {
		p.value(l.Get(i), 0)
	}
	l.Push(glua.LString(p.out))
	return 1
}

type msgPacker struct {
	m   *Machine
	l   *glua.LState
	out []byte
}

func (p *msgPacker) value(v glua.LValue, depth int) {
	p.m.spend(p.l)
	switch v := v.(type) {
	case glua.LString:
		p.m.pay(p.l, int64(len(v))*2)
		p.text(string(v))
	case glua.LNumber:
		p.number(float64(v))
	case glua.LBool:
		p.out = append(p.out, map[bool]byte{false: 0xc2, true: 0xc3}[bool(v)])
	case *glua.LTable:
		if depth == msgDepthMax {
			p.out = append(p.out, 0xc0)
			return
		}
		p.table(p.m.view(v), depth+1)
	default:
		p.out = append(p.out, 0xc0)
	}
}

func (p *msgPacker) text(s string) {
	switch n := len(s); {
	case n < 32:
		p.out = append(p.out, 0xa0|byte(n))
	case n <= math.MaxUint8:
		p.out = append(p.out, 0xd9, byte(n))
	case n <= math.MaxUint16:
		p.out = binary.BigEndian.AppendUint16(append(p.out, 0xda), uint16(n))
	default:
		p.out = binary.BigEndian.AppendUint32(append(p.out, 0xdb), uint32(n))
	}
	p.out = append(p.out, s...)
}

func (p *msgPacker) number(f float64) {
	if f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63 {
		p.integer(int64(f))
		return
	}
	if single := float32(f); float64(single) == f {
		p.out = binary.BigEndian.AppendUint32(append(p.out, 0xca), math.Float32bits(single))
		return
	}
	p.out = binary.BigEndian.AppendUint64(append(p.out, 0xcb), math.Float64bits(f))
}

func (p *msgPacker) integer(n int64) {
	big := binary.BigEndian
	switch {
	case 0 <= n && n <= 127, -32 <= n && n < 0:
		p.out = append(p.out, byte(n))
	case 0 <= n && n <= math.MaxUint8:
		p.out = append(p.out, 0xcc, byte(n))
	case 0 <= n && n <= math.MaxUint16:
		p.out = big.AppendUint16(append(p.out, 0xcd), uint16(n))
	case 0 <= n && n <= math.MaxUint32:
		p.out = big.AppendUint32(append(p.out, 0xce), uint32(n))
	case 0 <= n:
		p.out = big.AppendUint64(append(p.out, 0xcf), uint64(n))
	case n >= math.MinInt8:
		p.out = append(p.out, 0xd0, byte(n))
	case n >= math.MinInt16:
		p.out = big.AppendUint16(append(p.out, 0xd1), uint16(n))
	case n >= math.MinInt32:
		p.out = big.AppendUint32(append(p.out, 0xd2), uint32(n))
	default:
		p.out = big.AppendUint64(append(p.out, 0xd3), uint64(n))
	}
}

func (p *msgPacker) header(n int, fix, two, four byte) {
	switch {
	case n < 16:
		p.out = append(p.out, fix|byte(n))
	case n <= math.MaxUint16:
		p.out = binary.BigEndian.AppendUint16(append(p.out, two), uint16(n))
	default:
		p.out = binary.BigEndian.AppendUint32(append(p.out, four), uint32(n))
	}
}

func (p *msgPacker) table(t *glua.LTable, depth int) {
	count, most, array := 0, 0, true
	for key, _ := t.Next(glua.LNil); key != glua.LNil; key, _ = t.Next(key) {
		f, ok := key.(glua.LNumber)
		if !ok || f < 1 || float64(f) != math.Floor(float64(f)) || f > math.MaxInt32 {
			array = false
		} else {
			most = max(most, int(f))
		}
		count++
		p.m.spend(p.l)
	}
	if array && most == count {
		p.header(count, 0x90, 0xdc, 0xdd)
		for i := 1; i <= count; i++ {
			p.value(t.RawGet(glua.LNumber(i)), depth)
		}
		return
	}
	p.header(count, 0x80, 0xde, 0xdf)
	for key, v := t.Next(glua.LNil); key != glua.LNil; key, v = t.Next(key) {
		p.value(key, depth)
		p.value(v, depth)
	}
}

// cmsgpack.unpack(text)
func (m *Machine) msgUnpack(l *glua.LState) int { return m.unpackSome(l, checkText(l, 1), 0, 0, false) }

// cmsgpack.unpack_one(text [, offset])
func (m *Machine) msgUnpackOne(l *glua.LState) int {
	return m.unpackSome(l, checkText(l, 1), 1, optInt(l, 2, 0), true)
}

// cmsgpack.unpack_limit(text, limit [, offset])
func (m *Machine) msgUnpackLimit(l *glua.LState) int {
	return m.unpackSome(l, checkText(l, 1), checkInt(l, 2), optInt(l, 3, 0), true)
}

// unpackSome pushes what is packed from an offset on, limit things or all (0), with the next offset (-1 at the end) before them
// where it is wanted.
func (m *Machine) unpackSome(l *glua.LState, s string, limit, offset int, next bool) int {
	if limit < 0 || offset < 0 {
		fail(l, "Invalid request to unpack with offset of %d and limit of %d.", offset, len(s))
	}
	if offset > len(s) {
		fail(l, "Start offset %d greater than input length %d.", offset, len(s))
	}
	u := msgUnpacker{m: m, l: l, s: s, at: offset}
	bottom := l.GetTop()
	if next {
		l.Push(glua.LNil)
	}
	n := 0
	for ; u.at < len(s) && (limit == 0 || n < limit); n++ {
		if n >= resultsMax {
			fail(l, "too many results to unpack")
		}
		l.Push(u.value(0))
	}
	if !next {
		return n
	}
	at := u.at
	if at >= len(s) {
		at = -1
	}
	l.Replace(bottom+1, glua.LNumber(at))
	return n + 1
}

type msgUnpacker struct {
	m  *Machine
	l  *glua.LState
	s  string
	at int
}

func (u *msgUnpacker) take(n uint64) string {
	if n > uint64(len(u.s)-u.at) {
		fail(u.l, "Missing bytes in input.")
	}
	taken := u.s[u.at : u.at+int(n)]
	u.at += int(n)
	return taken
}

// uint is a big-endian number of so many bytes.
func (u *msgUnpacker) uint(bytes int) (n uint64) {
	for _, b := range []byte(u.take(uint64(bytes))) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (u *msgUnpacker) value(depth int) glua.LValue {
	u.m.spend(u.l)
	if depth > msgUnpackDepthMax {
		fail(u.l, "Bad data format in input.")
	}
	c := byte(u.uint(1))
	switch {
	case c <= 0x7f, c >= 0xe0:
		return glua.LNumber(int8(c))
	case c&0xf0 == 0x80:
		return u.table(uint64(c&15), depth)
	case c&0xf0 == 0x90:
		return u.array(uint64(c&15), depth)
	case c&0xe0 == 0xa0:
		return u.text(uint64(c & 31))
	}
	switch c {
	case 0xc0:
		return glua.LNil
	case 0xc2, 0xc3:
		return glua.LBool(c == 0xc3)
	case 0xca:
		return glua.LNumber(math.Float32frombits(uint32(u.uint(4))))
	case 0xcb:
		return glua.LNumber(math.Float64frombits(u.uint(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return glua.LNumber(u.uint(1 << (c - 0xcc)))
	case 0xd0:
		return glua.LNumber(int8(u.uint(1)))
	case 0xd1:
		return glua.LNumber(int16(u.uint(2)))
	case 0xd2:
		return glua.LNumber(int32(u.uint(4)))
	case 0xd3:
		return glua.LNumber(int64(u.uint(8)))
	case 0xc4, 0xd9:
		return u.text(u.uint(1))
	case 0xc5, 0xda:
		return u.text(u.uint(2))
	case 0xc6, 0xdb:
		return u.text(u.uint(4))
	case 0xdc:
		return u.array(u.uint(2), depth)
	case 0xdd:
		return u.array(u.uint(4), depth)
	case 0xde:
		return u.table(u.uint(2), depth)
	case 0xdf:
		return u.table(u.uint(4), depth)
	}
	fail(u.l, "Bad data format in input.")
	return nil
}

// msgUnpackDepthMax is how deep what is unpacked may lie.
const msgUnpackDepthMax = 1000

func (u *msgUnpacker) text(n uint64) glua.LValue {
	s := u.take(n)
	return u.m.part(u.l, u.s, u.at-len(s), u.at)
}

func (u *msgUnpacker) array(n uint64, depth int) glua.LValue {
	t := &glua.LTable{Metatable: glua.LNil}
	u.m.pay(u.l, 128)
	for i := range n {
		u.m.pay(u.l, 16)
		t.RawSetInt(u.m.index(u.l, int(i)+1), u.value(depth+1))
	}
	return t
}

func (u *msgUnpacker) table(n uint64, depth int) glua.LValue {
	t := &glua.LTable{Metatable: glua.LNil}
	u.m.pay(u.l, 512)
	for range n {
		u.m.pay(u.l, 64)
		key := u.value(depth + 1)
		v := u.value(depth + 1)
		u.l.RawSet(t, key, v)
	}
	return t
}
