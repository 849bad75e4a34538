package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/resp"
)

// patience is how long a test waits for what must happen; silence how long it listens for what must not.
const (
	patience = 20 * time.Second
	silence  = 20 * time.Millisecond
)

// rig is a server on a temporary directory, and everything that a test may want to hold in its hand.
type rig struct {
	t      testing.TB
	cfg    *config.Config
	fs     *vfs.Faulty
	engine *engine.Engine
	server *Server
	addr   string
	secure *secureSide  // nil: clients speak plainly
	ahead  atomic.Int64 // ms by which the clock is ahead of the real one
	fatal  chan error   // the log failed

	stopOnce sync.Once
}

// start runs a server with directives given as name, value, name, value. At the end of the test it stops the server,
// and every goroutine that came with it must be gone.
func start(t testing.TB, directives ...string) *rig {
	t.Helper()
	goroutines := runtime.NumGoroutine()
	dir := t.TempDir()
	r := &rig{t: t, cfg: config.New(), fs: vfs.NewFaulty(dir, 1), fatal: make(chan error, 1)}
	r.addr = freeAddress(t, "127.0.0.1")
	_, port, _ := net.SplitHostPort(r.addr)
	directives = append([]string{"port", port, "bind", "127.0.0.1", "dir", dir, "segment-bytes", "1mb"}, directives...)
	for i := 0; i < len(directives); i += 2 {
		if err := r.cfg.Set(config.Flag, directives[i], directives[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	clock := func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load()) * time.Millisecond) }
	log := slog.New(slog.DiscardHandler)
	var err error
	r.engine, err = engine.Open(engine.Options{
		FS: r.fs, Dir: filepath.Join(dir, "data"), Config: r.cfg, Clock: clock, Seed: 1, Log: log,
		Fatal: func(err error) { r.fatal <- err }, Stop: func(bool) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	r.server = New(Options{Engine: r.engine, Config: r.cfg, Log: log, Clock: clock, Ready: func() { close(ready) }})
	served := make(chan error, 1)
	go func() { served <- r.server.Run() }()
	select {
	case <-ready:
	case err := <-served:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop()
		if err := <-served; err != nil {
			t.Error("Run returned", err)
		}
		if err := r.engine.Close(false); err != nil && len(r.fs.Injected()) == 0 {
			t.Error("closing the engine:", err)
		}
		noneLeft(t, goroutines)
	})
	return r
}

// stop ends the server, and leaves the engine.
func (r *rig) stop() {
	r.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.server.Stop(ctx); err != nil {
			r.t.Error("stopping:", err)
		}
	})
}

// noneLeft waits until there are no more goroutines than there were.
func noneLeft(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before the test:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func freeAddress(t testing.TB, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until waits for a condition.
func (r *rig) until(what string, met func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// figure is a number of INFO's, by name.
func (r *rig) figure(name string) int64 {
	f := r.server.Figures()
	switch name {
	case "connected":
		return int64(f.Connected)
	case "rejected":
		return f.Rejected
	case "inHits":
		return f.QueryBufferLimitHits
	case "outHits":
		return f.OutputBufferLimitHits
	}
	panic("BUG: " + name)
}

// blocked waits until so many clients wait in blocking commands.
func (r *rig) blocked(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d blocked clients", n), func() bool {
		var got int
		r.engine.Do(func() { got = r.engine.Figures().Blocked })
		return got == n
	})
}

// set is CONFIG SET.
func (r *rig) set(name, value string) {
	r.t.Helper()
	r.dial().expect("+OK", "CONFIG", "SET", name, value)
}

// peer is a client at the other end of a socket.
type peer struct {
	t testing.TB
	net.Conn
	in *resp.Decoder
}

func (r *rig) dial() *peer {
	r.t.Helper()
	if r.secure != nil {
		return r.dialTLS(nil)
	}
	return r.dialTo("tcp", r.addr)
}

func (r *rig) dialTo(network, addr string) *peer {
	r.t.Helper()
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{r.t, c, resp.NewDecoder(c)}
	r.t.Cleanup(func() { c.Close() })
	return p
}

// raw sends bytes.
func (p *peer) raw(b string) {
	p.t.Helper()
	p.deadline(patience)
	if _, err := io.WriteString(p.Conn, b); err != nil {
		p.t.Fatal("sending:", err)
	}
}

func (p *peer) deadline(d time.Duration) {
	p.t.Helper()
	if err := p.SetDeadline(time.Now().Add(d)); err != nil {
		p.t.Fatal(err)
	}
}

// send sends a request.
func (p *peer) send(args ...string) {
	p.t.Helper()
	p.raw(request(args...))
}

// request is a request on the wire.
func request(args ...string) string { return string(resp.AppendCommand(nil, args...)) }

// read reads a reply and prints it in a line.
func (p *peer) read() string {
	p.t.Helper()
	p.deadline(patience)
	reply, err := p.in.Decode()
	if err != nil {
		p.t.Fatal("no reply:", err)
	}
	return show(reply)
}

// show prints a reply: status and error with their sign, $text, :number, [elements], _ for null.
func show(r resp.Reply) string {
	switch {
	case r.Null:
		return "_"
	case r.Kind == ':':
		return ":" + strconv.FormatInt(r.Int, 10)
	case r.Kind == '*', r.Kind == '>', r.Kind == '%':
		var elems []string
		for _, e := range r.Elems {
			elems = append(elems, show(e))
		}
		return "[" + strings.Join(elems, " ") + "]"
	}
	return string(r.Kind) + string(r.Str)
}

// wants reads replies.
func (p *peer) wants(replies ...string) {
	p.t.Helper()
	for i, want := range replies {
		if got := p.read(); got != want {
			p.t.Fatalf("reply %d of %d: got %.200s, want %.200s", i+1, len(replies), got, want)
		}
	}
}

// do sends a request and reads its reply.
func (p *peer) do(args ...string) string {
	p.t.Helper()
	p.send(args...)
	return p.read()
}

func (p *peer) expect(reply string, args ...string) {
	p.t.Helper()
	if got := p.do(args...); got != reply {
		p.t.Fatalf("%.100q: got %.200s, want %.200s", args, got, reply)
	}
}

// id is the client's ID.
func (p *peer) id() string {
	p.t.Helper()
	return strings.TrimPrefix(p.do("CLIENT", "ID"), ":")
}

// quiet asserts that nothing arrives. What the server has sent before another client got a reply has arrived by then,
// so that a moment is enough.
func (p *peer) quiet() {
	p.t.Helper()
	p.deadline(silence)
	if reply, err := p.in.Decode(); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("wanted silence, got %v, %v", show(reply), err)
	}
}

// ended asserts that the server has closed the connection, and nothing is left to read.
func (p *peer) ended() {
	p.t.Helper()
	p.deadline(patience)
	if reply, err := p.in.Decode(); err == nil {
		p.t.Fatal("wanted the connection closed, got", show(reply))
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal("the connection is still open")
	}
}

// reset ends the connection without a farewell.
func (p *peer) reset() {
	p.t.Helper()
	if err := p.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		p.t.Fatal(err)
	}
	p.Close()
}

// onLoop runs fn on an event loop's goroutine.
func (r *rig) onLoop(el gnet.EventLoop, fn func()) {
	r.t.Helper()
	err := el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		fn()
		return nil
	}))
	if err != nil {
		r.t.Fatal(err)
	}
}
