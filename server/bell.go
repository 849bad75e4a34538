package server

import (
	"sync"

	"github.com/panjf2000/gnet/v2"
)

// bell tells a loop whose mailboxes have something. However many there are, the loop is told once: a message to a hundred
// subscribers costs one task, which runs when the loop has read from every connection that is ready, so that several
// messages to one subscriber leave together.
type bell struct {
	mu       sync.Mutex // taken under a mailbox's lock, and the last of all
	sessions []*session // whose mailboxes are to be looked into
	spare    []*session // room for the next ones
	rung     bool       // the task is queued
}

// ring has the loop look into a session's mailbox. Anybody may call it; it does not wait.
func (l *loop) ring(s *session) {
	b := &l.bell
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions = append(b.sessions, s)
	if !b.rung {
		b.rung = l.execute(l.answer) == nil // an error means that the loop is ending
	}
}

// answer looks into the mailboxes.
func (l *loop) answer() {
	b := &l.bell
	b.mu.Lock()
	sessions := b.sessions
	b.sessions, b.spare, b.rung = b.spare, nil, false
	b.mu.Unlock()
	for _, s := range sessions {
		if !s.closed && s.traffic() == gnet.Close {
			_ = l.el.Close(s.conn) // fails where the descriptor is not what gnet thinks: nothing is left to do then
		}
	}
	const kept = 1 << 12
	if cap(sessions) > kept {
		return
	}
	clear(sessions)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare = sessions[:0]
}
