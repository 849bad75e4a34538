package engine

import (
	"time"

	"holdfast/commands"
)

// stopwatch times calls. To look at the clock costs a tenth of a GET, so of a quick command most calls are not timed: each of the first, and
// then one in sampled, which stands for all. Every other call is, and every one where SLOWLOG is to show what is quick.
//
// Where calls follow each other, the end of one is the beginning of the next.
type stopwatch struct {
	epoch time.Time
	at    time.Duration // since the epoch, when it was last looked at
	fresh bool          // nothing has run since
	exact bool          // every call is timed
	// slow and spike are how long a call must take to be remembered in SLOWLOG, and as an event; long is the shorter.
	slow, spike, long time.Duration
	tracking          bool          // keep a histogram
	fetching          time.Duration // of the call under way: what it waited for the disk
}

// A quick command's first calls are all timed, and then one in sampled.
const sampled = 16

// forever is longer than anything takes.
const forever = 1<<63 - 1

// duration is n units, or forever where that is more: a setting may have any number.
func duration(n int64, unit time.Duration) time.Duration {
	return time.Duration(min(n, int64(forever/unit))) * unit
}

// ready makes it ready for a batch.
func (w *stopwatch) ready(s *settings) {
	w.fresh = false
	w.slow, w.spike = forever, forever
	if us := s.slower.Load(); us >= 0 {
		w.slow = duration(us, time.Microsecond)
	}
	if ms := s.spike.Load(); ms > 0 {
		w.spike = duration(ms, time.Millisecond)
	}
	w.long = min(w.slow, w.spike)
	w.exact = w.long < time.Millisecond
	w.tracking = s.tracking.Load()
}

// timing is a call under way. calls is how many it stands for.
type timing struct {
	began time.Duration
	calls int64
	timed bool
}

// begin starts timing a call.
func (w *stopwatch) begin(cmd *commands.Command, args [][]byte) (t timing) {
	n := cmd.Stats.Calls
	switch {
	case n < sampled || w.exact || !cmd.Quick():
		t.calls = 1
	case n%sampled == sampled-1:
		t.calls = sampled
	case cmd.QuickCall(args):
		w.fresh = false
		return t
	} // any other is too large to be passed over, though those that are sampled stand for it too
	if !w.fresh {
		w.at = time.Since(w.epoch)
	}
	w.fresh = false
	t.began, t.timed = w.at, true
	return t
}

// end stops timing, counts, and tells how long the call took: where it was not timed, its reading from the disk.
func (w *stopwatch) end(t timing, s *commands.Stats) (took time.Duration) {
	took, w.fetching = w.fetching, 0
	if !t.timed {
		return took
	}
	w.at, w.fresh = time.Since(w.epoch), true
	took = w.at - t.began
	if t.calls > 0 {
		s.Took(took, t.calls, w.tracking)
	}
	return took
}

// tookLong remembers a call that did.
func (e *Engine) tookLong(took time.Duration, c *commands.Client, cmd *commands.Command, args [][]byte, now int64) {
	w := &e.stopwatch
	if took >= w.slow && cmd.Flags&commands.SkipSlowlog == 0 {
		e.world.Slowlog.Add(now/1000, took, cmd, args, c, e.slowMax.Load())
	}
	event := "command"
	if cmd.Flags&commands.Fast != 0 {
		event = "fast-command"
	}
	e.spiked(event, took, now)
}

// spiked remembers an event if it took long enough.
func (e *Engine) spiked(event string, took time.Duration, now int64) {
	if ms := e.spike.Load(); ms > 0 && took >= duration(ms, time.Millisecond) {
		e.world.Spikes.Add(event, now/1000, took.Milliseconds())
	}
}
