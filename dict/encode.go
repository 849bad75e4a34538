package dict

import (
	"encoding/binary"
	"errors"
	"fmt"

	"holdfast/packed"
)

// The encoding of a Dict in one piece:
//
//	version 1 | seed, 16 bytes | uvarint keys | key · value · key · value · …
//
// The entries are those of the pages (see package packed), in hash order as far as leaves go; where leaves begin is not
// part of it.

const version = 1

// ErrCorrupt says that bytes are not the encoding of a Dict.
var ErrCorrupt = errors.New("dict: corrupt encoding")

// AppendBinary appends the encoding of d in one piece.
func (d *Dict) AppendBinary(dst []byte) []byte {
	dst = append(dst, version)
	dst = append(dst, d.seed[:]...)
	dst = binary.AppendUvarint(dst, uint64(d.count))
	for l := range d.all() {
		dst = append(dst, l.page...)
	}
	return dst
}

// Decode returns the Dict that AppendBinary encoded; it does not refer to b. Bytes that AppendBinary cannot have written
// are ErrCorrupt. It allocates in proportion to the entries it has found sound, whatever they claim.
func Decode(b []byte) (*Dict, error) {
	seed, counts, rest, err := decodeHead(b, 1)
	if err != nil {
		return nil, err
	}
	entries, err := packed.Check(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if entries%2 != 0 || uint64(entries/2) != counts[0] {
		return nil, fmt.Errorf("%w: %d entries where %d keys are announced", ErrCorrupt, entries, counts[0])
	}
	d, run := New(seed), leaf{page: rest}
	for key, value := range run.pairs() {
		if !d.Set(key, value) {
			return nil, fmt.Errorf("%w: a key twice", ErrCorrupt)
		}
	}
	return d, nil
}

// decodeHead reads the version, the seed and n counts, and returns what follows.
func decodeHead(b []byte, n int) (seed Seed, counts [2]uint64, rest []byte, err error) {
	if len(b) < 1+len(seed) || b[0] != version {
		return seed, counts, nil, fmt.Errorf("%w: version byte is unknown, or the seed is missing", ErrCorrupt)
	}
	copy(seed[:], b[1:])
	rest = b[1+len(seed):]
	for i := range n {
		value, size := binary.Uvarint(rest)
		if size <= 0 || size > 1 && rest[size-1] == 0 {
			return seed, counts, nil, fmt.Errorf("%w: bad count at byte %d", ErrCorrupt, len(b)-len(rest))
		}
		counts[i], rest = value, rest[size:]
	}
	return seed, counts, rest, nil
}
