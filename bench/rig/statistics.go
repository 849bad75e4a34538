package rig

import (
	"fmt"
	"math"
	"slices"
)

// Median is the middle of the numbers, or the mean of the middle two; NaN if there are none or one of them is NaN.
func Median(numbers []float64) float64 {
	if len(numbers) == 0 || slices.ContainsFunc(numbers, math.IsNaN) {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Ratios divides pair by pair: the figures of one round by each other. x/0 is NaN: a figure too small to measure has
// no ratio.
func Ratios(above, below []float64) []float64 {
	if len(above) != len(below) {
		panic("BUG: a round has two sides")
	}
	quotients := make([]float64, len(above))
	for i := range above {
		quotients[i] = above[i] / below[i]
		if below[i] == 0 {
			quotients[i] = math.NaN()
		}
	}
	return quotients
}

// Number prints a figure with so many decimals; one that is not known as a dash.
func Number(figure float64, decimals int) string {
	if math.IsNaN(figure) {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, figure)
}
