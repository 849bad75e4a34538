package geo

import "math"

// Sine, cosine and arc sine to the last bit: the nearest float64 to the true value, but for one case in millions. C's
// library, whose results Redis prints and stores, comes as near; Go's does not always. The conversions to float64 keep
// the compiler from fusing a product and a sum, so that every processor computes the same.

// pair is a number in two parts: hi is nearest to it, lo is what is left.
type pair struct{ hi, lo float64 }

// sum is a+b without an error.
func sum(a, b float64) pair {
	s := a + b
	t := s - a
	return pair{s, (a - (s - t)) + (b - t)}
}

// product is a*b without an error.
func product(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

func (x pair) plus(y pair) pair {
	s := sum(x.hi, y.hi)
	t := sum(x.lo, y.lo)
	s = sum(s.hi, s.lo+t.hi)
	return sum(s.hi, s.lo+t.lo)
}

func (x pair) times(y pair) pair {
	p := product(x.hi, y.hi)
	return sum(p.hi, p.lo+(float64(x.hi*y.lo)+float64(x.lo*y.hi)))
}

// turn takes quarters of a circle off x, so that what is left lies between -π/4 and π/4. It is for a few turns.
func turn(x float64) (rest pair, quarters int) {
	const quarter, more, most = 0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110 // π/2 in three parts
	k := math.Round(x / quarter)
	rest = sum(x, -k*quarter).plus(product(-k, more))
	return rest.plus(pair{hi: -k * most}), int(k) & 3
}

// sinCos is the sine and the cosine of x. Of their series the first terms are summed in pairs, the rest is too small to
// matter so much.
func sinCos(x float64) (sin, cos pair) {
	r, quarters := turn(x)
	z := r.times(r)
	sin = r.plus(r.times(z.times(sineSeries(z))))
	cos = pair{hi: 1}.plus(z.times(cosineSeries(z)))
	switch quarters {
	case 1:
		return cos, sin.negative()
	case 2:
		return sin.negative(), cos.negative()
	case 3:
		return cos.negative(), sin
	}
	return sin, cos
}

func (x pair) negative() pair { return pair{-x.hi, -x.lo} }

// sineSeries is -1/3! + z/5! - z²/7! + …
func sineSeries(z pair) pair {
	const c11, c13, c15, c17, c19 = -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000, -1.0 / 121645100408832000
	tail := series(z.hi, c11, c13, c15, c17, c19)
	s := pair{0x1.71de3a556c734p-19, -0x1.c154f8ddc6c00p-73}.plus(z.times(pair{hi: tail}))
	s = pair{-0x1.a01a01a01a01ap-13, -0x1.a01a01a01a01ap-73}.plus(z.times(s))
	s = pair{0x1.1111111111111p-7, 0x1.1111111111111p-63}.plus(z.times(s))
	return pair{-0x1.5555555555555p-3, -0x1.5555555555555p-57}.plus(z.times(s))
}

// cosineSeries is -1/2! + z/4! - z²/6! + …
func cosineSeries(z pair) pair {
	const c12, c14, c16, c18, c20 = 1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000, -1.0 / 6402373705728000, 1.0 / 2432902008176640000
	tail := series(z.hi, c12, c14, c16, c18, c20)
	s := pair{-0x1.27e4fb7789f5cp-22, -0x1.cbbc05b4fa99ap-76}.plus(z.times(pair{hi: tail}))
	s = pair{0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-76}.plus(z.times(s))
	s = pair{-0x1.6c16c16c16c17p-10, 0x1.f49f49f49f49fp-65}.plus(z.times(s))
	s = pair{0x1.5555555555555p-5, 0x1.5555555555555p-59}.plus(z.times(s))
	return pair{hi: -0.5}.plus(z.times(s))
}

func series(z, c0, c1, c2, c3, c4 float64) float64 {
	s := c3 + float64(z*c4)
	s = c2 + float64(z*s)
	s = c1 + float64(z*s)
	return c0 + float64(z*s)
}

func sine(x float64) float64 {
	sin, _ := sinCos(x)
	return sin.hi
}

func cosine(x float64) float64 {
	_, cos := sinCos(x)
	return cos.hi
}

// arcSine is for x from 0 to 1; more than 1 has none. A step of Newton's makes a good value a better one.
func arcSine(x float64) float64 {
	y := math.Asin(x)
	if y == 0 || math.IsNaN(y) {
		return y
	}
	sin, cos := sinCos(y)
	off := pair{hi: x}.plus(sin.negative())
	return y + off.hi/cos.hi
}
