package server

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestQueryBufferLimit(t *testing.T) {
	r := start(t)
	other := r.dial()
	big := strings.Repeat("v", 3<<20)
	p := r.dial()
	p.expect("+OK", "SET", "a", big)
	other.expect("+OK", "CONFIG", "SET", "client-query-buffer-limit", "1mb")
	p.flood(request("SET", "a", big))
	r.until("the client cut off", func() bool { return r.figure("inHits") == 1 })
	p.ended()

	// A blocked client may not pile up requests either.
	p = r.dial()
	p.send("BLPOP", "list", "0")
	r.blocked(1)
	p.flood(strings.Repeat(request("PING"), 200_000))
	p.ended()
	r.blocked(0)
	if n := r.figure("inHits"); n != 2 {
		t.Error(n, "clients cut off, want 2")
	}
	other.expect("+PONG", "PING")
}

// flood sends bytes until the server has them or has had enough.
func (p *peer) flood(b string) {
	p.t.Helper()
	p.deadline(patience)
	_, err := p.Write([]byte(b)) // an error is the end of the connection
	if err, ok := err.(interface{ Timeout() bool }); ok && err.Timeout() {
		p.t.Error("the server neither reads nor closes")
	}
}

// heap is the size of what is alive.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // the first one leaves what pools hold
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peakDuring is by how much the heap grew at most while fn ran.
func peakDuring(fn func()) uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, m.HeapAlloc
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	for {
		select {
		case <-done:
			return peak - before
		case <-time.After(time.Millisecond):
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
}

// A client that sends without end and never reads: 100,000 requests for 10 GB of replies.
func TestClientThatNeverReads(t *testing.T) {
	for name, c := range map[string][2]string{
		"hard limit": {"client-output-buffer-limit", "normal 8mb 0 0"},
		"soft limit": {"client-output-buffer-limit", "normal 0 4mb 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			other := r.dial()
			other.expect("+OK", "SET", "big", strings.Repeat("v", 100<<10))
			other.expect("+OK", "CONFIG", "SET", c[0], c[1])
			p := r.dial()
			flood := strings.Repeat(request("GET", "big"), 100_000)
			heap()
			grown := peakDuring(func() {
				p.flood(flood)
				r.until("the client cut off", func() bool { return r.figure("connected") == 1 })
			})
			// The limit, and what one batch can add to it, several times over as buffers grow and nothing is collected yet.
			if limit := uint64(256 << 20); grown > limit {
				t.Errorf("the heap grew by %d MB, more than %d", grown>>20, limit>>20)
			}
			if n := r.figure("outHits"); n != 1 {
				t.Error(n, "clients cut off, want 1")
			}
			other.expect("+PONG", "PING")
		})
	}
}

// A small request for much: one reply, or those to one batch, are cut short before they are all of the machine's memory.
func TestRepliesLargerThanTheLimit(t *testing.T) {
	r := start(t)
	other := r.dial()
	other.expect("+OK", "SET", "big", strings.Repeat("v", 1<<20))
	other.expect("+OK", "CONFIG", "SET", "client-output-buffer-limit", "normal 8mb 0 0")
	many := append([]string{"MGET"}, strings.Fields(strings.Repeat("big ", 5000))...)
	scripted := request("MULTI") + request("EVAL", "return 1", "0") + strings.Repeat(request("GET", "big"), 256) + request("EXEC")
	for n, requests := range []string{request(many...), strings.Repeat(request("GET", "big"), 128), scripted} {
		heap()
		grown := peakDuring(func() {
			r.dial().flood(requests)
			r.until("the client cut off", func() bool { return r.figure("outHits") == int64(n+1) })
		})
		if limit := uint64(64 << 20); grown > limit {
			t.Errorf("the heap grew by %d MB, more than %d", grown>>20, limit>>20)
		}
	}
	other.expect("+PONG", "PING")
}

// Replies that wait for the log count as well.
func TestOutputLimitCountsWhatTheLogHoldsBack(t *testing.T) {
	r := start(t, "appendfsync", "always")
	r.slowDisk()
	r.set("client-output-buffer-limit", "normal 1mb 0 0")
	p := r.dial()
	p.expect("+PONG", "PING")
	begun, verdict := r.stall()
	p.send("SET", "a", "1")
	<-begun
	p.flood(strings.Repeat(request("ECHO", strings.Repeat("v", 100<<10)), 20))
	r.until("the client cut off", func() bool { return r.figure("outHits") == 1 })
	r.undisturbed(verdict)
	p.ended()
	r.dial().expect("$1", "GET", "a")
}

func TestSoftOutputLimit(t *testing.T) {
	r := start(t)
	other := r.dial()
	value := strings.Repeat("v", 8<<20)
	other.expect("+OK", "SET", "big", value)
	other.expect("+OK", "CONFIG", "SET", "client-output-buffer-limit", "normal 0 1mb 9223372036854775807") // seconds
	reads, stuck := r.dial(), r.dial()
	for _, p := range []*peer{reads, stuck} {
		p.send("GET", "big")
	}
	r.until("both above the limit", func() bool {
		n := 0
		for _, s := range r.server.all() {
			if _, out := s.Buffers(); out > 1<<20 {
				n++
			}
		}
		return n == 2
	})
	reads.wants("$" + value)
	r.until("seen that one has read", func() bool {
		n := 0
		for _, s := range r.server.all() {
			if _, out := s.Buffers(); out > 0 {
				n++
			}
		}
		return n == 1
	})
	other.expect("+OK", "CONFIG", "SET", "client-output-buffer-limit", "normal 0 1mb 60")
	r.ahead.Add(61_000)
	r.until("the other cut off", func() bool { return r.figure("connected") == 2 })
	if n := r.figure("outHits"); n != 1 {
		t.Error(n, "clients cut off, want 1")
	}
	reads.expect("+PONG", "PING")
}

func TestUnauthenticatedClientThatNeverReads(t *testing.T) {
	r := start(t, "requirepass", "secret")
	p := r.dial()
	p.flood(strings.Repeat("GET a\r\n", 5_000_000))
	r.until("the client cut off", func() bool { return r.figure("connected") == 0 })
	if r.figure("outHits") != 1 {
		t.Error("not for its output")
	}
}

func TestIdleClientsAreDisconnected(t *testing.T) {
	r := start(t)
	idle, blocked, admin := r.dial(), r.dial(), r.dial()
	idle.expect("+PONG", "PING")
	blocked.send("BLPOP", "list", "0")
	r.blocked(1)
	admin.expect("+OK", "CONFIG", "SET", "timeout", "100")
	r.ahead.Add(99_000)
	admin.expect("+PONG", "PING")
	idle.expect("+PONG", "PING")
	r.ahead.Add(101_000)
	idle.ended()
	admin.ended()
	r.dial().expect(":1", "RPUSH", "list", "x")
	blocked.wants("[$list $x]")
}

// Whoever has subscribed or monitors only listens, and is not cut off for it.
func TestListenersAreNotIdle(t *testing.T) {
	r := start(t)
	idle, former, channel, pattern, shard, monitor := r.dial(), r.dial(), r.dial(), r.dial(), r.dial(), r.dial()
	idle.expect("+PONG", "PING")
	former.expect("[$subscribe $a :1]", "SUBSCRIBE", "a")
	former.expect("[$unsubscribe $a :0]", "UNSUBSCRIBE")
	channel.expect("[$subscribe $a :1]", "SUBSCRIBE", "a")
	pattern.expect("[$psubscribe $b* :1]", "PSUBSCRIBE", "b*")
	shard.expect("[$ssubscribe $c :1]", "SSUBSCRIBE", "c")
	monitor.expect("+OK", "MONITOR")
	r.set("timeout", "100")
	r.ahead.Add(101_000)
	idle.ended()
	former.ended() // the last that a look at all of them may find
	publisher := r.dial()
	publisher.expect(":1", "PUBLISH", "a", "1")
	publisher.expect(":1", "PUBLISH", "b", "2")
	publisher.expect(":1", "SPUBLISH", "c", "3")
	channel.wants("[$message $a $1]")
	pattern.wants("[$pmessage $b* $b $2]")
	shard.wants("[$smessage $c $3]")
	if got := monitor.read(); !strings.Contains(got, "PUBLISH") {
		t.Error("the monitor was shown", got)
	}
}

// What a client is told beside replies counts, and so does the reply that ends a wait.
func TestWhoIsToldSomethingIsNotIdle(t *testing.T) {
	r := start(t, "timeout", "100")
	s, w, el := connect(t, r.server)
	r.server.mu.Lock()
	delete(r.server.sessions, s.client.ID) // only this test asks
	r.server.mu.Unlock()
	el.iterate(s, w, []byte(request("BLPOP", "list", "0")))
	r.blocked(1)
	begun := time.Now().UnixMilli()
	idle := func(seconds int64) bool { return s.idle(begun + seconds*1000) }
	if idle(90) || idle(300) {
		t.Error("idle while it waits")
	}
	r.dial().expect(":1", "RPUSH", "list", "x")
	el.iterate(s, w, nil) // nothing of the reply is left here
	if idle(301) || idle(401) {
		t.Error("idle right after a wait")
	}
	if !idle(402) {
		t.Error("not idle for 101 s after a wait")
	}
}

// A large request that takes long to arrive, or a large reply that takes long to read, is no idleness.
func TestSlowTransferIsNotIdle(t *testing.T) {
	r := start(t, "timeout", "100")
	s, _, _ := connect(t, r.server)
	r.server.mu.Lock()
	delete(r.server.sessions, s.client.ID) // only this test asks
	r.server.mu.Unlock()
	const second = 1000
	for _, c := range []struct {
		now, in, out int64
		idle         bool
	}{
		{90, 0, 0, false}, {100, 0, 0, false}, {101, 0, 0, true},
		{101, 1000, 0, false}, {201, 1000, 0, false}, {202, 1000, 0, true},
		{202, 2000, 0, false}, {303, 2000, 500, false}, {403, 2000, 400, false}, {503, 2000, 400, false}, {504, 2000, 400, true},
	} {
		s.inBytes.Store(c.in)
		s.outBytes.Store(c.out)
		if got := s.idle(c.now * second); got != c.idle {
			t.Errorf("after %d s with %d and %d bytes: idle %v", c.now, c.in, c.out, got)
		}
	}
}

// An idle session keeps nothing of the large requests and replies that it has seen.
func TestIdleSessionsHoldNoBuffers(t *testing.T) {
	r := start(t, "appendonly", "no", "save", "") // the faulty disk keeps what is written to it in memory
	value := strings.Repeat("v", 4<<20)
	before := heap()
	var all []*peer
	for range 20 {
		p := r.dial()
		p.raw(request("SET", "big", value) + request("GET", "big") + request("DEL", "big"))
		p.wants("+OK", "$"+value, ":1")
		p.in = nil // the client's own buffers
		all = append(all, p)
	}
	value = ""
	if after := heap(); after > before && after-before > 4<<20 {
		t.Errorf("%d idle sessions hold %d MB", len(all), (after-before)>>20)
	}
}
