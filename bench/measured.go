package main

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
