package engine

import "time"

// Some pieces of a checkpoint no slice makes short: the kernel brings thousands of pages to the disk, and has a processor for that
// again and again, before anybody else. Beside a modest load a pause follows: so a checkpoint takes longer, and of the requests in it
// fewer meet with such a piece. Under a flood as many would meet with it, only later, and there the next checkpoint is waited for.

const (
	paceFactor  = 3 // such a pause is so many times as long as the piece,
	longestPace = 500 * time.Millisecond
)

// pace is called by a checkpoint behind such a piece, and waits where that helps anybody.
func (e *Engine) pace(took time.Duration) {
	if !e.checkpoints.writing.Load() {
		return // of a start, or of a reload, which has the lock until it is done
	}
	helps := false
	e.Do(func() {
		c := &e.checkpoints
		helps = len(c.waiting) == 0 && !(e.log != nil && e.log.Short()) &&
			!(e.maxmemory.Load() > 0 && e.policy.Load() == "spill") && e.stats.rate.modest()
	})
	if helps {
		e.sleep(min(paceFactor*took, longestPace))
	}
}
