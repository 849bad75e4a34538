package fault

import (
	"context"
	"errors"
	"sync"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
)

// pauser is a server that can be held up, as subject.Process can.
type pauser interface {
	Stop() error
	Continue() error
}

// repliesAfterPause is how many more replies come between a pause and the kill.
const repliesAfterPause = 10

// interrupt kills a server under traffic, or pauses it and then kills it, and judges what it serves afterwards.
func (l *lab) interrupt(ctx context.Context, x experiment) (Result, error) {
	dir, err := l.room()
	if err != nil {
		return Result{}, err
	}
	server, err := l.Starter.Start(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	if _, can := server.(pauser); x.kind == Pause && !can {
		return Result{Outcome: Impossible, Reason: "this server cannot be paused"}, server.Kill()
	}
	live := traffic.NewLive(l.Workload.Clients(), time.Now)
	hand := &hand{Log: live, server: server, at: x.n, kind: x.kind, pause: x.after}
	if x.kind == Kill && x.n == 0 {
		timer := time.AfterFunc(x.after, hand.kill)
		defer timer.Stop()
	}
	drove := l.drive(ctx, server, word(x.kind == Pause, x.after, 0), hand)
	reached := hand.finish()
	if err := errors.Join(hand.err, server.Kill(), ctx.Err()); err != nil {
		return Result{}, err
	}
	if drove.err != nil {
		return Result{}, drove.err
	}
	if drove.broke && !reached {
		return Result{Outcome: Broken, Reason: server.Output(), Findings: findings("", "it ended although nothing had gone wrong")}, nil
	}
	if drove.silent {
		return silent(server), nil
	}
	h, err := live.History(l.Killed)
	if err != nil {
		return Result{}, err
	}
	result, err := l.restart(ctx, dir, h)
	if !reached && result.Outcome == Sound {
		result.Outcome = Unreached
	}
	return result, err
}

// hand is a Log that counts replies, and does something to the server when a number of them have come.
type hand struct {
	traffic.Log
	server subject.Server
	at     int // 0: never
	kind   Kind
	pause  time.Duration

	mu      sync.Mutex // guards what follows
	replies int
	timer   *time.Timer
	paused  bool
	done    bool // what had to be done is done
	over    bool // the traffic is
	err     error
}

func (h *hand) Append(e trace.Event, data []byte) (uint64, error) {
	seq, err := h.Log.Append(e, data)
	if err == nil && e.Kind == trace.Reply {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.replies++
		switch {
		case h.replies == h.at && h.kind == Kill:
			h.killNow()
		case h.replies == h.at:
			h.err = errors.Join(h.err, h.server.(pauser).Stop())
			h.paused = true
			h.timer = time.AfterFunc(h.pause, h.resume)
		case h.replies == h.at+repliesAfterPause && h.kind == Pause && !h.paused:
			h.killNow()
		}
	}
	return seq, err
}

func (h *hand) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		h.killNow()
	}
}

// killNow is kill with h.mu held.
func (h *hand) killNow() {
	h.done = true
	h.err = errors.Join(h.err, h.server.Kill())
}

// resume ends a pause. Replies that were on their way when it began have been counted meanwhile.
func (h *hand) resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paused {
		h.paused, h.replies = false, h.at
		h.err = errors.Join(h.err, h.server.(pauser).Continue())
		h.done = true
	}
}

// finish ends a pause that is still on, and reports whether what had to be done was done.
func (h *hand) finish() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.timer != nil {
		h.timer.Stop()
	}
	if h.paused {
		h.paused, h.done = false, true
		h.err = errors.Join(h.err, h.server.(pauser).Continue())
	}
	return h.done
}
