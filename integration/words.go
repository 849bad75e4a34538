package integration

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SplitWords splits a line into words the way redis-cli does: bare words, 'raw text' in which only \' is
// special, and "text" with \n \r \t \a \b \xHH and \anything.
func SplitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words, nil
		}
		word, rest, err := firstWord(line)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		line = rest
	}
}

// firstWord takes one word off a line that begins with it.
func firstWord(line string) (word, rest string, err error) {
	switch line[0] {
	case '"':
		word, rest, err = doubleQuoted(line[1:])
	case '\'':
		word, rest, err = singleQuoted(line[1:])
	default:
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			return line, "", nil
		}
		return line[:end], line[end:], nil
	}
	if err == nil && rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		err = fmt.Errorf("no space after the quote: %q", rest)
	}
	return word, rest, err
}

var errOpenQuote = errors.New("quote not closed")

func singleQuoted(s string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			return b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'':
			i++
			b.WriteByte('\'')
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errOpenQuote
}

func doubleQuoted(s string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case s[i+1] == 'x' && i+3 < len(s):
			code, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return "", "", fmt.Errorf("bad \\x in %q: %w", s, err)
			}
			b.WriteByte(byte(code))
			i += 3
		default:
			i++
			b.WriteByte(unescaped(s[i]))
		}
	}
	return "", "", errOpenQuote
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	}
	return c
}

// expandedMax bounds what ${repeat} makes, in bytes.
const expandedMax = 64 << 20

// Expand puts values in place of ${…}. The values of names come from lookup.
func Expand(line string, nowMs int64, lookup func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(line, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("${ without }: %q", line)
		}
		value, err := expandName(name, nowMs, lookup)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		line = rest
	}
}

func expandName(name string, nowMs int64, lookup func(string) (string, bool)) (string, error) {
	if shift, ok := strings.CutPrefix(name, "nowms"); ok {
		return shifted(nowMs, shift)
	}
	if shift, ok := strings.CutPrefix(name, "now"); ok {
		return shifted(nowMs/1000, shift)
	}
	if spec, ok := strings.CutPrefix(name, "repeat:"); ok {
		text, times, _ := strings.Cut(spec, ":")
		n, err := strconv.Atoi(times)
		if err != nil || n < 0 || n > expandedMax/max(1, len(text)) {
			return "", fmt.Errorf("${%s}: not a number, or too long", name)
		}
		return strings.Repeat(text, n), nil
	}
	value, ok := lookup(name)
	if !ok {
		return "", fmt.Errorf("${%s} is not known here", name)
	}
	return value, nil
}

// shifted adds "+N", "-N" or "" to a number.
func shifted(n int64, shift string) (string, error) {
	if shift != "" {
		by, err := strconv.ParseInt(shift, 10, 64)
		if err != nil {
			return "", fmt.Errorf("not a shift: %q", shift)
		}
		n += by
	}
	return strconv.FormatInt(n, 10), nil
}
