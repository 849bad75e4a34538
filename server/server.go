// Package server is the clients' side: listeners, sessions, limits and the reply gate.
//
// gnet's event loops read and write the sockets. A session frames and parses what arrived, hands it to the engine in
// batches, and gathers the replies. Replies that rest on log records the disk does not have yet wait at the gate: at
// the end of the loop's iteration, when the requests of every ready connection have run, the loop commits once for
// all of them and then sends (loop.go).
//
// A loop's sessions belong to its goroutine. What others have to say to a session (the reply to a blocked command,
// a kill) goes through its mailbox (mailbox.go).
//
// Three rules keep bytes from going astray: replies leave in the order of their requests, those of blocked commands
// included; a connection is not written to once gnet has closed it, and a loop is not woken once it may have ended,
// since either descriptor may be another file's by then; and what a session holds in either direction has a limit.
//
// Input that cannot run yet is kept by the session and not by gnet, which would copy all of it at each read.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/acl"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/nice"
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
	ended  chan struct{}
	asides sync.WaitGroup // commits that run beside their loops, and those that wait for room on the disk

	socket      *unixSocket // nil: none; Run's goroutine has it, and what follows
	unpublished error       // why the socket did not get its name

	securePort   int                        // where clients speak TLS; 0: nowhere
	certificates atomic.Pointer[tls.Config] // what new TLS connections go by; nil where securePort is 0

	users       *acl.Users // who may log in
	descriptors int64      // how many clients the process has file descriptors for

	accepted atomic.Int64
	rejected atomic.Int64
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
	reads    atomic.Int64 // batches of requests
	writes   atomic.Int64
	inHits   atomic.Int64 // clients cut off at the query-buffer limit
	outHits  atomic.Int64 // clients cut off at the output-buffer limit
	inRate   rate
	outRate  rate

	mu       sync.Mutex         // guards what follows; taken under the engine's lock, never around it
	asked    bool               // to stop
	stopping bool               // the loops are about to end
	sessions map[int64]*session // by client ID
	lastID   int64
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
}

// New returns a server; Run starts it.
func New(o Options) *Server {
	keepAccepting()
	s := &Server{
		o: o,
		limits: limits{
			maxClients:  o.Config.Int("maxclients"),
			timeout:     o.Config.Int("timeout"),
			bulk:        o.Config.Bytes("proto-max-bulk-len"),
			queryBuffer: o.Config.Bytes("client-query-buffer-limit"),
			output:      o.Config.OutputLimits(),
			protected:   o.Config.Bool("protected-mode"),
		},
		booted:      make(chan struct{}),
		ended:       make(chan struct{}),
		securePort:  int(o.Config.Int("tls-port").Load()),
		users:       o.Engine.World().Users,
		descriptors: descriptors(),
		sessions:    map[int64]*session{},
		loops:       map[gnet.EventLoop]*loop{},
	}
	o.Engine.World().Clients = s
	s.maxClients.OnChange(func(most int64) error {
		inForce := most == s.maxClients.Load() // it is gone back to, as another setting was refused
		if most > s.descriptors && !inForce {
			return resp.Error(resp.ClientsBeyondDescriptors(s.descriptors))
		}
		return nil
	})
	if s.securePort != 0 {
		o.Config.OnChangeOf(tlsDirectives, s.useTLS)
	}
	return s
}

// ErrEnded says that the event loop ended though nobody stopped it; what it logged says why.
var ErrEnded = errors.New("the event loop ended by itself")

// descriptorsReserved are file descriptors for the data's files, for connections that are to be turned away, and for the 64
// that metrics-addr has at most.
const descriptorsReserved = 256 + 64

// readBytes is how much a loop reads at a time: so much that a large argument takes few calls, and so little that what was read
// is still in the processor's cache when it is copied on. Memory is taken as far as a read has reached.
const readBytes = 256 << 10

// descriptors is how many clients the process has file descriptors for. A connection that gets none waits, and a file of the
// data that gets none ends the process, so there should always be some left.
func descriptors() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt64
	}
	return max(1, int64(min(limit.Cur, math.MaxInt64))-descriptorsReserved)
}

// Run listens and serves until Stop.
func (s *Server) Run() error {
	defer close(s.ended)
	if most := s.maxClients.Load(); most > s.descriptors {
		s.o.Log.Warn("maxclients is more than there are file descriptors for; raise ulimit -n",
			"maxclients", most, "clients", s.descriptors)
	}
	if s.securePort != 0 {
		if err := s.ReloadTLS(); err != nil {
			return err
		}
	}
	urls, err := s.listeners()
	if err != nil {
		return err
	}
	err = gnet.Rotate(s, urls,
		gnet.WithNumEventLoop(loops(s.o.Config.Int("loops").Load(), nice.Processors())),
		gnet.WithReadBufferCap(readBytes),
		gnet.WithTicker(true),
		gnet.WithTCPKeepAlive(time.Duration(s.o.Config.Int("tcp-keepalive").Load())*time.Second),
		gnet.WithReuseAddr(true),
		gnet.WithLogger(quiet{s.o.Log}),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrAddress, err), s.socket.withdraw())
	}
	if s.unpublished != nil {
		return s.unpublished
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked {
		return ErrEnded
	}
	return nil
}

// loopsMost is where the engine's lock ends what further loops can give: it is held for a sixth of what a request at
// pipeline 1 costs a loop.
const loopsMost = 8

// loops is how many event loops to run, where so many are asked for (0: choose) on so many processors. Half of the processors
// are for whatever else there is: the other ends of connections on the same machine, collection, checkpoints. On two,
// with the clients there as well, a second loop made everything slower.
func loops(asked int64, processors int) int {
	if asked > 0 {
		return int(asked)
	}
	return min(max(1, processors/2), loopsMost)
}

// OnBoot is gnet's word that the sockets are open.
func (s *Server) OnBoot(eng gnet.Engine) gnet.Action {
	s.gnet = eng
	if s.socket != nil {
		if s.unpublished = s.socket.publish(fs.FileMode(s.o.Config.Int("unixsocketperm").Load())); s.unpublished != nil {
			return gnet.Shutdown
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
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	s.asked = true
	s.mu.Unlock()
	// gnet's Stop begins the end, and then asks twice a second whether it has come. Run knows at once.
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.gnet.Stop(over); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OnShutdown is gnet's word that the loops are about to end. Commits beside them hand their outcome to a loop, whose
// descriptors must be its own still.
func (s *Server) OnShutdown(gnet.Engine) {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	if err := s.socket.withdraw(); err != nil {
		s.o.Log.Warn("the unix socket is left behind", "error", err)
	}
	s.asides.Wait()
}

// beginAside counts a commit beside its loop, unless the server is stopping (false).
func (s *Server) beginAside() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.asides.Add(1)
	}
	return !s.stopping
}

// quiet passes gnet's errors on to our log, and nothing else.
type quiet struct{ log *slog.Logger }

func (q quiet) Debugf(string, ...any) {}
func (q quiet) Infof(string, ...any)  {}
func (q quiet) Warnf(string, ...any)  {}
func (q quiet) Errorf(format string, a ...any) {
	q.log.Warn("event loop", "error", fmt.Sprintf(format, a...))
}
func (q quiet) Fatalf(format string, a ...any) {
	q.log.Error("event loop", "error", fmt.Sprintf(format, a...))
}
