package server

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
)

// Requests of every form, as one stream, and their replies.
const (
	stream = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$12\r\nhello\r\nworld\r\n" + "PING\r\n" + "*0\r\n" + "*-1\r\n" + "\r\n" +
		"*2\r\n$3\r\nGET\r\n$1\r\na\r\n" + "SET b \"two words\"\n" + "get b\r\n" + "*1\r\n$7\r\nunknown\r\n" +
		"*4\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$0\r\n\r\n$1\r\nx\r\n" + "LRANGE l 0 -1\r\n"
)

var streamReplies = []string{
	"+OK", "+PONG", "$hello\r\nworld", "+OK", "$two words",
	"-ERR unknown command 'unknown', with args beginning with: ", ":2", "[$ $x]",
}

func TestRequestsMayArriveInPieces(t *testing.T) {
	r := start(t)
	t.Run("cut at every byte", func(t *testing.T) {
		for cut := 1; cut < len(stream); cut++ {
			p := r.dial()
			p.expect("+OK", "FLUSHALL")
			p.raw(stream[:cut])
			r.dial().expect("+PONG", "PING") // the first piece has been dealt with
			p.raw(stream[cut:])
			p.wants(streamReplies...)
			p.Close()
		}
	})
	t.Run("byte by byte", func(t *testing.T) {
		p, other := r.dial(), r.dial()
		p.expect("+OK", "FLUSHALL")
		for i := range stream {
			p.raw(stream[i : i+1])
			other.expect("+PONG", "PING")
		}
		p.wants(streamReplies...)
	})
}

func TestPipelineOfHundredThousand(t *testing.T) {
	const n = 100_000
	for _, fsync := range []string{"always", "everysec", "no"} {
		t.Run(fsync, func(t *testing.T) {
			p := start(t, "appendfsync", fsync).dial()
			var b strings.Builder
			for i := range n {
				b.WriteString(request("INCR", "n"))
				if i%1000 == 0 {
					b.WriteString(request("ECHO", fmt.Sprint(i)))
				}
			}
			p.raw(b.String()) // all of it before the first reply is read
			for i := range n {
				p.wants(fmt.Sprintf(":%d", i+1))
				if i%1000 == 0 {
					p.wants(fmt.Sprintf("$%d", i))
				}
			}
			p.expect(fmt.Sprintf("$%d", n), "GET", "n")
		})
	}
}

// A request's arguments lie in a buffer that the next read overwrites: whatever is kept of them must be a copy.
func TestValuesOutliveTheirBuffers(t *testing.T) {
	r := start(t)
	p := r.dial()
	value := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 100+i*37%9000) }
	for i := range 300 {
		p.send("SET", fmt.Sprint("key", i), value(i))
		p.send("RPUSH", "list", value(i))
		p.send("MULTI")
		p.send("APPEND", fmt.Sprint("key", i), value(i+1))
		p.send("EXEC")
		p.wants("+OK", fmt.Sprintf(":%d", i+1), "+OK", "+QUEUED", fmt.Sprintf("[:%d]", len(value(i))+len(value(i+1))))
	}
	for i := range 300 {
		p.expect("$"+value(i)+value(i+1), "GET", fmt.Sprint("key", i))
		p.expect("$"+value(i), "LINDEX", "list", fmt.Sprint(i))
	}
}

// What is left of the input after a read is not copied again with each read that follows.
func TestLargeRequestIsCopiedFewTimes(t *testing.T) {
	args := []string{"MSET"}
	for i := range 100_000 {
		args = append(args, fmt.Sprint("key", i), strings.Repeat("v", 100))
	}
	whole := []byte(request(args...))
	s, w, el := connect(t, start(t).server)
	copied, room := 0, 0
	for rest := whole; len(rest) > 0; {
		n := min(len(rest), 64<<10)
		el.iterate(s, w, rest[:n])
		rest = rest[n:]
		if cap(s.input) != room {
			room = cap(s.input)
			copied += len(s.input)
		}
	}
	if w.sent != len("+OK\r\n") {
		t.Errorf("the reply has %d bytes", w.sent)
	}
	if copied > 6*len(whole) {
		t.Errorf("a request of %d bytes was copied as %d bytes", len(whole), copied)
	}
}

func TestRepliesAroundABlockedCommand(t *testing.T) {
	r := start(t)
	p, other := r.dial(), r.dial()
	p.raw(request("SET", "a", "1") + request("GET", "a") + request("BLPOP", "list", "0") + request("INCR", "a") + request("GET", "a"))
	p.wants("+OK", "$1") // earlier replies have left
	r.blocked(1)
	other.expect("$1", "GET", "a") // later requests wait
	p.send("ECHO", "later still")
	other.expect("$1", "GET", "a")
	p.quiet()
	other.expect(":1", "RPUSH", "list", "x")
	p.wants("[$list $x]", ":2", "$2", "$later still")
}

func TestMalformedRequestBehindABlockedOne(t *testing.T) {
	r := start(t)
	p := r.dial()
	p.raw(request("BLPOP", "list", "0") + "*1\r\n!x\r\n" + request("PING"))
	r.blocked(1)
	p.quiet()
	r.dial().expect(":1", "RPUSH", "list", "x")
	p.wants("[$list $x]", "-ERR Protocol error: expected '$', got '!'")
	p.ended()
}

func TestProtocolErrorsEndTheirConnectionOnly(t *testing.T) {
	r := start(t)
	other := r.dial()
	for _, c := range []struct{ bytes, reply string }{
		{"*1\r\n!x\r\n", "-ERR Protocol error: expected '$', got '!'"},
		{"*-9223372036854775809\r\n", "-ERR Protocol error: invalid multibulk length"},
		{"*9223372036854775807\r\n", "-ERR Protocol error: invalid multibulk length"},
		{"*1\r\n$9223372036854775807\r\n", "-ERR Protocol error: invalid bulk length"},
		{"SET a \"b\r\n", "-ERR Protocol error: unbalanced quotes in request"},
		{strings.Repeat("x", 64<<10+1), "-ERR Protocol error: too big inline request"},
	} {
		p := r.dial()
		p.raw(request("SET", "a", "1") + c.bytes)
		p.wants("+OK", c.reply)
		p.ended()
		other.expect("+PONG", "PING")
	}
}

func TestQuitEndsAPipeline(t *testing.T) {
	r := start(t)
	p := r.dial()
	p.raw(request("SET", "a", "1") + request("QUIT") + request("SET", "a", "2"))
	p.wants("+OK", "+OK")
	p.ended()
	r.dial().expect("$1", "GET", "a")
}

// The connection ends when the client has everything, not when the server has handed it over.
func TestQuitBehindMoreThanTheSocketTakes(t *testing.T) {
	r := start(t)
	p := r.dial()
	value := strings.Repeat("v", 1<<20)
	p.expect("+OK", "SET", "big", value)
	for range 32 {
		p.send("GET", "big")
	}
	p.send("QUIT")
	r.until("replies that the client has not taken", func() bool { return r.server.Figures().BiggestOut > 1<<20 })
	for range 32 {
		p.wants("$" + value)
	}
	p.wants("+OK")
	p.ended()
}

func TestAuthInAPipelineBeforeABigArgument(t *testing.T) {
	r := start(t, "requirepass", "secret")
	big := strings.Repeat("v", 1<<20)
	p := r.dial()
	p.raw(request("AUTH", "secret") + request("SET", "big", big) + request("STRLEN", "big"))
	p.wants("+OK", "+OK", fmt.Sprintf(":%d", len(big)))

	// The announcement of the length is refused: what follows would meet a closed connection.
	announced := strings.TrimSuffix(request("SET", "big", big), big+"\r\n")
	p = r.dial()
	p.raw(request("GET", "a") + request("AUTH", "wrong") + announced)
	p.wants("-NOAUTH Authentication required.", "-WRONGPASS invalid username-password pair or user is disabled.",
		"-ERR Protocol error: unauthenticated bulk length")
	p.ended()

	// RESET logs out, and the limits are back.
	p = r.dial()
	p.raw(request("AUTH", "secret") + request("RESET") + announced)
	p.wants("+OK", "+RESET", "-ERR Protocol error: unauthenticated bulk length")
	p.ended()

	// Who came in before the password went is as good as anyone.
	p = r.dial()
	p.expect("-NOAUTH Authentication required.", "PING")
	admin := r.dial()
	admin.raw(request("AUTH", "secret") + request("CONFIG", "SET", "requirepass", ""))
	admin.wants("+OK", "+OK")
	p.expect("+OK", "SET", "big", big)
}

// A client may close its side and still read what it is owed.
func TestHalfClosedClientGetsItsReplies(t *testing.T) {
	for _, fsync := range []string{"always", "everysec", "no"} {
		t.Run(fsync, func(t *testing.T) {
			r := start(t, "appendfsync", fsync)
			for i := range 50 {
				p := r.dial()
				p.raw(request("INCR", "n"))
				if err := p.Conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				p.wants(fmt.Sprintf(":%d", i+1))
				p.ended()
			}
		})
	}
}

func TestProtocolSwitchInAPipeline(t *testing.T) {
	p := start(t).dial()
	p.raw(request("GET", "none") + request("HELLO", "3") + request("GET", "none") + request("RESET") + request("GET", "none"))
	raw := func(n int) string {
		b := make([]byte, n)
		p.deadline(patience)
		for at := 0; at < n; {
			k, err := p.Conn.Read(b[at:])
			if err != nil {
				t.Fatal(err)
			}
			at += k
		}
		return string(b)
	}
	got := raw(len("$-1\r\n"))
	for !strings.HasSuffix(got, "+RESET\r\n$-1\r\n") {
		got += raw(1)
	}
	if !strings.HasPrefix(got, "$-1\r\n%7\r\n") || !strings.HasSuffix(got, "_\r\n+RESET\r\n$-1\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestLoopsChosenByConfiguration(t *testing.T) {
	r := start(t, "loops", "4")
	for range 8 {
		r.dial().expect("+PONG", "PING")
	}
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if n := len(r.server.loops); n != 4 {
		t.Errorf("8 connections came to %d loops, want 4 (on %d processors)", n, runtime.NumCPU())
	}
}
