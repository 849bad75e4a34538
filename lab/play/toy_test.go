package play_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// The server of these tests keeps its keys in one file, a line "key=value" for each SET, and cuts off what has no end of
// line when it starts.

const logName = "log"

// toy starts such servers, and has the faults that a test gives it.
type toy struct {
	refuse  func(content []byte) bool // ends instead of starting
	hang    func(content []byte) bool // neither starts nor ends
	dies    func(content []byte) bool // answers once and ends
	mute    func(content []byte) bool // starts, and never replies
	slow    time.Duration             // each reply takes so long
	forgets bool                      // what it is told after a recovery it keeps in memory only
	lazy    bool                      // it does not sync

	started, running atomic.Int64
	tape             traffic.Log // where it says what it does to its file; nil: nobody listens
	onStart          func()
}

func (s *toy) Start(ctx context.Context, dir string) (subject.Server, error) {
	s.started.Add(1)
	if s.onStart != nil {
		s.onStart()
	}
	content, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if s.refuse != nil && s.refuse(content) {
		return nil, fmt.Errorf("%w: line 1\nthe file is not to my liking", subject.ErrRefused)
	}
	if s.hang != nil && s.hang(content) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	file, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	v := &toyServer{toy: s, keys: map[string]string{}, file: file, dies: s.dies != nil && s.dies(content),
		mute: s.mute != nil && s.mute(content)}
	s.running.Add(1)
	for line := range strings.Lines(string(content)) {
		key, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasSuffix(value, "\n") || strings.ContainsRune(line, 0) {
			break
		}
		v.keys[key], v.at = strings.TrimSuffix(value, "\n"), v.at+int64(len(line))
	}
	return v, nil
}

type toyServer struct {
	*toy
	mu     sync.Mutex // guards what follows
	keys   map[string]string
	file   *os.File
	at     int64
	killed bool
	dies   bool
	mute   bool
}

type toyConn struct {
	*toyServer
	closed chan struct{}
}

func (c toyConn) Close() error {
	close(c.closed)
	return nil
}

func (c toyConn) Do(args ...[]byte) (resp.Reply, error) {
	if c.mute {
		<-c.closed
		return resp.Reply{}, net.ErrClosed
	}
	time.Sleep(c.slow)
	return c.toyServer.Do(args...)
}

func (v *toyServer) Dial() (subject.Conn, error) { return toyConn{v, make(chan struct{})}, nil }
func (v *toyServer) Output() string              { return "what a toy has to say" }

func (v *toyServer) Kill() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.killed {
		return nil
	}
	v.killed = true
	v.running.Add(-1)
	return v.file.Close()
}

func (v *toyServer) Do(args ...[]byte) (resp.Reply, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.killed || v.dies {
		return resp.Reply{}, io.EOF
	}
	key := string(args[1])
	if string(args[0]) == "GET" {
		value, ok := v.keys[key]
		return resp.Reply{Kind: '$', Str: []byte(value), Null: !ok}, nil
	}
	v.keys[key] = string(args[2])
	if v.forgets {
		return resp.Reply{Kind: '+', Str: []byte("OK")}, nil
	}
	line := fmt.Appendf(nil, "%s=%s\n", key, args[2])
	if _, err := v.file.WriteAt(line, v.at); err != nil {
		return resp.Reply{}, err
	}
	if v.tape != nil {
		tape(v.tape, v.at, line, !v.lazy)
	}
	v.at += int64(len(line))
	return resp.Reply{Kind: '+', Str: []byte("OK")}, nil
}

// tape writes down what a server does to its file for one SET.
func tape(log traffic.Log, at int64, line []byte, sync bool) {
	seq, err := log.Append(trace.Event{Kind: trace.Write, File: 1, Path: logName, Off: at, Size: int64(len(line))}, line)
	if err == nil && sync {
		_, err = log.Append(trace.Event{Kind: trace.Sync, File: 1, Path: logName, Covers: seq}, nil)
	}
	if err != nil {
		panic(err)
	}
}

// sets is a workload of one client that sets keys one after another.
type sets struct{ keys, requests int }

func (sets) Name() string   { return "sets" }
func (w sets) Clients() int { return 1 }

func (w sets) Client(_, round int, _ *rand.Rand) workload.Client {
	return &setter{w: w, round: round}
}

type setter struct {
	w        sets
	round, n int
}

func (c *setter) Next(resp.Reply) [][]byte {
	if c.n == c.w.requests {
		return nil
	}
	c.n++
	return [][]byte{[]byte("SET"), fmt.Appendf(nil, "k%d", c.n%c.w.keys), fmt.Appendf(nil, "%d.%d", c.round, c.n)}
}

func (c *setter) Lost() bool { return true }

func (w sets) Reads() (reads [][][]byte) {
	for k := range w.keys {
		reads = append(reads, [][]byte{[]byte("GET"), fmt.Appendf(nil, "k%d", k)})
	}
	return reads
}

// Judge: each key has the last value that must be there, or one that came later.
func (w sets) Judge(h *workload.History, replies []resp.Reply) (findings []workload.Finding) {
	for i, read := range w.Reads() {
		possible := []string{""}
		for _, op := range h.Ops {
			if string(op.Args[0]) != "SET" || !bytes.Equal(op.Args[1], read[1]) {
				continue
			}
			if op.Fate == workload.Must {
				possible = possible[:0]
			}
			possible = append(possible, string(op.Args[2]))
		}
		found := false
		for _, value := range possible {
			found = found || value == string(replies[i].Str)
		}
		if !found {
			findings = append(findings, workload.Finding{
				Check: workload.Lost, Key: string(read[1]), Detail: fmt.Sprintf("%q, not one of %q", replies[i].Str, possible),
			})
		}
	}
	return findings
}

// record makes the trace of a toy that is told to set keys. lazy: it replies before it syncs, and syncs only every third
// time.
func record(t *testing.T, w sets, lazy bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	log, err := trace.NewWriter(path, trace.Meta{Server: "toy", Policy: traffic.Always, Workload: "sets", Clients: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e trace.Event) {
		if _, err := log.Append(e, nil); err != nil {
			t.Fatal(err)
		}
	}
	add(trace.Event{Kind: trace.Mark, Note: trace.MarkBegin})
	add(trace.Event{Kind: trace.Create, File: 1, Path: logName})
	add(trace.Event{Kind: trace.SyncDir, Covers: log.Last()})
	add(trace.Event{Kind: trace.Mark, Note: trace.MarkReady})
	client := w.Client(0, 0, nil)
	at := int64(0)
	for id := uint64(1); ; id++ {
		args := client.Next(resp.Reply{})
		if args == nil {
			break
		}
		add(trace.Event{Kind: trace.Request, Conn: 1, ID: id, Args: args})
		line := fmt.Appendf(nil, "%s=%s\n", args[1], args[2])
		tape(log, at, line, !lazy || id%3 == 0)
		at += int64(len(line))
		add(trace.Event{Kind: trace.Reply, Conn: 1, ID: id, Reply: []byte("+OK\r\n")})
	}
	add(trace.Event{Kind: trace.Mark, Note: trace.MarkDone})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// taped records a toy's second life, for power cuts.
type taped struct{ toy *toy }

func (r taped) Record(ctx context.Context, dir, path string, meta trace.Meta, use func(subject.Server, traffic.Log) error) error {
	log, err := trace.NewWriter(path, meta, 0)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(dir, logName))
	if err == nil {
		_, err = log.Append(trace.Event{Kind: trace.Create, File: 1, Path: logName}, nil)
	}
	if err == nil {
		_, err = log.Append(trace.Event{Kind: trace.Write, File: 1, Size: int64(len(content))}, content)
	}
	if err == nil {
		_, err = log.Append(trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil)
	}
	if errors.Is(err, os.ErrNotExist) { // nothing had been written at the first crash: this toy makes its file
		_, err = log.Append(trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil)
		if err == nil {
			_, err = log.Append(trace.Event{Kind: trace.Create, File: 1, Path: logName}, nil)
		}
		if err == nil {
			_, err = log.Append(trace.Event{Kind: trace.SyncDir, Covers: log.Last()}, nil)
		}
	}
	if err != nil {
		return err
	}
	mine := &toy{lazy: r.toy.lazy, tape: log}
	server, err := mine.Start(ctx, dir)
	if err == nil {
		err = errors.Join(use(server, log), server.Kill())
	}
	return errors.Join(err, log.Close())
}
