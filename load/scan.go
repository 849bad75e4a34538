package load

import (
	"bytes"
	"errors"
	"fmt"
)

// errNotRESP is wrapped when a server answers with something else than RESP2.
var errNotRESP = errors.New("the server does not answer in RESP")

// Limits of what a server may answer. A line is an error or a status.
const (
	lineMax     = 64 << 10
	bulkMax     = 512 << 20
	elementsMax = 1 << 24
	nestingMax  = 1 << 30 // elements of all levels together
)

// A reply is what a run wants to know of one. Its bytes are gone with the next read.
type reply struct {
	kind byte   // + - : $ *
	n    int64  // of ':' the number; of '$' and '*' the length, -1 for null
	head []byte // of '+' and '-' the text; of '$' the first stampBytes at most
}

// A scanner finds replies in a stream of bytes that comes in pieces, without keeping them: of a long string it counts
// the bytes that are still to come.
type scanner struct {
	skip     int64 // bytes of a string, and its CR LF, that are still to come
	elements int64 // of the array under way, those still to come
	top      reply // what the reply under way is
	stamp    [stampBytes]byte
}

// next takes bytes from b and says how many. Done: they complete a reply. Otherwise it wants more than b has, and what it
// did not take of b must come again in front of it; that is never more than a line.
func (s *scanner) next(b []byte) (r reply, taken int, done bool, err error) {
	for {
		if s.skip > 0 {
			n := min(s.skip, int64(len(b)-taken))
			s.skip -= n
			taken += int(n)
			if s.skip > 0 {
				return reply{}, taken, false, nil
			}
			if s.elements == 0 {
				return s.top, taken, true, nil
			}
			continue
		}
		item, n, err := s.item(b[taken:])
		if err != nil || n == 0 {
			return reply{}, taken, false, err
		}
		taken += n
		if err := s.count(item); err != nil {
			return reply{}, taken, false, err
		}
		if s.skip == 0 && s.elements == 0 {
			return s.top, taken, true, nil
		}
	}
}

// count notes an item as the reply itself or an element of it.
func (s *scanner) count(item reply) error {
	if s.elements == 0 {
		s.top = item
		if len(item.head) > 0 && item.kind == '$' { // the bytes go before the reply ends
			s.top.head = s.stamp[:copy(s.stamp[:], item.head)]
		}
	} else {
		s.elements--
	}
	if item.kind == '*' && item.n > 0 {
		s.elements += item.n
	}
	if s.elements > nestingMax {
		return fmt.Errorf("%w: an array of %d elements", errNotRESP, s.elements)
	}
	return nil
}

// item reads the line that everything begins with, and of a string its first bytes. n is how many bytes that took; 0 means
// that they are not there yet. Of a string the rest is in skip.
func (s *scanner) item(b []byte) (item reply, n int, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) > lineMax {
			return reply{}, 0, fmt.Errorf("%w: a line of more than %d bytes", errNotRESP, lineMax)
		}
		return reply{}, 0, nil
	}
	if end < 2 || b[end-1] != '\r' {
		return reply{}, 0, fmt.Errorf("%w: %.60q", errNotRESP, b[:end+1])
	}
	text := b[1 : end-1]
	item.kind, n = b[0], end+1
	switch item.kind {
	case '+', '-':
		item.head = text
		return item, n, nil
	case ':', '$', '*':
		var ok bool
		if item.n, ok = number(text); ok && item.isPossible() {
			break
		}
		fallthrough
	default:
		return reply{}, 0, fmt.Errorf("%w: %.60q", errNotRESP, b[:end+1])
	}
	if item.kind != '$' || item.n < 0 {
		return item, n, nil
	}
	head := int(min(item.n, stampBytes))
	if len(b)-n < head {
		return reply{}, 0, nil
	}
	item.head = b[n : n+head]
	s.skip = item.n - int64(head) + int64(len("\r\n"))
	return item, n + head, nil
}

// isPossible says whether a length is one.
func (r reply) isPossible() bool {
	switch r.kind {
	case '$':
		return r.n >= -1 && r.n <= bulkMax
	case '*':
		return r.n >= -1 && r.n <= elementsMax
	}
	return true
}

// number reads a decimal number of at most eighteen digits, or nineteen that fit.
func number(text []byte) (n int64, ok bool) {
	digits, negative := text, false
	if len(digits) > 0 && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if n < 0 { // it did not fit; -2^63 is not worth a case
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}
