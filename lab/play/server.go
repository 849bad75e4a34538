package play

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

const (
	// Ended is the check of a server that started, answered, and then ended by itself, or closed every connection.
	Ended workload.Check = "server ends while it serves"
	// Hangs is the check of one that started, and then did not answer.
	Hangs workload.Check = "server hangs while it serves"
)

// examined is what became of one directory.
type examined struct {
	shown    *shown // in the first recovery
	outcome  Outcome
	round    int
	reason   string
	findings []workload.Finding
	twice    bool // there was a second crash
	cuts     int  // directories that were played of it
}

// examine builds a directory, starts the server on it and judges it; with a seed, a second crash and recovery follow.
func (p *player) examine(ctx context.Context, at *point, build func(dir string) error, seed uint64) (x examined, err error) {
	dir := p.newRoom()
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := build(dir); err != nil {
		return x, err
	}
	if seed != 0 && p.Power != nil && seed&2 != 0 {
		return p.cutTwice(ctx, at, dir, seed)
	}
	h := *at.history
	var log traffic.Log
	var live *traffic.Live
	if seed != 0 {
		live = traffic.After(&h, p.Workload.Clients(), p.Clock)
		log = live
	}
	server, failed, err := p.start(ctx, dir)
	if err != nil || failed != nil {
		x.shown = failed
		return x.conclude(p, at), err
	}
	defer func() { err = errors.Join(err, server.Kill()) }()
	if x.shown, err = p.look(ctx, server, log); err != nil {
		return x, err
	}
	x = x.conclude(p, at)
	if x.outcome != Sound || live == nil {
		return x, nil
	}
	x.twice = true
	return x, p.killTwice(ctx, server, dir, live, seed, &x)
}

func (p *player) newRoom() string {
	return filepath.Join(p.room, fmt.Sprint(p.rooms.Add(1)))
}

// conclude judges what was shown in the first recovery.
func (x examined) conclude(p *player, at *point) examined {
	if x.shown == nil {
		return x
	}
	x.outcome, x.reason, x.findings = p.judge(at, x.shown)
	if x.outcome != Sound {
		x.round = 1
	}
	return x
}

// start starts the server. A start that fails by the server's doing is no error, but shown.
func (p *player) start(ctx context.Context, dir string) (subject.Server, *shown, error) {
	limited, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	server, err := p.Starter.Start(limited, dir)
	switch {
	case err == nil:
		return server, nil, nil
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case errors.Is(err, subject.ErrRefused):
		return nil, &shown{outcome: Refused, reason: lastLines(err.Error())}, nil
	case errors.Is(err, subject.ErrSilent) || errors.Is(err, context.DeadlineExceeded):
		return nil, &shown{
			outcome: Silent, reason: lastLines(err.Error()),
			findings: []workload.Finding{{Check: workload.NeverStarted, Detail: fmt.Sprintf("it neither answers nor ends within %v", p.Limit)}},
		}, nil
	}
	return nil, nil, fmt.Errorf("starting the server on %s: %w", dir, err)
}

// look reads the whole state; log is nil or takes down what was said. The conversation has a number that no client has.
func (p *player) look(ctx context.Context, server subject.Server, log traffic.Log) (*shown, error) {
	s := &shown{outcome: Sound, seen: p.Clock().UnixMilli()}
	var replies []resp.Reply
	ended, err := p.within(ctx, server, func() error {
		var err error
		replies, err = traffic.Ask(ctx, server.Dial, log, traffic.ConnOf(p.Workload.Clients(), 0, reading), p.Workload.Reads(), p.Limit)
		return err
	})
	if ended != nil || err != nil {
		return ended, err
	}
	s.read(replies)
	return s, nil
}

// The rounds of the conversations: after the first crash, and who reads what is there then.
const (
	after   = 1
	reading = 2
)

// within lets fn talk to a server, which is killed if ctx ends meanwhile. What is the server's fault is shown.
func (p *player) within(ctx context.Context, server subject.Server, fn func() error) (*shown, error) {
	killed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { killed <- server.Kill() })
	err := fn()
	if !stop() {
		return nil, errors.Join(<-killed, ctx.Err())
	}
	switch {
	case errors.Is(err, traffic.ErrUnanswered):
		return &shown{
			outcome: Silent, reason: lastLines(server.Output()),
			findings: []workload.Finding{{Check: Hangs, Detail: err.Error()}},
		}, nil
	case errors.Is(err, traffic.ErrBroken):
		return &shown{
			outcome: Broken, reason: lastLines(server.Output()),
			findings: []workload.Finding{{Check: Ended, Detail: err.Error()}},
		}, nil
	}
	return nil, err
}

// lastLines is the end of what a server wrote, which is where it says why.
func lastLines(text string) string {
	const linesMax, bytesMax = 6, 2000
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	text = strings.Join(lines[max(0, len(lines)-linesMax):], "\n")
	return strings.ToValidUTF8(text[max(0, len(text)-bytesMax):], "")
}

// fuse is a log that ends the server at the n-th reply.
type fuse struct {
	traffic.Log
	left  atomic.Int64
	blow  func() error
	blown atomic.Bool
}

func (f *fuse) Append(e trace.Event, data []byte) (uint64, error) {
	seq, err := f.Log.Append(e, data)
	if e.Kind == trace.Reply && f.left.Add(-1) == 0 {
		f.blown.Store(true)
		err = errors.Join(err, f.blow())
	}
	return seq, err
}
