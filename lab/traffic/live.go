package traffic

import (
	"fmt"
	"sync"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// Live is a Log that keeps the history and no file. It is safe for concurrent use.
type Live struct {
	now   func() time.Time
	began time.Time

	mu       sync.Mutex // guards what follows
	seq      uint64
	follower *Follower
	asked    map[int]time.Time // by connection: since when it waits for a reply
	err      error
}

// NewLive returns a Live for a workload of so many clients.
func NewLive(clients int, now func() time.Time) *Live {
	began := now()
	// Whole milliseconds, so that what is rounded down later is the time of day: deadlines are judged by it.
	began = began.Add(-time.Duration(began.Nanosecond() % int(time.Millisecond)))
	return &Live{now: now, began: began, asked: map[int]time.Time{},
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
	now := l.now()
	l.seq++
	e.Seq, e.At = l.seq, int64(now.Sub(l.began))
	switch e.Kind {
	case trace.Request:
		l.asked[e.Conn] = now
	case trace.Reply, trace.Closed:
		delete(l.asked, e.Conn)
	}
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

// Waiting is how long the connection that waits longest has been waiting for a reply.
func (l *Live) Waiting() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var longest time.Duration
	now := l.now()
	for _, since := range l.asked {
		longest = max(longest, now.Sub(since))
	}
	return longest
}

// Ask sends requests one after another, such as a workload's Reads, and returns their replies. With a log it writes down
// both, as requests of connection number; nil is no log.
func Ask(conn subject.Conn, log Log, number int, requests [][][]byte) ([]resp.Reply, error) {
	replies := make([]resp.Reply, 0, len(requests))
	for i, args := range requests {
		id := uint64(i + 1)
		if err := note(log, trace.Event{Kind: trace.Request, Conn: number, ID: id, Args: args}); err != nil {
			return nil, err
		}
		reply, err := conn.Do(args...)
		if err != nil {
			return nil, fmt.Errorf("%w: request %d of %d, %.60q: %w", ErrBroken, id, len(requests), args, err)
		}
		replies = append(replies, reply)
		if log == nil {
			continue
		}
		e := trace.Event{Kind: trace.Reply, Conn: number, ID: id, Reply: AppendReply(nil, reply)}
		if err := note(log, e); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

func note(log Log, e trace.Event) error {
	if log == nil {
		return nil
	}
	_, err := log.Append(e, nil)
	return err
}
