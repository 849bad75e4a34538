package server

import (
	"context"
	"errors"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/engine"
)

// loop is an event loop's list of sessions whose replies have not left yet.
//
// Most of the cost of durability is the sync, so one sync serves as many requests as possible: replies that wait for
// the log are sent by a task that the loop runs when it has read from every connection that was ready; the task
// commits once for all. A loop with a single busy connection commits at once instead, as nobody would share.
//
// Where a sync is slow the commit runs on a goroutine of its own, and requests that do not wait for the log go on
// meanwhile. Measured at some 100 microseconds a sync, the handing over costs more than it gives.
type loop struct {
	srv     *Server
	el      gnet.EventLoop
	pending []*session

	scheduled bool     // the task is queued
	last      *session // who had output the last time
	alone     int      // tasks in a row that served one session

	committing bool // on the other goroutine
}

// slowSync is the cost of a sync from which on it does not hold up the loop.
const slowSync = time.Millisecond

// aloneAfter is how many tasks in a row must have served one and the same session for it to be committed at once.
const aloneAfter = 16

func (s *Server) loopOf(c gnet.Conn) *loop {
	el := c.EventLoop()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.loops[el]
	if l == nil {
		l = &loop{srv: s, el: el}
		s.loops[el] = l
	}
	return l
}

// settle sees to a session's replies: now, where nothing stands against it, else when the log has been committed.
func (l *loop) settle(s *session) {
	if !s.owing() || !s.release(l.srv.o.Engine.Passed()) {
		return
	}
	if s != l.last {
		l.last, l.alone = s, 0
	}
	if !s.queued {
		s.queued = true
		l.pending = append(l.pending, s)
	}
	switch {
	case l.committing || l.scheduled:
	case l.srv.o.Engine.CommitCost() >= slowSync:
		l.commitAside()
	case l.alone >= aloneAfter:
		l.commit()
	default:
		l.scheduled = true
		if err := l.el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			l.scheduled = false
			l.commit()
			return nil
		})); err != nil {
			l.scheduled = false // the loop is ending
		}
	}
}

// commit makes the log pass the gates, and sends.
func (l *loop) commit() {
	if len(l.pending) == 1 && l.pending[0] == l.last {
		l.alone++
	} else {
		l.alone = 0
	}
	if err := l.srv.o.Engine.Commit(); err != nil {
		l.retry(err)
		return
	}
	l.release()
}

// retryCommit is the pause before the log, which had no room, is tried again.
const retryCommit = 100 * time.Millisecond

// retry commits again later if the disk was full. Any other error is fatal: nothing leaves any more.
func (l *loop) retry(err error) {
	if !errors.Is(err, engine.ErrNoRoom) {
		return
	}
	l.scheduled = true
	time.AfterFunc(retryCommit, func() {
		// An error means that the loop is ending, and its sessions with it.
		_ = l.el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			l.scheduled = false
			l.commit()
			return nil
		}))
	})
}

func (l *loop) release() {
	passed := l.srv.o.Engine.Passed()
	left := l.pending[:0]
	for _, s := range l.pending {
		if s.release(passed) {
			left = append(left, s)
			continue
		}
		s.queued = false
		if s.closing && !s.closed {
			_ = s.conn.Close() // it is queued on this loop; nothing else can fail
		}
	}
	clear(l.pending[len(left):])
	l.pending = left
}

// commitAside commits on a goroutine of its own, and again as long as replies have come meanwhile.
func (l *loop) commitAside() {
	l.committing = true
	go func() {
		err := l.srv.o.Engine.Commit()
		// An error of Execute means that the loop is ending, and its sessions with it.
		_ = l.el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			l.committing = false
			if err != nil {
				l.retry(err)
				return nil
			}
			l.release()
			if len(l.pending) > 0 {
				l.commitAside()
			}
			return nil
		}))
	}()
}
