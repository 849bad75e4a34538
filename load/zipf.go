package load

import "math"

// zipfTheta is YCSB's: how uneven the popularity of ranks is.
const zipfTheta = 0.99

// A zipf draws ranks from 0 to n-1, rank r with a probability in proportion to 1/(r+1)^theta. It is the method of Gray
// and others ("Quickly generating billion-record synthetic databases", 1994), which YCSB uses too. Two loops may share
// one: it does not change.
type zipf struct {
	n                       float64
	theta, alpha, zeta, eta float64
	second                  float64 // what zeta times a random number stays below for ranks 0 and 1
}

// newZipf prepares to draw from n ranks, of which there is one at least.
func newZipf(n uint64, theta float64) *zipf {
	z := &zipf{n: float64(n), theta: theta, alpha: 1 / (1 - theta), zeta: zeta(n, theta)}
	z.eta = (1 - math.Pow(2/z.n, 1-theta)) / (1 - zeta(2, theta)/z.zeta)
	z.second = 1 + math.Pow(0.5, theta)
	return z
}

// rank is the rank that a random number from 0 to below 1 stands for.
func (z *zipf) rank(random float64) uint64 {
	uz := random * z.zeta
	switch {
	case uz < 1 || z.n == 1:
		return 0
	case uz < z.second || z.n == 2:
		return 1
	}
	rank := z.n * math.Pow(z.eta*random-z.eta+1, z.alpha)
	return uint64(min(max(rank, 0), z.n-1))
}

// zeta is the sum of 1/i^theta for i from 1 to n. Its far terms are taken as an integral (midpoint rule), which is right
// to eight digits and more; adding up a billion powers would take half a minute.
func zeta(n uint64, theta float64) float64 {
	const exact = 10_000
	var sum float64
	for i := uint64(1); i <= min(n, exact); i++ {
		sum += math.Pow(float64(i), -theta)
	}
	if n > exact {
		power := func(x float64) float64 { return math.Pow(x, 1-theta) / (1 - theta) }
		sum += power(float64(n)+0.5) - power(exact+0.5)
	}
	return sum
}
