package load

import "math/rand/v2"

const (
	stampBytes = 16      // of a value, the same in all versions of a key's
	versions   = 1 << 12 // different values that a key may have
	valueMax   = 512 << 20
)

// values makes the values of a run, all of one size. The first sixteen characters follow from the key, so that a reply
// can be checked; the others are a stretch of a random text, which no compression makes shorter.
type values struct {
	size int
	text []byte // size + versions characters
}

func newValues(size int, seed uint64) *values {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewPCG(seed, 0))
	text := make([]byte, size+versions)
	for i := 0; i < len(text); {
		for bits, n := random.Uint64(), 0; n < 10 && i < len(text); n++ {
			text[i] = alphabet[bits%64]
			bits >>= 6
			i++
		}
	}
	return &values{size: size, text: text}
}

// append appends a value of a key.
func (v *values) append(dst []byte, key, version uint64) []byte {
	stamp := stampOf(key)
	dst = append(dst, stamp[:min(v.size, stampBytes)]...)
	if v.size <= stampBytes {
		return dst
	}
	from := version % versions
	return append(dst, v.text[from:from+uint64(v.size-stampBytes)]...)
}

// isOf says whether a reply of size bytes that begins with head can be a value of the key. Head is the whole reply, or
// its first stampBytes.
func (v *values) isOf(key uint64, size int64, head []byte) bool {
	stamp := stampOf(key)
	n := min(v.size, stampBytes)
	return size == int64(v.size) && len(head) >= n && string(head[:n]) == string(stamp[:n])
}

// stampOf writes a number that follows from the key in hexadecimal.
func stampOf(key uint64) (stamp [stampBytes]byte) {
	const digits = "0123456789abcdef"
	bits := mix(key)
	for i := range stamp {
		stamp[i] = digits[bits&15]
		bits >>= 4
	}
	return stamp
}
