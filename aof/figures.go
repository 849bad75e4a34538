package aof

import "holdfast/internal/histogram"

// Figures are what a log counts.
type Figures struct {
	Syncs   histogram.Histogram // ns that each sync of the live segment took
	Batches histogram.Histogram // records in each write
}

// Figures returns what the log has counted since it was opened; it goes on counting.
func (l *Log) Figures() *Figures { return &l.figures }
