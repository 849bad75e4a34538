package load

// A pace says when requests are due that come at a fixed rate: request i of a loop at start + i/rate. It reads no clock;
// times are nanoseconds of whatever clock the caller has.
type pace struct {
	start    int64
	interval float64 // between two requests, nanoseconds
	released uint64  // requests that were due so far
}

func newPace(start int64, rate float64) pace {
	return pace{start: start, interval: 1e9 / rate}
}

// at is when request i is due.
func (p *pace) at(i uint64) int64 { return p.start + int64(float64(i)*p.interval) }

// next is when the first request that is not released is due.
func (p *pace) next() int64 { return p.at(p.released) }

// release gives out the next request if it is due.
func (p *pace) release(now int64) (i uint64, due bool) {
	if p.next() > now {
		return 0, false
	}
	p.released++
	return p.released - 1, true
}
