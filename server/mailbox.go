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
	gone    bool // nobody will look any more
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

// look has the session look at itself.
func (s *session) look() { s.post(func(*mailbox) {}) }

// Buffers tells what waits in both directions.
func (s *session) Buffers() (in, out int) { return int(s.inBytes.Load()), int(s.outBytes.Load()) }

// FD is the socket's number.
func (s *session) FD() int { return s.conn.Fd() }

func (s *session) post(write func(*mailbox)) {
	m := &s.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return
	}
	write(m)
	if m.rung {
		return
	}
	m.rung = true
	// Under the lock, as a loop whose sessions are gone may be closed: its wake-up would be written to a descriptor
	// that is another file's by then. Waking queues a task and does not wait, and can fail in no other way.
	_ = s.conn.Wake(nil)
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
		s.writer().Raw(m.replies)
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

// resumed reports whether the end of a wait lies in the mailbox.
func (s *session) resumed() bool {
	s.mail.mu.Lock()
	defer s.mail.mu.Unlock()
	return s.mail.resume
}

// shut ends the mailbox.
func (m *mailbox) shut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone, m.replies = true, nil
}
