package hll

import (
	"iter"
	"slices"
	"strconv"
)

const (
	shortZeros   = 1 << 6 // registers that one byte of zeros stands for, at most
	runMax       = 4      // registers of a run with a rank
	sparseRank   = 32     // the highest rank of such a run
	joinDistance = 5      // runs from the one before a change that may be joined with their successors
)

// run is a run of equal registers as it lies in a sparse sketch.
type run struct {
	at, size int // where, and how many bytes
	first    int // register
	length   int // registers
	rank     uint8
}

// runAt reads the run at b[at:]; a size of 0 says that its second byte is missing.
func runAt(b []byte, at int) run {
	x := b[at]
	switch {
	case x&0x80 != 0:
		return run{at: at, size: 1, length: int(x&3) + 1, rank: x>>2&31 + 1}
	case x&0x40 == 0:
		return run{at: at, size: 1, length: int(x) + 1}
	case at+1 == len(b):
		return run{at: at}
	}
	return run{at: at, size: 2, length: int(x&63)<<8 + int(b[at+1]) + 1}
}

// runs yields the runs of a sparse sketch; one that is cut short is not among them.
func runs(b []byte) iter.Seq[run] {
	return func(yield func(run) bool) {
		first := 0
		for at := headerSize; at < len(b); {
			r := runAt(b, at)
			r.first = first
			if r.size == 0 || !yield(r) {
				return
			}
			at += r.size
			first += r.length
		}
	}
}

// findRun finds the run that holds a register; before is where the one before it lies, or it itself if it is the first.
func findRun(b []byte, register int) (found run, before int, err error) {
	before = headerSize
	for r := range runs(b) {
		if register < r.first+r.length {
			return r, before, nil
		}
		before = r.at
	}
	return found, 0, ErrCorrupt
}

// setSparse is Set for a sparse sketch.
func setSparse(b []byte, register int, rank uint8, sparseMax int64) (after []byte, changed bool, err error) {
	if rank > sparseRank {
		return setAsDense(b, register, rank)
	}
	r, before, err := findRun(b, register)
	if err != nil || r.rank >= rank {
		return b, false, err
	}
	var room [5]byte
	split := r.split(room[:0], register, rank)
	if more := len(split) - r.size; more > 0 && int64(len(b)+more) > sparseMax {
		return setAsDense(b, register, rank)
	}
	b = join(slices.Replace(b, r.at, r.at+r.size, split...), before)
	Invalidate(b)
	return b, true, nil
}

func setAsDense(b []byte, register int, rank uint8) (after []byte, changed bool, err error) {
	d, err := ToDense(b)
	if err != nil {
		return b, false, err
	}
	return Set(d, register, rank, 0)
}

// split appends what takes the run's place when one of its registers gets another rank.
func (r run) split(dst []byte, register int, rank uint8) []byte {
	dst = appendRun(dst, r.rank, register-r.first)
	dst = appendRun(dst, rank, 1)
	return appendRun(dst, r.rank, r.first+r.length-1-register)
}

// appendRun appends a run, or nothing for none.
func appendRun(dst []byte, rank uint8, length int) []byte {
	switch {
	case length == 0:
		return dst
	case rank == 0:
		return appendZeros(dst, length)
	}
	return append(dst, 0x80|(rank-1)<<2|byte(length-1))
}

func appendZeros(dst []byte, length int) []byte {
	if length <= shortZeros {
		return append(dst, byte(length-1))
	}
	return append(dst, 0x40|byte((length-1)>>8), byte(length-1))
}

// join makes one run of two neighbours with the same rank, where one can hold both, near a change. That it looks no
// further than at five runs, and counts a join for one of them, decides about the bytes: so Redis does.
func join(b []byte, at int) []byte {
	for left := joinDistance; left > 0 && at < len(b); left-- {
		r := runAt(b, at)
		if r.size == 0 {
			break
		}
		if next := at + 1; r.rank > 0 && next < len(b) {
			if n := runAt(b, next); n.rank == r.rank && n.length+r.length <= runMax {
				b[next] = appendRun(nil, r.rank, n.length+r.length)[0]
				b = slices.Delete(b, at, next)
				continue
			}
		}
		at += r.size
	}
	return b
}

// AppendRuns appends the runs of a sparse sketch in letters: z:n and Z:n for n zeros in the short and the long form,
// v:r,n for n times the rank r.
func AppendRuns(dst, b []byte) []byte {
	from := len(dst)
	for r := range runs(b) {
		if len(dst) > from {
			dst = append(dst, ' ')
		}
		switch {
		case r.rank > 0:
			dst = append(dst, "v:"...)
			dst = append(strconv.AppendUint(dst, uint64(r.rank), 10), ',')
		case r.size == 2:
			dst = append(dst, "Z:"...)
		default:
			dst = append(dst, "z:"...)
		}
		dst = strconv.AppendInt(dst, int64(r.length), 10)
	}
	return dst
}
