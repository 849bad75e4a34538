package client

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/resp"
)

// fakeServer answers commands by a script and keeps what it was sent.
type fakeServer struct {
	target Target
	answer func(args []string) string // what to send, as on the wire; hangUp ends the connection

	mu       sync.Mutex
	received [][]string // guarded by mu
}

// hangUp as an answer closes the connection.
const hangUp = "\x00hang up"

func newFakeServer(t *testing.T, answer func(args []string) string) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	s := &fakeServer{target: Target{Host: "127.0.0.1", Port: port}, answer: answer}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close() })
	return s
}

func (s *fakeServer) serve(conn net.Conn) {
	defer conn.Close()
	for decoder := resp.NewDecoder(conn); ; {
		request, err := decoder.Decode()
		if err != nil {
			return
		}
		var args []string
		for _, arg := range request.Elems {
			args = append(args, string(arg.Str))
		}
		s.mu.Lock()
		s.received = append(s.received, args)
		s.mu.Unlock()
		answer := s.answer(args)
		if answer == hangUp {
			return
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// commands returns what was sent so far, a line for each command.
func (s *fakeServer) commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, args := range s.received {
		lines = append(lines, strings.Join(args, " "))
	}
	return strings.Join(lines, "\n")
}

// script answers by the command as it is written, and +OK to what it does not name.
func script(answers map[string]string) func(args []string) string {
	return func(args []string) string {
		if answer, ok := answers[strings.Join(args, " ")]; ok {
			return answer
		}
		return "+OK\r\n"
	}
}

// newSession returns a session with s, and what it prints. Time stands still.
func newSession(t *testing.T, s *fakeServer) (*Session, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	session := &Session{Target: s.target, Out: &out, Now: func() time.Time { return time.Unix(0, 0) }}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session, &out
}

// decode reads one reply as on the wire.
func decode(t *testing.T, wire string) resp.Reply {
	t.Helper()
	reply, err := resp.NewDecoder(strings.NewReader(wire)).Decode()
	if err != nil {
		t.Fatalf("decoding %q: %v", wire, err)
	}
	return reply
}

// bulk returns s as a bulk string on the wire.
func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
