package server

import (
	"context"
	"errors"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/engine"
	"holdfast/resp"
)

// loop is an event loop's list of sessions whose replies have not left yet.
//
// Most of the cost of durability is the sync, so one sync serves as many requests as possible: replies that wait for
// the log are sent by a task that the loop runs when it has read from every connection that was ready; the task
// commits once for all. A loop with a single busy connection commits at once instead, as nobody would share.
//
// Where a sync is slow the commit runs on a goroutine of its own, and requests that do not wait for the log go on
// meanwhile. Measured at some 100 microseconds a sync, the handing over costs more than it gives.
//
// Its goroutine owns all of it, the bell apart.
type loop struct {
	srv     *Server
	el      gnet.EventLoop
	pending []*session

	scheduled bool     // the task is queued, or will be when the disk has been given time
	last      *session // who had output the last time
	alone     int      // tasks in a row that served one session

	committing bool // on the other goroutine

	turnout turnout
	bell    bell

	batch   batch
	room    []byte         // for input that cannot run yet, for whoever needs it next; or nil
	plain   []byte         // for input that came by TLS
	cipher  []byte         // for output by TLS; nil while it is in use
	writers []*resp.Writer // empty ones, for whoever has something to say
	spare   int            // bytes that these have room for
}

// Bounds of what a loop keeps for its sessions.
const (
	writersKept = 64
	spareKept   = 5 << 20        // bytes of all writers: 64 replies of 64 KiB
	roomKept    = 1<<20 + 64<<10 // bytes: an argument of a megabyte, and what comes around it
)

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
		l = &loop{srv: s, el: el, batch: newBatch()}
		s.loops[el] = l
	}
	return l
}

// settle sees to a session's replies: now, where nothing stands against it, else when the log has been committed.
func (l *loop) settle(s *session) {
	if s.out == nil && s.held == nil {
		return
	}
	if s.ran {
		s.ran = false
		l.turnout.count(s)
	}
	if !l.gathers() && !s.release(l.srv.o.Engine.Passed()) {
		return
	}
	if s != l.last {
		l.last, l.alone = s, 0
	}
	if !s.queued {
		s.queued = true
		l.pending = append(l.pending, s)
	}
	l.arrange()
}

// arrange sees to it that what is pending is committed.
func (l *loop) arrange() {
	switch {
	case len(l.pending) == 0 || l.committing || l.scheduled:
	case l.srv.o.Engine.CommitCost() >= slowSync && l.commitAside():
	case l.alone >= aloneAfter:
		l.commit()
	default:
		l.scheduled = l.execute(l.scheduledCommit) == nil // an error means that the loop is ending
	}
}

// execute has the loop call fn when it has read from every connection that is ready.
func (l *loop) execute(fn func()) error {
	return l.el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		fn()
		return nil
	}))
}

func (l *loop) scheduledCommit() {
	l.scheduled = false
	served := len(l.pending)
	l.commit()
	l.gather(served)
}

// commit makes the log pass the gates, and sends.
func (l *loop) commit() {
	if len(l.pending) == 1 && l.pending[0] == l.last {
		l.alone++
	} else {
		l.alone = 0
	}
	l.committed(l.srv.o.Engine.Commit())
}

// commitAside commits on a goroutine of its own. It reports false, and does nothing, when the server is stopping.
func (l *loop) commitAside() bool {
	if !l.srv.beginAside() {
		return false
	}
	l.committing = true
	go func() {
		defer l.srv.asides.Done()
		err := l.srv.o.Engine.Commit()
		// It cannot fail: the loops end after the last of these goroutines.
		_ = l.execute(func() {
			l.committing = false
			l.committed(err)
		})
	}()
	return true
}

// committed sends what the log has passed, after a commit with this outcome, and sees to what is left: replies that
// have come meanwhile, or such that the commit was not enough for, as appendfsync has become stricter.
func (l *loop) committed(err error) {
	l.release()
	switch {
	case len(l.pending) == 0:
	case errors.Is(err, engine.ErrNoRoom):
		l.retry()
	case err == nil:
		l.alone = 0
		l.arrange()
	} // any other error is fatal: nothing leaves any more
}

// retryCommit is the pause before the log, which had no room, is tried again.
const retryCommit = 100 * time.Millisecond

// retry commits again later.
func (l *loop) retry() {
	if l.scheduled || !l.srv.beginAside() {
		return
	}
	l.scheduled = true
	time.AfterFunc(retryCommit, func() {
		defer l.srv.asides.Done()
		_ = l.execute(l.scheduledCommit) // as in commitAside
	})
}

// release sends what has passed the gate, and closes those that have nothing to wait for any more.
func (l *loop) release() {
	passed := l.srv.o.Engine.Passed()
	left := l.pending[:0]
	for _, s := range l.pending {
		if s.release(passed) {
			left = append(left, s)
			continue
		}
		s.queued = false
		if s.finished() {
			_ = l.el.Close(s.conn) // fails where the descriptor is not what gnet thinks: nothing is left to do then
		}
	}
	clear(l.pending[len(left):])
	l.pending = left
}

func (l *loop) takeWriter() *resp.Writer {
	n := len(l.writers)
	if n == 0 {
		return new(resp.Writer)
	}
	w := l.writers[n-1]
	l.writers = l.writers[:n-1]
	l.spare -= w.Cap()
	return w
}

func (l *loop) giveWriter(w *resp.Writer) {
	w.Reset()
	if len(l.writers) < writersKept && l.spare+w.Cap() <= spareKept {
		l.writers = append(l.writers, w)
		l.spare += w.Cap()
	}
}

// Shed has every loop give up buffers that nobody uses now, soon.
func (s *Server) Shed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping { // the loops' descriptors may be somebody else's by now
		return
	}
	for _, l := range s.loops {
		_ = l.execute(func() { l.writers, l.spare, l.room, l.plain = nil, 0, nil, nil }) // an error means that the loop is ending
	}
}

// takeRoom returns an empty buffer for at least n bytes.
func (l *loop) takeRoom(n int) []byte {
	room := l.room
	if cap(room) < n {
		return make([]byte, 0, n)
	}
	l.room = nil
	return room
}

func (l *loop) giveRoom(b []byte) {
	if cap(b) > cap(l.room) && cap(b) <= roomKept {
		l.room = b[:0]
	}
}
