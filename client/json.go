package client

import (
	"strconv"
	"unicode/utf8"

	"holdfast/resp"
)

// appendJSON appends reply as one JSON value, as redis-cli 7.0 --json does: strings in UTF-8, maps as objects, sets and
// pushes as arrays, big numbers as digits.
//
// Where redis-cli's output would not be JSON, this differs: an error is {"error":"…"}, an infinity or NaN is a string,
// a report like that of INFO is a string, and a byte that is not part of valid UTF-8 becomes \u0080 to \u00ff, its Latin-1 reading. Escaping such a byte as a lone
// surrogate would be reversible, but most parsers refuse it; who must not lose a byte takes QuotedJSON.
func (s Style) appendJSON(dst []byte, reply resp.Reply) []byte {
	if reply.Null {
		return append(dst, "null"...)
	}
	switch reply.Kind {
	case '*', '~', '>':
		dst = append(dst, '[')
		for i, element := range reply.Elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.appendJSON(dst, element)
		}
		return append(dst, ']')
	case '%':
		return s.appendJSONObject(dst, reply.Elems)
	case '-', '!':
		return append(s.appendJSONString(append(dst, `{"error":`...), reply.Str), '}')
	case ':':
		return strconv.AppendInt(dst, reply.Int, 10)
	case ',', '(':
		if isJSONNumber(reply.Str) {
			return append(dst, reply.Str...)
		}
	case '#':
		return strconv.AppendBool(dst, reply.Bool)
	}
	return s.appendJSONString(dst, reply.Str)
}

// appendJSONObject appends alternating keys and values. A key that is not a string becomes the text of its JSON.
func (s Style) appendJSONObject(dst []byte, pairs []resp.Reply) []byte {
	dst = append(dst, '{')
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch key := pairs[i]; {
		case key.Null || key.Kind != '$' && key.Kind != '+' && key.Kind != '=':
			dst = JSON.appendJSONString(dst, s.appendJSON(nil, key))
		default:
			dst = s.appendJSONString(dst, key.Str)
		}
		dst = s.appendJSON(append(dst, ':'), pairs[i+1])
	}
	return append(dst, '}')
}

// isJSONNumber says whether text, a number as a server wrote it, is one by JSON's grammar too: no infinity, no plus
// sign, no leading zeros, digits on both sides of the point.
func isJSONNumber(text []byte) bool {
	rest := text
	digits := func() int {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		rest = rest[n:]
		return n
	}
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	}
	leadingZero := len(rest) > 0 && rest[0] == '0'
	if n := digits(); n == 0 || leadingZero && n > 1 {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
		if digits() == 0 {
			return false
		}
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return len(rest) == 0
}

// appendJSONString appends text as a JSON string.
func (s Style) appendJSONString(dst []byte, text []byte) []byte {
	if s == QuotedJSON {
		text = appendEscaped(nil, text)
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(text) > 0 {
		c := text[0]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRune(text); r != utf8.RuneError || size > 1 {
				dst, text = append(dst, text[:size]...), text[size:]
				continue
			}
		}
		text = text[1:]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\b':
			dst = append(dst, `\b`...)
		case c == '\f':
			dst = append(dst, `\f`...)
		case c < ' ' || c >= utf8.RuneSelf:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
