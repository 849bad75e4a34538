package engine

import (
	"slices"
	"time"

	"holdfast/commands"
	"holdfast/resp"
)

// mail is what the command under way tells clients beside its reply: messages, keyspace events. It goes out when the
// command's record is known, under the same gate as the reply, so that nobody hears of what a crash could take back.
//
// Whom the command itself is of gets it before the reply, and not within it, where some commands of Redis have it. Redis and
// holdfast agree where it matters most: who publishes to himself.
type mail struct {
	own    []byte   // before the reply
	behind []byte   // behind it
	late   bool     // what is sent now comes behind it
	out    []letter // to others
}

type letter struct {
	to   *commands.Client
	push []byte
}

// lettersKept bounds the room that is kept for letters.
const lettersKept = 1 << 12

// send takes what a client is to be told.
func (e *Engine) send(to *commands.Client, push []byte, behind bool) {
	switch {
	case to != e.world.Running:
		e.mail.out = append(e.mail.out, letter{to, push})
	case behind || e.mail.late:
		e.mail.behind = append(e.mail.behind, push...)
	default:
		e.mail.own = append(e.mail.own, push...)
	}
}

// post lets go what others are told.
func (e *Engine) post() {
	for _, l := range e.mail.out {
		l.to.Mail = true
		l.to.Peer.Deliver(l.push, e.gate)
	}
	clear(e.mail.out)
	e.mail.out = e.mail.out[:0]
	if cap(e.mail.out) > lettersKept {
		e.mail.out = nil
	}
}

// tellOwn puts what the command told its own client before its reply, and behind it.
func (e *Engine) tellOwn(w *resp.Writer, before int) {
	if len(e.mail.own) > 0 {
		reply := slices.Clone(w.Bytes()[before:])
		w.Truncate(before)
		w.Raw(e.mail.own)
		w.Raw(reply)
	}
	w.Raw(e.mail.behind)
	e.mail.own, e.mail.behind = keep(e.mail.own), keep(e.mail.behind)
}

// broadcast tells of keys that changed those who have named their prefixes, under the gate of the newest record, and returns it.
func (e *Engine) broadcast(w *resp.Writer) (gate uint64) {
	e.gate = 0
	if e.pending() {
		e.gate = e.lsn
	}
	e.world.Broadcast()
	if w != nil {
		e.tellOwn(w, w.Len())
	}
	e.post()
	return e.gate
}

// sweepSlice is how long subscriptions of clients that are gone are taken away in one go.
const sweepSlice = 200 * time.Microsecond

// sweepSubscriptions takes some of them away, and reports whether there are more.
func (e *Engine) sweepSubscriptions() (more bool) {
	const atOnce = 128 // between two looks at the clock
	if !e.world.PubSub.Leaving() {
		return false
	}
	for start := time.Now(); e.world.PubSub.Sweep(atOnce); {
		if time.Since(start) > sweepSlice {
			return true
		}
	}
	return false
}
