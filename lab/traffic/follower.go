package traffic

import (
	"bytes"
	"fmt"
	"slices"

	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// The policies, by the names that Redis gives them.
const (
	// Always: what was acknowledged is durable.
	Always = "always"
	// EverySec: what was acknowledged is durable a second later.
	EverySec = "everysec"
)

// graceMillis is how long ago a reply must have come before everysec promises that what it said is durable.
const graceMillis = 1000

// Follower makes the history of a trace, event by event. What it gives out does not change when it goes on, so that others
// may judge by it meanwhile; the Follower itself is for one goroutine.
//
// A transaction is one operation: its EXEC, with what was queued in Body. MULTI, what was queued, and DISCARD are none.
// An error reply is an answer like another: of what it refused, the workload knows what it may have done.
type Follower struct {
	clients int
	began   int64 // unix ms

	ops   []workload.Op
	conns map[int]*conversation
	codec replies
	last  trace.Event // without its bytes: the number and the time of the newest event

	// What precedes answered has its reply, and what precedes settled has had it for longer than graceMillis: neither
	// is looked at again. Operations of an earlier round, which have their fate, count as both.
	answered, settled int
}

// conversation is what a connection has under way.
type conversation struct {
	id     uint64
	args   [][]byte
	op     int // index in ops of what waits for a reply, or -1
	multi  bool
	queued [][][]byte
}

// NewFollower returns one at the beginning of a trace.
func NewFollower(meta trace.Meta) *Follower {
	return &Follower{clients: meta.Clients, began: meta.Began, conns: map[int]*conversation{}}
}

// Resume returns one that goes on after the crash that h ends with. The operations in it keep their fates. Events are
// numbered from h.Crash on, and timed by meta.Began; their connections have numbers of their own (see ConnOf).
func Resume(h *workload.History, meta trace.Meta) *Follower {
	f := NewFollower(meta)
	f.ops = slices.Clone(h.Ops)
	f.answered, f.settled = len(f.ops), len(f.ops)
	f.last.Seq = h.Crash
	return f
}

// Apply takes the next event. Those of files are welcome too: they tell the time.
func (f *Follower) Apply(e trace.Event) error {
	if e.Seq <= f.last.Seq {
		panic("BUG: an event that is not the next one")
	}
	f.last = trace.Event{Seq: e.Seq, At: e.At}
	switch e.Kind {
	case trace.Request:
		f.request(e)
	case trace.Reply:
		if err := f.reply(e); err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
	case trace.Closed: // what comes next on a connection of this number knows of no MULTI
		delete(f.conns, e.Conn)
	}
	return nil
}

func (f *Follower) request(e trace.Event) {
	c := f.conns[e.Conn]
	if c == nil {
		c = &conversation{}
		f.conns[e.Conn] = c
	}
	c.id, c.args, c.op = e.ID, e.Args, -1
	if len(e.Args) == 0 || named(e.Args, "MULTI") {
		return
	}
	op := workload.Op{Conn: e.Conn, ID: e.ID, Round: f.round(e.Conn), Args: e.Args, Call: e.Seq, CallAt: f.millis(e)}
	if c.multi && !named(e.Args, "EXEC") {
		return
	}
	if c.multi {
		op.Body, c.multi, c.queued = c.queued, false, nil
	}
	c.op = len(f.ops)
	f.ops = append(f.ops, op)
}

func (f *Follower) reply(e trace.Event) error {
	c := f.conns[e.Conn]
	if c == nil || c.id != e.ID {
		return fmt.Errorf("the reply to request %d of connection %d, which nobody sent: %w", e.ID, e.Conn, trace.ErrFormat)
	}
	r, err := f.codec.parse(e.Reply)
	if err != nil {
		return err
	}
	failed := r.Err() != nil
	switch {
	case c.op >= 0:
		op := &f.ops[c.op]
		op.Reply, op.Acked, op.Return, op.ReturnAt = r, true, e.Seq, f.millis(e)
		c.op = -1
	case named(c.args, "MULTI"):
		if !failed {
			c.multi, c.queued = true, nil
		}
	case named(c.args, "DISCARD"):
		c.multi, c.queued = c.multi && failed, nil
	case c.multi && !failed:
		c.queued = append(c.queued, c.args)
	}
	return nil
}

// History is what there is to judge by after a crash right after event crash, which is the newest that was applied, or
// a later one that is none of a client.
//
// Under Always what was acknowledged must be there, and under EverySec what was a second before the crash; anything else
// may be.
func (f *Follower) History(crash uint64, policy string) *workload.History {
	if crash < f.last.Seq {
		panic("BUG: a crash before what has been applied")
	}
	h := &workload.History{Ops: slices.Clone(f.ops), Crash: crash, CrashAt: f.millis(f.last)}
	from := f.settle(h.CrashAt, policy)
	for i := from; i < len(h.Ops); i++ {
		op := &h.Ops[i]
		if !op.Acked {
			op.Fate, op.Return, op.ReturnAt = workload.May, h.Crash, h.CrashAt
		} else if policy != Always && op.ReturnAt+graceMillis > h.CrashAt {
			op.Fate = workload.May
		}
	}
	return h
}

// settle says from which operation on the fates have to be looked at.
func (f *Follower) settle(now int64, policy string) int {
	for f.answered < len(f.ops) && f.ops[f.answered].Acked {
		f.answered++
	}
	for f.settled < f.answered && f.ops[f.settled].ReturnAt+graceMillis <= now {
		f.settled++
	}
	if policy == Always {
		return f.answered
	}
	return f.settled
}

func (f *Follower) millis(e trace.Event) int64 { return f.began + e.At/1e6 }

// round is the inverse of ConnOf.
func (f *Follower) round(conn int) int {
	if f.clients == 0 {
		return 0
	}
	return (conn - 1) / f.clients
}

func named(args [][]byte, name string) bool { return bytes.EqualFold(args[0], []byte(name)) }
