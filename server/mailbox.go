package server

import (
	"sync"

	"holdfast/commands"
)

// mailbox holds what others have to say to a session until its loop looks. It is small and rarely used, and its
// lock is never held while anything else is waited for.
type mailbox struct {
	mu      sync.Mutex
	replies []byte
	gate    uint64
	resume  bool
	kill    bool
	flush   bool // with kill: after what lies ready has gone out
	rung    bool // the loop has been told to look
}

var _ commands.Peer = (*session)(nil)

// Deliver puts replies into the mailbox.
func (s *session) Deliver(reply []byte, gate uint64) {
	s.post(func(m *mailbox) {
		m.replies = append(m.replies, reply...)
		m.gate = max(m.gate, gate)
	})
}

// Resume lets the session go on with its input.
func (s *session) Resume() { s.post(func(m *mailbox) { m.resume = true }) }

// Kill ends the session.
func (s *session) Kill(flush bool) { s.post(func(m *mailbox) { m.kill, m.flush = true, flush }) }

// Buffers tells what waits in both directions.
func (s *session) Buffers() (in, out int) { return int(s.inBytes.Load()), int(s.outBytes.Load()) }

// FD is the socket's number.
func (s *session) FD() int { return s.conn.Fd() }

func (s *session) post(write func(*mailbox)) {
	s.mail.mu.Lock()
	write(&s.mail)
	ring := !s.mail.rung
	s.mail.rung = true
	s.mail.mu.Unlock()
	if ring {
		// A connection that is gone cannot be woken, and need not be.
		_ = s.conn.Wake(nil)
	}
}

// openMail takes what is in the mailbox, and reports whether the session is to end at once.
func (s *session) openMail() (killed bool) {
	m := &s.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.rung {
		return false
	}
	m.rung = false
	if len(m.replies) > 0 {
		s.out.Raw(m.replies)
		s.gate = max(s.gate, m.gate)
		m.replies, m.gate = nil, 0
	}
	if m.resume {
		m.resume, s.blocked = false, false
	}
	if m.kill {
		if !m.flush {
			return true
		}
		s.closing = true
	}
	return false
}
