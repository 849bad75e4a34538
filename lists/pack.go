package lists

import "encoding/binary"

// A list of one node, of which nothing is stored in parts, is packed into bytes:
//
//	elements u16 | entry · entry · …

const packedHead = 2

// PackedSize is how many bytes the list takes; 0 where it is empty, or has more to it than a node.
func (l *List) PackedSize() int {
	if l.more != nil || l.one[0].count == 0 {
		return 0
	}
	return packedHead + l.one[0].used()
}

// AppendPacked appends those bytes.
func (l *List) AppendPacked(dst []byte) []byte {
	return l.one[0].appendEntries(binary.LittleEndian.AppendUint16(dst, l.one[0].count))
}

// Unpack makes a list of what AppendPacked wrote. It keeps b, and changes it as far as its capacity reaches.
func Unpack(b []byte) *List {
	n := node{block: b[packedHead:], id: idFirst, count: binary.LittleEndian.Uint16(b), dirty: true}
	return &List{one: [1]node{n}}
}
