package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// A small collection is one string in Redis, in one of two forms that hold a run of elements, text or numbers.
//
//	listpack  bytes (4) | elements (2) | element … | ff          an element is its form, its data, and the length of both
//	ziplist   bytes (4) | last (4) | elements (2) | element … | ff   an element is the length of the one before, form, data
//
// The numbers of the head are little-endian; 65535 elements mean that it is not known.
const (
	listpackHead = 4 + 2
	ziplistHead  = 4 + 4 + 2
	runEnd       = 0xff
)

// run yields the elements of a listpack or a ziplist.
type run struct {
	r       *reader // is failed where the run is corrupt
	b       []byte  // what is left, the end mark included
	left    int     // elements, -1 if that is not known
	ziplist bool
	before  int // bytes of the ziplist's element before
}

// listpack begins the listpack that the next string is.
func (r *reader) listpack() run { return r.run(listpackHead, false) }

// ziplist begins the ziplist that the next string is.
func (r *reader) ziplist() run { return r.run(ziplistHead, true) }

func (r *reader) run(head int, ziplist bool) run {
	b := r.string()
	if len(b) <= head || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[len(b)-1] != runEnd {
		r.fail()
		return run{r: r, left: -1}
	}
	left := int(binary.LittleEndian.Uint16(b[head-2:]))
	if left == math.MaxUint16 {
		left = -1
	}
	return run{r: r, b: b[head:], left: left, ziplist: ziplist}
}

// element is text, or a number.
type element struct {
	text   []byte
	number int64
	isText bool
}

// bytes is the element as text.
func (e element) bytes() []byte {
	if e.isText {
		return e.text
	}
	return strconv.AppendInt(nil, e.number, 10)
}

// next is the next element; false at the end, or when the run is corrupt, and then the reader has failed.
func (l *run) next() (e element, ok bool) {
	if l.r.failed || len(l.b) == 0 {
		l.r.fail()
		return e, false
	}
	if l.b[0] == runEnd {
		if len(l.b) != 1 || l.left > 0 {
			l.r.fail()
		}
		return e, false
	}
	if l.left == 0 {
		l.r.fail()
		return e, false
	}
	if l.left > 0 {
		l.left--
	}
	var size int
	if l.ziplist {
		e, size, ok = l.ziplistElement()
	} else {
		e, size, ok = listpackElement(l.b)
	}
	if !ok || size >= len(l.b) { // the end mark must be left
		l.r.fail()
		return e, false
	}
	l.b = l.b[size:]
	return e, true
}

// must is next where there has to be an element.
func (l *run) must() element {
	e, ok := l.next()
	if !ok {
		l.r.fail()
	}
	return e
}

// number is the next element, which has to be a number.
func (l *run) number() int64 {
	e := l.must()
	if e.isText {
		n, ok := canonical(e.text)
		if !ok {
			l.r.fail()
		}
		return n
	}
	return e.number
}

// listpackElement is the element at the beginning of b, and its size with the length behind it.
func listpackElement(b []byte) (e element, size int, ok bool) {
	first := b[0]
	switch {
	case first < 0x80:
		e.number, size = int64(first), 1
	case first < 0xc0:
		e, size, ok = textAt(b, 1, uint64(first&0x3f))
	case first < 0xe0:
		if len(b) < 2 {
			return e, 0, false
		}
		n := uint16(first&0x1f)<<8 | uint16(b[1])
		e.number, size = int64(int16(n<<3)>>3), 2
	case first < 0xf0:
		if len(b) < 2 {
			return e, 0, false
		}
		e, size, ok = textAt(b, 2, uint64(first&0x0f)<<8|uint64(b[1]))
	case first == 0xf0:
		if len(b) < 5 {
			return e, 0, false
		}
		e, size, ok = textAt(b, 5, uint64(binary.LittleEndian.Uint32(b[1:])))
	default:
		width := listpackWidth(first)
		if width == 0 || len(b) < 1+width {
			return e, 0, false
		}
		e.number, size = littleEndian(b[1:1+width]), 1+width
	}
	if e.isText && !ok {
		return e, 0, false
	}
	var room [5]byte
	back := appendBack(room[:0], size)
	if len(b) < size+len(back) || string(b[size:size+len(back)]) != string(back) {
		return e, 0, false
	}
	return e, size + len(back), true
}

// listpackWidth is how many bytes a number of a listpack takes behind its form, 0 for what is no number.
func listpackWidth(form byte) int {
	switch form {
	case 0xf1:
		return 2
	case 0xf2:
		return 3
	case 0xf3:
		return 4
	case 0xf4:
		return 8
	}
	return 0
}

// ziplistWidth is listpackWidth for ziplists.
func ziplistWidth(form byte) int {
	switch form {
	case 0xc0:
		return 2
	case 0xd0:
		return 4
	case 0xe0:
		return 8
	case 0xf0:
		return 3
	}
	return 0
}

// textAt is an element of n bytes from an offset on.
func textAt(b []byte, off int, n uint64) (e element, size int, ok bool) {
	e.isText = true
	if len(b) < off || n > uint64(len(b)-off) {
		return e, 0, false
	}
	e.text = b[off : off+int(n)]
	return e, off + int(n), true
}

// littleEndian is a signed number of two, three, four or eight bytes.
func littleEndian(b []byte) (n int64) {
	for i, x := range b {
		n |= int64(x) << (8 * i)
	}
	shift := 64 - 8*len(b)
	return n << shift >> shift
}

// appendBack appends the length that stands behind an element of a listpack, to be read from its end: seven bits a byte, the
// highest first, and the eighth bit set in all but the first.
func appendBack(dst []byte, n int) []byte {
	k := backSize(n)
	for i := k - 1; i >= 0; i-- {
		x := byte(n>>(7*i)) & 0x7f
		if i < k-1 {
			x |= 0x80
		}
		dst = append(dst, x)
	}
	return dst
}

// backSize is how many bytes appendBack appends: for the highest number of two bytes and more already one more, as in Redis.
func backSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	}
	return 5
}

// ziplistElement is the element at the beginning of what is left, and its size with the length before it.
func (l *run) ziplistElement() (e element, size int, ok bool) {
	b, head, before := l.b, 1, int(l.b[0])
	if before == 254 {
		if len(b) < 5 {
			return e, 0, false
		}
		head, before = 5, int(binary.LittleEndian.Uint32(b[1:]))
	}
	if before != l.before {
		return e, 0, false
	}
	e, size, ok = ziplistBody(b[head:])
	l.before = head + size
	return e, head + size, ok
}

func ziplistBody(b []byte) (e element, size int, ok bool) {
	if len(b) == 0 {
		return e, 0, false
	}
	first := b[0]
	switch {
	case first < 0x40:
		return textAt(b, 1, uint64(first))
	case first < 0x80:
		if len(b) < 2 {
			return e, 0, false
		}
		return textAt(b, 2, uint64(first&0x3f)<<8|uint64(b[1]))
	case first == 0x80:
		if len(b) < 5 {
			return e, 0, false
		}
		return textAt(b, 5, uint64(binary.BigEndian.Uint32(b[1:])))
	case 0xf1 <= first && first <= 0xfd:
		e.number = int64(first - 0xf1)
		return e, 1, true
	case first == 0xfe:
		if len(b) < 2 {
			return e, 0, false
		}
		e.number = int64(int8(b[1]))
		return e, 2, true
	}
	width := ziplistWidth(first)
	if width == 0 || len(b) < 1+width {
		return e, 0, false
	}
	e.number = littleEndian(b[1 : 1+width])
	return e, 1 + width, true
}

// pack is a listpack being written.
type pack struct {
	b []byte
	n int
}

func newPack() *pack { return &pack{b: make([]byte, listpackHead, 512)} }

func (p *pack) number(n int64) {
	at := len(p.b)
	switch {
	case 0 <= n && n < 1<<7:
		p.b = append(p.b, byte(n))
	case -1<<12 <= n && n < 1<<12:
		p.b = append(p.b, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		p.b = binary.LittleEndian.AppendUint16(append(p.b, 0xf1), uint16(n))
	case n == int64(int32(n)):
		p.b = binary.LittleEndian.AppendUint32(append(p.b, 0xf3), uint32(n))
	default:
		p.b = binary.LittleEndian.AppendUint64(append(p.b, 0xf4), uint64(n))
	}
	p.close(at)
}

func (p *pack) text(b []byte) {
	at := len(p.b)
	switch n := len(b); {
	case n < 1<<6:
		p.b = append(p.b, 0x80|byte(n))
	case n < 1<<12:
		p.b = append(p.b, 0xe0|byte(n>>8), byte(n))
	default:
		p.b = binary.LittleEndian.AppendUint32(append(p.b, 0xf0), uint32(n))
	}
	p.b = append(p.b, b...)
	p.close(at)
}

// close ends the element that begins at an offset.
func (p *pack) close(at int) {
	p.b = appendBack(p.b, len(p.b)-at)
	p.n++
}

// done is the listpack.
func (p *pack) done() []byte {
	p.b = append(p.b, runEnd)
	binary.LittleEndian.PutUint32(p.b, uint32(len(p.b)))
	binary.LittleEndian.PutUint16(p.b[4:], uint16(min(p.n, math.MaxUint16)))
	return p.b
}
