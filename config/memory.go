package config

import (
	"math"
	"strconv"
	"strings"
)

// The units of memory sizes: those with a b are powers of 1024, those without are powers of 1000.
const (
	kilobyte = 1 << 10
	megabyte = 1 << 20
	gigabyte = 1 << 30
)

// Size reads a number of bytes with an optional unit, as settings take it: 100, 1k, 1mb.
func Size(text string) (n int64, ok bool) {
	n, big, ok := parseSize(text)
	return n, ok && !big && strings.ContainsAny(text, "0123456789")
}

// parseSize reads a number of bytes with an optional unit, in any case: 100, 100b, 1k, 1kb, 1m, 1mb, 1g, 1gb. A missing
// number is 0, as in Redis. Redis wraps around what does not fit; here it is math.MaxInt64 and big is true.
func parseSize(text string) (n int64, big, ok bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	var unit int64
	switch strings.ToLower(text[digits:]) {
	case "", "b":
		unit = 1
	case "k":
		unit = 1e3
	case "kb":
		unit = kilobyte
	case "m":
		unit = 1e6
	case "mb":
		unit = megabyte
	case "g":
		unit = 1e9
	case "gb":
		unit = gigabyte
	default:
		return 0, false, false
	}
	if digits == 0 {
		return 0, false, true
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return math.MaxInt64, true, true
	}
	return n * unit, false, true
}

// formatSize writes n with the largest unit that divides it, for files.
func formatSize(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{gigabyte, "gb"}, {megabyte, "mb"}, {kilobyte, "kb"}} {
		if n > 0 && n%unit.bytes == 0 {
			return strconv.FormatInt(n/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func (d *Directive) parseMemory(text string) (value, string) {
	n, big, ok := parseSize(text)
	if !ok {
		return value{}, "argument must be a memory value"
	}
	if big || n < d.Min || n > d.Max {
		return value{}, between(d.Min, d.Max)
	}
	return value{strconv.FormatInt(n, 10), n}, ""
}

// parseShare reads a memory size or a percentage, which it keeps as its negative.
func (d *Directive) parseShare(text string) (value, string) {
	number, percent := strings.CutSuffix(text, "%")
	if !percent {
		v, reason := d.parseMemory(text)
		if reason == "argument must be a memory value" {
			reason = "argument must be a memory or percent value"
		}
		return v, reason
	}
	p, err := strconv.ParseUint(number, 10, 63)
	switch {
	case err != nil:
		return value{}, "argument must be a memory or percent value"
	case p > 100:
		return value{}, "percentage argument must be less or equal to 100"
	case p == 0:
		return value{"0", int64(0)}, ""
	}
	return value{strconv.FormatUint(p, 10) + "%", -int64(p)}, ""
}
