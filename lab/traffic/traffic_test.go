package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// pings is a workload whose clients each send PING so many times.
type pings struct{ clients, each int }

func (p pings) Name() string                                             { return "pings" }
func (p pings) Clients() int                                             { return p.clients }
func (p pings) Reads() [][][]byte                                        { return nil }
func (p pings) Judge(*workload.History, []resp.Reply) []workload.Finding { return nil }
func (p pings) Client(n, round int, _ *rand.Rand) workload.Client {
	return &pinger{of: p, n: n, round: round}
}

type pinger struct {
	of       pings
	n, round int
	sent     int
	lost     bool // the last request
}

func (p *pinger) Lost() bool {
	p.lost = true
	return true
}

// Next also checks that it is handed the reply to its own last request.
func (p *pinger) Next(reply resp.Reply) [][]byte {
	if p.sent > 0 && !p.lost && string(reply.Str) != p.text() || p.lost && reply.Kind != 0 {
		panic(fmt.Sprintf("the reply is %q, want %q", reply.Str, p.text()))
	}
	p.lost = false
	if p.sent == p.of.each {
		return nil
	}
	p.sent++
	return words("PING", p.text())
}

func (p *pinger) text() string { return fmt.Sprintf("%d.%d.%d", p.round, p.n, p.sent) }

func words(list ...string) [][]byte {
	var out [][]byte
	for _, w := range list {
		out = append(out, []byte(w))
	}
	return out
}

// echo is a server whose connections break or fall silent from so many requests of all of them on; 0: never. drops breaks
// the connection of every so-manieth request, which is done.
type echo struct {
	mu                    sync.Mutex
	requests              int
	breaks, silent, drops int
	open                  int
	asked                 []string // what it was asked
}

func (s *echo) dial() (subject.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &echoConn{s: s, closed: make(chan struct{})}, nil
}

type echoConn struct {
	s      *echo
	closed chan struct{}
}

var errReset = errors.New("connection reset")

func (c *echoConn) Do(args ...[]byte) (resp.Reply, error) {
	c.s.mu.Lock()
	c.s.requests++
	n := c.s.requests
	c.s.asked = append(c.s.asked, string(bytes.Join(args, []byte(" "))))
	c.s.mu.Unlock()
	if c.s.drops > 0 && n%c.s.drops == 0 {
		return resp.Reply{}, errReset
	}
	if c.s.breaks > 0 && n >= c.s.breaks {
		return resp.Reply{}, errReset
	}
	if c.s.silent > 0 && n >= c.s.silent {
		<-c.closed
		return resp.Reply{}, errReset
	}
	return resp.Reply{Kind: '$', Str: args[1]}, nil
}

func (c *echoConn) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.open--
	close(c.closed)
	return nil
}

// drive runs pings against a server with a trace, and returns the trace's events.
func drive(t *testing.T, ctx context.Context, w workload.Workload, round int, s *echo) ([]trace.Event, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	log, err := trace.NewWriter(path, trace.Meta{Clients: w.Clients()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	driven := Drive(ctx, w, round, s.dial, log, 1)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if s.open != 0 {
		t.Errorf("%d connections are still open", s.open)
	}
	r, err := trace.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var events []trace.Event
	if err := r.Events(func(e trace.Event) (bool, error) { events = append(events, e); return true, nil }); err != nil {
		t.Fatal(err)
	}
	return events, driven
}

// Each connection's requests and replies stand in turn, and Closed at its end; the numbers of a round are its own.
func TestTrafficIsWrittenDown(t *testing.T) {
	const clients, each, round = 3, 50, 2
	events, err := drive(t, t.Context(), pings{clients, each}, round, &echo{})
	if err != nil {
		t.Fatal(err)
	}
	requests, replies, closed := map[int]uint64{}, map[int]uint64{}, map[int]bool{}
	for _, e := range events {
		n := e.Conn - 1 - round*clients
		if n < 0 || n >= clients || closed[n] {
			t.Fatalf("%v: of connection %d, closed %v", e, n, closed[n])
		}
		switch e.Kind {
		case trace.Request:
			requests[n]++
			if e.ID != requests[n] || requests[n] != replies[n]+1 {
				t.Fatalf("%v: after %d requests and %d replies", e, requests[n]-1, replies[n])
			}
		case trace.Reply:
			replies[n]++
			want := fmt.Sprintf("$%d\r\n%d.%d.%d\r\n", len(fmt.Sprintf("%d.%d.%d", round, n, e.ID)), round, n, e.ID)
			if e.ID != replies[n] || string(e.Reply) != want {
				t.Fatalf("%v: want reply %d, %q", e, replies[n], want)
			}
		case trace.Closed:
			closed[n] = true
		}
	}
	for n := range clients {
		if requests[n] != each || replies[n] != each || !closed[n] {
			t.Errorf("connection %d: %d requests, %d replies, closed %v", n, requests[n], replies[n], closed[n])
		}
	}
}

// A server that goes away leaves requests without a reply, and an error.
func TestBrokenConnections(t *testing.T) {
	events, err := drive(t, t.Context(), pings{3, 50}, 0, &echo{breaks: 40})
	if !errors.Is(err, ErrBroken) || !errors.Is(err, errReset) {
		t.Errorf("%v, want ErrBroken", err)
	}
	unanswered := 0
	for _, e := range events {
		switch e.Kind {
		case trace.Request:
			unanswered++
		case trace.Reply:
			unanswered--
		}
	}
	if unanswered == 0 {
		t.Error("every request has a reply, that of the break too")
	}
}

// A server that closes connections is asked on over new ones; what was under way has no reply.
func TestDroppedConnections(t *testing.T) {
	const clients, each = 3, 50
	events, err := drive(t, t.Context(), pings{clients, each}, 0, &echo{drops: 20})
	if err != nil {
		t.Fatal(err)
	}
	requests, replies, closed := 0, 0, 0
	for _, e := range events {
		switch e.Kind {
		case trace.Request:
			requests++
		case trace.Reply:
			replies++
		case trace.Closed:
			closed++
		}
	}
	if lost := clients * each / 20; requests != clients*each || replies != requests-lost || closed != clients+lost {
		t.Errorf("%d requests, %d replies, %d ends of connections", requests, replies, closed)
	}
}

// A reply that does not come ends the traffic, and the end of the time does not hide it.
func TestUnanswered(t *testing.T) {
	for _, traffic := range []time.Duration{0, time.Millisecond} {
		s := &echo{silent: 40}
		_, err := Within(t.Context(), pings{3, 1 << 20}, 0, s.dial, NewLive(3, time.Now), 1, Limits{traffic, 20 * time.Millisecond})
		if traffic > 0 && s.requests < 40 {
			continue // the time was over sooner
		}
		if !errors.Is(err, ErrUnanswered) || !strings.Contains(err.Error(), "PING") || s.open != 0 {
			t.Errorf("%v: %v; %d connections are open", traffic, err, s.open)
		}
	}
	over, err := Within(t.Context(), pings{3, 1 << 20}, 0, new(echo).dial, NewLive(3, time.Now), 1, Limits{time.Millisecond, time.Minute})
	if !over || err != nil {
		t.Errorf("over %v, %v", over, err)
	}
	if over, err = Within(t.Context(), pings{3, 5}, 0, new(echo).dial, NewLive(3, time.Now), 1, Limits{time.Minute, time.Minute}); over || err != nil {
		t.Errorf("over %v, %v", over, err)
	}
}

// A server that hangs keeps nobody: the end of ctx closes the connections, and that is no error.
func TestSilentServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &echo{silent: 40}
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := drive(t, ctx, pings{3, 50}, 0, s); err != nil {
		t.Errorf("%v", err)
	}
}

// A full log ends the traffic, and no request is sent that is not in it.
func TestFullLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	log, err := trace.NewWriter(path, trace.Meta{}, 2000)
	if err != nil {
		t.Fatal(err)
	}
	s := &echo{}
	if err := Drive(t.Context(), pings{3, 500}, 0, s.dial, log, 1); !errors.Is(err, trace.ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	if logged := int(log.Last()); s.requests == 0 || s.requests > logged {
		t.Errorf("%d requests, %d events", s.requests, logged)
	}
	if err := log.Close(); !errors.Is(err, trace.ErrFull) {
		t.Error(err)
	}
}

func TestRefusedConnection(t *testing.T) {
	s := &echo{}
	n := 0
	dial := func() (subject.Conn, error) {
		if n++; n == 3 {
			return nil, errReset
		}
		return s.dial()
	}
	live := NewLive(3, time.Now)
	if err := Drive(t.Context(), pings{3, 5}, 0, dial, live, 1); !errors.Is(err, ErrBroken) || !errors.Is(err, errReset) {
		t.Errorf("%v, want ErrBroken", err)
	}
	if s.open != 0 {
		t.Errorf("%d connections are still open", s.open)
	}
}

// Every reply comes back from the trace as it was.
func TestRepliesComeBack(t *testing.T) {
	var p replies
	for _, wire := range []string{
		"+OK\r\n", "+\r\n", "-ERR no\r\n", ":0\r\n", ":-7\r\n", "$0\r\n\r\n", "$-1\r\n", "$4\r\n\r\n\x00\xff\r\n", "*-1\r\n", "*0\r\n",
		"*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n", "%1\r\n+a\r\n_\r\n", "~2\r\n#t\r\n#f\r\n", ">1\r\n+x\r\n", ",1.5\r\n", ",inf\r\n",
		"(123456789012345678901234567890\r\n", "=7\r\ntxt:abc\r\n", "!3\r\nERR\r\n",
	} {
		r, err := p.parse([]byte(wire))
		if err != nil {
			t.Fatalf("%q: %v", wire, err)
		}
		if got := string(AppendReply(nil, r)); got != wire {
			t.Errorf("%q becomes %q", wire, got)
		}
		if again, err := p.parse(AppendReply(nil, r)); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%q: %+v, %v", wire, again, err)
		}
	}
	for _, wire := range []string{"", "+OK", "+OK\r\n+OK\r\n", "?\r\n"} {
		if r, err := p.parse([]byte(wire)); err == nil {
			t.Errorf("%q is a reply: %+v", wire, r)
		}
	}
	if _, err := p.parse([]byte("+OK\r\n")); err != nil {
		t.Errorf("after a bad one: %v", err)
	}
}

// Ask replies in order, and says which request broke.
func TestAsk(t *testing.T) {
	s := &echo{breaks: 4}
	live := NewLive(1, time.Now)
	requests := [][][]byte{words("GET", "a"), words("GET", "b"), words("GET", "c"), words("GET", "d")}
	replies, err := Ask(t.Context(), s.dial, live, 2, requests[:3], time.Minute)
	if err != nil || len(replies) != 3 || string(replies[1].Str) != "b" {
		t.Errorf("%v, %v", replies, err)
	}
	if _, err := Ask(t.Context(), s.dial, nil, 2, requests, time.Minute); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "1 of 4") {
		t.Error(err)
	}
	silent := &echo{silent: 2}
	if _, err := Ask(t.Context(), silent.dial, nil, 2, requests, time.Millisecond); !errors.Is(err, ErrUnanswered) || !strings.Contains(err.Error(), "2 of 4") {
		t.Error(err)
	}
	if s.open+silent.open != 0 {
		t.Errorf("%d connections are open", s.open+silent.open)
	}
	h, err := live.History(Always)
	if err != nil || len(h.Ops) != 3 || h.Ops[2].Round != 1 || !h.Ops[2].Acked {
		t.Errorf("%+v, %v", h, err)
	}
}

// Where a connection breaks the request is asked again over a new one, in the same database, and is one in the log.
func TestAskOverDroppedConnections(t *testing.T) {
	s := &echo{drops: 3}
	live := NewLive(1, time.Now)
	requests := [][][]byte{words("SELECT", "1"), words("GET", "a"), words("GET", "b"), words("GET", "c")}
	replies, err := Ask(t.Context(), s.dial, live, 2, requests, time.Minute)
	if err != nil || len(replies) != 4 || string(replies[2].Str) != "b" {
		t.Errorf("%v, %v", replies, err)
	}
	if want := []string{"SELECT 1", "GET a", "GET b", "SELECT 1", "GET b", "GET c", "SELECT 1", "GET c"}; !slices.Equal(s.asked, want) {
		t.Errorf("it was asked %q", s.asked)
	}
	if h, err := live.History(Always); err != nil || len(h.Ops) != 4 || !h.Ops[3].Acked {
		t.Errorf("%+v, %v", h, err)
	}
}
