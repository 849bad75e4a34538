package main

import (
	"math"
	"slices"
)

// median is the middle of the numbers, or the mean of the middle two; NaN if there are none or one of them is NaN.
func median(numbers []float64) float64 {
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

// ratios divides pair by pair: the figures of one round by each other. x/0 is NaN: a figure too small to measure has
// no ratio.
func ratios(above, below []float64) []float64 {
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

// Measured is one run of one server.
type Measured struct {
	Observed
	CPUus float64 // CPU time of the server per request, microseconds
}

// column takes one figure out of each run.
func column(runs []Measured, figure func(Measured) float64) []float64 {
	figures := make([]float64, len(runs))
	for i, run := range runs {
		figures[i] = figure(run)
	}
	return figures
}

func rps(m Measured) float64   { return m.RPS }
func p99ms(m Measured) float64 { return m.P99ms }
func cpuus(m Measured) float64 { return m.CPUus }
