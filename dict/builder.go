package dict

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/dchest/siphash"

	"holdfast/outline"
)

// ErrTwice says that a Builder got a key twice. It is outline.ErrNoValue.
var ErrTwice = fmt.Errorf("dict: a key twice: %w", outline.ErrNoValue)

// PartBytesMax is how long a key and its value may be together, in bytes, for a Builder.
const PartBytesMax = partMax

// Builder makes the parts of a Dict out of keys that come in the order of their hashes, and holds a leaf of them: so a Dict
// that is larger than memory can be stored. Its leaves are those that a Dict would have, as far as its directory allows.
type Builder struct {
	seed   Seed
	k0, k1 uint64
	emit   func(id uint64, payload []byte) error
	deep   int // the longest prefix that is given to a leaf because its entries are large

	page   []byte   // the entries that are in no part yet, as in a packed.Run,
	ends   []int    // where each of them ends,
	hashes []uint64 // and its hash
	key    []byte   // the last one
	start  uint64   // the least hash of the leaf that is next
	depth  int      // of its prefix, as far as is known
	leaves uint64
	count  uint64
	done   bool // the last leaf has gone
}

// NewBuilder begins a Dict of so many keys, which take so many bytes with their values; both are hints. emit gets the parts in
// rising order of ids; a payload is good until it returns.
func NewBuilder(seed Seed, keys, size int64, emit func(id uint64, payload []byte) error) *Builder {
	leaves := max(1, keys/leafMax, min(keys, size/pageMax))
	return &Builder{
		seed: seed, k0: binary.LittleEndian.Uint64(seed[:8]), k1: binary.LittleEndian.Uint64(seed[8:]),
		emit: emit, deep: min(bits.Len64(uint64(leaves))+2, depthMax),
	}
}

// Hash is what the keys are to be sorted by, and those of the same one by their bytes.
func (b *Builder) Hash(key []byte) uint64 { return siphash.Hash(b.k0, b.k1, key) }

// Add adds a key, which comes behind all that were added: ErrTwice.
func (b *Builder) Add(hash uint64, key, value []byte) error {
	if n := len(b.hashes); n > 0 {
		last := b.hashes[n-1]
		if hash == last && bytes.Equal(key, b.key) {
			return ErrTwice
		}
		if hash < last || hash == last && bytes.Compare(key, b.key) < 0 {
			panic("BUG: dict: keys that do not come in the order of their hashes")
		}
	}
	for _, entry := range [2][]byte{key, value} {
		b.page = append(binary.AppendUvarint(b.page, uint64(len(entry))), entry...)
	}
	b.ends, b.hashes = append(b.ends, len(b.page)), append(b.hashes, hash)
	b.key = append(b.key[:0], key...)
	b.count++
	return b.cut(false)
}

// End gives out the last parts, and returns what AppendHead would append.
func (b *Builder) End() (head []byte, err error) {
	if err := b.cut(true); err != nil {
		return nil, err
	}
	head = append(append(head, version), b.seed[:]...)
	return binary.AppendUvarint(binary.AppendUvarint(head, b.leaves), b.count), nil
}

// last is the highest hash of the leaf that is next.
func (b *Builder) last() uint64 {
	if b.depth == 0 {
		return math.MaxUint64
	}
	return b.start + (uint64(1)<<(64-b.depth) - 1)
}

// cut gives out the leaves of which all keys are there: those that a key behind them has shown to be whole, or all at the end.
func (b *Builder) cut(all bool) error {
	for !b.done {
		n := len(b.hashes)
		if beyond := n > 0 && b.hashes[n-1] > b.last(); beyond {
			n, _ = slices.BinarySearch(b.hashes, b.last()+1)
		} else if !all && b.fits(n) {
			return nil
		}
		if !b.fits(n) {
			if b.depth++; b.depth > depthMax {
				return fmt.Errorf("%w: more than %d keys whose hashes begin with the same %d bits", outline.ErrNoValue, leafMax, depthMax)
			}
			continue
		}
		if err := b.part(n); err != nil {
			return err
		}
	}
	return nil
}

// fits reports whether the first n entries may be one leaf.
func (b *Builder) fits(n int) bool {
	if n <= 1 {
		return true
	}
	size := b.ends[n-1]
	return n <= leafMax && (size <= pageMax || b.depth >= b.deep && size <= partMax)
}

// part gives out the first n entries as a leaf.
func (b *Builder) part(n int) error {
	size := 0
	if n > 0 {
		size = b.ends[n-1]
	}
	if err := b.emit(makeID(b.start, b.depth), b.page[:size]); err != nil {
		return err
	}
	b.leaves++
	b.page = append(b.page[:0], b.page[size:]...)
	b.hashes = append(b.hashes[:0], b.hashes[n:]...)
	b.ends = append(b.ends[:0], b.ends[n:]...)
	for i := range b.ends {
		b.ends[i] -= size
	}
	if b.done = b.last() == math.MaxUint64; b.done {
		return nil
	}
	b.start = b.last() + 1
	b.depth = 64 - bits.TrailingZeros64(b.start)
	return nil
}
