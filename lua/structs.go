package lua

import (
	"math"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

func (m *Machine) structFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{"pack": m.structPack, "unpack": m.structUnpack, "size": structSize}
}

// structFormat reads a format of struct.pack, an option at a time:
//
//	> < =   big-endian, little-endian, the machine's      !n   aligned to n bytes
//	b h i l T (B H I L)   integers of 1, 2, 4 (or n), 8, 8 bytes, signed (unsigned)
//	f d   floats          s   a string and a zero       cn   n characters; c0: all; or so many as the number before says
//	x   a byte of padding
type structFormat struct {
	l     *glua.LState
	s     string
	big   bool
	align int
	total int // bytes so far
}

const (
	structIntMax   = 32 // bytes of an integer
	structAlignMax = 16
)

// next is an option that stands for bytes, its size (0 for c0 and s), and the padding before it; false at the end.
func (f *structFormat) next() (option byte, size, padding int, ok bool) {
	for f.s != "" {
		option, f.s = f.s[0], f.s[1:]
		size, align := 0, 0
		switch option {
		case ' ':
			continue
		case '>', '<', '=':
			f.big = option == '>'
			continue
		case '!':
			n := f.number(structAlignMax)
			if n == 0 || n&(n-1) != 0 {
				fail(f.l, "alignment %d is not a power of 2", n)
			}
			f.align = n
			continue
		case 'b', 'B', 'x':
			size = 1
		case 'h', 'H':
			size = 2
		case 'l', 'L', 'T', 'd':
			size = 8
		case 'f':
			size = 4
		case 'i', 'I':
			if size = f.number(4); size > structIntMax {
				fail(f.l, "integral size %d is larger than limit of %d", size, structIntMax)
			}
		case 's':
		case 'c':
			size = f.number(1)
		default:
			badArgument(f.l, 1, "invalid format option '"+string(rune(option))+"'")
		}
		if align = size; option == 'c' || option == 's' || option == 'x' || option == 'b' || option == 'B' {
			align = 0
		}
		if align = min(align, f.align); align > 1 {
			padding = (align - f.total&(align-1)) & (align - 1)
		}
		f.total += padding + size
		return option, size, padding, true
	}
	return 0, 0, 0, false
}

// number is a number in the format, or what is to be taken where there is none.
func (f *structFormat) number(otherwise int) int {
	n, digits := 0, 0
	for ; digits < len(f.s) && isDigit(f.s[digits]); digits++ {
		if n > math.MaxInt32/10-10 {
			fail(f.l, "integral size overflow")
		}
		n = n*10 + int(f.s[digits]-'0')
	}
	f.s = f.s[digits:]
	if digits == 0 {
		return otherwise
	}
	return n
}

// struct.pack(format, ...)
func (m *Machine) structPack(l *glua.LState) int {
	f := structFormat{l: l, s: checkText(l, 1), align: 1}
	var out []byte
	arg := 1
	for {
		option, size, padding, ok := f.next()
		if !ok {
			break
		}
		m.pay(l, int64(padding+size)*2)
		out = append(out, make([]byte, padding)...)
		if option == 'x' {
			out = append(out, 0)
			continue
		}
		arg++
		switch option {
		case 's', 'c':
			s := checkText(l, arg)
			m.pay(l, int64(len(s))*2)
			if option == 'c' && size > 0 {
				if len(s) < size {
					badArgument(l, arg, "string too short")
				}
				s = s[:size]
			} else {
				f.total += len(s)
			}
			out = append(out, s...)
			if option == 's' {
				out = append(out, 0)
				f.total++
			}
		case 'f':
			out = f.integer(out, uint64(math.Float32bits(float32(checkNumber(l, arg)))), 4)
		case 'd':
			out = f.integer(out, math.Float64bits(checkNumber(l, arg)), 8)
		default:
			out = f.integer(out, uint64(integer(checkNumber(l, arg))), size)
		}
	}
	l.Push(glua.LString(out))
	return 1
}

// integer appends so many bytes of a number, the lowest ones.
func (f *structFormat) integer(out []byte, n uint64, size int) []byte {
	for i := range size {
		place := i
		if f.big {
			place = size - 1 - i
		}
		out = append(out, byte(n>>(8*place))) // what is shifted out is 0
	}
	return out
}

// struct.unpack(format, text [, position])
func (m *Machine) structUnpack(l *glua.LState) int {
	f := structFormat{l: l, s: checkText(l, 1), align: 1}
	data := checkText(l, 2)
	at := optInt(l, 3, 1) - 1
	if at < 0 {
		badArgument(l, 3, "offset must be 1 or greater")
	}
	bottom := l.GetTop()
	f.total = at
	for {
		option, size, padding, ok := f.next()
		if !ok {
			break
		}
		at += padding
		if at < 0 || at > len(data) || size > len(data)-at {
			badArgument(l, 2, "data string too short")
		}
		if l.GetTop()-bottom >= resultsMax {
			fail(l, "too many results")
		}
		switch option {
		case 'x':
		case 's':
			end := strings.IndexByte(data[at:], 0)
			if end < 0 {
				fail(l, "unfinished string in data")
			}
			l.Push(m.part(l, data, at, at+end))
			size = end + 1
			f.total += size
		case 'c':
			if size == 0 {
				n, ok := l.Get(-1).(glua.LNumber)
				if !ok || l.GetTop() == bottom {
					fail(l, "format 'c0' needs a previous size")
				}
				l.Pop(1)
				if size = toInt(float64(n)); size < 0 || size > len(data)-at {
					badArgument(l, 2, "data string too short")
				}
				f.total += size
			}
			l.Push(m.part(l, data, at, at+size))
		default:
			l.Push(f.read(option, data[at:at+size]))
		}
		at += size
	}
	l.Push(glua.LNumber(at + 1))
	return l.GetTop() - bottom
}

// read is a number.
func (f *structFormat) read(option byte, b string) glua.LNumber {
	n := uint64(0)
	for i := range len(b) {
		place := i
		if !f.big {
			place = len(b) - 1 - i
		}
		n = n<<8 | uint64(b[place])
	}
	switch {
	case option == 'f':
		return glua.LNumber(math.Float32frombits(uint32(n)))
	case option == 'd':
		return glua.LNumber(math.Float64frombits(n))
	case option >= 'a': // signed
		shift := max(64-8*len(b), 0)
		return glua.LNumber(int64(n<<shift) >> shift)
	}
	return glua.LNumber(n)
}

// struct.size(format)
func structSize(l *glua.LState) int {
	f := structFormat{l: l, s: checkText(l, 1), align: 1}
	for {
		option, size, _, ok := f.next()
		if !ok {
			break
		}
		if option == 's' {
			badArgument(l, 1, "option 's' has no fixed size")
		}
		if option == 'c' && size == 0 {
			badArgument(l, 1, "option 'c0' has no fixed size")
		}
	}
	l.Push(glua.LNumber(f.total))
	return 1
}
