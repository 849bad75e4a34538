package zsets

import (
	"iter"
	"math"
	"strconv"
)

// AppendScore appends a score as Redis 7.0 writes it: C's %.17g, and inf, -inf.
func AppendScore(dst []byte, score float64) []byte {
	switch {
	case math.IsInf(score, 1):
		return append(dst, "inf"...)
	case math.IsInf(score, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, score, 'g', 17, 64)
}

// Pieces yields each element as its member and its score's text, in order. The pieces are good until the loop goes on.
func (z *Set) Pieces() iter.Seq[[][]byte] {
	return func(yield func([][]byte) bool) {
		var room [32]byte
		pieces := make([][]byte, 2)
		for member, score := range z.All() {
			pieces[0], pieces[1] = member, AppendScore(room[:0], score)
			if !yield(pieces) {
				return
			}
		}
	}
}
