package main

import (
	"sync"
	"time"
)

// samplePause lies between two looks at the memory of a process.
const samplePause = 10 * time.Millisecond

// A sampler looks at a size again and again and keeps the greatest.
type sampler struct {
	quit chan struct{}
	done sync.WaitGroup
	peak int64
	err  error
}

// watch begins to look, until peakBytes.
func watch(size func() (int64, error)) *sampler {
	s := &sampler{quit: make(chan struct{})}
	s.done.Go(func() {
		tick := time.NewTicker(samplePause)
		defer tick.Stop()
		for s.err == nil {
			var now int64
			now, s.err = size()
			s.peak = max(s.peak, now)
			select {
			case <-s.quit:
				return
			case <-tick.C:
			}
		}
	})
	return s
}

// peakBytes ends the looking and returns the greatest size seen.
func (s *sampler) peakBytes() (int64, error) {
	close(s.quit)
	s.done.Wait()
	return s.peak, s.err
}
