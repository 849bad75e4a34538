package load

import (
	"context"
	"time"
)

// progressEvery lies between two reports of progress.
const progressEvery = 100 * time.Millisecond

// Await is a run of a given number of operations, from its beginning to its end. A run that ctx ends is an error.
func Await(ctx context.Context, o Options, progress func(done uint64)) (Result, error) {
	r, err := Start(ctx, o, "all")
	if err != nil {
		return Result{}, err
	}
	r.Wait(progress)
	result, err := r.Stop()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, err
}

// For lets the run go on for so long, or to its end if that comes first.
func (r *Run) For(d time.Duration, progress func(done uint64)) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	r.watch(progress, timer.C)
}

// watch reports progress until the run ends or enough comes.
func (r *Run) watch(progress func(done uint64), enough <-chan time.Time) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return
		case <-enough:
			return
		case <-tick.C:
			if progress != nil {
				progress(r.Answered())
			}
		}
	}
}

// Wait lets the run go on to its end.
func (r *Run) Wait(progress func(done uint64)) { r.watch(progress, nil) }
