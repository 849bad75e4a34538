package server

import (
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/commands"
	"holdfast/resp"
)

// session is a connection: bytes in, requests to the engine, replies out through the gate. Its loop's goroutine owns
// it, but for the mailbox and the atomics.
type session struct {
	client commands.Client // guarded by the engine's lock
	srv    *Server
	conn   gnet.Conn
	loop   *loop

	framer   resp.Framer
	args     [][]byte   // room for a batch's arguments, one request's behind the other's
	requests [][][]byte // of the batch
	ends     []int      // where each request of the batch ends in the input

	out     resp.Writer // replies not yet sealed
	gate    uint64      // that they rest on
	held    []byte      // replies that wait for the log
	heldFor uint64      // until it has passed this

	blocked bool // the engine makes the client wait; input stays where it is
	closing bool // to be closed when everything has gone out
	queued  bool // the loop knows that there is output
	closed  bool

	mail mailbox

	inBytes, outBytes atomic.Int64
	overSoft          atomic.Int64 // unix ms since which the soft output limit is exceeded; 0: not
}

// A batch is at most so many requests: what runs under one taking of the engine's lock.
const batchRequests = 128

// traffic deals with what has come: mail first, since it answers an earlier request than the input holds.
func (s *session) traffic() gnet.Action {
	if killed := s.openMail(); killed {
		return gnet.Close
	}
	in := s.conn.InboundBuffered()
	if limit := s.srv.queryBuffer.Load(); int64(in) > limit {
		s.srv.inHits.Add(1)
		return gnet.Close
	}
	for !s.blocked && !s.closing && in > 0 && int64(in) >= s.framer.Need() {
		n := s.batch()
		if n == 0 {
			break
		}
		in -= n
	}
	s.inBytes.Store(int64(in))
	s.loop.settle(s)
	if s.closing && !s.owing() {
		return gnet.Close
	}
	return gnet.None
}

// batch runs the whole requests at the beginning of the input, up to a limit, and returns how many bytes they were.
func (s *session) batch() (consumed int) {
	input, err := s.conn.Peek(-1)
	if err != nil {
		return 0
	}
	refusal := s.parse(input)
	if len(s.requests) > 0 {
		done, gate := s.srv.o.Engine.Run(&s.client, &s.out, s.requests)
		s.gate = max(s.gate, gate)
		s.blocked, s.closing = s.client.Blocked != nil, s.client.CloseAfterReply
		if done > 0 {
			consumed = s.ends[done-1]
		}
		if done < len(s.requests) {
			s.framer, refusal = resp.Framer{}, nil // what is left is looked at again
		}
		s.out.SetProto(s.client.Proto)
	}
	if refusal != nil && !s.closing {
		s.out.Err(refusal)
		s.closing = true
		consumed = len(input)
	}
	if consumed > 0 {
		s.srv.bytesIn.Add(int64(consumed))
		if _, err := s.conn.Discard(consumed); err != nil {
			s.closing = true
		}
	}
	return consumed
}

// parse fills the batch from the input, and returns the error of the request behind it, if that is malformed.
func (s *session) parse(input []byte) error {
	s.requests, s.ends = s.requests[:0], s.ends[:0]
	limits := resp.DefaultLimits()
	limits.Bulk = s.srv.bulk.Load()
	most := batchRequests
	if !s.client.Authenticated {
		most = 1 // the next request may be allowed more than this one
	}
	room, total := s.args[:0], 0
	defer func() {
		if total > cap(s.args) && total <= maxArgsKept {
			s.args = make([][]byte, 0, min(2*total, maxArgsKept)) // for the next batch
		}
	}()
	for at := 0; len(s.requests) < most; {
		n, err := s.framer.Next(input[at:], &limits, s.client.Authenticated)
		if n == 0 || err != nil {
			return err
		}
		args, err := resp.Parse(input[at:at+n], room)
		if err != nil {
			return err
		}
		at += n
		total += len(args)
		room = args[len(args):]
		s.requests = append(s.requests, args[:len(args):len(args)])
		s.ends = append(s.ends, at)
	}
	return nil
}

// maxArgsKept is how many arguments a session keeps room for between batches.
const maxArgsKept = 4 * batchRequests

// owing reports whether replies have not been handed to the socket yet.
func (s *session) owing() bool { return s.out.Len() > 0 || len(s.held) > 0 }

// release sends the replies whose gate the log has passed, and reports whether some are left.
func (s *session) release(passed uint64) (left bool) {
	if s.closed {
		return false
	}
	if len(s.held) > 0 {
		if s.heldFor > passed {
			return true
		}
		s.send(s.held)
		s.held = s.held[:0]
	}
	if s.out.Len() > 0 {
		if s.gate > passed {
			s.held, s.heldFor = append(s.held, s.out.Bytes()...), s.gate
			s.out.Reset()
			return true
		}
		s.send(s.out.Bytes())
		s.out.Reset()
	}
	s.gate = 0
	return false
}

// send hands bytes to the socket. What the client does not take at once waits in gnet's buffer, within the limits.
func (s *session) send(b []byte) {
	s.srv.bytesOut.Add(int64(len(b)))
	if _, err := s.conn.Write(b); err != nil {
		return // gnet has closed the connection
	}
	if s.closed {
		return
	}
	waiting := int64(s.conn.OutboundBuffered())
	s.outBytes.Store(waiting)
	limit := s.srv.output.Load().Normal
	if limit.Hard > 0 && waiting > limit.Hard {
		s.srv.outHits.Add(1)
		s.Kill(false)
		return
	}
	if limit.Soft == 0 || waiting <= limit.Soft {
		s.overSoft.Store(0)
	} else if s.overSoft.Load() == 0 {
		s.overSoft.Store(s.srv.o.Clock().UnixMilli())
	}
}

// overdue reports whether the client has been idle, or slow to read, for longer than it may.
func (s *Server) overdue(sess *session, now time.Time) bool {
	if since := sess.overSoft.Load(); since != 0 {
		limit := s.output.Load().Normal
		if now.UnixMilli()-since > limit.SoftSeconds*1000 {
			s.outHits.Add(1)
			return true
		}
	}
	timeout := s.timeout.Load()
	if timeout == 0 {
		return false
	}
	idle := false
	s.o.Engine.Do(func() {
		idle = sess.client.Blocked == nil && now.UnixMilli()-sess.client.Active > timeout*1000
	})
	return idle
}
