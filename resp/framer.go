package resp

import (
	"bytes"
	"math"
)

// Limits bounds what a request may ask for. A length beyond them is refused when its header has been read, before
// a byte of what it announces has arrived.
type Limits struct {
	Bulk   int64 // bytes of one argument: proto-max-bulk-len
	Args   int   // arguments of one request
	Inline int   // bytes of an inline request, and of a length's header, that may come without a line end

	UnauthArgs int   // arguments of one request while the client is not authenticated
	UnauthBulk int64 // bytes of one argument while the client is not authenticated
}

// DefaultLimits returns Redis's limits, and for Args the bound of Redis before 7.0: 7.0 allows 2^31-1 arguments,
// of which the slices alone would be 48 GiB.
func DefaultLimits() Limits {
	return Limits{Bulk: 512 << 20, Args: 1 << 20, Inline: 64 << 10, UnauthArgs: 10, UnauthBulk: 16 << 10}
}

// ProtocolError says that the bytes are no request. Its text is the reply; after it the connection is closed, as
// nobody knows where the next request begins.
type ProtocolError struct{ text string }

func (e *ProtocolError) Error() string { return e.text }

// The texts of redis-server 7.0.15.
var (
	errMultibulkLength = &ProtocolError{"ERR Protocol error: invalid multibulk length"}
	errBulkLength      = &ProtocolError{"ERR Protocol error: invalid bulk length"}
	errMultibulkHeader = &ProtocolError{"ERR Protocol error: too big mbulk count string"}
	errBulkHeader      = &ProtocolError{"ERR Protocol error: too big bulk count string"}
	errInlineTooBig    = &ProtocolError{"ERR Protocol error: too big inline request"}
	errUnauthMultibulk = &ProtocolError{"ERR Protocol error: unauthenticated multibulk length"}
	errUnauthBulk      = &ProtocolError{"ERR Protocol error: unauthenticated bulk length"}
	errUnbalanced      = &ProtocolError{"ERR Protocol error: unbalanced quotes in request"}
)

func errExpectedBulk(got byte) *ProtocolError {
	return &ProtocolError{"ERR Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}

// Framer finds where a request ends, and refuses it if a length in it is malformed or beyond the limits. It keeps
// its place between calls, so that a value that arrives in many pieces is looked at once. The zero value is ready;
// a connection has one. It keeps no bytes and allocates nothing but an error.
//
// It is stricter than Redis in one point: Redis skips the two bytes where CR LF belongs after a length or an
// argument, redcon insists on them, and so must the Framer, with the error of an invalid length.
type Framer struct {
	pos     int   // start of the header or the argument that is not yet complete
	scanned int   // bytes after pos that are known not to hold the line's end
	args    int   // arguments still to come; 0: the request's first line is not yet read
	end     int64 // where the argument at pos ends, with its CR LF; 0: its header is not yet read
	need    int64 // len(buf) below which Next can do nothing
}

// Next looks at buf, which holds all bytes received and not yet consumed: after a return of 0 it begins with the
// same bytes as before. It returns n > 0 if buf[:n] is a whole request, which the caller consumes before the next
// call; it may be one that runs nothing (`*0\r\n`, `*-1\r\n`, an empty line). It returns 0 if more is needed. The
// error is a *ProtocolError.
//
// A request that begins with '*' is an array of bulk strings; anything else is an inline request up to its LF.
func (f *Framer) Next(buf []byte, l *Limits, authenticated bool) (n int, err error) {
	if len(buf) == 0 || int64(len(buf)) < f.need {
		return 0, nil
	}
	if buf[0] != '*' {
		return f.inline(buf, l)
	}
	if f.args == 0 {
		empty, err := f.multibulk(buf, l, authenticated)
		if err != nil || f.pos == 0 {
			return 0, err
		}
		if empty {
			return f.done(f.pos), nil
		}
	}
	for f.args > 0 {
		if f.end == 0 {
			if err := f.bulk(buf, l, authenticated); err != nil || f.end == 0 {
				return 0, err
			}
		}
		if int64(len(buf)) < f.end {
			f.need = f.end
			return 0, nil
		}
		if buf[f.end-2] != '\r' || buf[f.end-1] != '\n' {
			return 0, errBulkLength
		}
		f.pos, f.end = int(f.end), 0
		f.args--
	}
	return f.done(f.pos), nil
}

// Need returns how many bytes in total buf must hold before calling Next again can be of use; at least 1.
func (f *Framer) Need() int64 { return max(f.need, 1) }

// done forgets the request that ends at n.
func (f *Framer) done(n int) int {
	*f = Framer{}
	return n
}

// inline frames a line of words. Its quotes are checked here, so that Parse has nothing left to refuse.
func (f *Framer) inline(buf []byte, l *Limits) (n int, err error) {
	lf, err := f.find(buf, '\n', l.Inline, errInlineTooBig)
	if err != nil || lf < 0 {
		return 0, err
	}
	for rest := inlineLine(buf[:lf+1]); len(rest) > 0; {
		var ok bool
		if _, rest, ok = nextWord(rest); !ok {
			return 0, errUnbalanced
		}
	}
	return f.done(lf + 1), nil
}

// multibulk reads the first line, `*<count>`; once it is there, pos is behind it. The request is empty if the
// count is zero or negative.
func (f *Framer) multibulk(buf []byte, l *Limits, authenticated bool) (empty bool, err error) {
	line, next, err := f.header(buf, l, errMultibulkHeader)
	if err != nil || line == nil {
		return false, err
	}
	count, ok := parseLength(line[1:])
	switch {
	case !ok || count > int64(l.Args) || buf[next-1] != '\n':
		return false, errMultibulkLength
	case count > int64(l.UnauthArgs) && !authenticated:
		return false, errUnauthMultibulk
	}
	f.pos, f.scanned = next, 0
	f.args = int(max(count, 0))
	return f.args == 0, nil
}

// bulk reads an argument's header, `$<length>`; once it is there, pos is behind it and end behind the argument.
func (f *Framer) bulk(buf []byte, l *Limits, authenticated bool) error {
	line, next, err := f.header(buf, l, errBulkHeader)
	if err != nil || line == nil {
		return err
	}
	if buf[f.pos] != '$' {
		return errExpectedBulk(buf[f.pos])
	}
	length, ok := parseLength(line[1:])
	switch {
	case !ok || length < 0 || length > min(l.Bulk, math.MaxInt64-int64(next)-2) || buf[next-1] != '\n':
		return errBulkLength
	case length > l.UnauthBulk && !authenticated:
		return errUnauthBulk
	}
	f.pos, f.scanned = next, 0
	f.end = int64(next) + length + 2
	return nil
}

// header returns the line at pos up to its CR, and the position behind CR and one more byte, which the caller
// checks to be LF after it has checked the line, so that the errors come in Redis's order. A nil line: need more.
func (f *Framer) header(buf []byte, l *Limits, tooBig *ProtocolError) (line []byte, next int, err error) {
	cr := f.near(buf, l.Inline)
	if cr < 0 {
		if cr, err = f.find(buf, '\r', l.Inline, tooBig); err != nil || cr < 0 {
			return nil, 0, err
		}
	}
	if cr+1 == len(buf) {
		f.scanned = cr - f.pos
		f.need = int64(cr) + 2
		return nil, 0, nil
	}
	return buf[f.pos:cr], cr + 2, nil
}

// nearBytes is what a length of up to three digits takes with its CR.
const nearBytes = 5

// near returns where the CR is if it is among the first bytes at pos, as with nearly all lengths; otherwise -1, and find
// says more. It saves a fifth of the framing.
func (f *Framer) near(buf []byte, limit int) int {
	if len(buf)-f.pos < nearBytes || limit < nearBytes {
		return -1
	}
	for i, c := range buf[f.pos : f.pos+nearBytes] {
		if c == '\r' {
			return f.pos + i
		}
	}
	return -1
}

// find returns the position of the line's end, or -1 if it has not arrived, or tooBig if limit bytes have arrived
// and one more, all without it. Bytes beyond those do not count, so that the verdict does not depend on how the
// bytes were cut into reads.
func (f *Framer) find(buf []byte, end byte, limit int, tooBig *ProtocolError) (int, error) {
	window := buf[f.pos:min(len(buf), f.pos+limit+1)]
	from := min(f.scanned, len(window))
	if at := bytes.IndexByte(window[from:], end); at >= 0 {
		return f.pos + from + at, nil
	}
	if len(window) > limit {
		return -1, tooBig
	}
	f.scanned = len(window)
	f.need = int64(len(buf)) + 1
	return -1, nil
}

// parseLength reads a decimal number as strictly as Redis reads a length: no plus sign, no leading zero, no minus
// zero, nothing beyond 64 bits.
func parseLength(digits []byte) (int64, bool) {
	if len(digits) == 1 && digits[0] == '0' {
		return 0, true
	}
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' {
		return 0, false
	}
	var magnitude uint64 // 19 digits fit
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		magnitude = magnitude*10 + uint64(c-'0')
	}
	switch {
	case negative && magnitude <= 1<<63:
		return -int64(magnitude), true
	case !negative && magnitude < 1<<63:
		return int64(magnitude), true
	}
	return 0, false
}
