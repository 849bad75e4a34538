package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestKill(t *testing.T) {
	r := start(t, "loops", "2")
	admin := r.dial()
	t.Run("another", func(t *testing.T) {
		p := r.dial()
		admin.expect(":1", "CLIENT", "KILL", "ID", p.id())
		p.ended()
	})
	t.Run("own, and what comes behind it", func(t *testing.T) {
		p := r.dial()
		p.raw(request("SET", "a", "1") + request("CLIENT", "KILL", "ID", p.id(), "SKIPME", "no") + request("SET", "a", "2"))
		p.wants("+OK", ":1")
		p.ended()
		admin.expect("$1", "GET", "a")
	})
	t.Run("one that sends without a pause", func(t *testing.T) {
		p := r.dial()
		id := p.id()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			many := []byte(strings.Repeat(request("INCR", "n"), 100))
			for {
				if _, err := p.Write(many); err != nil {
					return
				}
			}
		}()
		go func() {
			for {
				if _, err := p.in.Decode(); err != nil {
					return
				}
			}
		}()
		r.until("traffic", func() bool { return admin.do("GET", "n") != "_" })
		admin.expect(":1", "CLIENT", "KILL", "ID", id)
		<-stopped
		// Once the killer has its reply, the victim's requests have no effect.
		admin.expect(admin.do("GET", "n"), "GET", "n")
	})
	t.Run("many", func(t *testing.T) {
		var all []*peer
		for range 20 {
			p := r.dial()
			p.send("BLPOP", "list", "0")
			all = append(all, p)
		}
		r.blocked(len(all))
		if got := admin.do("CLIENT", "KILL", "TYPE", "normal"); got < ":20" {
			t.Error("killed", got)
		}
		for _, p := range all {
			p.ended()
		}
		admin.expect(":1", "RPUSH", "list", "x")
		r.until("one client left", func() bool { return r.figure("connected") == 1 })
	})
}

func TestPause(t *testing.T) {
	r := start(t)
	admin := r.dial()
	pipeline := request("GET", "a") + request("SET", "a", "1") + request("GET", "a")
	t.Run("WRITE, ended by UNPAUSE", func(t *testing.T) {
		p := r.dial()
		admin.expect("+OK", "CLIENT", "PAUSE", "100000", "WRITE")
		p.raw(pipeline)
		p.wants("_") // reads go on up to the first write
		p.quiet()
		for _, held := range [][]string{{"PUBLISH", "c", "m"}, {"PFCOUNT", "a"}, {"EVAL", "return 0", "0"}, {"FLUSHALL"}} {
			q := r.dial()
			q.send(held...)
			q.quiet()
			q.Close()
		}
		r.dial().expect(":1", "EVAL_RO", "return 1", "0")
		admin.expect("_", "GET", "a")
		p.send("ECHO", "later")
		admin.expect("+OK", "CLIENT", "UNPAUSE")
		p.wants("+OK", "$1", "$later")
	})
	t.Run("ALL, ended by time", func(t *testing.T) {
		p := r.dial()
		began := time.Now()
		admin.expect("+OK", "CLIENT", "PAUSE", "100")
		p.raw(pipeline)
		p.wants("$1", "+OK", "$1")
		if took := time.Since(began); took < 90*time.Millisecond {
			t.Error("the pause took", took)
		}
	})
	t.Run("of somebody who leaves", func(t *testing.T) {
		p := r.dial()
		p.expect("+PONG", "PING")
		before := r.figure("connected")
		admin.expect("+OK", "CLIENT", "PAUSE", "100000")
		p.send("SET", "a", "gone")
		p.Close()
		r.until("it left", func() bool { return r.figure("connected") == before-1 })
		admin.expect("+OK", "CLIENT", "UNPAUSE")
		admin.expect("$1", "GET", "a")
	})
	t.Run("of a transaction", func(t *testing.T) {
		p := r.dial()
		admin.expect("+OK", "CLIENT", "PAUSE", "100000", "WRITE")
		p.raw(request("MULTI") + request("GET", "a") + request("EXEC"))
		p.wants("+OK", "+QUEUED", "[$1]")
		p.raw(request("MULTI") + request("INCR", "a") + request("EXEC") + request("GET", "a"))
		p.wants("+OK")
		admin.expect("$1", "GET", "a")
		admin.expect("+OK", "CLIENT", "UNPAUSE")
		p.wants("+QUEUED", "[:2]", "$2")
	})
}

// A pause that ends while a session is about to wait for it must not be taken for the end of the next wait.
func TestPausesAndWaitsDoNotMix(t *testing.T) {
	r := start(t, "loops", "2", "appendfsync", "no")
	admin := r.dial()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			admin.raw(request("CLIENT", "PAUSE", "1000", "WRITE") + request("CLIENT", "UNPAUSE"))
			for range 2 {
				if _, err := admin.in.Decode(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	p := r.dial()
	for i := range 300 {
		p.raw(request("SET", "a", fmt.Sprint(i)) + request("BLPOP", "list", "0.001") + request("GET", "a"))
		p.wants("+OK", "_", fmt.Sprintf("$%d", i))
	}
	close(stop)
	<-done
}

// A transaction that a script makes long goes on beside the loop, which has other things for the client meanwhile. What
// changes how the client is spoken to (HELLO, AUTH) is not looked at before the end: a test for the race detector.
func TestHelloBesideTheLoop(t *testing.T) {
	r := start(t, "busy-reply-threshold", "1")
	p := r.dial()
	p.expect(":1", "ZADD", "z", "1", "m")
	sess := r.server.all()[0]
	requests := request("MULTI")
	wanted := []string{"+OK"}
	for range 100 {
		requests += request("EVAL", "for i = 1, 20000 do end", "0") + request("HELLO", "2") + request("HELLO", "3")
		wanted = append(wanted, "+QUEUED", "+QUEUED", "+QUEUED")
	}
	p.raw(requests + request("EXEC") + request("ZSCORE", "z", "m"))
	p.wants(wanted...)
	r.until("the script in its midst", func() bool {
		var waits bool
		r.engine.Do(func() { waits = sess.client.Blocked != nil })
		return waits
	})
	letters := 0
	for waits := true; waits; time.Sleep(time.Millisecond) {
		r.engine.Do(func() {
			if waits = sess.client.Blocked != nil; waits {
				sess.Deliver([]byte("+letter\r\n"), 0)
				letters++
			}
		})
	}
	for range letters {
		p.wants("+letter")
	}
	if reply := p.read(); !strings.HasPrefix(reply, "[") {
		t.Errorf("EXEC: %.100s", reply)
	}
	p.wants(",1")
}
