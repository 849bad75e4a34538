package play

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// player plays one plan. One goroutine follows the trace and hands out points; workers play them.
type player struct {
	Plan
	trace *trace.Reader
	room  string // all directories are in it
	rooms atomic.Int64
	cache *cache
	total int

	mu      sync.Mutex // guards what follows, and the plan's Each and Progress
	summary Summary
	shrunk  map[workload.Check]int // how many states of a check have been shrunk
}

// point is a moment of the trace at which the power may fail, with the states that are played of it. Its worker owns it.
type point struct {
	seq     uint64
	history *workload.History
	states  []pick
	free    bool // nothing has to be there
	judged  map[judged][]workload.Finding
}

// pick is one state, before it has been chosen what is lost in it.
type pick struct {
	slot
	seed  uint64
	crash *disk.Crash
}

// judged is what a judgement at a point depends on: what was shown, and when.
type judged struct {
	sum  [sha256.Size]byte
	seen int64
}

// isPoint reports whether a crash right after an event differs from one right before it: something was done to files, or
// something was acknowledged.
func isPoint(e trace.Event) bool { return e.Kind.IsFile() || e.Kind == trace.Reply }

// count counts the points of a trace, and what there is to play at them.
func (p *player) count(r *trace.Reader) (c census, err error) {
	err = p.follow(r, func(w *walk, _ trace.Event) (bool, error) {
		c.add(p.slots(w))
		return true, nil
	})
	if err == nil && c.points == 0 {
		err = fmt.Errorf("playing %s: %w", p.Trace, ErrNothing)
	}
	return c, err
}

func isBegin(e trace.Event) bool { return e.Kind == trace.Mark && e.Note == trace.MarkBegin }

// play plays a sample of the points.
func (p *player) play(ctx context.Context, of census) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sampler, total := newSampler(of, p.States, p.Seed)
	p.total = total
	work := make(chan *point)
	var workers sync.WaitGroup
	for range p.Workers {
		workers.Go(func() {
			for at := range work {
				if err := p.playPoint(ctx, at); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := p.follow(p.trace, func(w *walk, e trace.Event) (bool, error) {
		at := p.sample(w, e, sampler)
		if at == nil {
			return true, nil
		}
		select {
		case work <- at:
			return true, nil
		case <-ctx.Done():
			return false, nil
		}
	})
	close(work)
	workers.Wait()
	return errors.Join(err, context.Cause(ctx))
}

// sample draws what is played at a point; nil is nothing.
func (p *player) sample(w *walk, e trace.Event, from *sampler) *point {
	var states []pick
	for i, s := range p.slots(w) {
		for n := range from.next(s) {
			states = append(states, pick{slot: s, seed: seedOf(p.Seed, e.Seq, i, n), crash: w.crash(s.reading, s.piece)})
		}
	}
	if len(states) == 0 {
		return nil
	}
	h := w.follower.History(e.Seq, p.trace.Meta.Policy)
	return &point{seq: e.Seq, states: states, history: h, free: !workload.Due(h.Ops), judged: map[judged][]workload.Finding{}}
}

// seedOf gives each state a seed of its own.
func seedOf(seed, seq uint64, slot, n int) uint64 {
	return rand.NewPCG(seed^seq<<20, uint64(slot)<<32|uint64(n)).Uint64()
}

func (p *player) playPoint(ctx context.Context, at *point) error {
	for _, s := range at.states {
		if err := ctx.Err(); err != nil {
			return err
		}
		choice := s.crash.Pick(s.variant, s.seed)
		state := State{Seq: at.seq, Reading: s.reading, Piece: s.piece, Variant: s.variant, Choice: choice.String()}
		r, err := p.playState(ctx, at, state, s.crash, choice)
		if err != nil {
			return fmt.Errorf("playing state %v: %w", state, err)
		}
		p.tell(r)
	}
	return nil
}

// playState plays a state, or judges again what has been shown of the same directory.
func (p *player) playState(ctx context.Context, at *point, state State, crash *disk.Crash, choice disk.Choice) (Result, error) {
	began := time.Now()
	digest := crash.Digest(choice)
	r := Result{State: state, Name: state.String(), Variant: string(state.Variant), NothingDue: at.free}
	what := p.cache.get(digest)
	if what == nil {
		x, err := p.examine(ctx, at, func(dir string) error { return crash.Build(dir, choice) }, p.twice(digest))
		if err != nil {
			p.cache.put(digest, nil)
			return Result{}, err
		}
		p.cache.put(digest, x.shown)
		p.countDirectory(x)
		r.Outcome, r.Round, r.Reason, r.Findings = x.outcome, x.round, x.reason, x.findings
	} else {
		r.Outcome, r.Reason, r.Findings = p.judge(at, what)
		if r.Outcome != Sound {
			r.Round = 1
		}
	}
	if r.Outcome == Broken && r.Round == 1 && p.Shrink {
		if err := p.shrink(ctx, &r, choice.Lost()); err != nil {
			return Result{}, err
		}
	}
	r.Millis = millis(time.Since(began))
	return r, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// twice decides whether a directory gets a second crash, and returns its seed; 0 is no.
func (p *player) twice(d digest) uint64 {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(d[0])|uint64(d[1])<<8|uint64(d[2])<<16|uint64(d[3])<<24))
	if rng.Float64() >= p.Second {
		return 0
	}
	return rng.Uint64() | 1
}

func (p *player) countDirectory(x examined) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.summary.Distinct++
	p.summary.Cuts += x.cuts
	if x.twice {
		p.summary.Twice++
	}
}

// judge says what is wrong with what a server showed, for a crash at this point.
func (p *player) judge(at *point, what *shown) (Outcome, string, []workload.Finding) {
	if what.outcome != Sound {
		return what.outcome, what.reason, what.findings
	}
	key := judged{what.sum, what.seen}
	findings, known := at.judged[key]
	if !known {
		h := *at.history
		h.Seen = what.seen
		findings = p.Workload.Judge(&h, what.replies)
		if at.judged != nil {
			at.judged[key] = findings
		}
	}
	return verdict(findings), "", findings
}

// verdict is what findings come to. What could not be decided in time is told, but breaks no promise.
func verdict(findings []workload.Finding) Outcome {
	for _, f := range findings {
		if f.Check != workload.Undecided {
			return Broken
		}
	}
	return Sound
}

// one plays a single state, anew.
func (p *player) one(ctx context.Context, state State) (Result, error) {
	var at *point
	var crash *disk.Crash
	err := p.follow(p.trace, func(w *walk, e trace.Event) (bool, error) {
		if e.Seq < state.Seq {
			return true, nil
		}
		at = &point{seq: e.Seq, history: w.follower.History(e.Seq, p.trace.Meta.Policy)}
		crash = w.crash(state.Reading, state.Piece)
		return false, nil
	}, everyEvent)
	if err != nil {
		return Result{}, err
	}
	if at == nil || at.seq != state.Seq {
		return Result{}, fmt.Errorf("state %v: event %d: %w", state, state.Seq, ErrNoPoint)
	}
	choice, err := crash.ParseChoice(state.Choice)
	if err != nil {
		return Result{}, fmt.Errorf("state %v: %w", state, err)
	}
	if p.Keep != "" {
		if err := vacant(p.Keep); err != nil {
			return Result{}, err
		}
		if err := crash.Build(p.Keep, choice); err != nil {
			return Result{}, err
		}
	}
	r, err := p.playState(ctx, at, state, crash, choice)
	if err == nil {
		p.tell(r)
	}
	return r, err
}

// vacant refuses a directory that something is in: a crash would stand among it, and look like it.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("keeping what the crash has left: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("keeping what the crash has left: %s is not empty: it holds %s", dir, entries[0].Name())
	}
	return nil
}
