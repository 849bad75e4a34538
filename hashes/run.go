package hashes

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"holdfast/expiry"
)

// run is a small hash's bytes: two counts, of its fields and of those with deadlines, and the entries. An empty one may
// be nil.
type run []byte

const (
	runHead       = 4
	deadlineBytes = 8

	exactMax = 256 // up to so many bytes a run has no spare room but what the allocator gives anyhow
)

func (r run) len() int {
	if r == nil {
		return 0
	}
	return int(binary.LittleEndian.Uint16(r))
}

func (r run) timed() int {
	if r == nil {
		return 0
	}
	return int(binary.LittleEndian.Uint16(r[2:]))
}

// count adds to the two counts.
func (r run) count(fields, timed int) {
	n := r.len() + fields
	if n > SmallMax {
		panic("BUG: hashes: too many fields for a small hash")
	}
	binary.LittleEndian.PutUint16(r, uint16(n))
	binary.LittleEndian.PutUint16(r[2:], uint16(r.timed()+timed))
}

// entry is a field as it lies in a run, in r[at:end]; a zero end means that it does not.
type entry struct {
	at, end      int
	field, value []byte
	deadline     int64
}

// entrySize is how many bytes an entry takes.
func entrySize(field, value int, deadline int64) int {
	n := uvarintSize(uint64(field)) + field + uvarintSize(uint64(value)<<1) + value
	if deadline != expiry.None {
		n += deadlineBytes
	}
	return n
}

func uvarintSize(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// putEntry writes an entry into dst, which has exactly its size.
func putEntry(dst, field, value []byte, deadline int64) {
	n := binary.PutUvarint(dst, uint64(len(field)))
	n += copy(dst[n:], field)
	mark := uint64(len(value)) << 1
	if deadline != expiry.None {
		mark |= 1
	}
	n += binary.PutUvarint(dst[n:], mark)
	if deadline != expiry.None {
		binary.LittleEndian.PutUint64(dst[n:], uint64(deadline))
		n += deadlineBytes
	}
	copy(dst[n:], value)
}

// length reads a uvarint that is known to be sound, mostly of one byte.
func length(b []byte) (n uint64, size int) {
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// entryAt reads the entry at an offset.
func (r run) entryAt(at int) entry {
	n, size := length(r[at:])
	i := at + size
	field := r[i : i+int(n) : i+int(n)]
	i += int(n)
	mark, size := length(r[i:])
	i += size
	deadline := expiry.None
	if mark&1 != 0 {
		deadline = int64(binary.LittleEndian.Uint64(r[i:]))
		i += deadlineBytes
	}
	end := i + int(mark>>1)
	return entry{at: at, end: end, field: field, value: r[i:end:end], deadline: deadline}
}

// entries yields the entries in their order.
func (r run) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for at := runHead; at < len(r); {
			e := r.entryAt(at)
			if !yield(e) {
				return
			}
			at = e.end
		}
	}
}

// find returns a field's entry.
func (r run) find(field []byte) (entry, bool) {
	for at := runHead; at < len(r); {
		if e := r.entryAt(at); !bytes.Equal(e.field, field) {
			at = e.end
		} else {
			return e, true
		}
	}
	return entry{}, false
}

// put writes an entry in the place of an old one, or behind all where there is none. Neither field nor value are the
// run's own memory.
func (r *run) put(old entry, field, value []byte, deadline int64) {
	size := entrySize(len(field), len(value), deadline)
	fields, timed := 0, 0
	switch {
	case old.end > 0:
	case *r == nil:
		*r = fitted(runHead + size)[:runHead]
		clear(*r)
		fallthrough
	default:
		old.at, old.end = len(*r), len(*r)
		fields = 1
	}
	if deadline != expiry.None {
		timed++
	}
	if old.deadline != expiry.None {
		timed--
	}
	putEntry(r.splice(old.at, old.end, size), field, value, deadline)
	r.count(fields, timed)
}

// remove takes an entry out.
func (r *run) remove(e entry) {
	timed := 0
	if e.deadline != expiry.None {
		timed = 1
	}
	r.splice(e.at, e.end, 0)
	r.count(-1, -timed)
}

// splice makes the bytes from one offset to another size bytes long, and returns them for the caller to fill.
func (r *run) splice(from, to, size int) []byte {
	old := *r
	n := len(old) - (to - from) + size
	switch {
	case n > cap(old):
		room := n
		if n > exactMax {
			room += n / 8
		}
		grown := fitted(room)[:n]
		copy(grown, old[:from])
		copy(grown[from+size:], old[to:])
		*r = grown
	case n < cap(old)/2 && n >= runHead:
		small := fitted(n)[:n]
		copy(small, old[:from])
		copy(small[from+size:], old[to:])
		*r = small
	default:
		copy(old[from+size:n], old[to:])
		*r = old[:n]
	}
	return (*r)[from : from+size]
}

// fitted returns a block of at least n bytes: as many as the allocator would give anyhow.
func fitted(n int) run { return slices.Grow(run(nil), n) }

// lapses is the earliest deadline.
func (r run) lapses() int64 {
	next := expiry.Never
	if r.timed() == 0 {
		return next
	}
	for e := range r.entries() {
		if e.deadline != expiry.None {
			next = min(next, e.deadline)
		}
	}
	return next
}

// lapse removes up to most entries that are due, and returns their fields.
func (r *run) lapse(now int64, most int) (fields [][]byte) {
	for at := runHead; at < len(*r) && len(fields) < most; {
		e := r.entryAt(at)
		if e.deadline == expiry.None || e.deadline > now {
			at = e.end
			continue
		}
		fields = append(fields, bytes.Clone(e.field))
		r.remove(e)
	}
	return fields
}

// checkEntry reads the first entry of bytes from outside, and returns its size and its deadline.
func checkEntry(b []byte) (size int, deadline int64, err error) {
	n, at := checkLength(b)
	if at == 0 || n > uint64(len(b)-at) {
		return 0, 0, fmt.Errorf("%w: a field's length, with %d bytes left", ErrCorrupt, len(b))
	}
	at += int(n)
	mark, width := checkLength(b[at:])
	if at += width; width == 0 {
		return 0, 0, fmt.Errorf("%w: a value's length, with %d bytes left", ErrCorrupt, len(b)-at)
	}
	if mark&1 != 0 {
		if len(b)-at < deadlineBytes {
			return 0, 0, fmt.Errorf("%w: a deadline is cut off", ErrCorrupt)
		}
		if deadline = int64(binary.LittleEndian.Uint64(b[at:])); deadline <= 0 {
			return 0, 0, fmt.Errorf("%w: a deadline of %d", ErrCorrupt, deadline)
		}
		at += deadlineBytes
	}
	if mark>>1 > uint64(len(b)-at) {
		return 0, 0, fmt.Errorf("%w: a value exceeds the %d bytes left", ErrCorrupt, len(b)-at)
	}
	return at + int(mark>>1), deadline, nil
}

// checkLength reads a uvarint from outside; size 0 where there is none that is as short as it can be.
func checkLength(b []byte) (n uint64, size int) {
	n, size = binary.Uvarint(b)
	if size <= 0 || size != uvarintSize(n) {
		return 0, 0
	}
	return n, size
}
