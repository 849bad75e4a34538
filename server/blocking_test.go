package server

import (
	"fmt"
	"testing"
)

// A client that is gone gets nothing, and takes nothing.
func TestBlockedClientThatDisconnectsSwallowsNothing(t *testing.T) {
	for _, how := range []string{"closes", "is killed", "is reset"} {
		t.Run(how, func(t *testing.T) {
			r := start(t)
			p, other := r.dial(), r.dial()
			id := p.id()
			p.send("BLPOP", "list", "0")
			r.blocked(1)
			switch how {
			case "closes":
				p.Close()
			case "is killed":
				other.expect(":1", "CLIENT", "KILL", "ID", id)
			case "is reset":
				p.reset()
			}
			r.blocked(0)
			other.expect(":2", "RPUSH", "list", "x", "y")
			other.expect("[$x $y]", "LRANGE", "list", "0", "-1")
			if how == "is killed" {
				p.ended()
			}
			r.until("one client", func() bool { return r.figure("connected") == 1 })
		})
	}
}

func TestBlockedClientsAreServedInTheirOrder(t *testing.T) {
	r := start(t, "loops", "2")
	var waiting []*peer
	for i := range 10 {
		p := r.dial()
		p.send("BLPOP", "list", "0")
		waiting = append(waiting, p)
		r.blocked(i + 1)
	}
	waiting[3].Close()
	r.blocked(9)
	other := r.dial()
	for i, p := range waiting {
		if i == 3 {
			continue
		}
		other.expect(":1", "RPUSH", "list", fmt.Sprint(i))
		p.wants(fmt.Sprintf("[$list $%d]", i))
	}
	other.expect(":0", "EXISTS", "list")
}

func TestBlockedClientTimesOut(t *testing.T) {
	p := start(t).dial()
	p.raw(request("BLPOP", "list", "0.01") + request("BRPOP", "list", "0.01") + request("PING"))
	p.wants("_", "_", "+PONG")
}

// The wait of a pipeline's last command ends on another loop while the pipeline's own loop is still busy with it: its
// reply comes first all the same.
func TestWaitThatEndsAtOnceKeepsTheOrder(t *testing.T) {
	r := start(t, "loops", "2", "appendfsync", "no")
	p, pusher := r.dial(), r.dial()
	const rounds, depth = 200, 20
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range rounds * depth {
			pusher.send("RPUSH", "list", "x")
			if _, err := pusher.in.Decode(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range rounds {
		var pipeline string
		for i := range depth {
			pipeline += request("BLPOP", "list", "0") + request("ECHO", fmt.Sprint(i))
		}
		p.raw(pipeline)
		for i := range depth {
			p.wants("[$list $x]", fmt.Sprintf("$%d", i))
		}
	}
	<-done
}

func TestUnblock(t *testing.T) {
	r := start(t)
	p, other := r.dial(), r.dial()
	id := p.id()
	for _, c := range []struct{ how, reply string }{
		{"TIMEOUT", "_"}, {"ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"},
	} {
		p.raw(request("BLPOP", "list", "0") + request("PING"))
		r.blocked(1)
		other.expect(":1", "CLIENT", "UNBLOCK", id, c.how)
		p.wants(c.reply, "+PONG")
		other.expect(":0", "CLIENT", "UNBLOCK", id, c.how)
	}
}

func TestSilentClients(t *testing.T) {
	r := start(t)
	other := r.dial()
	t.Run("OFF", func(t *testing.T) {
		p := r.dial()
		p.raw(request("CLIENT", "REPLY", "OFF") + request("SET", "a", "1") + request("BLPOP", "list", "0") + request("SET", "a", "2"))
		r.blocked(1)
		other.expect("$1", "GET", "a")
		other.expect(":1", "RPUSH", "list", "x")
		r.until("the request behind BLPOP", func() bool { return other.do("GET", "a") == "$2" })
		p.quiet()
		p = r.dial()
		p.raw(request("CLIENT", "REPLY", "OFF") + request("PING") + request("CLIENT", "REPLY", "ON") + request("PING"))
		p.wants("+OK", "+PONG")
	})
	t.Run("SKIP", func(t *testing.T) {
		p := r.dial()
		p.raw(request("CLIENT", "REPLY", "SKIP") + request("SET", "a", "3") + request("GET", "a") +
			request("CLIENT", "REPLY", "SKIP") + request("BLPOP", "list", "0") + request("PING"))
		p.wants("$3")
		r.blocked(1)
		other.expect(":1", "RPUSH", "list", "x")
		p.wants("+PONG")
	})
	t.Run("errors of the protocol", func(t *testing.T) {
		p := r.dial()
		p.raw(request("CLIENT", "REPLY", "OFF") + "*1\r\n!x\r\n")
		p.ended()
	})
}

// Nobody waits for the reply, yet the record must reach the log: another client's commit may be far off.
func TestWritesOfSilentClientsAreCommitted(t *testing.T) {
	for _, fsync := range []string{"always", "no"} {
		t.Run(fsync, func(t *testing.T) {
			r := start(t, "appendfsync", fsync)
			p := r.dial()
			p.raw(request("CLIENT", "REPLY", "OFF") + request("SET", "a", "1"))
			r.until("the record committed", func() bool {
				var last uint64
				r.engine.Do(func() { last = r.engine.Figures().LastLSN })
				return last == 1 && r.engine.Passed() >= last
			})
		})
	}
}
