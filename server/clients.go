package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/resp"
)

// OnOpen is gnet's word of a new connection.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	s.accepted.Add(1)
	now := s.o.Clock().UnixMilli()
	sess := &session{srv: s, conn: c, loop: s.loopOf(c)}
	local := s.named(c.LocalAddr())
	sess.client = commands.Client{
		Proto: 2, Addr: address(c.RemoteAddr(), local), LocalAddr: address(local, nil),
		User: s.users.Default, Authenticated: s.users.Open(), Created: now, Active: now, Peer: sess,
	}
	if s.secures(c.LocalAddr()) {
		sess.tls = newSecure(sess, s.certificates.Load(), now)
	}
	if refusal := s.admit(sess, c.RemoteAddr()); refusal != "" {
		s.rejected.Add(1)
		if sess.tls != nil {
			return nil, gnet.Close // it could not read it
		}
		var w resp.Writer
		w.Error(refusal)
		return w.Take(), gnet.Close
	}
	c.SetContext(sess)
	s.o.Log.Debug("client connected", "client", sess.client.Addr)
	return nil, gnet.None
}

// admit takes a session in and gives it its ID, or says why not.
func (s *Server) admit(sess *session, from net.Addr) (refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal := s.refusal(from); refusal != "" && (sess.tls == nil || refusal != resp.ErrDenied) {
		return refusal // one who speaks TLS is denied when the handshake is over
	}
	s.lastID++
	sess.client.ID = s.lastID
	sess.stands = standingOf(&sess.client) // nobody else knows it yet
	s.sessions[s.lastID] = sess
	return ""
}

// refusal is why a connection is turned away, or "". The caller holds mu.
func (s *Server) refusal(from net.Addr) string {
	if int64(len(s.sessions)) >= s.most() {
		return resp.ErrMaxClients
	}
	if s.denies(from) {
		return resp.ErrDenied
	}
	return ""
}

// denies reports whether protected mode keeps a client away.
func (s *Server) denies(from net.Addr) bool {
	tcp, ok := from.(*net.TCPAddr)
	return ok && s.protected.Load() && s.users.NoPass() && !tcp.IP.IsLoopback()
}

// most is how many clients there may be at a time.
func (s *Server) most() int64 { return min(s.maxClients.Load(), s.descriptors) }

// named is the address of ours that somebody has come to, by the name that the configuration has for it.
func (s *Server) named(local net.Addr) net.Addr {
	if _, ok := local.(*net.UnixAddr); ok {
		return &net.UnixAddr{Name: s.o.Config.String("unixsocket").Load(), Net: "unix"}
	}
	return local
}

// address prints an address as Redis does: host:port, or path:0 for a unix socket.
func address(a, instead net.Addr) string {
	if unix, ok := a.(*net.UnixAddr); ok {
		if (unix.Name == "" || unix.Name == "@") && instead != nil { // "@" is how gnet calls a socket without a name
			return address(instead, nil)
		}
		return unix.Name + ":0"
	}
	if a == nil {
		return "?:0"
	}
	return a.String()
}

// OnClose is gnet's word that a connection is gone.
func (s *Server) OnClose(c gnet.Conn, err error) gnet.Action {
	sess, ok := c.Context().(*session)
	if !ok {
		return gnet.None
	}
	if errors.Is(err, io.EOF) {
		sess.farewell()
	}
	sess.bye()
	sess.closed = true
	sess.mail.shut()
	sess.letGo()
	s.mu.Lock()
	delete(s.sessions, sess.client.ID)
	s.mu.Unlock()
	s.o.Engine.Leave(&sess.client)
	s.o.Log.Debug("client disconnected", "client", sess.client.Addr)
	return gnet.None
}

// OnTraffic is gnet's word that bytes have come, or that the mailbox has something.
func (s *Server) OnTraffic(c gnet.Conn) gnet.Action {
	sess, ok := c.Context().(*session)
	if !ok {
		return gnet.Close
	}
	return sess.traffic()
}

// OnTick looks after clients that do nothing, or do not read.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	now := s.o.Clock().UnixMilli()
	s.inRate.tick(s.bytesIn.Load())
	s.outRate.tick(s.bytesOut.Load())
	for _, sess := range s.all() {
		switch {
		case sess.idle(now):
			sess.Kill(false)
		case sess.stalls(now):
			s.o.Log.Log(context.Background(), config.LevelVerbose, "TLS handshake takes too long", "client", sess.client.Addr)
			sess.Kill(false)
		case sess.outBytes.Load() > 0:
			sess.look() // gnet does not tell when the client has read
		}
	}
	return time.Second, gnet.None
}

// Each calls fn for every client in the order of their IDs.
func (s *Server) Each(fn func(*commands.Client) bool) {
	for _, sess := range s.all() {
		if !fn(&sess.client) {
			return
		}
	}
}

// ByID finds a client; nil if there is none.
func (s *Server) ByID(id int64) *commands.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess := s.sessions[id]; sess != nil {
		return &sess.client
	}
	return nil
}

func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		all = append(all, sess)
	}
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(a.client.ID, b.client.ID) })
	return all
}

// Figures are the server's numbers for INFO.
func (s *Server) Figures() commands.ClientFigures {
	f := commands.ClientFigures{
		MaxClients: int(s.most()), Accepted: s.accepted.Load(), Rejected: s.rejected.Load(),
		BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(), Reads: s.reads.Load(), Writes: s.writes.Load(),
		BytesInPerSecond: s.inRate.last.Load(), BytesOutPerSecond: s.outRate.last.Load(),
		QueryBufferLimitHits: s.inHits.Load(), OutputBufferLimitHits: s.outHits.Load(),
	}
	for _, sess := range s.all() {
		f.Connected++
		in, out := sess.Buffers()
		f.BiggestIn, f.BiggestOut = max(f.BiggestIn, in), max(f.BiggestOut, out)
		f.Buffered += int64(in + out)
	}
	return f
}

// ResetStats sets the counters back.
func (s *Server) ResetStats() {
	for _, n := range []*atomic.Int64{&s.accepted, &s.rejected, &s.bytesIn, &s.bytesOut, &s.reads, &s.writes, &s.inHits, &s.outHits} {
		n.Store(0)
	}
}

// rate is how much a counter rose in the last second, as OnTick found it.
type rate struct {
	before int64 // OnTick's
	last   atomic.Int64
}

func (r *rate) tick(count int64) {
	r.last.Store(max(0, count-r.before))
	r.before = count
}
