package server

import (
	"sync"

	"holdfast/commands"
	"holdfast/resp"
)

// mailbox holds what others have to say to a session until its loop looks. It is small and rarely used, and its
// lock is never held while anything else is waited for.
type mailbox struct {
	mu      sync.Mutex
	letters [][]byte // replies and messages; the bytes of a message are shared by all who get it
	bytes   int      // of them
	told    uint64   // letters, ever
	gate    uint64
	resume  bool
	stands  standing // with resume: the client's at the end of its wait
	kill    bool
	flush   bool // with kill: after what lies ready has gone out
	rung    bool // the loop has been told to look
	gone    bool // nobody will look any more
}

var _ commands.Peer = (*session)(nil)

// lettersKept bounds the room that a mailbox keeps for letters.
const lettersKept = 16

// Deliver puts replies or messages into the mailbox. A client that has more to read than it may is cut off here already:
// its loop may be busy.
func (s *session) Deliver(reply []byte, gate uint64) {
	limit := s.outputLimit(s.client.Subs != nil).Hard
	s.post(func(m *mailbox) {
		if m.kill {
			return
		}
		m.told++
		m.letters = append(m.letters, reply)
		m.bytes += len(reply)
		m.gate = max(m.gate, gate)
		if limit > 0 && int64(m.bytes)+s.outBytes.Load() > limit {
			m.kill, m.flush = true, false
			m.empty()
			s.srv.outHits.Add(1)
		}
	})
}

// Collect moves what lies in the mailbox to a writer, which comes before what the client's next requests reply. The engine
// asks for it when it has the lock, so that nothing can come in between.
func (s *session) Collect(w *resp.Writer) (gate uint64) {
	s.mail.mu.Lock()
	defer s.mail.mu.Unlock()
	return s.mail.take(w)
}

// take moves the letters to a writer, and returns their gate.
func (m *mailbox) take(w *resp.Writer) (gate uint64) {
	for _, letter := range m.letters {
		w.Raw(letter)
	}
	gate = m.gate
	m.empty()
	return gate
}

// empty throws the letters away.
func (m *mailbox) empty() {
	clear(m.letters)
	m.letters, m.bytes, m.gate = m.letters[:0], 0, 0
	if cap(m.letters) > lettersKept {
		m.letters = nil
	}
}

// Resume lets the session go on with its input.
func (s *session) Resume() {
	s.post(func(m *mailbox) { m.resume, m.stands = true, standingOf(&s.client) })
}

// Kill ends the session.
func (s *session) Kill(flush bool) { s.post(func(m *mailbox) { m.kill, m.flush = true, flush }) }

// look has the session look at itself.
func (s *session) look() { s.post(func(*mailbox) {}) }

// Buffers tells what waits in both directions.
func (s *session) Buffers() (in, out int) {
	s.mail.mu.Lock()
	defer s.mail.mu.Unlock()
	return int(s.inBytes.Load()), int(s.outBytes.Load()) + s.mail.bytes
}

// delivered is how many letters there have been.
func (m *mailbox) delivered() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

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
	// that is another file's by then.
	s.loop.ring(s)
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
	if m.resume {
		m.resume, s.blocked, s.stands = false, false, m.stands
	}
	if len(m.letters) > 0 {
		s.gate = max(s.gate, m.take(s.writer()))
	}
	if s.out != nil {
		s.out.SetProto(s.stands.proto) // it may be older than the end of the wait
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
	m.gone = true
	m.empty()
}
