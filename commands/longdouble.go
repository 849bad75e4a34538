package commands

import (
	"bytes"
	"math/big"
)

// INCRBYFLOAT counts in C's long double, which on x86-64 is the 80-bit format: 64 bits of mantissa, exponents up
// to 2^16383. Clients see it: 0.1+0.2 is 0.3 there, and 0.30000000000000004 in a float64. A big.Float of 64 bits
// rounds alike; what is left is the format's range and C's way of writing numbers.
//
// Numbers below 2^-16382, which the format keeps with fewer bits, keep all of them here: the difference begins
// some 4900 digits behind those that are printed.

const (
	longDoubleBits   = 64
	longDoubleExpMax = 16384 // big.Float's mantissa is below 1, so its exponents are one higher than C's
	longDoubleExpMin = -16445
	longDoubleText   = 5 << 10 // a longer text is no number, as in Redis
	longDoubleDigits = 17      // behind the point, in a reply
)

// parseLongDouble reads what C's strtold takes, all of it: decimal or hexadecimal, or infinity; but not NaN, nor a
// number that is too large, nor one so small that it becomes 0.
func parseLongDouble(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) >= longDoubleText {
		return nil, false
	}
	negative, digits := false, b
	if b[0] == '-' || b[0] == '+' {
		negative, digits = b[0] == '-', b[1:]
	}
	x, ok := parseMagnitude(digits)
	if ok && negative {
		x.Neg(x)
	}
	return x, ok
}

func parseMagnitude(b []byte) (*big.Float, bool) {
	if equalFold(b, "INF") || equalFold(b, "INFINITY") {
		return new(big.Float).SetInf(false), true
	}
	base := 10
	if len(b) > 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 'X') {
		base, b = 16, b[2:]
	}
	// What Go takes and C does not: a second sign, Inf, and powers of two behind decimal digits.
	if len(b) == 0 || b[0] != '.' && !isDigit(b[0], base) || base == 10 && bytes.ContainsAny(b, "pP") {
		return nil, false
	}
	// With room for every digit the only rounding is the one to 64 bits.
	x, _, err := big.ParseFloat(string(b), base, uint(4*len(b)+longDoubleBits), big.ToNearestEven)
	if err != nil {
		return nil, false
	}
	x.SetPrec(longDoubleBits)
	if x.Sign() == 0 {
		return x, base == 16 || isZero(b)
	}
	return x, inLongDoubleRange(x) && x.MantExp(nil) >= longDoubleExpMin
}

// isZero tells a decimal number that is 0 from one that became 0.
func isZero(b []byte) bool {
	if e := bytes.IndexAny(b, "eE"); e >= 0 {
		b = b[:e]
	}
	return !bytes.ContainsAny(b, "123456789")
}

func isDigit(c byte, base int) bool {
	return '0' <= c && c <= '9' || base == 16 && ('a' <= c|0x20 && c|0x20 <= 'f')
}

func inLongDoubleRange(x *big.Float) bool { return !x.IsInf() && x.MantExp(nil) <= longDoubleExpMax }

// addLongDoubles adds; false where the sum is no finite number.
func addLongDoubles(a, b *big.Float) (*big.Float, bool) {
	if a.IsInf() || b.IsInf() {
		return nil, false
	}
	sum := new(big.Float).SetPrec(longDoubleBits).Add(a, b)
	return sum, inLongDoubleRange(sum)
}

// appendLongDouble appends x with up to 17 digits behind the point and no zeros at the end, nor minus zero.
func appendLongDouble(dst []byte, x *big.Float) []byte {
	from := len(dst)
	dst = x.Append(dst, 'f', longDoubleDigits)
	dst = bytes.TrimRight(dst, "0")
	dst = bytes.TrimSuffix(dst, []byte("."))
	if string(dst[from:]) == "-0" {
		return append(dst[:from], '0')
	}
	return dst
}
