package traffic

import (
	"sync"
	"time"

	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// Live is a Log that keeps the history and no file. It is safe for concurrent use.
type Live struct {
	now   func() time.Time
	began time.Time

	mu       sync.Mutex // guards what follows
	seq      uint64
	follower *Follower
	err      error
}

// NewLive returns a Live for a workload of so many clients.
func NewLive(clients int, now func() time.Time) *Live {
	began := now()
	// Whole milliseconds, so that what is rounded down later is the time of day: deadlines are judged by it.
	began = began.Add(-time.Duration(began.Nanosecond() % int(time.Millisecond)))
	return &Live{now: now, began: began,
		follower: NewFollower(trace.Meta{Clients: clients, Began: began.UnixMilli()})}
}

// After returns a Live that goes on after the crash that h ends with, as Resume does.
func After(h *workload.History, clients int, now func() time.Time) *Live {
	l := NewLive(clients, now)
	l.seq = h.Crash
	l.follower = Resume(h, trace.Meta{Clients: clients, Began: l.began.UnixMilli()})
	return l
}

// Append takes an event; see Log.
func (l *Live) Append(e trace.Event, _ []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append(e)
	return l.seq, l.err
}

// append is Append with l.mu held.
func (l *Live) append(e trace.Event) {
	l.seq++
	e.Seq, e.At = l.seq, int64(l.now().Sub(l.began))
	if err := l.follower.Apply(e); err != nil && l.err == nil {
		l.err = err
	}
}

// History is the history with a crash now.
func (l *Live) History(policy string) (*workload.History, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append(trace.Event{Kind: trace.Mark, Note: "crash"})
	return l.follower.History(l.seq, policy), l.err
}
