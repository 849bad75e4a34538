package zsets

import "encoding/binary"

// A set of one page is packed into bytes:
//
//	elements u16 | page

const (
	packedHead = 2
	packedMost = 1<<16 - 1 // elements
)

// PackedSize is how many bytes the set takes; 0 where it is empty or large.
func (z *Set) PackedSize() int {
	if z.count == 0 || z.count > packedMost || z.large != nil {
		return 0
	}
	return packedHead + len(z.page)
}

// AppendPacked appends those bytes.
func (z *Set) AppendPacked(dst []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(z.count)), z.page...)
}

// Unpack makes a set of what AppendPacked wrote. It keeps b, and changes it as far as its capacity reaches.
func Unpack(b []byte) *Set {
	return &Set{page: b[packedHead:], count: int(binary.LittleEndian.Uint16(b))}
}
