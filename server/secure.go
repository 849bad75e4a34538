package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"holdfast/config"
	"holdfast/resp"
)

// secure is a session's TLS. The socket belongs to an event loop like any other, and so does all that a session does; only
// the bytes on the way are other ones.
//
// crypto/tls wants a connection that waits. For the handshake, which waits and computes, it gets one and a goroutine; from then on
// the loop calls it, and what it reads from says that there is nothing yet instead of waiting. That is an error which
// crypto/tls holds for temporary: it keeps the part of a record that has come, and may be asked again.
//
// Rejected: a goroutine for each connection. It needs its own way to commits, mailboxes and limits, 8 KB more for an idle
// connection, and a switch of goroutines for each request.
type secure struct {
	tls   *tls.Conn
	wire  *ciphertext
	begun int64 // unix ms
	ready bool  // the handshake is over; the loop's
	ended bool  // the client has said that it will send no more; the loop's
}

// Bounds of a handshake.
const (
	handshakeMillis = 10_000
	// handshakeBytes may come before the handshake is over. A client that has done its part sends on at once, and the
	// goroutine that is to take notice may have to wait for its turn.
	handshakeBytes = 64 << 20
)

// plainKept bounds what a loop keeps to decrypt into, and to encrypt into.
const plainKept = 2 << 20

// recordBytes is the most that a record holds, and what the buffer to decrypt into has room for at least.
const recordBytes = 16 << 10

func newSecure(s *session, settings *tls.Config, begun int64) *secure {
	wire := &ciphertext{wake: s.look}
	wire.more.L = &wire.mu
	return &secure{tls: tls.Server(wire, settings), wire: wire, begun: begun}
}

// decrypt takes bytes that the socket has given and returns what they say, which is good until the loop's next call.
// An error means that the connection is to end.
func (s *session) decrypt(fresh []byte) ([]byte, error) {
	c := s.tls
	defer func() { _ = s.flush() }() // where it fails, gnet has closed the connection
	if !c.ready {
		if over, err := s.shake(fresh); !over || err != nil {
			return nil, err
		}
		fresh = c.wire.early()
	}
	c.wire.feed(fresh)
	defer c.wire.feed(nil)
	plain := s.loop.plain[:0]
	for {
		if cap(plain)-len(plain) < recordBytes {
			plain = append(make([]byte, 0, 2*cap(plain)+4*recordBytes), plain...)
		}
		n, err := c.tls.Read(plain[len(plain):cap(plain)])
		plain = plain[:len(plain)+n]
		if err == nil {
			continue
		}
		if cap(plain) <= plainKept {
			s.loop.plain = plain[:0]
		}
		if errors.Is(err, io.EOF) {
			c.ended = true
			err = nil
		} else if errors.Is(err, errNothingYet) {
			err = nil
		}
		return plain, err
	}
}

// shake goes on with the handshake, and reports whether it is over.
func (s *session) shake(fresh []byte) (over bool, err error) {
	c := s.tls
	started, over, err := c.wire.shake(fresh)
	switch {
	case err != nil:
		s.srv.o.Log.Log(context.Background(), config.LevelVerbose, "TLS handshake failed", "client", s.client.Addr, "error", err)
		return false, err
	case over:
		c.ready = true
		if s.srv.denies(s.conn.RemoteAddr()) { // it can be told now
			s.srv.rejected.Add(1)
			s.writer().Error(resp.ErrDenied)
			s.closing = true
		}
	case started:
		go func() { // it ends with the connection, by shut
			c.wire.shaken(c.tls.Handshake())
			s.look()
		}()
	}
	return over, nil
}

// encrypt sends replies.
func (s *session) encrypt(b []byte) error {
	c := s.tls
	if !c.ready {
		return net.ErrClosed
	}
	if c.wire.out == nil {
		c.wire.out, s.loop.cipher = s.loop.cipher[:0], nil
	}
	_, err := c.tls.Write(b)
	if err == nil {
		err = s.flush()
	}
	return err
}

// flush gives the socket what crypto/tls has written: records, or its own part of the conversation.
func (s *session) flush() error {
	out := s.tls.wire.take()
	if len(out) == 0 || s.closed {
		return nil
	}
	_, err := s.conn.Write(out)
	if s.loop.cipher == nil && cap(out) <= plainKept {
		s.loop.cipher = out[:0]
	}
	return err
}

// bye tells the client that the connection ends by intention, if the handshake has come that far, and ends the handshake
// otherwise.
func (s *session) bye() {
	if s.tls == nil {
		return
	}
	if s.tls.ready && s.conn.OutboundBuffered() == 0 {
		_ = s.tls.tls.CloseWrite() // it fails where the client has broken the protocol
		_ = s.flush()              // or is gone
	}
	s.tls.wire.shut()
}

// stalls reports whether the client takes too long for the handshake.
func (s *session) stalls(now int64) bool {
	return s.tls != nil && now-s.tls.begun > handshakeMillis && s.tls.wire.shaking()
}

// catchUp deals with what a client has sent that went on at once behind its part of the handshake, and left.
func (s *session) catchUp() {
	if s.tls != nil && !s.tls.ready && s.tls.wire.finish() {
		s.traffic()
	}
}

// hungUp reports whether the client said that it will send no more. Without TLS it is gnet that says so.
func (s *session) hungUp() bool { return s.tls != nil && s.tls.ended }

// errNothingYet says that the next record, or the rest of one, has not come.
var errNothingYet net.Error = nothingYet{}

// nothingYet is temporary: that is the word that crypto/tls goes by.
type nothingYet struct{}

func (nothingYet) Error() string   { return "nothing has come yet" }
func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }

// ciphertext is what crypto/tls takes for the socket.
type ciphertext struct {
	mu    sync.Mutex
	more  sync.Cond
	in    []byte // from the socket; the loop's read buffer once the handshake is over
	out   []byte // for the socket
	state handshake
	err   error // that the handshake ended with
	spoke bool  // something has been sent
	last  bool  // the client sends no more
	gone  bool  // the connection is closed
	wake  func()
}

// handshake is how far one has come.
type handshake int

const (
	unbegun handshake = iota // not a byte has come
	underway
	over
)

// shake adds bytes to what the handshake reads. It reports whether these are the first ones, and whether it is over by now.
func (w *ciphertext) shake(fresh []byte) (first, ended bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in = append(w.in, fresh...)
	if len(w.in) > handshakeBytes {
		return false, false, errors.New("too many bytes before its end")
	}
	if w.state == unbegun && len(w.in) > 0 {
		first, w.state = true, underway
	}
	w.more.Broadcast()
	return first, w.state == over, w.err
}

// shaken ends the handshake.
func (w *ciphertext) shaken(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.err = over, err
	w.more.Broadcast()
}

// finish waits for the end of a handshake whose client sends no more, and reports whether it succeeded. What is left of it is
// to look at the client's last word, where the server has said all of its own; anything else has failed.
func (w *ciphertext) finish() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.spoke {
		return false
	}
	w.last = true
	w.more.Broadcast()
	for w.state != over {
		w.more.Wait()
	}
	return w.err == nil
}

// shaking reports whether the handshake is still to end.
func (w *ciphertext) shaking() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state != over
}

// feed gives bytes to read, which stay the caller's: it takes them back by feeding nil.
func (w *ciphertext) feed(fresh []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in = fresh
}

// early returns what came before the end of the handshake, and does not belong to it.
func (w *ciphertext) early() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.in
}

// take returns what is to be sent.
func (w *ciphertext) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.out
	w.out = nil
	return out
}

// shut ends reads that wait, and lets go of what nobody will read.
func (w *ciphertext) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone, w.in, w.out = true, nil, nil
	w.more.Broadcast()
}

// Read waits during the handshake, and never afterwards.
func (w *ciphertext) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.in) == 0 {
		switch {
		case w.gone:
			return 0, net.ErrClosed
		case w.state == over:
			return 0, errNothingYet
		case w.last:
			return 0, io.EOF
		}
		w.more.Wait()
	}
	n := copy(b, w.in)
	if w.in = w.in[n:]; len(w.in) == 0 {
		w.in = nil
	}
	return n, nil
}

// Write keeps bytes for the loop, which it tells if it is not the loop that writes.
func (w *ciphertext) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.out = append(w.out, b...)
	w.spoke = true
	shaking := w.state != over
	w.mu.Unlock()
	if shaking {
		w.wake()
	}
	return len(b), nil
}

// Close is for crypto/tls, which never calls it here: the loop closes the socket.
func (w *ciphertext) Close() error { return nil }

// LocalAddr is nobody's business.
func (w *ciphertext) LocalAddr() net.Addr { return nil }

// RemoteAddr is likewise not looked at.
func (w *ciphertext) RemoteAddr() net.Addr { return nil }

// SetDeadline and the others do nothing: a write never waits, and the loop bounds the handshake.
func (w *ciphertext) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (w *ciphertext) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (w *ciphertext) SetWriteDeadline(time.Time) error { return nil }
