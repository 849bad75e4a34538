package intake

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"holdfast/inspect"
)

// A long string of a JSON line is decoded piece by piece, as it is wanted; the line is not read before. It has to be written as
// an export writes it: what is known of the key stands before the value. Any other line is read whole.

// longLine is from how many bytes on a line is looked at so.
const longLine = 1 << 20

// jsonText is a long string in a file.
type jsonText struct {
	jsonLine
	file   io.ReaderAt
	begin  int64 // of the line
	from   int64 // where its text begins, behind the quotation mark
	to     int64 // where the line ends
	base64 bool
}

// longText looks whether a line, of which head is the beginning, has a string for a value that may be read piece by piece.
func longText(head []byte) (t jsonText, ok bool) {
	d := json.NewDecoder(bytes.NewReader(head))
	if mark, err := d.Token(); err != nil || mark != json.Delim('{') {
		return t, false
	}
	for {
		name, err := d.Token()
		if err != nil {
			return t, false
		}
		switch name {
		case "db":
			err = d.Decode(&t.DB)
		case "key":
			err = d.Decode(&t.Key)
		case "type":
			err = d.Decode(&t.Type)
		case "deadline_unix_ms":
			err = d.Decode(&t.Deadline)
		case "value":
			rest := head[d.InputOffset():]
			t.from = d.InputOffset()
			for _, mark := range []string{`:"`, `:{"base64":"`} {
				if bytes.HasPrefix(rest, []byte(mark)) {
					t.from += int64(len(mark))
					t.base64 = len(mark) > 2
					return t, t.DB != nil && t.Key != nil && t.Type == "string"
				}
			}
			return t, false
		default:
			return t, false
		}
		if err != nil {
			return t, false
		}
	}
}

// errText: a string is not what JSON has, or something follows it.
var errText = errors.New("a string that makes no sense, or that something stands behind")

// pieces hands on one piece of the string after the other. A piece is good until the function returns; its error ends it, and is
// returned.
func (t *jsonText) pieces(to func(piece []byte) error) error {
	fn := func(piece []byte) error {
		if err := to(piece); err != nil {
			return own{err} // no end of the file, whatever it is
		}
		return nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(t.file, t.from, t.to-t.from), 64<<10)
	if t.base64 {
		plain, d := fn, base64Pieces{}
		if err := textPieces(in, func(piece []byte) error { return d.add(piece, plain) }); err != nil {
			return t.blame(err)
		}
		if len(d.left) > 0 {
			return fmt.Errorf("%w: base64 ends within a group", errText)
		}
	} else if err := textPieces(in, fn); err != nil {
		return t.blame(err)
	}
	rest, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err != nil {
		return t.blame(err)
	}
	end := "}"
	if t.base64 {
		end = "}}"
	}
	if rest = bytes.TrimSpace(rest); string(rest) != end {
		return errText
	}
	return nil
}

// base64Pieces decodes base64 that comes in pieces.
type base64Pieces struct {
	left  []byte // of a group
	ended bool
}

func (d *base64Pieces) add(piece []byte, fn func([]byte) error) error {
	d.left = append(d.left, piece...)
	whole := len(d.left) / 4 * 4
	if whole > 0 && d.ended {
		return fmt.Errorf("%w: base64 goes on behind its end", errText)
	}
	out, err := base64.StdEncoding.AppendDecode(nil, d.left[:whole])
	if err != nil {
		return fmt.Errorf("%w: %w", errText, err)
	}
	d.ended = whole > 0 && d.left[whole-1] == '='
	d.left = append(d.left[:0], d.left[whole:]...)
	return fn(out)
}

func (t *jsonText) blame(err error) error {
	mine := own{}
	switch {
	case errors.As(err, &mine):
		return mine.error
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it has no end", errText)
	}
	return err
}

// textPieces decodes a string up to its end.
func textPieces(in *bufio.Reader, fn func(piece []byte) error) error {
	quoted := []byte{'"'}
	for {
		raw, err := in.Peek(in.Size())
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		n, closed := wholeText(raw)
		if n > 0 {
			var text string
			if err := json.Unmarshal(append(append(quoted[:1], raw[:n]...), '"'), &text); err != nil {
				return fmt.Errorf("%w: %w", errText, err)
			}
			if err := fn([]byte(text)); err != nil {
				return err
			}
		}
		if _, err := in.Discard(n); err != nil {
			return err
		}
		switch {
		case closed:
			_, err := in.Discard(1)
			return err
		case n == 0:
			return io.EOF
		}
	}
}

// wholeText is how many bytes of the beginning of a string can be decoded by themselves: no character and no escape is cut, nor
// one half of a pair of surrogates from the other. closed says that a quotation mark follows.
func wholeText(b []byte) (n int, closed bool) {
	const escape = len(`\u0000`)
	for n < len(b) {
		size := 1
		switch {
		case b[n] == '"':
			return n, true
		case b[n] == '\\' && n+1 == len(b):
			return n, false
		case b[n] == '\\' && b[n+1] == 'u':
			switch size = escape; half(b[n:], "89ab") {
			case unknown:
				return n, false
			case yes:
				switch half(b[min(n+escape, len(b)):], "cdef") {
				case unknown:
					return n, false
				case yes:
					size = 2 * escape
				}
			}
		case b[n] == '\\':
			size = 2
		case b[n] >= utf8.RuneSelf:
			if !utf8.FullRune(b[n:]) {
				return n, false
			}
			_, size = utf8.DecodeRune(b[n:])
		}
		if n+size > len(b) {
			return n, false
		}
		n += size
	}
	return n, false
}

// answer is that to a question about bytes of which some may not be there yet.
type answer int

const (
	no answer = iota
	yes
	unknown
)

// half reports whether b begins with the escape of one half of a pair of surrogates: its second digit is one of those.
func half(b []byte, second string) answer {
	for i, any := range []string{`\`, "u", "dD", second + strings.ToUpper(second)} {
		if i == len(b) {
			return unknown
		}
		if strings.IndexByte(any, b[i]) < 0 {
			return no
		}
	}
	return yes
}

// measured is how many bytes the string has. It reads it, and finds whether it makes sense, while goOn says nothing else.
func (t *jsonText) measured(goOn func() error) (size int64, err error) {
	err = t.pieces(func(piece []byte) error {
		size += int64(len(piece))
		return goOn()
	})
	return size, err
}

// entry is the key.
func (t *jsonText) entry(size int64) *inspect.Entry {
	e := &inspect.Entry{DB: *t.DB, Key: inspect.Bytes(*t.Key), Type: t.Type, Deadline: t.Deadline, Bytes: int64(len(*t.Key)) + size}
	e.SetText(size, t.pieces)
	return e
}
