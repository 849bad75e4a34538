package server

import (
	"holdfast/commands"
	"holdfast/config"
	"holdfast/resp"
)

// writer is where replies go next.
func (s *session) writer() *resp.Writer {
	if s.out == nil {
		s.out = s.loop.takeWriter()
		s.out.SetProto(s.stands.proto)
		s.out.Limit(int(s.outputLimit(s.hears).Hard))
	}
	return s.out
}

// release sends the replies whose gate the log has passed, and reports whether some are left. No replies, to a client
// that wants none, are replies in this: what they rest on is to be committed all the same.
func (s *session) release(passed uint64) (left bool) {
	if s.held != nil {
		if s.heldFor > passed {
			return !s.closed
		}
		s.held = s.send(s.held)
	}
	if s.out != nil {
		if s.gate > passed {
			s.held, s.heldFor, s.out = s.out, s.gate, nil
			return !s.closed
		}
		s.out = s.send(s.out)
	}
	s.gate = 0
	return false
}

// sendBytes is how much the socket is given at a time: gnet keeps what the client does not take yet in pieces of this
// size, and lets go of each when it is sent.
const sendBytes = 1 << 20

// send hands replies to the socket and the writer back to the loop; it returns nil.
func (s *session) send(w *resp.Writer) *resp.Writer {
	if w.Over() {
		s.overrun = true
		w.Truncate(0)
	}
	for b := w.Bytes(); len(b) > 0 && !s.closed; {
		n := min(len(b), sendBytes)
		if err := s.put(b[:n]); err != nil {
			break // gnet has closed the connection
		}
		s.srv.bytesOut.Add(int64(n))
		s.srv.writes.Add(1)
		b = b[n:]
	}
	s.loop.giveWriter(w)
	return nil
}

func (s *session) put(b []byte) error {
	if s.tls != nil {
		return s.encrypt(b)
	}
	_, err := s.conn.Write(b)
	return err
}

// unauthOutput is how many bytes may lie in gnet's buffer for a client that has to log in and has not: it has nothing
// to read but errors.
const unauthOutput = 1 << 10

// overfed reports whether more replies wait for the client than may, or have done so for too long.
func (s *session) overfed() bool {
	waiting := s.unsent()
	s.outBytes.Store(waiting)
	limit := s.outputLimit(s.hears)
	over := s.overrun || s.held != nil && s.held.Over() || s.out != nil && s.out.Over() ||
		limit.Hard > 0 && waiting > limit.Hard ||
		s.conn.OutboundBuffered() > unauthOutput && !s.trusted()
	if limit.Soft == 0 || waiting <= limit.Soft {
		s.overSoft = 0
	} else {
		now := s.srv.o.Clock().UnixMilli()
		if s.overSoft == 0 {
			s.overSoft = now
		}
		begun := (now - s.overSoft + 999) / 1000 // seconds
		over = over || begun > limit.SoftSeconds
	}
	if over {
		s.srv.outHits.Add(1)
		s.srv.o.Log.Warn("client cut off at client-output-buffer-limit", "client", s.client.Addr, "bytes", waiting)
	}
	return over
}

// outputLimit is that of the client's class.
func (s *session) outputLimit(hears bool) config.OutputLimit {
	limits := s.srv.output.Load()
	if hears {
		return limits.PubSub
	}
	return limits.Normal
}

// unsent is how many bytes of replies the client has not taken: here, and in gnet's buffer.
func (s *session) unsent() int64 {
	n := s.conn.OutboundBuffered()
	for _, w := range [...]*resp.Writer{s.held, s.out} {
		if w != nil {
			n += w.Len()
		}
	}
	return int64(n)
}

// idle reports whether the client has been silent for longer than it may. A part of a request that comes, a part of the
// replies that leaves and whatever it is told beside replies count as much as a request. Only OnTick asks.
func (s *session) idle(now int64) (idle bool) {
	in, out := s.Buffers()
	if told := s.mail.delivered(); in != s.tick.in || out != s.tick.out || told != s.tick.told {
		s.tick.in, s.tick.out, s.tick.told, s.tick.moved = in, out, told, now
	}
	timeout := s.srv.timeout.Load() * 1000
	if timeout == 0 || now-s.tick.moved <= timeout {
		return false
	}
	s.srv.o.Engine.Do(func() { // nothing is delivered meanwhile, so that a wait that ended just now is seen
		idle = !listens(&s.client) && s.mail.delivered() == s.tick.told && now-s.client.Active > timeout
	})
	return idle
}

// listens reports whether the client has nothing to say: it waits for something, however long that takes. As in Redis.
func listens(c *commands.Client) bool { return c.Blocked != nil || c.Subs != nil || c.Monitoring }
