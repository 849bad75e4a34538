package sets

import (
	"encoding/binary"
	"math"
	"sort"
	"strconv"

	"holdfast/packed"
)

// Integers lie in the set's run as numbers of one width, little-endian and rising. The width is that of the widest there
// has been.

const (
	narrowest = 2
	maxDigits = 20
	// textBlock is how many bytes of digits are allocated at a time.
	textBlock = 512
)

// integer is a member as a number.
type integer int64

func (v integer) append(dst []byte) []byte { return strconv.AppendInt(dst, int64(v), 10) }

// parse returns the number that b is the one decimal form of: no plus, no leading zeros, no minus zero.
func parse(b []byte) (integer, bool) {
	if len(b) == 0 || len(b) > maxDigits {
		return 0, false
	}
	digits := b
	if b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	v, err := strconv.ParseInt(string(b), 10, 64)
	return integer(v), err == nil
}

// widthOf is how many bytes a number takes.
func widthOf(v integer) uint8 {
	switch {
	case v == integer(int16(v)):
		return 2
	case v == integer(int32(v)):
		return 4
	}
	return 8
}

// int returns the i-th integer.
func (s *Set) int(i int) integer { return intAt(s.small, s.width, i) }

func intAt(b []byte, width uint8, i int) integer {
	switch b = b[i*int(width):]; width {
	case 2:
		return integer(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return integer(int32(binary.LittleEndian.Uint32(b)))
	}
	return integer(binary.LittleEndian.Uint64(b))
}

func (s *Set) setInt(i int, v integer) {
	switch b := s.small[i*int(s.width):]; s.width {
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, uint64(v))
	}
}

// find returns the index of an integer, or the one where it would be.
func (s *Set) find(v integer) (i int, there bool) {
	i = sort.Search(s.n, func(i int) bool { return s.int(i) >= v })
	return i, i < s.n && s.int(i) == v
}

func (s *Set) addInt(v integer) (added bool) {
	if w := widthOf(v); w > s.width {
		s.widen(w)
	}
	i, there := s.find(v)
	if there {
		return false
	}
	off, width := i*int(s.width), int(s.width)
	if len(s.small)+width > cap(s.small) {
		s.small = append(packed.New((len(s.small)+width)*9/8), s.small...)
	}
	s.small = s.small[:len(s.small)+width]
	copy(s.small[off+width:], s.small[off:])
	s.n++
	s.setInt(i, v)
	return true
}

func (s *Set) removeInt(v integer) bool {
	i, there := s.find(v)
	if there {
		s.removeIntAt(i)
	}
	return there
}

func (s *Set) removeIntAt(i int) {
	off, width := i*int(s.width), int(s.width)
	s.small = append(s.small[:off], s.small[off+width:]...)
	s.n--
	if cap(s.small) > 64 && len(s.small) < cap(s.small)/2 {
		s.small = s.small.Clone()
	}
}

// widen gives every integer more bytes.
func (s *Set) widen(width uint8) {
	old := *s
	s.width = width
	size := s.n * int(width)
	s.small = packed.New(size + int(width))[:size]
	for i := range s.n {
		s.setInt(i, old.int(i))
	}
}

// allInts yields the integers as text. What it has yielded stays as it is.
func (s *Set) allInts(yield func([]byte) bool) {
	var text []byte
	for i := range s.n {
		if cap(text)-len(text) < maxDigits {
			text = make([]byte, 0, min(textBlock, (s.n-i)*maxDigits))
		}
		from := len(text)
		text = s.int(i).append(text)
		if !yield(text[from:len(text):len(text)]) {
			return
		}
	}
}

// checkInts returns how many integers of a width b holds; false where it is no sorted run of them.
func checkInts(b []byte, width uint8) (n int, ok bool) {
	if width != 2 && width != 4 && width != 8 || len(b)%int(width) != 0 {
		return 0, false
	}
	n = len(b) / int(width)
	last := integer(math.MinInt64)
	for i := range n {
		v := intAt(b, width, i)
		if i > 0 && v <= last {
			return 0, false
		}
		last = v
	}
	return n, true
}
