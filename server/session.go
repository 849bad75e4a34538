package server

import (
	"net"
	"sync/atomic"

	"github.com/panjf2000/gnet/v2"

	"holdfast/commands"
	"holdfast/resp"
)

// session is a connection: bytes in, requests to the engine, replies out through the gate. Its loop's goroutine owns
// it, but for the mailbox and the atomics. An idle one holds no buffers: what a batch needs belongs to the loop, and
// what lies here is a piece of a request, or replies that have not left.
type session struct {
	client commands.Client // guarded by the engine's lock
	stands standing        // the client's, when its last batch or its last wait had ended
	srv    *Server
	conn   gnet.Conn
	tls    *secure // nil: the client speaks plainly
	loop   *loop

	input  []byte // received and not run; nil when there is none
	framer resp.Framer

	out     *resp.Writer // the newest replies; nil when there are none
	gate    uint64       // that they rest on
	held    *resp.Writer // older ones, that wait for the log; nil when there are none
	heldFor uint64       // until it has passed this

	hears   bool // the client has subscriptions
	ran     bool // requests, since the loop last saw to the replies
	blocked bool // the engine makes the client wait; input stays where it is
	closing bool // to be closed when everything has gone out; input is dropped then
	queued  bool // the loop knows that there is output
	overrun bool // replies were longer than may wait for a client, and are not sent
	closed  bool // the socket is gone: its number may be another's by now

	seen     int64 // unix ms in which the loop's crowd last counted it
	overSoft int64 // unix ms since which the soft output limit is exceeded; 0: not

	mail mailbox

	inBytes, outBytes atomic.Int64 // what lies here, in both directions; the loop writes, anyone reads

	tick struct { // OnTick's: how much lay here and had been delivered a second ago, and when (unix ms) that last changed
		in, out int
		told    uint64
		moved   int64
	}
}

// traffic deals with what has come: mail first, since it answers an earlier request than the input holds.
func (s *session) traffic() gnet.Action {
	if killed := s.openMail(); killed {
		return gnet.Close
	}
	input, err := s.receive()
	if err != nil {
		return gnet.Close
	}
	if int64(len(input)) > s.srv.queryBuffer.Load() {
		s.srv.inHits.Add(1)
		s.srv.o.Log.Warn("client cut off at client-query-buffer-limit", "client", s.client.Addr, "bytes", len(input))
		return gnet.Close
	}
	for !s.blocked && !s.closing && len(input) > 0 && int64(len(input)) >= s.framer.Need() {
		n := s.batch(input)
		if n == 0 {
			break
		}
		input = input[n:]
		if len(input) > 0 && s.overfed() { // finished looks after the last batch
			return gnet.Close
		}
	}
	s.closing = s.closing || s.hungUp()
	s.keep(input)
	s.loop.settle(s)
	if s.finished() {
		return gnet.Close
	}
	return gnet.None
}

// receive returns all input that has not been run, in one piece. Where nothing was left over from before, it lies in
// the loop's read buffer.
//
// gnet would keep what is left over too, but hands it out in one piece only as a copy: each read of a large request
// would copy all that came before it.
func (s *session) receive() ([]byte, error) {
	fresh, err := s.conn.Next(-1)
	if s.tls != nil && err == nil {
		fresh, err = s.decrypt(fresh)
	}
	if s.closed && err == nil {
		err = net.ErrClosed // while TLS had something to say; the beginning of what these bytes go on with is gone
	}
	if err != nil || len(s.input) == 0 {
		return fresh, err
	}
	s.input = append(s.grown(len(fresh)), fresh...)
	return s.input, nil
}

// foreseenShare: one byte in so many makes an argument's length believed.
const foreseenShare = 16

// grown returns the input with room for n more bytes. Its room doubles, so that a byte is copied a few times at most; but
// it is not doubled far beyond what the argument under way needs, which may be half a gigabyte. Who has sent a share of that
// argument already gets room for all of it.
func (s *session) grown(n int) []byte {
	have := len(s.input)
	if cap(s.input)-have >= n {
		return s.input
	}
	need := int(s.framer.Need())
	room := min(2*have, max(need, have+have/4))
	if (have+n)*foreseenShare >= need {
		room = max(room, need)
	}
	larger := append(s.loop.takeRoom(max(room, have+n)), s.input...)
	s.loop.giveRoom(s.input)
	return larger
}

// keep puts aside what has not been run, for the next time.
func (s *session) keep(rest []byte) {
	switch {
	case s.closing || len(rest) == 0:
		s.loop.giveRoom(s.input)
		rest, s.input = nil, nil
	case len(s.input) > 0:
		s.input = rest
	default: // it lies in the loop's read buffer
		s.input = append(s.loop.takeRoom(len(rest)), rest...)
	}
	s.inBytes.Store(int64(len(rest)))
}

// letGo drops what lies here when the socket is gone: others may know the session for long, as one that hears in another's
// place. The buffers do not go back to the loop, as gnet may have found out while one of them was being sent.
func (s *session) letGo() { s.input, s.out, s.held = nil, nil, nil }

// finished reports whether the connection is to be closed now: the client has been told everything, or has more to
// read than it may.
func (s *session) finished() bool {
	return !s.closed && (s.overfed() || s.closing && s.outBytes.Load() == 0)
}

// farewell sends what the client is owed when it has closed its side, as it may still read.
func (s *session) farewell() {
	s.catchUp()
	if killed := s.openMail(); killed {
		return
	}
	s.loop.settle(s)
	if s.queued {
		s.loop.commit()
	}
}
