package streams

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
)

// ID is the name and the place of an entry: unix milliseconds, usually, and a number among those of one millisecond.
type ID struct{ MS, Seq uint64 }

// MaxID is the highest ID there can be.
func MaxID() ID { return ID{math.MaxUint64, math.MaxUint64} }

// Compare orders IDs.
func (a ID) Compare(b ID) int {
	if c := cmp.Compare(a.MS, b.MS); c != 0 {
		return c
	}
	return cmp.Compare(a.Seq, b.Seq)
}

// Less reports whether a comes before b.
func (a ID) Less(b ID) bool { return a.MS < b.MS || a.MS == b.MS && a.Seq < b.Seq }

// Next is the ID behind a; false behind the highest.
func (a ID) Next() (ID, bool) {
	switch {
	case a.Seq < math.MaxUint64:
		return ID{a.MS, a.Seq + 1}, true
	case a.MS < math.MaxUint64:
		return ID{a.MS + 1, 0}, true
	}
	return ID{}, false
}

// Prev is the ID before a; false before the lowest.
func (a ID) Prev() (ID, bool) {
	switch {
	case a.Seq > 0:
		return ID{a.MS, a.Seq - 1}, true
	case a.MS > 0:
		return ID{a.MS - 1, math.MaxUint64}, true
	}
	return MaxID(), false
}

// IDText is how many bytes the text of an ID has at most.
const IDText = 20 + 1 + 20

// AppendText appends the ID as people write it: 1526919030474-55.
func (a ID) AppendText(dst []byte) []byte {
	dst = strconv.AppendUint(dst, a.MS, 10)
	return strconv.AppendUint(append(dst, '-'), a.Seq, 10)
}

func (a ID) String() string { return string(a.AppendText(nil)) }

// idMax is the length from which on nothing is an ID, as in Redis.
const idMax = 128

// ParseID reads "ms-seq", or "ms" alone, whose sequence number is then missing.
func ParseID(b []byte, missing uint64) (ID, bool) {
	id, given, ok := parseParts(b)
	if ok && !given {
		id.Seq = missing
	}
	return id, ok
}

// ParseAuto is ParseID for a new entry, whose sequence number may be left to the stream: "ms-*". given tells whether
// it is not.
func ParseAuto(b []byte) (id ID, given, ok bool) {
	text, _, _ := bytes.Cut(b, []byte{0})
	if ms, auto := bytes.CutSuffix(text, []byte("-*")); auto && len(b) < idMax {
		id.MS, ok = parseNumber(ms)
		return id, false, ok
	}
	id, ok = ParseID(b, 0)
	return id, true, ok
}

func parseParts(b []byte) (id ID, given, ok bool) {
	if len(b) >= idMax {
		return ID{}, false, false
	}
	b, _, _ = bytes.Cut(b, []byte{0}) // where C's strings end
	ms, seq, given := bytes.Cut(b, []byte{'-'})
	if id.MS, ok = parseNumber(ms); !ok || !given {
		return id, false, ok
	}
	id.Seq, ok = parseNumber(seq)
	return id, true, ok
}

// parseNumber reads an unsigned number as C's strtoull does, which is what Redis reads the parts of IDs with: space and
// a sign in front, zeros too. A minus counts only in front of a zero or of what does not fit 63 bits otherwise; the
// number is then the complement.
func parseNumber(b []byte) (uint64, bool) {
	digits := bytes.TrimLeft(b, " \t\n\v\f\r")
	negative := len(digits) > 0 && digits[0] == '-'
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	n := uint64(0)
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		if n > math.MaxUint64/10 || n*10 > math.MaxUint64-uint64(d-'0') {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	switch {
	case len(digits) == 0:
		return 0, false
	case negative && b[0] == '-' && digits[0] != '0' && n <= 1<<63:
		return 0, false // a plain negative number
	case negative:
		n = -n
	}
	return n, true
}
