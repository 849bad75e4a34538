package lists

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// entrySize returns the bytes that an element of n bytes takes when packed.
func entrySize(n int) int { return n + 2*lengthSize(n) }

// lengthSize returns the bytes of n as a uvarint.
func lengthSize(n int) int { return (bits.Len(uint(n)|1) + 6) / 7 }

// putEntry packs b into dst, which has exactly entrySize(len(b)) bytes.
func putEntry(dst, b []byte) {
	h := binary.PutUvarint(dst, uint64(len(b)))
	copy(dst[h:], b)
	for i := range h {
		dst[len(dst)-1-i] = dst[i]
	}
}

// first returns the first element of p and the bytes of its entry. The result cannot be appended to in place.
func first(p []byte) (b []byte, size int) {
	n, h := int(p[0]), 1
	if n >= 0x80 {
		var long uint64
		long, h = binary.Uvarint(p)
		n = int(long)
	}
	return p[h : h+n : h+n], n + 2*h
}

// last returns the last element of p and the bytes of its entry.
func last(p []byte) (b []byte, size int) {
	end := len(p) - 1
	n, h := int(p[end]), 1
	if n >= 0x80 {
		n &= 0x7f
		for ; p[end-h+1] >= 0x80; h++ {
			n |= int(p[end-h]&0x7f) << (7 * h)
		}
	}
	end -= h - 1
	return p[end-n : end : end], n + 2*h
}

// checkFirst is first for bytes from outside: it returns the size of the first entry of p, having found both
// of its lengths in bounds, equal, and as short as they can be.
func checkFirst(p []byte) (size int, err error) {
	n, h := binary.Uvarint(p)
	if h <= 0 || n > uint64(len(p)-h) {
		return 0, fmt.Errorf("%w: a length exceeds the %d bytes left", ErrCorrupt, len(p))
	}
	size = int(n) + 2*h
	if h != lengthSize(int(n)) || size > len(p) {
		return 0, fmt.Errorf("%w: an element of %d bytes is not framed as one", ErrCorrupt, n)
	}
	for i := range h {
		if p[size-1-i] != p[i] {
			return 0, fmt.Errorf("%w: the lengths around an element differ", ErrCorrupt)
		}
	}
	return size, nil
}
