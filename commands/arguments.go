package commands

import (
	"math"
	"math/big"
	"strconv"

	"holdfast/resp"
)

// ParseInt reads a number as Redis does everywhere but in scores: decimal, an optional minus, no plus, no
// leading zero, no space.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits, negative := b, false
	if b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var n uint64
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		if n > math.MaxUint64/10 {
			return 0, false
		}
		n *= 10
		if n > math.MaxUint64-uint64(d-'0') {
			return 0, false
		}
		n += uint64(d - '0')
	}
	switch {
	case negative && n <= 1<<63:
		return int64(-n), true
	case !negative && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}

// int is the i-th argument as an integer; where it is none, the reply says so.
func (c *Call) int(i int) (int64, bool) {
	n, ok := ParseInt(c.Args[i])
	if !ok {
		c.Reply.Error(resp.ErrNotInteger)
	}
	return n, ok
}

// timeoutSeconds reads a blocking command's timeout in seconds, with fractions, and returns the deadline in unix
// milliseconds, 0 for none. What is too large is "negative", since that is what it becomes in Redis.
func (c *Call) timeoutSeconds(i int) (deadline int64, ok bool) {
	s, ok := parseLongDouble(c.Args[i])
	if !ok {
		c.Reply.Error(resp.ErrTimeoutNotFloat)
		return 0, false
	}
	if s.IsInf() {
		return c.timeout(-1)
	}
	ms := new(big.Float).SetPrec(s.Prec()).Mul(s, big.NewFloat(1000))
	n, accuracy := ms.Int64()
	switch {
	case n == math.MaxInt64:
		n = -1
	case accuracy == big.Below: // a part of a millisecond counts as one
		n++
	}
	return c.timeout(n)
}

// timeout turns a timeout in milliseconds into a deadline.
func (c *Call) timeout(ms int64) (deadline int64, ok bool) {
	switch {
	case ms < 0:
		c.Reply.Error(resp.ErrTimeoutNegative)
		return 0, false
	case ms == 0:
		return 0, true
	case ms > math.MaxInt64-c.Now:
		c.Reply.Error(resp.ErrTimeoutNegative)
		return 0, false
	}
	return c.Now + ms, true
}

// word is s as the bytes of an effect's argument.
func word(s string) []byte { return []byte(s) }

// decimal is n as the bytes of an effect's argument.
func decimal(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
