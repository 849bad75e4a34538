// Package server is the clients' side: listeners, sessions, limits and the reply gate.
//
// gnet's event loops read and write the sockets. A session frames and parses what arrived, hands it to the engine in
// batches, and gathers the replies. Replies that rest on log records the disk does not have yet wait at the gate: at
// the end of the loop's iteration, when the requests of every ready connection have run, the loop commits once for
// all of them and then sends (loop.go).
//
// A loop's sessions belong to its goroutine. What others have to say to a session (the reply to a blocked command,
// a kill) goes through its mailbox (mailbox.go).
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/resp"
)

// Options are what a server is built on.
type Options struct {
	Engine *engine.Engine
	Config *config.Config
	Log    *slog.Logger
	Clock  func() time.Time
	// Ready is called when the sockets are open.
	Ready func()
}

// Server serves clients.
type Server struct {
	gnet.BuiltinEventEngine
	o Options
	limits

	gnet   gnet.Engine
	booted chan struct{}

	nextID   atomic.Int64
	accepted atomic.Int64
	rejected atomic.Int64
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
	inHits   atomic.Int64 // clients cut off at the query-buffer limit
	outHits  atomic.Int64 // clients cut off at the output-buffer limit
	inRate   rate
	outRate  rate

	mu       sync.Mutex // guards what follows; taken under the engine's lock, never around it
	sessions map[int64]*session
	loops    map[gnet.EventLoop]*loop
}

// limits are the directives that sessions look at.
type limits struct {
	maxClients  config.Handle[int64]
	timeout     config.Handle[int64] // seconds
	bulk        config.Handle[int64]
	queryBuffer config.Handle[int64]
	output      config.Handle[config.OutputLimits]
	protected   config.Handle[bool]
	password    config.Handle[string]
}

// New returns a server; Run starts it.
func New(o Options) *Server {
	s := &Server{
		o: o,
		limits: limits{
			maxClients:  o.Config.Int("maxclients"),
			timeout:     o.Config.Int("timeout"),
			bulk:        o.Config.Bytes("proto-max-bulk-len"),
			queryBuffer: o.Config.Bytes("client-query-buffer-limit"),
			output:      o.Config.OutputLimits(),
			protected:   o.Config.Bool("protected-mode"),
			password:    o.Config.String("requirepass"),
		},
		booted:   make(chan struct{}),
		sessions: map[int64]*session{},
		loops:    map[gnet.EventLoop]*loop{},
	}
	o.Engine.World().Clients = s
	return s
}

// ErrAddress says that an address could not be listened on.
var ErrAddress = errors.New("cannot listen")

// Addresses are where the configuration says to listen: host:port pairs, and the path of a unix socket or "".
func Addresses(c *config.Config) (tcp []string, unix string) {
	port, _ := c.Get("port")
	if port != "0" {
		for _, host := range c.Words("bind").Load() {
			tcp = append(tcp, net.JoinHostPort(bindHost(host), port))
		}
	}
	return tcp, c.String("unixsocket").Load()
}

// bindHost reads Redis's notation: a leading minus means that a missing interface is no error (here it is), and * is
// every address.
func bindHost(host string) string {
	if len(host) > 1 && host[0] == '-' {
		host = host[1:]
	}
	if host == "*" {
		return "0.0.0.0"
	}
	return host
}

// Run listens and serves until Stop.
func (s *Server) Run() error {
	tcp, unix := Addresses(s.o.Config)
	var urls []string
	for _, a := range tcp {
		if err := probe(a); err != nil {
			return err
		}
		urls = append(urls, "tcp://"+a)
	}
	if unix != "" {
		if err := os.Remove(unix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w on the unix socket %s: %w", ErrAddress, unix, err)
		}
		urls = append(urls, "unix://"+unix)
	}
	if len(urls) == 0 {
		return fmt.Errorf("%w: neither a port nor a unix socket is configured; give --addr or --unixsocket", ErrAddress)
	}
	err := gnet.Rotate(s, urls,
		gnet.WithNumEventLoop(int(max(1, s.o.Config.Int("loops").Load()))),
		gnet.WithTicker(true),
		gnet.WithTCPKeepAlive(time.Duration(s.o.Config.Int("tcp-keepalive").Load())*time.Second),
		gnet.WithReuseAddr(true),
		gnet.WithLogger(quiet{s.o.Log}),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return nil
}

// probe finds out whether an address is free before gnet takes it, for an error that says which one is not.
func probe(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w on %s: %w; stop what listens there, or give another --addr", ErrAddress, addr, errors.Unwrap(err))
	}
	return l.Close()
}

// OnBoot is gnet's word that the sockets are open.
func (s *Server) OnBoot(eng gnet.Engine) gnet.Action {
	s.gnet = eng
	if unix := s.o.Config.String("unixsocket").Load(); unix != "" {
		if mode := s.o.Config.Int("unixsocketperm").Load(); mode != 0 {
			if err := os.Chmod(unix, os.FileMode(mode)); err != nil {
				s.o.Log.Error("setting the permissions of the unix socket", "path", unix, "error", err)
			}
		}
	}
	close(s.booted)
	if s.o.Ready != nil {
		s.o.Ready()
	}
	return gnet.None
}

// Stop closes the sockets and ends Run.
func (s *Server) Stop(ctx context.Context) error {
	select {
	case <-s.booted:
		return s.gnet.Stop(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OnOpen is gnet's word of a new connection.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	s.accepted.Add(1)
	if refusal := s.refusal(c); refusal != "" {
		s.rejected.Add(1)
		var w resp.Writer
		w.Error(refusal)
		return w.Take(), gnet.Close
	}
	now := s.o.Clock().UnixMilli()
	sess := &session{srv: s, conn: c, loop: s.loopOf(c)}
	sess.client = commands.Client{
		ID: s.nextID.Add(1), Proto: 2, Addr: address(c.RemoteAddr(), c.LocalAddr()), LocalAddr: address(c.LocalAddr(), nil),
		User: "default", Authenticated: s.password.Load() == "", Created: now, Active: now, Peer: sess,
	}
	c.SetContext(sess)
	s.mu.Lock()
	s.sessions[sess.client.ID] = sess
	s.mu.Unlock()
	return nil, gnet.None
}

// refusal is why a connection is turned away, or "".
func (s *Server) refusal(c gnet.Conn) string {
	s.mu.Lock()
	full := int64(len(s.sessions)) >= s.maxClients.Load()
	s.mu.Unlock()
	if full {
		return resp.ErrMaxClients
	}
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok && s.protected.Load() && s.password.Load() == "" && !tcp.IP.IsLoopback() {
		return resp.ErrDenied
	}
	return ""
}

// address prints an address as Redis does: host:port, or path:0 for a unix socket.
func address(a, instead net.Addr) string {
	if unix, ok := a.(*net.UnixAddr); ok {
		if unix.Name == "" && instead != nil {
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
func (s *Server) OnClose(c gnet.Conn, _ error) gnet.Action {
	sess, ok := c.Context().(*session)
	if !ok {
		return gnet.None
	}
	sess.closed = true
	s.mu.Lock()
	delete(s.sessions, sess.client.ID)
	s.mu.Unlock()
	s.o.Engine.Leave(&sess.client)
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
	now := s.o.Clock()
	s.inRate.tick(s.bytesIn.Load())
	s.outRate.tick(s.bytesOut.Load())
	for _, sess := range s.all() {
		if s.overdue(sess, now) {
			sess.Kill(false)
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
		MaxClients: int(s.maxClients.Load()), Accepted: s.accepted.Load(), Rejected: s.rejected.Load(),
		BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(),
		BytesInPerSecond: s.inRate.last.Load(), BytesOutPerSecond: s.outRate.last.Load(),
		QueryBufferLimitHits: s.inHits.Load(), OutputBufferLimitHits: s.outHits.Load(),
	}
	for _, sess := range s.all() {
		f.Connected++
		in, out := sess.Buffers()
		f.BiggestIn, f.BiggestOut = max(f.BiggestIn, in), max(f.BiggestOut, out)
	}
	return f
}

// ResetStats sets the counters back.
func (s *Server) ResetStats() {
	for _, n := range []*atomic.Int64{&s.accepted, &s.rejected, &s.bytesIn, &s.bytesOut, &s.inHits, &s.outHits} {
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

// quiet passes gnet's errors on to our log, and nothing else.
type quiet struct{ log *slog.Logger }

func (q quiet) Debugf(string, ...any) {}
func (q quiet) Infof(string, ...any)  {}
func (q quiet) Warnf(string, ...any)  {}
func (q quiet) Errorf(format string, a ...any) {
	q.log.Debug("event loop", "error", fmt.Sprintf(format, a...))
}
func (q quiet) Fatalf(format string, a ...any) {
	q.log.Error("event loop", "error", fmt.Sprintf(format, a...))
}
