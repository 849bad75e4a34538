package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// The first two bits of a length say how it goes on. A special one is that of a string in another form.
//
//	00  six bits                 10000000  32 bits, big-endian
//	01  fourteen bits            10000001  64 bits, big-endian
//	11  special: 0, 1, 2 an integer of 8, 16, 32 bits, little-endian; 3 compressed: two lengths and the bytes
const (
	length14  = 0x40
	length32  = 0x80
	length64  = 0x81
	special   = 0xc0
	special8  = special
	special16 = special | 1
	special32 = special | 2
	specialLZ = special | 3
)

// compressAbove is the length from which it is tried to compress a string.
const compressAbove = 20

func appendLength(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, length14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, length32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, length64), n)
}

// appendString appends b as an integer if it is the decimal form of a short one, or compressed if that is shorter.
func appendString(dst, b []byte) []byte {
	if len(b) <= len("-2147483648") {
		if n, ok := canonical(b); ok && n == int64(int32(n)) {
			return appendInteger(dst, int32(n))
		}
	}
	if len(b) > compressAbove {
		if packed := compress(b); packed != nil {
			dst = appendLength(append(dst, specialLZ), uint64(len(packed)))
			return append(appendLength(dst, uint64(len(b))), packed...)
		}
	}
	return appendBytes(dst, b)
}

// appendBytes appends b as it is.
func appendBytes(dst, b []byte) []byte { return append(appendLength(dst, uint64(len(b))), b...) }

func appendInteger(dst []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(dst, special8, byte(n))
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(dst, special16), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(dst, special32), uint32(n))
}

// canonical is the number whose decimal form b is.
func canonical(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > len("-9223372036854775808") || b[0] != '-' && b[0]-'0' > 9 {
		return 0, false // as ParseInt would say, and make an error to say it
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || string(strconv.AppendInt(nil, n, 10)) != string(b) {
		return 0, false
	}
	return n, true
}

// reader reads a body, or a file. After the first thing that is wrong it is failed, and gives zeros.
type reader struct {
	b      []byte // what is at hand
	max    int64  // bytes of a string
	failed bool
	file   *window // where more comes from; nil: b is all there is
}

func (r *reader) fail() {
	if r.file != nil && !r.failed {
		r.file.failed = r.file.offset(r)
	}
	r.b, r.failed = nil, true
}

// left is how many bytes there are.
func (r *reader) left() uint64 {
	if r.file == nil || r.failed {
		return uint64(len(r.b))
	}
	return uint64(r.file.size - r.file.offset(r))
}

// take is the next n bytes.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) && (r.file == nil || !r.file.fill(r, n)) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint64 is a number of eight bytes, little-endian.
func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// length is a length that is not special.
func (r *reader) length() uint64 {
	n, isSpecial := r.anyLength()
	if isSpecial {
		r.fail()
		return 0
	}
	return n
}

// anyLength is a length, or the byte that says of what form the string is.
func (r *reader) anyLength() (n uint64, isSpecial bool) {
	first := r.byte()
	switch {
	case first < length14:
		return uint64(first), false
	case first < length32:
		return uint64(first&0x3f)<<8 | uint64(r.byte()), false
	case first == length32:
		if b := r.take(4); b != nil {
			return uint64(binary.BigEndian.Uint32(b)), false
		}
		return 0, false
	case first == length64:
		if b := r.take(8); b != nil {
			return binary.BigEndian.Uint64(b), false
		}
		return 0, false
	case first < special:
		r.fail()
		return 0, false
	}
	return uint64(first), true
}

// count is how many things follow, each of which takes so many bytes at least.
func (r *reader) count(least int) int {
	n := r.length()
	if n > r.left()/uint64(least) {
		r.fail()
		return 0
	}
	return int(n)
}

// string is the payload's own memory, or new.
func (r *reader) string() []byte { return r.stringOf(r.anyLength()) }

// stringOf is string behind its length.
func (r *reader) stringOf(n uint64, isSpecial bool) []byte {
	if !isSpecial {
		if n > uint64(r.max) {
			r.fail()
			return nil
		}
		return r.take(n)
	}
	switch n {
	case special8:
		return strconv.AppendInt(nil, int64(int8(r.byte())), 10)
	case special16:
		if b := r.take(2); b != nil {
			return strconv.AppendInt(nil, int64(int16(binary.LittleEndian.Uint16(b))), 10)
		}
	case special32:
		if b := r.take(4); b != nil {
			return strconv.AppendInt(nil, int64(int32(binary.LittleEndian.Uint32(b))), 10)
		}
	case specialLZ:
		return r.compressed()
	default:
		r.fail()
	}
	return nil
}

// plainMax bounds what a compressed string has when it is none any more, in bytes: whoever writes them counts in 32 bits.
const plainMax = math.MaxUint32

func (r *reader) compressed() []byte {
	packed, n := r.length(), r.length()
	if n > plainMax {
		if r.fail(); r.file != nil && r.file.why == "" {
			r.file.why = fmt.Sprintf("a compressed string of %d bytes; there can be %d", n, uint64(plainMax))
		}
		return nil
	}
	b := r.take(packed)
	if r.failed || n > uint64(r.max) || n > expandMax*uint64(len(b)) {
		r.fail()
		return nil
	}
	plain, ok := expand(b, int(n))
	if !ok {
		r.fail()
	}
	return plain
}

// double is a score as eight bytes.
func (r *reader) double() float64 { return math.Float64frombits(r.uint64()) }

// decimalDouble is a score in the old form: a length and text, or one of three lengths that are meant otherwise.
func (r *reader) decimalDouble() float64 {
	switch n := r.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		f, err := strconv.ParseFloat(string(r.take(uint64(n))), 64)
		if err != nil {
			r.fail()
		}
		return f
	}
}
