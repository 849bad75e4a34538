// Package resp speaks the Redis protocol in both directions: requests in (Framer, Parse), replies out (Writer),
// and, for clients, the reverse (AppendCommand, Decoder). Every error text that a client may see is in the errors files.
//
// A request is framed before it is parsed:
//
//	bytes ──► Framer.Next ──► one whole request, every length in it within the limits ──► Parse ──► arguments
//
// The parser is redcon's ReadNextCommand, which trusts the lengths it reads: `*1\r\n$9223372036854775807\r\n`
// makes it panic and `*9223372036854775807\r\n` makes it spin. The invariant that makes it safe is that no byte
// reaches it that Framer has not accepted. Rejected: limits inside the parser (redcon has no place for them), and
// a parser alone that starts again with each read (quadratic in the number of reads of a large value).
//
// RESP2 types are encoded by redcon's Append functions; RESP3 types, which redcon lacks, are encoded here.
package resp

import (
	"math"
	"strconv"

	"github.com/tidwall/redcon"
)

// bufferKept is the largest buffer in bytes that Reset keeps, for a value of a megabyte and what comes around it; what a larger
// reply made grow goes back.
const bufferKept = 1<<20 + 64<<10

// Writer gathers replies in one buffer, in the protocol version that the client asked for. The zero value is
// ready and speaks RESP2. Methods that open an aggregate (Array, Map, …) write its header only; the elements
// are the writes that follow. Not for concurrent use.
type Writer struct {
	buf    []byte
	limit  int // bytes; 0 is none
	over   bool
	overAt int // how much had been written when something had no room first
	resp3  bool
}

// Limit bounds what is written to some n bytes, 0 being no bound. A string beyond that is left empty, so that a small request
// for much (MGET of one large key again and again) does not take all memory; what was written is no reply then, see Over.
func (w *Writer) Limit(n int) { w.limit = n }

// Limited returns what Limit was given.
func (w *Writer) Limited() int { return w.limit }

// Over reports whether there was a string that had no room within the limit.
func (w *Writer) Over() bool { return w.over }

// fits reports whether n bytes more are within the limit.
func (w *Writer) fits(n int) bool {
	if w.limit != 0 && len(w.buf)+n > w.limit {
		if !w.over {
			w.over, w.overAt = true, len(w.buf)
		}
		return false
	}
	return true
}

// SetProto chooses the version of what is written from now on: 2 or 3.
func (w *Writer) SetProto(version int) {
	if version != 2 && version != 3 {
		panic("BUG: resp: protocol version " + strconv.Itoa(version))
	}
	w.resp3 = version == 3
}

// Proto returns the version in use, 2 or 3.
func (w *Writer) Proto() int {
	if w.resp3 {
		return 3
	}
	return 2
}

// Bytes returns what was written. It is valid until the next call that changes w.
func (w *Writer) Bytes() []byte { return w.buf }

// Len returns the number of bytes written.
func (w *Writer) Len() int { return len(w.buf) }

// Cap returns the number of bytes that the buffer has room for.
func (w *Writer) Cap() int { return cap(w.buf) }

// Reset forgets what was written, and keeps the buffer unless it has grown large.
func (w *Writer) Reset() {
	w.over = false
	if cap(w.buf) > bufferKept {
		w.buf = nil
		return
	}
	w.buf = w.buf[:0]
}

// Truncate keeps the first n bytes: it takes back what was written since Len returned n.
func (w *Writer) Truncate(n int) {
	w.buf = w.buf[:n]
	w.over = w.over && n > w.overAt
}

// Take hands the buffer to the caller and leaves w empty.
func (w *Writer) Take() []byte {
	taken := w.buf
	w.buf = nil
	return taken
}

// Raw appends bytes that are already encoded.
func (w *Writer) Raw(encoded []byte) {
	if w.fits(len(encoded)) {
		w.buf = append(w.buf, encoded...)
	}
}

// Append appends what o holds, of the same limit, with its word of being over it.
func (w *Writer) Append(o *Writer) {
	at := len(w.buf)
	w.Raw(o.buf)
	if o.over && !w.over {
		w.over, w.overAt = true, at
	}
}

// OK writes the status OK.
func (w *Writer) OK() { w.buf = redcon.AppendOK(w.buf) }

// Status writes a simple string; CR and LF become spaces.
func (w *Writer) Status(s string) { w.buf = redcon.AppendString(w.buf, s) }

// Error writes an error reply. The text begins with its code ("ERR …", "WRONGTYPE …"); CR and LF in it become
// spaces, as Redis does.
func (w *Writer) Error(text string) { w.buf = redcon.AppendError(w.buf, text) }

// Err writes the error's text as an error reply; the text begins with its code, as the texts in this package do.
func (w *Writer) Err(err error) { w.Error(err.Error()) }

// Int writes an integer.
func (w *Writer) Int(n int64) { w.buf = redcon.AppendInt(w.buf, n) }

// Bulk writes a bulk string; nil is the empty string, not null.
func (w *Writer) Bulk(b []byte) {
	if !w.fits(len(b)) {
		b = nil
	}
	w.buf = redcon.AppendBulk(w.buf, b)
}

// BulkString writes a bulk string.
func (w *Writer) BulkString(s string) {
	if !w.fits(len(s)) {
		s = ""
	}
	w.buf = redcon.AppendBulkString(w.buf, s)
}

// BulkInt writes a number's decimal digits as a bulk string.
func (w *Writer) BulkInt(n int64) {
	var digits [20]byte
	w.buf = redcon.AppendBulk(w.buf, strconv.AppendInt(digits[:0], n, 10))
}

// Null writes the null bulk string of RESP2, or RESP3's null.
func (w *Writer) Null() {
	if w.resp3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = redcon.AppendNull(w.buf)
}

// NullArray writes the null array of RESP2, or RESP3's null.
func (w *Writer) NullArray() {
	if w.resp3 {
		w.Null()
		return
	}
	w.buf = redcon.AppendArray(w.buf, -1)
}

// Array opens an array of n elements.
func (w *Writer) Array(n int) { w.buf = redcon.AppendArray(w.buf, n) }

// Map opens a map of so many pairs, key then value; in RESP2 an array of twice as many elements.
func (w *Writer) Map(pairs int) {
	if !w.resp3 {
		w.Array(2 * pairs)
		return
	}
	w.header('%', pairs)
}

// Set opens a set of n elements; in RESP2 an array.
func (w *Writer) Set(n int) { w.arrayOr('~', n) }

// Push opens an out-of-band message of n elements; in RESP2 an array.
func (w *Writer) Push(n int) { w.arrayOr('>', n) }

// Attribute opens so many pairs that describe the reply after them. RESP2 has nothing like it, not even as an
// array, which would be taken for the reply: the caller asks Proto first.
func (w *Writer) Attribute(pairs int) {
	if !w.resp3 {
		panic("BUG: resp: attribute in RESP2")
	}
	w.header('|', pairs)
}

// Double writes a number with 17 significant digits, as Redis 7.0 prints it (C's %.17g); in RESP2 as a bulk string.
func (w *Writer) Double(f float64) {
	var room [32]byte
	w.DoubleText(AppendDouble(room[:0], f))
}

// DoubleText writes a number that is written out already; in RESP2 as a bulk string.
func (w *Writer) DoubleText(text []byte) {
	if !w.resp3 {
		w.Bulk(text)
		return
	}
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, "\r\n"...)
}

// AppendDouble appends f as Redis 7.0 prints a double in a reply: C's %.17g, and inf, -inf, nan.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}

// Bool writes true or false; in RESP2 the integer 1 or 0.
func (w *Writer) Bool(b bool) {
	switch {
	case !w.resp3 && b:
		w.Int(1)
	case !w.resp3:
		w.Int(0)
	case b:
		w.buf = append(w.buf, "#t\r\n"...)
	default:
		w.buf = append(w.buf, "#f\r\n"...)
	}
}

// BigNumber writes an integer of any size, given as decimal digits; in RESP2 as a bulk string.
func (w *Writer) BigNumber(digits string) {
	if !w.resp3 {
		w.BulkString(digits)
		return
	}
	w.buf = append(w.buf, '(')
	w.buf = append(w.buf, digits...)
	w.buf = append(w.buf, "\r\n"...)
}

// Verbatim writes a text that a client shows as it is; ext names its format in three letters: "txt", "mkd". In
// RESP2 it is a bulk string.
func (w *Writer) Verbatim(ext, s string) {
	if len(ext) != 3 {
		panic("BUG: resp: format of a verbatim string: " + ext)
	}
	if !w.resp3 {
		w.BulkString(s)
		return
	}
	w.header('=', len(ext)+1+len(s))
	w.buf = append(w.buf, ext...)
	w.buf = append(w.buf, ':')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, "\r\n"...)
}

// arrayOr opens an aggregate that RESP2 has only as an array.
func (w *Writer) arrayOr(kind byte, n int) {
	if !w.resp3 {
		w.Array(n)
		return
	}
	w.header(kind, n)
}

// header writes the first line of a type that redcon lacks.
func (w *Writer) header(kind byte, n int) {
	w.buf = append(w.buf, kind)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
	w.buf = append(w.buf, "\r\n"...)
}

// Mark remembers where an aggregate whose length is not yet known was opened.
type Mark int

// ArrayLater opens an array whose length ArrayEnd gives. Aggregates opened inside it are ended before it.
func (w *Writer) ArrayLater() Mark { return w.later('*') }

// MapLater opens a map whose number of pairs MapEnd gives.
func (w *Writer) MapLater() Mark {
	if !w.resp3 {
		return w.later('*')
	}
	return w.later('%')
}

// SetLater opens a set whose length SetEnd gives.
func (w *Writer) SetLater() Mark {
	if !w.resp3 {
		return w.later('*')
	}
	return w.later('~')
}

// ArrayEnd gives the length of the array opened at m.
func (w *Writer) ArrayEnd(m Mark, n int) { w.end(m, n) }

// MapEnd gives the number of pairs in the map opened at m.
func (w *Writer) MapEnd(m Mark, pairs int) {
	if w.buf[m] == '*' {
		pairs *= 2
	}
	w.end(m, pairs)
}

// SetEnd gives the length of the set opened at m.
func (w *Writer) SetEnd(m Mark, n int) { w.end(m, n) }

// later writes a header with room for one digit: short replies, the usual case, are then ended in place.
func (w *Writer) later(kind byte) Mark {
	m := Mark(len(w.buf))
	w.buf = append(w.buf, kind, '0', '\r', '\n')
	return m
}

// end puts n into the header at m and moves what follows by the digits that did not fit.
func (w *Writer) end(m Mark, n int) {
	var room [20]byte
	digits := strconv.AppendInt(room[:0], int64(n), 10)
	at, more := int(m)+1, len(digits)-1
	if more > 0 {
		w.buf = append(w.buf, digits[:more]...)
		copy(w.buf[at+more:], w.buf[at:len(w.buf)-more])
	}
	copy(w.buf[at:], digits)
}
