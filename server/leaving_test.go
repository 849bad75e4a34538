package server

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"weak"
)

// leave has clients send parts of large requests and go, and returns by how much the heap has grown then.
func (r *rig) leave(leaving []*peer) int64 {
	r.t.Helper()
	const part = 4 << 20
	before, connected := heap(), r.figure("connected")
	for _, p := range leaving {
		p.raw("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5000000\r\n" + strings.Repeat("v", part))
	}
	r.until("the parts there", func() bool { return r.server.Figures().Buffered >= int64(len(leaving))*part })
	for _, p := range leaving {
		p.Close()
	}
	r.until("the clients gone", func() bool { return r.figure("connected") == connected-int64(len(leaving)) })
	r.engine.Do(func() {}) // the last one has been forgotten
	return int64(heap()) - int64(before)
}

// Nothing of what a client has sent stays when it leaves, whoever still knows of it.
func TestWhoHasLeftHoldsNoBuffers(t *testing.T) {
	const clients = 8
	for _, c := range []struct {
		name    string
		prepare func(r *rig, i int, p *peer)
	}{
		{"its keys are remembered", func(_ *rig, i int, p *peer) {
			p.expect("+OK", "CLIENT", "TRACKING", "ON")
			p.expect("_", "GET", fmt.Sprint("key", i))
		}},
		{"it hears in another's place", func(r *rig, _ int, p *peer) {
			r.dial().expect("+OK", "CLIENT", "TRACKING", "ON", "REDIRECT", p.id())
		}},
		{"it is paused", func(r *rig, i int, p *peer) {
			if i == 0 {
				r.dial().expect("+OK", "CLIENT", "PAUSE", "1000000", "WRITE")
			}
			p.send("SET", "key", "v")
			r.until("it held up", func() bool {
				list := r.dial().do("CLIENT", "LIST", "ID", fmt.Sprint(i+2))
				return strings.Contains(list, "flags=b")
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, "appendonly", "no", "save", "")
			stays := r.dial()
			stays.expect("+OK", "CLIENT", "TRACKING", "ON") // the table is thrown away when nobody tracks
			var leaving []*peer
			for range clients {
				leaving = append(leaving, r.dial())
				leaving[len(leaving)-1].expect("+PONG", "PING")
			}
			for i, p := range leaving {
				c.prepare(r, i, p)
			}
			if grown := r.leave(leaving); grown > 8<<20 {
				t.Errorf("%d clients that have left hold %d MB", clients, grown>>20)
			}
		})
	}
}

// What is remembered of what a client did does not lead to it when it has left.
func TestWhoHasLeftIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *rig, stays, leaves *peer)
	}{
		{"its keys are remembered", func(_ *rig, stays, leaves *peer) {
			stays.expect("+OK", "CLIENT", "TRACKING", "ON") // the table is thrown away when nobody tracks
			leaves.expect("+OK", "CLIENT", "TRACKING", "ON")
			leaves.expect("_", "GET", "key")
		}},
		{"it was paused", func(r *rig, stays, leaves *peer) {
			stays.expect("+OK", "CLIENT", "PAUSE", "1000000", "WRITE")
			leaves.send("SET", "key", "v")
			r.until("it held up", func() bool {
				return strings.Contains(stays.do("CLIENT", "LIST", "ID", "2"), "flags=b")
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t)
			stays, leaves := r.dial(), r.dial()
			stays.expect("+PONG", "PING")
			leaves.expect("+PONG", "PING")
			c.do(r, stays, leaves)
			gone := weak.Make(r.server.all()[1])
			leaves.Close()
			r.until("it gone", func() bool { return r.figure("connected") == 1 })
			r.until("it forgotten", func() bool {
				stays.expect("+PONG", "PING") // the loop remembers who came last
				runtime.GC()
				return gone.Value() == nil
			})
		})
	}
}
