package client

import "errors"

// ErrQuotes is returned by Words for quotes that do not match.
var ErrQuotes = errors.New("quotes do not match")

// Words splits a typed line as redis-cli 7.0 does. Blanks separate words. Inside "double quotes" the escapes \n \r \t
// \b \a and \xHH stand for one byte, and a backslash before anything else for that thing; inside 'single quotes' only
// \' is special. A quote may open in the middle of a word, but after it closes the word must end.
func Words(line string) ([]string, error) {
	var words []string
	for rest := line; ; {
		for rest != "" && isBlank(rest[0]) {
			rest = rest[1:]
		}
		if rest == "" {
			return words, nil
		}
		word, after, err := cutWord(rest)
		if err != nil {
			return nil, err
		}
		words, rest = append(words, word), after
	}
}

// cutWord returns the word at the start of line, which is not blank, and what follows it.
func cutWord(line string) (word, rest string, err error) {
	var out []byte
	for line != "" && !endsWord(line[0]) {
		switch line[0] {
		case '"':
			out, line, err = cutDouble(out, line[1:])
		case '\'':
			out, line, err = cutSingle(out, line[1:])
		default:
			out, line = append(out, line[0]), line[1:]
			continue
		}
		if err == nil && line != "" && !isBlank(line[0]) {
			err = ErrQuotes
		}
		return string(out), line, err
	}
	return string(out), line, nil
}

// cutDouble appends what stands before the closing double quote, and returns what stands behind it.
func cutDouble(out []byte, line string) ([]byte, string, error) {
	for line != "" {
		switch {
		case line[0] == '"':
			return out, line[1:], nil
		case len(line) >= 4 && line[:2] == `\x` && isHex(line[2]) && isHex(line[3]):
			out, line = append(out, unhex(line[2])<<4|unhex(line[3])), line[4:]
		case len(line) >= 2 && line[0] == '\\':
			out, line = append(out, unescape(line[1])), line[2:]
		default:
			out, line = append(out, line[0]), line[1:]
		}
	}
	return nil, "", ErrQuotes
}

// cutSingle is cutDouble for single quotes.
func cutSingle(out []byte, line string) ([]byte, string, error) {
	for line != "" {
		switch {
		case line[0] == '\'':
			return out, line[1:], nil
		case len(line) >= 2 && line[:2] == `\'`:
			out, line = append(out, '\''), line[2:]
		default:
			out, line = append(out, line[0]), line[1:]
		}
	}
	return nil, "", ErrQuotes
}

// unescape returns the byte that a backslash and c stand for.
func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// isBlank says whether c may stand between words: isspace(3) in the C locale.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// endsWord says whether c ends a word that is not in quotes: a blank, but for \v and \f, which redis-cli overlooks.
func endsWord(c byte) bool { return isBlank(c) && c != '\v' && c != '\f' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// appendQuoted appends s in double quotes with escapes, such that Words gives s back: printable ASCII as it is,
// the escapes of Words for the others.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

// appendEscaped is appendQuoted without the quotes around.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' || c == '"':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\a':
			dst = append(dst, `\a`...)
		case c == '\b':
			dst = append(dst, `\b`...)
		case c >= ' ' && c <= '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
