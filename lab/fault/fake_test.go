package fault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"holdfast/lab/subject"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// counters is a workload of INCR: each client has a counter of its own.
type counters struct{ clients, each int }

func (w counters) Name() string { return "test counters" }
func (w counters) Clients() int { return w.clients }

func (w counters) Client(n, _ int, _ *rand.Rand) workload.Client { return &counting{w, n, 0} }

type counting struct {
	of   counters
	n    int
	sent int
}

func (c *counting) Next(resp.Reply) [][]byte {
	if c.sent == c.of.each {
		return nil
	}
	c.sent++
	return [][]byte{[]byte("INCR"), []byte(fmt.Sprint("c", c.n))}
}

func (c *counting) Lost() bool { return true }

func (w counters) Reads() [][][]byte {
	var all [][][]byte
	for n := range w.clients {
		all = append(all, [][]byte{[]byte("GET"), []byte(fmt.Sprint("c", n))})
	}
	return all
}

func (w counters) Judge(h *workload.History, replies []resp.Reply) []workload.Finding {
	var found []workload.Finding
	for n, reply := range replies {
		key := fmt.Sprint("c", n)
		least, most := 0, 0
		for _, op := range h.Ops {
			if string(op.Args[1]) != key || op.Reply.Err() != nil {
				continue
			}
			most++
			if op.Fate == workload.Must {
				least++
			}
		}
		got, err := strconv.Atoi("0" + string(reply.Str))
		switch {
		case err != nil || got > most:
			found = append(found, workload.Finding{Check: workload.Invented, Key: key, Detail: fmt.Sprintf("%q of %d", reply.Str, most)})
		case got < least:
			found = append(found, workload.Finding{Check: workload.Lost, Key: key, Detail: fmt.Sprintf("%d of %d", got, least)})
		}
	}
	return found
}

// fake starts servers that keep counters in a log of lines "key CRC", each synced before the reply. Its defects are those of
// servers that one meets.
type fake struct {
	IgnoresErrors bool // of writes and syncs: it says that all went well
	CutsAnywhere  bool // it takes any damage for the end of the log
	NoChecksum    bool
	NeverSyncs    bool
	RetriesSyncs  bool // and takes a success for one of what failed before
	RepliesFirst  bool // and writes every hundredth time
	RefusesAfter  bool // it Cannot start on a log that has anything in it
	Hangs         bool // after a while, when a sync fails
	EndsAt        int  // the request at which it ends by itself; 0: none
	Cannot        bool // be paused or ended cleanly
}

func (f fake) Start(_ context.Context, dir string) (subject.Server, error) {
	s := &fakeServer{fake: f, counts: map[string]int{}}
	path := filepath.Join(dir, "log")
	if err := s.load(path); err != nil {
		return nil, fmt.Errorf("%w: %w", subject.ErrRefused, err)
	}
	var err error
	if s.log, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("%w: %w", subject.ErrRefused, err)
	}
	if err := s.log.Sync(); err != nil && !f.IgnoresErrors {
		return nil, errors.Join(fmt.Errorf("%w: %w", subject.ErrRefused, err), s.log.Close())
	}
	if f.Cannot {
		return struct{ subject.Server }{s}, nil
	}
	return s, nil
}

type fakeServer struct {
	fake
	log *os.File

	mu       sync.Mutex // guards what follows; whoever stops the server holds it
	counts   map[string]int
	pending  strings.Builder
	requests int

	dying  sync.Mutex // guards what follows: a server is killed in the middle of whatever it does
	dead   bool
	output string
}

var errGone = errors.New("the server is gone")

// load reads the log. A last line that is not whole is cut off; anything else that is not a line is damage.
func (s *fakeServer) load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.RefusesAfter && len(text) > 0 {
		return errors.New("there is something there already")
	}
	end := len(strings.TrimRight(string(text), "\x00"))
	good := 0
	for in := bufio.NewScanner(strings.NewReader(string(text[:end]))); in.Scan(); {
		line := in.Text()
		key, sum, _ := strings.Cut(line, " ")
		if !s.NoChecksum && sum != check(key) {
			if s.CutsAnywhere || good+len(line) >= end-1 {
				break
			}
			return fmt.Errorf("line at %d: %q is damaged", good, line)
		}
		s.counts[key]++
		good += len(line) + 1
	}
	return os.Truncate(path, int64(min(good, len(text))))
}

func check(key string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(key))) }

func (s *fakeServer) Dial() (subject.Conn, error) {
	return &fakeConn{s: s, closed: make(chan struct{})}, nil
}

func (s *fakeServer) Output() string {
	s.dying.Lock()
	defer s.dying.Unlock()
	return s.output
}

func (s *fakeServer) Kill() error { return s.end("") }

func (s *fakeServer) end(why string) error {
	s.dying.Lock()
	defer s.dying.Unlock()
	if s.dead {
		return nil
	}
	s.dead, s.output = true, why
	go s.log.Close() // it waits for the write that is under way, if one is; a kill does not
	return nil
}

func (s *fakeServer) isDead() bool {
	s.dying.Lock()
	defer s.dying.Unlock()
	return s.dead
}

func (s *fakeServer) Terminate() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(""); err != nil {
		return err
	}
	return s.end("")
}

func (s *fakeServer) Stop() error     { s.mu.Lock(); return nil }
func (s *fakeServer) Continue() error { s.mu.Unlock(); return nil }

type fakeConn struct {
	s      *fakeServer
	closed chan struct{}
}

func (c *fakeConn) Close() error { close(c.closed); return nil }

func (c *fakeConn) Do(args ...[]byte) (resp.Reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.EndsAt > 0 && s.requests == s.EndsAt {
		s.end("it was too much")
	}
	if s.isDead() {
		return resp.Reply{}, errGone
	}
	key := string(args[1])
	if string(args[0]) == "GET" {
		return resp.Reply{Kind: '$', Str: []byte(fmt.Sprint(s.counts[key]))}, nil
	}
	if err := s.write(key + " " + check(key) + "\n"); err != nil && s.Hangs {
		s.mu.Unlock()
		<-c.closed
		s.mu.Lock()
		return resp.Reply{}, errGone
	} else if err != nil && !s.IgnoresErrors {
		s.end("FATAL: " + err.Error())
		return resp.Reply{}, errGone
	}
	if s.isDead() {
		return resp.Reply{}, errGone
	}
	s.counts[key]++
	return resp.Reply{Kind: ':', Int: int64(s.counts[key])}, nil
}

func (s *fakeServer) write(line string) error {
	s.pending.WriteString(line)
	if s.RepliesFirst && line != "" && s.requests%100 != 0 {
		return nil
	}
	_, err := s.log.WriteString(s.pending.String())
	s.pending.Reset()
	if err == nil && !s.NeverSyncs {
		err = s.log.Sync()
		for n := 0; err != nil && s.RetriesSyncs && n < 100; n++ {
			err = s.log.Sync()
		}
	}
	return err
}

// options are those of a quick run.
func options(t *testing.T, f fake, kinds ...Kind) Options {
	return Options{Starter: f, Workload: counters{3, 100}, Policy: "always", Seed: 1, Kinds: kinds, Each: 4, Dir: t.TempDir()}
}

// run does experiments, and counts the outcomes of those whose name begins with one of the prefixes, or of all.
func run(t *testing.T, o Options, prefixes ...string) (map[Outcome]int, []Result) {
	t.Helper()
	counts := map[Outcome]int{}
	var all []Result
	err := Run(t.Context(), o, func(r Result) {
		if len(prefixes) == 0 {
			counts[r.Outcome]++
		}
		for _, p := range prefixes {
			if strings.HasPrefix(r.Name, p) {
				counts[r.Outcome]++
			}
		}
		all = append(all, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return counts, all
}
