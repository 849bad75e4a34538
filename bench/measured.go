package main

import (
	"math"

	"holdfast/load"
)

// Measured is one run of one server: what the generator saw, and what the server used for it.
type Measured struct {
	Observed
	load.Usage
}

// column takes one figure out of each run.
func column(runs []Measured, figure func(Measured) float64) []float64 {
	figures := make([]float64, len(runs))
	for i, run := range runs {
		figures[i] = figure(run)
	}
	return figures
}

func rps(m Measured) float64     { return m.RPS }
func p50ms(m Measured) float64   { return known(m.P50ms) }
func p99ms(m Measured) float64   { return m.P99ms }
func p999ms(m Measured) float64  { return known(m.P999ms) }
func cpuus(m Measured) float64   { return m.CPUus }
func anonMiB(m Measured) float64 { return float64(m.Anon) / (1 << 20) }
func reads(m Measured) float64   { return m.Reads }
func writes(m Measured) float64  { return m.Writes }

// known is NaN for what redis-benchmark does not tell.
func known(ms float64) float64 {
	if ms == 0 {
		return math.NaN()
	}
	return ms
}
