package main

import "strconv"

// A data set is n keys, numbered from 0. Key i is 16 bytes: "key:" and i in twelve digits. Its value is 64 characters
// that no compression makes shorter; the first ones follow from i alone, so that every reply can be checked, and the
// others from i and a version, so that an update changes something.
const (
	keyBytes   = 16
	valueBytes = 64
	fixedBytes = 20 // of a value, the same in all versions

	keysMax = 1_000_000_000
)

// alphabet of values. Ten characters take 60 of the 64 bits of a word.
const (
	alphabet     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	bitsPerChar  = 6
	charsPerWord = 10
)

func appendKey(dst []byte, i uint64) []byte {
	if i >= keysMax {
		panic("BUG: a key number that no data set has")
	}
	const leading = "key:000000000000"
	digits := strconv.AppendUint(nil, i, 10)
	return append(append(dst, leading[:keyBytes-len(digits)]...), digits...)
}

func appendValue(dst []byte, i, version uint64) []byte {
	end := len(dst) + valueBytes
	for word := uint64(0); len(dst) < end; word++ {
		of := mix(i) + word
		if word*charsPerWord >= fixedBytes {
			of += mix(version)
		}
		bits := mix(of)
		for range min(charsPerWord, end-len(dst)) {
			dst = append(dst, alphabet[bits%uint64(len(alphabet))])
			bits >>= bitsPerChar
		}
	}
	return dst
}

// isValue reports whether a reply can be the value of key i, in whatever version.
func isValue(value string, i uint64) bool {
	return len(value) == valueBytes && value[:fixedBytes] == string(appendValue(nil, i, 0)[:fixedBytes])
}

// mix makes of each number another that looks random; no two numbers become the same (the finalizer of SplitMix64, by
// Steele, Lea and Flood).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// scattered is the j-th key in an order that visits all of n once and looks like none: an application does not write its
// keys sorted either. It is multiplication modulo n by a prime above keysMax, which shares no factor with n.
func scattered(j, n uint64) uint64 {
	const prime = 2_654_435_761
	return j % n * prime % n
}
