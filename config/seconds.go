package config

import (
	"math"
	"strconv"
	"strings"
)

// parseSeconds reads a number of seconds, or a number with a unit, in either case: 90s, 30m, 12h, 7d. Redis has no setting
// of this kind; digits alone are what parseInt takes.
func (d *Directive) parseSeconds(text string) (value, string) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	var unit int64
	switch strings.ToLower(text[digits:]) {
	case "", "s":
		unit = 1
	case "m":
		unit = 60
	case "h":
		unit = 60 * 60
	case "d":
		unit = 24 * 60 * 60
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if unit == 0 || digits == 0 || err != nil && n != math.MaxInt64 {
		return value{}, "argument must be a number of seconds, or a time such as 30m, 12h or 7d"
	}
	if n > d.Max/unit || n*unit < d.Min {
		return value{}, between(d.Min, d.Max)
	}
	return value{strconv.FormatInt(n*unit, 10), n * unit}, ""
}
