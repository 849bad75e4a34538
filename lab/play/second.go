package play

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

const (
	// repliesMax is how many replies a second round of traffic gets at most before the second crash.
	repliesMax = 150
	// cutsEach is how many states of a second crash are played, when it is a power cut.
	cutsEach = 4
)

// killTwice sends traffic to a recovered server, ends it by kill -9, starts it again, and judges the history of both lives.
func (p *player) killTwice(ctx context.Context, server subject.Server, dir string, live *traffic.Live, seed uint64, x *examined) error {
	failed, err := p.drive(ctx, server, live, seed)
	if err != nil {
		return err
	}
	if failed != nil {
		x.second(failed, failed.findings)
		return nil
	}
	h, err := live.History(p.Killed)
	if err != nil {
		return err
	}
	return p.again(ctx, dir, h, x)
}

// drive sends a round of traffic to a server, and ends it by kill -9 at some reply, or at the end.
func (p *player) drive(ctx context.Context, server subject.Server, log traffic.Log, seed uint64) (*shown, error) {
	f := &fuse{Log: log, blow: server.Kill}
	f.left.Store(1 + int64(rand.New(rand.NewPCG(seed, 0)).IntN(repliesMax)))
	failed, err := p.within(ctx, server, func() error {
		_, err := traffic.Within(ctx, p.Workload, after, server.Dial, f, seed, traffic.Limits{Patience: p.Limit})
		if f.blown.Load() && errors.Is(err, traffic.ErrBroken) {
			return nil
		}
		return err
	})
	if failed != nil || err != nil {
		return failed, err
	}
	return nil, server.Kill()
}

// again starts the server on what a second crash left.
func (p *player) again(ctx context.Context, dir string, h *workload.History, x *examined) error {
	server, what, err := p.start(ctx, dir)
	if err == nil && what == nil {
		what, err = p.look(ctx, server, nil)
		err = errors.Join(err, server.Kill())
	}
	if err != nil {
		return err
	}
	findings := what.findings
	if what.outcome == Sound {
		h.Seen = what.seen
		findings = p.Workload.Judge(h, what.replies)
	}
	x.second(what, findings)
	return nil
}

// second takes what became of the second recovery.
func (x *examined) second(what *shown, findings []workload.Finding) {
	x.outcome, x.reason, x.findings = what.outcome, what.reason, findings
	if what.outcome == Sound {
		x.outcome = verdict(findings)
	}
	x.round = 0
	if x.outcome != Sound {
		x.round = 2
	}
}

// cutTwice does the first recovery and the traffic after it on a recording file system, and plays power cuts out of that.
// They may come as early as in the first recovery itself.
func (p *player) cutTwice(ctx context.Context, at *point, dir string, seed uint64) (x examined, err error) {
	path := dir + ".trace"
	defer func() { err = errors.Join(err, remove(path)) }()
	meta := p.trace.Meta
	meta.Began = p.Clock().UnixMilli()
	limited, cancel := context.WithTimeout(ctx, 3*p.Limit)
	defer cancel()
	err = p.Power.Record(limited, dir, path, meta, func(server subject.Server, log traffic.Log) (err error) {
		if x.shown, err = p.look(ctx, server, log); err != nil || x.shown.outcome != Sound {
			return err
		}
		if x = x.conclude(p, at); x.outcome != Sound {
			return nil
		}
		x.twice = true
		failed, err := p.drive(ctx, server, log, seed)
		if failed != nil {
			x.second(failed, failed.findings)
		}
		return err
	})
	switch {
	case ctx.Err() != nil:
		return x, ctx.Err()
	case errors.Is(err, subject.ErrRefused):
		x.shown = &shown{outcome: Refused, reason: lastLines(err.Error())}
	case errors.Is(err, subject.ErrSilent) || errors.Is(err, context.DeadlineExceeded):
		x.shown = &shown{outcome: Silent, reason: lastLines(err.Error()),
			findings: []workload.Finding{{Check: workload.NeverStarted, Detail: fmt.Sprintf("it neither answers nor ends within %v", p.Limit)}}}
	case err != nil:
		return x, fmt.Errorf("recording a second crash: %w", err)
	}
	if !x.twice {
		return x.conclude(p, at), nil
	}
	if x.outcome != Sound {
		return x, nil
	}
	return x, p.playCuts(ctx, at.history, path, seed, &x)
}

// playCuts plays power cuts of a second trace.
func (p *player) playCuts(ctx context.Context, h *workload.History, path string, seed uint64, x *examined) (err error) {
	r, err := trace.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	of, err := p.count(r)
	if err != nil {
		return err
	}
	sampler, _ := newSampler(of, cutsEach, seed)
	return p.followAs(r, traffic.Resume(h, r.Meta), h.Crash, func(w *walk, e trace.Event) (bool, error) {
		for i, s := range p.slots(w) {
			for n := range sampler.next(s) {
				crash := w.crash(s.reading, s.piece)
				choice := crash.Pick(s.variant, seedOf(seed, e.Seq, i, n))
				dir := p.newRoom()
				err := crash.Build(dir, choice)
				if err == nil {
					err = p.again(ctx, dir, p.history(w, e, r.Meta.Policy), x)
				}
				if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
					return false, err
				}
				x.cuts++
				if x.outcome != Sound {
					state := State{Seq: e.Seq - h.Crash, Reading: s.reading, Piece: s.piece, Choice: choice.String()}
					x.reason = fmt.Sprintf("second crash: a power cut, state %v of its own trace. %s", state, x.reason)
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// history is what there is to judge by after a second crash. Reads that it cut short are left out: a judgement begins with
// a whole row of them, or with none.
func (p *player) history(w *walk, e trace.Event, policy string) *workload.History {
	h := w.follower.History(e.Seq, policy)
	isRead := func(op workload.Op) bool { return op.Round == reading }
	read := 0
	for _, op := range h.Ops {
		if isRead(op) && op.Acked {
			read++
		}
	}
	if read < len(p.Workload.Reads()) {
		h.Ops = slices.DeleteFunc(h.Ops, isRead)
	}
	return h
}

func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
