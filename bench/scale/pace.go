package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const paceConns = 16

// A pace is a load of single GETs and SETs of random keys at a modest, fixed rate: what a server has to do that is not
// at its limit. Each connection has a request due every so often, and waits for its reply before the next.
type pace struct {
	rate   float64 // requests per second, all connections together
	writes bool    // every second request is a SET
	keys   uint64
	seed   uint64
}

// A sample is one request: when it was sent and how long its reply took. A request that was due while the one before it was
// still unanswered counts from when it was due: a server that stalls must not look better for being asked less meanwhile.
// One that our own timer sent late counts from when it was sent.
type sample struct {
	from time.Time
	took time.Duration
}

// A load under way.
type running struct {
	quit    chan struct{}
	all     sync.WaitGroup
	samples [paceConns][]sample
	errs    [paceConns]error
}

// start begins the load and returns. It goes on until stop, or until ctx ends.
func (p pace) start(ctx context.Context, addr string) *running {
	r := &running{quit: make(chan struct{})}
	for i := range paceConns {
		r.all.Go(func() {
			samples, err := p.keepOn(ctx, addr, r.quit, uint64(i))
			if err != nil {
				err = fmt.Errorf("load: connection %d: %w", i, because(ctx, err))
			}
			r.samples[i], r.errs[i] = samples, err
		})
	}
	return r
}

// stop ends the load and returns what it saw, in no order.
func (r *running) stop() ([]sample, error) {
	close(r.quit)
	r.all.Wait()
	return slices.Concat(r.samples[:]...), errors.Join(r.errs[:]...)
}

func (p pace) keepOn(ctx context.Context, addr string, quit <-chan struct{}, share uint64) ([]sample, error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	interval := time.Duration(float64(paceConns) / p.rate * float64(time.Second))
	due := time.Now().Add(interval * time.Duration(share) / paceConns)
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	var samples []sample
	for n := uint64(0); ; n++ {
		select {
		case <-quit:
			return samples, nil
		case <-timer.C:
		}
		from := sentAt(due, time.Now(), samples)
		if err := p.ask(c, mix(p.seed+share)+n); err != nil {
			return samples, err
		}
		samples = append(samples, sample{from, time.Since(from)})
		due = due.Add(interval)
		timer.Reset(time.Until(due))
	}
}

// sentAt is from when on a request counts that was due and is sent now.
func sentAt(due, now time.Time, before []sample) time.Time {
	if len(before) > 0 {
		if last := before[len(before)-1]; last.from.Add(last.took).After(due) {
			return due
		}
	}
	return now
}

// ask sends request n, whose key and kind follow from n.
func (p pace) ask(c *conn, n uint64) error {
	random := mix(n)
	if p.writes && random>>63 == 0 {
		return c.set(random%p.keys, random)
	}
	return c.get(random % p.keys)
}

// during are the samples that were sent in a span of time.
func during(samples []sample, begin, end time.Time) []sample {
	var within []sample
	for _, s := range samples {
		if !s.from.Before(begin) && !s.from.After(end) {
			within = append(within, s)
		}
	}
	return within
}

// p99 is the 99th percentile in microseconds: the least time within which 99 of 100 replies came. NaN of nothing.
func p99(samples []sample) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	times := make([]time.Duration, len(samples))
	for i, s := range samples {
		times[i] = s.took
	}
	slices.Sort(times)
	rank := (len(times)*99 + 99) / 100
	return micros(times[rank-1])
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
