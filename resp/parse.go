package resp

import (
	"bytes"

	"github.com/tidwall/redcon"
)

// errNotFramed is the reply to what should not happen: bytes that Framer did not deliver as one request.
var errNotFramed = &ProtocolError{"ERR Protocol error: invalid request"}

// Parse returns the arguments of packet, one whole request as Framer.Next delimited it, appended to args[:0]. None
// means that there is nothing to run. The arguments are slices of packet, except for words of an inline request
// that were quoted. Bytes that Framer did not accept must not come here: see the package comment. For those that it
// did accept the error is nil.
func Parse(packet []byte, args [][]byte) ([][]byte, error) {
	args = args[:0]
	if len(packet) == 0 {
		return args, errNotFramed
	}
	if packet[0] != '*' {
		return parseInline(packet, args)
	}
	if bytes.HasPrefix(packet, []byte("*-")) { // redcon refuses a negative count, Redis skips it
		return args, nil
	}
	complete, args, _, leftover, err := redcon.ReadNextCommand(packet, args)
	if err != nil {
		return args[:0], &ProtocolError{"ERR " + err.Error()}
	}
	if !complete || len(leftover) > 0 {
		return args[:0], errNotFramed
	}
	return args, nil
}

// parseInline splits a line into words as Redis does. Redcon's own splitting differs: it separates at spaces only,
// knows no \x, \a, \b, takes escapes within single quotes, refuses a quote inside a word, reads a leading '$' as
// another server's protocol, and allocates each word.
func parseInline(packet []byte, args [][]byte) ([][]byte, error) {
	for rest := inlineLine(packet); ; {
		var word []byte
		var ok bool
		word, rest, ok = nextWord(rest)
		switch {
		case !ok:
			return args[:0], errUnbalanced
		case len(word) == 0:
			return args, nil
		}
		args = append(args, unquote(word))
	}
}

// inlineLine strips the line end: LF, with or without a CR before it.
func inlineLine(packet []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(packet, []byte{'\n'}), []byte{'\r'})
}

// nextWord returns the first word of line as it is written, with its quotes, and what follows it. A word ends at
// a blank outside quotes; quotes may open anywhere in it, but a closing one must end it. An empty word: no more.
// Not ok: a quote that is not closed, or not at the end of its word.
func nextWord(line []byte) (word, rest []byte, ok bool) {
	for len(line) > 0 && isSpace(line[0]) {
		line = line[1:]
	}
	var quote byte // the one that is open, or 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return line[:i], line[i:], true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			if i+1 < len(line) && !isSpace(line[i+1]) {
				return nil, nil, false
			}
			return line[:i+1], line[i+1:], true
		case escapes(quote, line[i:]):
			i++
		}
	}
	return line, nil, quote == 0
}

// unquote returns what a word stands for: itself if it has no quotes.
func unquote(word []byte) []byte {
	open := bytes.IndexAny(word, `"'`)
	if open < 0 {
		return word
	}
	quote := word[open]
	plain := append(make([]byte, 0, len(word)), word[:open]...)
	for text := word[open+1 : len(word)-1]; len(text) > 0; {
		if !escapes(quote, text) {
			plain, text = append(plain, text[0]), text[1:]
			continue
		}
		c, length := escaped(text)
		plain, text = append(plain, c), text[length:]
	}
	return plain
}

// escapes tells whether text begins with an escape sequence: a backslash and any byte in double quotes, only \' in
// single quotes, none outside.
func escapes(quote byte, text []byte) bool {
	if len(text) < 2 || text[0] != '\\' {
		return false
	}
	return quote == '"' || quote == '\'' && text[1] == '\''
}

// escaped returns the byte that the escape sequence at the start of text stands for, and the sequence's length.
func escaped(text []byte) (c byte, length int) {
	if len(text) >= 4 && text[1] == 'x' {
		high, ok1 := hexDigit(text[2])
		low, ok2 := hexDigit(text[3])
		if ok1 && ok2 {
			return high<<4 | low, 4
		}
	}
	switch text[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'a':
		return '\a', 2
	}
	return text[1], 2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
