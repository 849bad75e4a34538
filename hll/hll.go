// Package hll counts distinct elements in a few kilobytes: HyperLogLog, kept in the bytes in which Redis keeps it, so
// that a value can go from one server to the other.
//
//	"HYLL" | encoding u8 | 0 0 0 | cached count u64 | registers
//
// An element's hash chooses one of 16384 registers, and the register remembers the longest run of zeros, plus one, that
// was seen at the end of the rest of such a hash: its rank. The more elements, the higher the ranks; see estimate.go. The
// highest bit of the cached count is set where the registers have changed since it was taken; numbers are little-endian.
//
// Dense registers are six bits each, from the lowest bit of the first byte on. Sparse ones are runs of equal registers,
// of which there are three forms:
//
//	00nnnnnn            n+1 registers of rank 0
//	01nnnnnn nnnnnnnn   n+1 registers of rank 0, high byte first
//	1rrrrrnn            n+1 registers of rank r+1
//
// Which of several equal spellings a sparse value has depends on the order of its changes. Here it is always the one
// that Redis arrives at, as clients may compare the bytes.
//
// A value may have been set by a client as any string. So nothing here trusts one: what is no sketch is ErrCorrupt.
package hll

import (
	"encoding/binary"
	"errors"
)

const (
	// Registers is how many registers a sketch has.
	Registers = 1 << registerBits

	registerBits = 14
	rankMax      = 64 - registerBits + 1 // the rest of a hash is all zeros

	offEncoding = 4
	offCount    = 8
	headerSize  = 16
	denseSize   = headerSize + Registers*6/8

	dense, sparse = 0, 1

	stale = 1 << 63 // of the cached count
)

// ErrCorrupt: the bytes look like a sketch and are none.
var ErrCorrupt = errors.New("hll: corrupt")

// New returns an empty sketch.
func New() []byte {
	b := make([]byte, headerSize, headerSize+16)
	copy(b, "HYLL")
	b[offEncoding] = sparse
	return appendZeros(b, Registers)
}

// Is reports whether b has the form of a sketch, as far as its header shows.
func Is(b []byte) bool {
	return len(b) >= headerSize && string(b[:4]) == "HYLL" &&
		(b[offEncoding] == sparse || b[offEncoding] == dense && len(b) == denseSize)
}

// IsDense reports whether the sketch b has the dense encoding. Its size then never changes.
func IsDense(b []byte) bool { return b[offEncoding] == dense }

// Cached is the count that the sketch b keeps, if it is still right.
func Cached(b []byte) (n uint64, ok bool) {
	n = binary.LittleEndian.Uint64(b[offCount:])
	return n, n&stale == 0
}

// CachedAt is where in a sketch the bytes lie that AppendCached appends.
const CachedAt = offCount

// AppendCached appends the bytes of a cached count.
func AppendCached(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

// Invalidate marks the cached count of the sketch b as out of date.
func Invalidate(b []byte) { b[headerSize-1] |= 0x80 }

// Set raises a register of the sketch b to the rank, where it is lower, and reports whether it was. It changes b, or a
// copy if that is longer. A sparse sketch that would become longer than sparseMax, in bytes, becomes dense.
func Set(b []byte, register int, rank uint8, sparseMax int64) (after []byte, changed bool, err error) {
	if !IsDense(b) {
		return setSparse(b, register, rank, sparseMax)
	}
	if denseRank(b, register) >= rank {
		return b, false, nil
	}
	setDense(b, register, rank)
	Invalidate(b)
	return b, true, nil
}

// Rank is the rank in a register of the sketch b.
func Rank(b []byte, register int) (uint8, error) {
	if IsDense(b) {
		return denseRank(b, register), nil
	}
	r, _, err := findRun(b, register)
	return r.rank, err
}

// Ranks are the ranks of all registers.
type Ranks [Registers]uint8

// Merge raises each rank to that of the sketch b.
func (r *Ranks) Merge(b []byte) error {
	if IsDense(b) {
		for i := range r {
			r[i] = max(r[i], denseRank(b, i))
		}
		return nil
	}
	i, end := 0, headerSize
	for s := range runs(b) {
		if s.length > Registers-i {
			return ErrCorrupt
		}
		if s.rank > 0 {
			for k := range r[i : i+s.length] {
				r[i+k] = max(r[i+k], s.rank)
			}
		}
		i += s.length
		end = s.at + s.size
	}
	if i != Registers || end != len(b) {
		return ErrCorrupt
	}
	return nil
}

// ToDense returns the sketch b in the dense encoding: b itself if it is dense already.
func ToDense(b []byte) ([]byte, error) {
	if IsDense(b) {
		return b, nil
	}
	var r Ranks
	if err := r.Merge(b); err != nil {
		return nil, err
	}
	d := make([]byte, denseSize)
	copy(d, b[:headerSize])
	d[offEncoding] = dense
	for i, rank := range r {
		setDense(d, i, rank)
	}
	return d, nil
}

// denseRank reads the six bits of a register, which lie in one byte or in two.
func denseRank(b []byte, register int) uint8 {
	at := register * 6
	i, shift := headerSize+at/8, at%8
	rank := b[i] >> shift
	if shift > 2 {
		rank |= b[i+1] << (8 - shift)
	}
	return rank & 63
}

func setDense(b []byte, register int, rank uint8) {
	at := register * 6
	i, shift := headerSize+at/8, at%8
	b[i] = b[i]&^(63<<shift) | rank<<shift
	if shift > 2 {
		b[i+1] = b[i+1]&^(63>>(8-shift)) | rank>>(8-shift)
	}
}
