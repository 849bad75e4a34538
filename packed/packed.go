// Package packed is a run of byte strings in one piece of memory: what small collections, and the pages of large ones,
// are made of. It knows no types and no files.
//
//	run      entry · entry · …
//	entry    length | bytes       the length is a uvarint, as short as it can be
//
// An entry is found by the byte offset at which it begins, which is good until the run changes before it. A run is read
// from its front only; the entries that follow an offset are reached by their lengths. A short entry takes one
// byte more than its own.
//
// Rejected: lengths at both ends, for reading backwards (a byte more for every entry; lists have that form, in a package
// of their own); integers packed as such (entries could not be handed out without copying); an index of offsets (two
// bytes for every entry, all of them rewritten at each change, to save some nanoseconds in runs that are short).
//
// Functions that change a run return it, as append does, and may have moved it. They allocate an eighth more than is
// needed, and give memory back when a run takes less than half of its own. Slices handed out lie in the run: they are
// good until the next change, and must not be written to; what is put into a run must not be part of it.
package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// ErrCorrupt says that bytes are not a run.
var ErrCorrupt = errors.New("packed: corrupt run")

// Run is a run of entries. The zero Run is empty.
type Run []byte

// Size is how many bytes an entry of n bytes takes.
func Size(n int) int { return n + (bits.Len(uint(n)|1)+6)/7 }

// At returns the entry that begins at off, and the offset of the one behind it, which is the length of the run at its end.
func (r Run) At(off int) (b []byte, next int) {
	n, h := int(r[off]), 1
	if n >= 0x80 {
		var long uint64
		long, h = binary.Uvarint(r[off:])
		n = int(long)
	}
	off += h
	return r[off : off+n : off+n], off + n
}

// Skip returns the offset of the n-th entry after the one at off.
func (r Run) Skip(off, n int) int {
	for range n {
		if b := r[off]; b < 0x80 {
			off += 1 + int(b)
		} else {
			_, off = r.At(off)
		}
	}
	return off
}

// Len counts the entries.
func (r Run) Len() int {
	n := 0
	for off := 0; off < len(r); n++ {
		off = r.Skip(off, 1)
	}
	return n
}

// All yields each entry with its offset. The loop must not change the run.
func (r Run) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for off := 0; off < len(r); {
			b, next := r.At(off)
			if !yield(off, b) {
				return
			}
			off = next
		}
	}
}

// Find returns the offset of the first entry that equals b among the first one and every stride-th after it: stride 1
// looks at all, stride 2 at the fields of a run of pairs. The run must be made of whole strides.
func (r Run) Find(b []byte, stride int) (off int, found bool) {
	for off < len(r) {
		entry, next := r.At(off)
		// The last byte tells most entries of one length apart, which takes less than a call.
		if n := len(b); len(entry) == n && (n == 0 || entry[n-1] == b[n-1] && bytes.Equal(entry, b)) {
			return off, true
		}
		if off = next; stride > 1 {
			off = r.Skip(off, stride-1)
		}
	}
	return 0, false
}

// Append puts entries behind the last.
func (r Run) Append(entries ...[]byte) Run { return r.Insert(len(r), entries...) }

// Insert puts entries where the one at off begins, or at the end.
func (r Run) Insert(off int, entries ...[]byte) Run { return r.splice(off, off, entries) }

// Replace puts b in the place of the entry at off.
func (r Run) Replace(off int, b []byte) Run {
	old, next := r.At(off)
	if len(old) == len(b) {
		copy(old, b)
		return r
	}
	return r.splice(off, next, [][]byte{b})
}

// Delete removes n entries, the first of which begins at off.
func (r Run) Delete(off, n int) Run { return r.splice(off, r.Skip(off, n), nil) }

// splice puts entries in the place of the bytes from off to end.
func (r Run) splice(off, end int, entries [][]byte) Run {
	size := 0
	for _, b := range entries {
		size += Size(len(b))
	}
	was, need := len(r), len(r)-(end-off)+size
	switch {
	case need > cap(r):
		r = append(New(need+need/8), r...)
	case need < cap(r)/2 && cap(r) > smallest:
		fresh := append(New(need+need/8), r[:off]...)
		r = append(fresh[:off+size], r[end:]...)
		r.put(off, entries)
		return r
	}
	if need > was {
		r = r[:need]
	}
	copy(r[off+size:need], r[end:was])
	r = r[:need]
	r.put(off, entries)
	return r
}

// put writes entries to bytes that have room for them.
func (r Run) put(off int, entries [][]byte) {
	for _, b := range entries {
		off += binary.PutUvarint(r[off:], uint64(len(b)))
		off += copy(r[off:], b)
	}
}

// smallest is the least that is allocated, in bytes.
const smallest = 16

// New returns an empty run with room for n bytes, rounded up to what the allocator gives anyway.
func New(n int) Run { return slices.Grow(Run(nil), max(n, smallest)) }

// Clone returns a copy with hardly any room.
func (r Run) Clone() Run { return append(New(len(r)), r...) }

// First returns the size of the first entry of bytes from outside; false where its length makes no sense, or it is cut off.
func First(b []byte) (size int, ok bool) {
	n, h := binary.Uvarint(b)
	if h <= 0 || h > 1 && b[h-1] == 0 || n > uint64(len(b)-h) {
		return 0, false
	}
	return h + int(n), true
}

// Check returns the number of entries of bytes from outside, having found every length in bounds and as short as
// it can be; else ErrCorrupt.
func Check(b []byte) (entries int, err error) {
	for off := 0; off < len(b); entries++ {
		n, h := binary.Uvarint(b[off:])
		if h <= 0 || h > 1 && b[off+h-1] == 0 {
			return 0, fmt.Errorf("%w: no length at byte %d", ErrCorrupt, off)
		}
		if off += h; n > uint64(len(b)-off) {
			return 0, fmt.Errorf("%w: an entry of %d bytes where %d are left", ErrCorrupt, n, len(b)-off)
		}
		off += int(n)
	}
	return entries, nil
}
