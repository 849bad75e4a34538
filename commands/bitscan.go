package commands

import (
	"encoding/binary"
	"math/bits"
)

// Counting and finding go by words of 64 bits. In a word read big-endian the first bit is the highest.

// firstBits keeps the first n bits of a byte or, shifted, of a word's top byte.
func firstBits(n int64) byte { return ^byte(0xff >> n) }

// cut returns the bytes that the range touches and, of the first and the last of them, the bits outside of it.
func (r bitRange) cut(text []byte) (b []byte, before, behind byte) {
	b = text[r.from>>3 : (r.to+7)>>3]
	before = firstBits(r.from & 7)
	if rest := r.to & 7; rest > 0 {
		behind = ^firstBits(rest)
	}
	return b, before, behind
}

// countBits counts the bits that are set within the range, which lies within the text.
func countBits(text []byte, r bitRange) int64 {
	if r.from >= r.to {
		return 0
	}
	b, before, behind := r.cut(text)
	n := -bits.OnesCount8(b[0]&before) - bits.OnesCount8(b[len(b)-1]&behind)
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(binary.NativeEndian.Uint64(b))
	}
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return int64(n)
}

// findBit finds the first bit within the range, which lies within the text, that is set, or clear; -1: none is.
func findBit(text []byte, r bitRange, set bool) int64 {
	if r.from >= r.to {
		return -1
	}
	var skip uint64 // a word without what is looked for
	if !set {
		skip = ^skip
	}
	b, before, _ := r.cut(text)
	at := r.from &^ 7
	if first := (b[0] ^ byte(skip)) &^ before; first != 0 {
		return within(at+int64(bits.LeadingZeros8(first)), r)
	}
	b, at = b[1:], at+8
	for ; len(b) >= 8; b, at = b[8:], at+64 {
		if w := binary.BigEndian.Uint64(b) ^ skip; w != 0 {
			return within(at+int64(bits.LeadingZeros64(w)), r)
		}
	}
	for _, x := range b {
		if x ^= byte(skip); x != 0 {
			return within(at+int64(bits.LeadingZeros8(x)), r)
		}
		at += 8
	}
	return -1
}

// within is the place of a bit that was found in the range's last byte, or before: it may be behind the range's end.
func within(at int64, r bitRange) int64 {
	if at >= r.to {
		return -1
	}
	return at
}
