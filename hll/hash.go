package hll

import (
	"encoding/binary"
	"math/bits"
)

// hashSeed is the one that every Redis has: with another, sketches could not be merged.
const hashSeed = 0xadc83b19

// hash is MurmurHash64A, the 64-bit MurmurHash2 of Austin Appleby, on little-endian words.
func hash(b []byte) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := hashSeed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(b) > 0 {
		var rest uint64
		for i, x := range b {
			rest |= uint64(x) << (8 * i)
		}
		h = (h ^ rest) * m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}

// Place is where an element belongs: its register, and the rank that it raises it to. The lowest bits of the hash choose
// the register, the rest is the rank's.
func Place(element []byte) (register int, rank uint8) {
	h := hash(element)
	return int(h % Registers), uint8(min(bits.TrailingZeros64(h>>registerBits)+1, rankMax))
}
