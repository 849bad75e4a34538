package hll

import "math"

// The estimator is that of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), section
// 4: it needs only to know how many registers have each rank, and no table for correcting what comes out.
//
// The conversions to float64 of what is float64 already keep the compiler from fusing a product and a sum: the same
// registers give the same count on every processor.

// histogram is how many registers have each rank. A register of six bits can hold a rank that no hash has.
type histogram [64]int

// Count estimates how many distinct elements the sketch b has been given.
func Count(b []byte) (uint64, error) {
	var h histogram
	if IsDense(b) {
		h.addDense(b[headerSize:])
		return h.estimate(), nil
	}
	i, end := 0, headerSize
	for r := range runs(b) {
		h[r.rank] += r.length
		i += r.length
		end = r.at + r.size
	}
	if i != Registers || end != len(b) {
		return 0, ErrCorrupt
	}
	return h.estimate(), nil
}

// Count estimates how many distinct elements there are in all sketches together that were merged.
func (r *Ranks) Count() uint64 {
	var h histogram
	for _, rank := range r {
		h[rank&63]++
	}
	return h.estimate()
}

// addDense takes dense registers by fours, which are three bytes.
func (h *histogram) addDense(b []byte) {
	for ; len(b) >= 3; b = b[3:] {
		four := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		h[four&63]++
		h[four>>6&63]++
		h[four>>12&63]++
		h[four>>18]++
	}
}

func (h *histogram) estimate() uint64 {
	const (
		m     = float64(Registers)
		alpha = 0.721347520444481703680 // 1/(2 ln 2)
	)
	z := float64(m * tau((m-float64(h[rankMax]))/m))
	for rank := rankMax - 1; rank >= 1; rank-- {
		z = float64(z+float64(h[rank])) * 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	n := math.Round(alpha * m * m / z)
	if n >= 1<<63 { // of registers that no elements give
		return 1 << 63
	}
	return uint64(n)
}

// sigma is x + the sum of x^(2^k) 2^(k-1) for k from 1 on: what the registers of rank 0 contribute.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		before := z
		x *= x
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau is (1 - x - the sum of (1-x^(2^-k))^2 2^-k for k from 1 on) / 3: what the registers of the highest rank contribute.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		before := z
		x = math.Sqrt(x)
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
