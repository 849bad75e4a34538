package config

import (
	"errors"
	"fmt"
	"strings"
)

// The quoting of files is Redis's: words between blanks; "…" with \n \r \t \b \a \xHH and \ before any other
// byte; '…' with \' only. A closing quote ends the word.

var (
	errQuotes = errors.New("unbalanced quotes in configuration line")
	errNUL    = errors.New("zero byte in configuration line")
)

// SplitWords takes a line apart into its words, quotes resolved.
func SplitWords(line string) ([]string, error) {
	if strings.IndexByte(line, 0) >= 0 {
		return nil, errNUL
	}
	var words []string
	for {
		line = strings.TrimLeft(line, blanks)
		if line == "" {
			return words, nil
		}
		word, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
}

// cutWord takes the first word off a line that does not begin with a blank.
func cutWord(line string) (word, rest string, err error) {
	var b strings.Builder
	for line != "" && !isBlank(line[0]) {
		quote := line[0]
		if quote != '"' && quote != '\'' {
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		if line, err = unquote(&b, line[1:], quote); err != nil {
			return "", "", err
		}
		break
	}
	return b.String(), line, nil
}

// unquote appends to b what stands before the closing quote, and returns what stands behind it.
func unquote(b *strings.Builder, line string, quote byte) (rest string, err error) {
	for line != "" {
		switch {
		case line[0] == quote:
			if line = line[1:]; line != "" && !isBlank(line[0]) {
				return "", errQuotes
			}
			return line, nil
		case quote == '"' && line[0] == '\\' && len(line) > 1:
			var c byte
			c, line = unescape(line[1:])
			b.WriteByte(c)
		case quote == '\'' && strings.HasPrefix(line, `\'`):
			b.WriteByte('\'')
			line = line[2:]
		default:
			b.WriteByte(line[0])
			line = line[1:]
		}
	}
	return "", errQuotes
}

// unescape reads what follows a backslash.
func unescape(line string) (c byte, rest string) {
	if line[0] == 'x' && len(line) >= 3 && isHex(line[1]) && isHex(line[2]) {
		return hexValue(line[1])<<4 | hexValue(line[2]), line[3:]
	}
	if i := strings.IndexByte("nrtba", line[0]); i >= 0 {
		return "\n\r\t\b\a"[i], line[1:]
	}
	return line[0], line[1:]
}

// blanks separate words.
const blanks = " \t\n\v\f\r"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// quoteWord writes s so that SplitWords gives s back: as it is where that will do, in double quotes otherwise.
func quoteWord(s string) string {
	plain := s != "" && s[0] != '#'
	for i := range len(s) {
		plain = plain && s[i] > ' ' && s[i] != 0x7f && s[i] != '"' && s[i] != '\''
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
