package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// The client's side: AppendCommand encodes requests, Decoder reads replies.

// AppendCommand appends a request, an array of bulk strings, to dst.
func AppendCommand[T ~string | ~[]byte](dst []byte, args ...T) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, "\r\n"...)
	for _, arg := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(arg)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, arg...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

var (
	// ErrMalformed says that the bytes are no reply in RESP2 or RESP3. The rest of the stream is lost with them.
	ErrMalformed = errors.New("malformed reply")
	// ErrTooLarge says that a reply is larger or deeper than the Decoder takes.
	ErrTooLarge = errors.New("reply too large")
)

// reservedElems is how many elements are made room for before they arrive: enough for most replies, and little even
// if it is wasted at every depth.
const reservedElems = 64

// Reply is one reply of either protocol version. Kind is its first byte on the wire and decides which field counts:
//
//	:        Int
//	,        Float      also infinite or NaN; Str is as it was printed
//	#        Bool
//	+ -      Str        status, error
//	$ !      Str        bulk string, bulk error
//	=        Str, Ext   verbatim string and its format, three bytes
//	(        Str        big number, its digits
//	* ~ >    Elems      array, set, push
//	%        Elems      map: key and value in turn
//	_ $ *    Null       null, and RESP2's null bulk string and null array
//
// Attrs is the map of attributes ('|') that came before the reply, key and value in turn.
type Reply struct {
	Kind  byte
	Str   []byte
	Int   int64
	Float float64
	Bool  bool
	Null  bool
	Elems []Reply
	Attrs []Reply
	Ext   string
}

// Err returns the reply as an error if it is one ('-' or '!'), else nil.
func (r Reply) Err() error {
	if r.Kind == '-' || r.Kind == '!' {
		return Error(r.Str)
	}
	return nil
}

// Decoder reads replies from a stream. It allocates as bytes arrive, never by a length that it has only been told.
// Streamed strings and aggregates of RESP3 (`$?`), which no server sends, are malformed. Not for concurrent use.
type Decoder struct {
	BulkMax     int64 // bytes of one string
	ElementsMax int64 // elements of one aggregate; of a map, twice its pairs
	LineMax     int   // bytes of a line: status, error, number
	DepthMax    int   // aggregates within aggregates

	in *bufio.Reader
}

// NewDecoder returns a Decoder of what r delivers, with limits that no honest server reaches: strings of 1 GiB,
// 2^31-1 elements, lines of 1 MiB, depth 128. It reads ahead.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{
		BulkMax: 1 << 30, ElementsMax: math.MaxInt32, LineMax: 1 << 20, DepthMax: 128,
		in: bufio.NewReaderSize(r, 16<<10),
	}
}

// Decode reads one reply. It returns io.EOF if the stream ended before it, io.ErrUnexpectedEOF if within it, an
// error that is ErrMalformed or ErrTooLarge, or the stream's own. A push message ('>') is returned like a reply: it
// answers no request.
func (d *Decoder) Decode() (Reply, error) {
	if _, err := d.in.Peek(1); err != nil {
		return Reply{}, err
	}
	reply, err := d.reply(0)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Reply{}, err
	}
	return reply, nil
}

// Buffered returns the number of bytes read ahead, which the next Decode takes first.
func (d *Decoder) Buffered() int { return d.in.Buffered() }

func (d *Decoder) reply(depth int) (Reply, error) {
	if depth > d.DepthMax {
		return Reply{}, fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, d.DepthMax)
	}
	var attrs []Reply
	for {
		line, err := d.line()
		if err != nil {
			return Reply{}, err
		}
		if len(line) == 0 {
			return Reply{}, fmt.Errorf("%w: empty line", ErrMalformed)
		}
		r := Reply{Kind: line[0], Attrs: attrs}
		if err := d.body(&r, line[1:], depth); err != nil {
			return Reply{}, err
		}
		if r.Kind != '|' {
			return r, nil
		}
		attrs = append(attrs, r.Elems...)
		if int64(len(attrs)) > d.ElementsMax {
			return Reply{}, fmt.Errorf("%w: %d attributes", ErrTooLarge, len(attrs)/2)
		}
	}
}

// body fills r, whose first line is its kind and rest.
func (d *Decoder) body(r *Reply, rest []byte, depth int) (err error) {
	switch r.Kind {
	case '+', '-':
		r.Str = rest
	case ':':
		r.Int, err = parseInteger(rest)
	case ',':
		r.Str = rest
		r.Float, err = parseDouble(rest)
	case '(':
		r.Str, err = rest, checkBigNumber(rest)
	case '#':
		r.Bool, err = parseBool(rest)
	case '_':
		r.Null = true
		if len(rest) > 0 {
			err = malformed("null", rest)
		}
	case '$', '!', '=':
		err = d.text(r, rest)
	case '*', '~', '>', '%', '|':
		err = d.aggregate(r, rest, depth)
	default:
		err = fmt.Errorf("%w: unknown type %q", ErrMalformed, r.Kind)
	}
	return err
}

// text reads a string whose length is given by size.
func (d *Decoder) text(r *Reply, size []byte) error {
	if r.Kind == '$' && string(size) == "-1" {
		r.Null = true
		return nil
	}
	n, ok := parseLength(size)
	if !ok || n < 0 {
		return malformed("length of a string", size)
	}
	if n > d.BulkMax {
		return fmt.Errorf("%w: string of %d bytes", ErrTooLarge, n)
	}
	text, err := d.bytes(n)
	if err != nil {
		return err
	}
	if r.Kind == '=' {
		if len(text) < 4 || text[3] != ':' {
			return fmt.Errorf("%w: verbatim string without a format", ErrMalformed)
		}
		r.Ext, text = string(text[:3]), text[4:]
	}
	r.Str = text
	return nil
}

// aggregate reads the elements, whose number is given by size; for a map and attributes the number of pairs.
func (d *Decoder) aggregate(r *Reply, size []byte, depth int) error {
	if r.Kind == '*' && string(size) == "-1" {
		r.Null = true
		return nil
	}
	n, ok := parseLength(size)
	if !ok || n < 0 {
		return malformed("length of an aggregate", size)
	}
	each := int64(1)
	if r.Kind == '%' || r.Kind == '|' {
		each = 2
	}
	if n > d.ElementsMax/each {
		return fmt.Errorf("%w: aggregate of %d", ErrTooLarge, n)
	}
	n *= each
	r.Elems = make([]Reply, 0, min(n, reservedElems))
	for range n {
		elem, err := d.reply(depth + 1)
		if err != nil {
			return err
		}
		r.Elems = append(r.Elems, elem)
	}
	return nil
}

// bytes reads n bytes and the CR LF behind them. What it allocates at a time is no more than has come, or 64 KiB.
func (d *Decoder) bytes(n int64) ([]byte, error) {
	text := make([]byte, 0, min(n, 64<<10))
	for int64(len(text)) < n {
		from := len(text)
		if from == cap(text) {
			grown := make([]byte, from, min(n, 2*int64(from)))
			copy(grown, text)
			text = grown
		}
		text = text[:cap(text)]
		if _, err := io.ReadFull(d.in, text[from:]); err != nil {
			return nil, err
		}
	}
	var end [2]byte
	if _, err := io.ReadFull(d.in, end[:]); err != nil {
		return nil, err
	}
	if end != [2]byte{'\r', '\n'} {
		return nil, fmt.Errorf("%w: string of %d bytes not followed by CR LF", ErrMalformed, n)
	}
	return text, nil
}

// line reads up to CR LF and returns what precedes it, in memory of its own.
func (d *Decoder) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := d.in.ReadSlice('\n')
		if len(line)+len(piece) > d.LineMax {
			return nil, fmt.Errorf("%w: line of more than %d bytes", ErrTooLarge, d.LineMax)
		}
		line = append(line, piece...)
		if err == nil {
			break
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, malformed("line end", line)
	}
	return line[:len(line)-2], nil
}

func parseInteger(s []byte) (int64, error) {
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil {
		return 0, malformed("integer", s)
	}
	return n, nil
}

func parseDouble(s []byte) (float64, error) {
	for _, c := range s { // ParseFloat would take hexadecimal, underscores and "infinity" as well
		if (c < '0' || c > '9') && c != '.' && c != '+' && c != '-' && c != 'e' && c != 'E' {
			switch string(s) {
			case "inf", "-inf", "nan":
				return strconv.ParseFloat(string(s), 64)
			case "-nan": // as some C libraries print it
				return math.NaN(), nil
			}
			return 0, malformed("double", s)
		}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		return 0, malformed("double", s)
	}
	return f, nil
}

func parseBool(s []byte) (bool, error) {
	switch string(s) {
	case "t":
		return true, nil
	case "f":
		return false, nil
	}
	return false, malformed("boolean", s)
}

func checkBigNumber(s []byte) error {
	digits := s
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return malformed("big number", s)
		}
	}
	if len(digits) == 0 {
		return malformed("big number", s)
	}
	return nil
}

func malformed(what string, got []byte) error {
	return fmt.Errorf("%w: %s %.64q", ErrMalformed, what, got)
}
