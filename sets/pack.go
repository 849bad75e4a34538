package sets

import (
	"encoding/binary"

	"holdfast/packed"
)

// A set that is not large is packed into bytes:
//
//	width u8 | integer · integer · …           the width in bytes
//	0 | members u16 | member · member · …

const smallHead = 3

// PackedSize is how many bytes the set takes; 0 where it is empty or large.
func (s *Set) PackedSize() int {
	switch {
	case s.n == 0 || s.large != nil:
		return 0
	case s.integers():
		return 1 + len(s.small)
	}
	return smallHead + len(s.small)
}

// AppendPacked appends those bytes.
func (s *Set) AppendPacked(dst []byte) []byte {
	dst = append(dst, s.width)
	if !s.integers() {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s.n))
	}
	return append(dst, s.small...)
}

// Unpack makes a set of what AppendPacked wrote. It keeps b, and changes it as far as its capacity reaches.
func Unpack(b []byte) *Set {
	if width := b[0]; width > 0 {
		return &Set{small: packed.Run(b[1:]), n: (len(b) - 1) / int(width), width: width}
	}
	return &Set{small: packed.Run(b[smallHead:]), n: int(binary.LittleEndian.Uint16(b[1:]))}
}
