package commands

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"holdfast/resp"
	"holdfast/zsets"
)

// parseDouble reads what C's strtod takes, all of it: decimal or hexadecimal, or infinity; not NaN. A number that is too
// large for a double is infinite, one too small 0; fits tells them from others.
func parseDouble(b []byte) (f float64, fits, ok bool) {
	digits, sign := b, 1.0
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		if b[0] == '-' {
			sign = -1
		}
		digits = b[1:]
	}
	if equalFold(digits, "INF") || equalFold(digits, "INFINITY") {
		return math.Inf(int(sign)), true, true
	}
	hex := len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x'
	base, from, exponent := 10, 0, "eE"
	if hex {
		base, from, exponent = 16, 2, "pP"
	}
	// What Go takes and C does not: a second sign, Inf and NaN, and digits in groups.
	if from == len(digits) || digits[from] != '.' && !isDigit(digits[from], base) || bytes.IndexByte(digits, '_') >= 0 {
		return 0, false, false
	}
	text := string(digits)
	if hex && !strings.ContainsAny(text, exponent) {
		text += "p0"
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !math.IsInf(f, 0):
		return 0, false, false
	case f == 0:
		mantissa := text[from:]
		if e := strings.IndexAny(mantissa, exponent); e >= 0 {
			mantissa = mantissa[:e]
		}
		fits = strings.Trim(mantissa, "0.") == ""
	default:
		fits = err == nil
	}
	return math.Copysign(f, sign), fits, true
}

// double is the i-th argument as a double; where it is none, refusal is the reply.
func (c *Call) double(i int, refusal string) (float64, bool) {
	f, fits, ok := parseDouble(c.Args[i])
	if !ok || !fits {
		c.Reply.Error(refusal)
		return 0, false
	}
	return f, true
}

// parseScoreEnd reads an end of a range of scores: a number, after a "(" if it is open. As in Redis this is what C makes
// of it: blanks before the number, nothing at all, and anything behind a zero byte are fine.
func parseScoreEnd(b []byte) (score float64, open, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		open, b = true, b[1:]
	}
	if zero := bytes.IndexByte(b, 0); zero >= 0 {
		b = b[:zero]
	}
	if len(b) == 0 {
		return 0, open, true
	}
	score, _, ok = parseDouble(bytes.TrimLeft(b, " \t\n\v\f\r"))
	return score, open, ok
}

// scoreRange reads a range of scores whose ends are the arguments min and max.
func (c *Call) scoreRange(min, max int) (r zsets.ScoreRange, ok bool) {
	var okMin, okMax bool
	r.Min, r.MinOpen, okMin = parseScoreEnd(c.Args[min])
	r.Max, r.MaxOpen, okMax = parseScoreEnd(c.Args[max])
	if !okMin || !okMax {
		c.Reply.Error(resp.ErrScoreRangeNotFloat)
		return r, false
	}
	return r, true
}

// parseLexEnd reads an end of a range of members: "[member", "(member" for an open one, or "-" and "+" for what lies
// beyond them all.
func parseLexEnd(b []byte) (e zsets.LexEnd, ok bool) {
	if len(b) == 0 {
		return e, false
	}
	alone := len(b) == 1 || b[1] == 0 // it ends where a string ends in C
	switch b[0] {
	case '-':
		e.Below, ok = true, alone
	case '+':
		e.Above, ok = true, alone
	case '(':
		e.Member, e.Open, ok = b[1:], true, true
	case '[':
		e.Member, ok = b[1:], true
	}
	return e, ok
}

// lexRange reads a range of members whose ends are the arguments min and max.
func (c *Call) lexRange(min, max int) (r zsets.LexRange, ok bool) {
	var okMin, okMax bool
	r.Min, okMin = parseLexEnd(c.Args[min])
	r.Max, okMax = parseLexEnd(c.Args[max])
	if !okMin || !okMax {
		c.Reply.Error(resp.ErrLexRange)
		return r, false
	}
	return r, true
}
