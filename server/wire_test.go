package server

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/panjf2000/gnet/v2"
)

// wire is a connection in memory.
type wire struct {
	gnet.Conn
	in   []byte // what the next read brings
	sent int
}

// wireLoop is an event loop in memory.
type wireLoop struct {
	gnet.EventLoop
	mu    sync.Mutex
	tasks []gnet.Runnable // guarded by mu: the server's ticker looks at this session as at any other
}

// connect opens a session on a server without a socket.
func connect(t testing.TB, srv *Server) (*session, *wire, *wireLoop) {
	t.Helper()
	w, el := &wire{}, &wireLoop{}
	s := &session{srv: srv, conn: w, loop: &loop{srv: srv, el: el, batch: newBatch()}}
	s.client.Proto, s.client.Authenticated, s.client.Peer = 2, true, s
	if refusal := srv.admit(s, w.RemoteAddr()); refusal != "" {
		t.Fatal(refusal)
	}
	return s, w, el
}

// iterate is one iteration of the loop, in which the session gets bytes.
func (el *wireLoop) iterate(s *session, w *wire, bytes []byte) gnet.Action {
	w.in = bytes
	action := s.traffic()
	for task := el.next(); task != nil; task = el.next() {
		_ = task.Run(context.Background()) // as gnet does
	}
	return action
}

func (el *wireLoop) next() (task gnet.Runnable) {
	el.mu.Lock()
	defer el.mu.Unlock()
	if len(el.tasks) > 0 {
		task, el.tasks = el.tasks[0], el.tasks[1:]
	}
	return task
}

func (w *wire) Next(int) ([]byte, error) {
	b := w.in
	w.in = nil
	return b, nil
}

func (w *wire) Write(b []byte) (int, error) {
	w.sent += len(b)
	return len(b), nil
}

func (w *wire) OutboundBuffered() int { return 0 }
func (w *wire) Fd() int               { return -1 }
func (w *wire) RemoteAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (el *wireLoop) Close(gnet.Conn) error { return nil }

func (el *wireLoop) Execute(_ context.Context, task gnet.Runnable) error {
	el.mu.Lock()
	defer el.mu.Unlock()
	el.tasks = append(el.tasks, task)
	return nil
}
