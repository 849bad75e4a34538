package disk

import (
	"encoding/binary"
	"math/bits"
)

// sum is a fingerprint of bytes at offsets that can be added and taken away, so that a file's need not be made anew for
// each crash: the sum of the 64-bit words, each times a 128-bit number that belongs to its place, modulo 2^128. Zeros
// weigh nothing, so a hole equals zeros that were written. It tells apart what chance makes differ, not what an enemy does.
type sum struct{ hi, lo uint64 }

func (s sum) plus(t sum) sum {
	lo, carry := bits.Add64(s.lo, t.lo, 0)
	hi, _ := bits.Add64(s.hi, t.hi, carry)
	return sum{hi, lo}
}

func (s sum) minus(t sum) sum {
	lo, borrow := bits.Sub64(s.lo, t.lo, 0)
	hi, _ := bits.Sub64(s.hi, t.hi, borrow)
	return sum{hi, lo}
}

// sumOf is the sum of b at off. It does not matter into which parts bytes are cut.
func sumOf(off int64, b []byte) sum {
	var s sum
	word := uint64(off) >> 3
	if skip := int(off & 7); skip != 0 {
		n := min(8-skip, len(b))
		s = s.plus(weigh(word, partial(b[:n])<<(8*skip)))
		b, word = b[n:], word+1
	}
	for ; len(b) >= 8; b, word = b[8:], word+1 {
		s = s.plus(weigh(word, binary.LittleEndian.Uint64(b)))
	}
	return s.plus(weigh(word, partial(b)))
}

// partial reads fewer than eight bytes as a little-endian word.
func partial(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// weigh is what value counts as the word-th word.
func weigh(word, value uint64) sum {
	if value == 0 {
		return sum{}
	}
	hi, lo := bits.Mul64(value, mix(2*word+1))
	return sum{hi + value*mix(2*word+2), lo}
}

// mix makes all bits of its result depend on all of v's (the finaliser of splitmix64).
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
