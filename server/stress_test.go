package server

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

// Fifty clients at once, on one loop and on four, under every policy: pushes against blocked pops, counters, and words
// from outside in between. Every element is popped once, every pop ends, every counter is exact, every word arrives,
// in order.
func TestManyClientsAtOnce(t *testing.T) {
	for _, loops := range []string{"1", "4"} {
		for _, fsync := range []string{"always", "everysec", "no"} {
			t.Run(loops+" loops, "+fsync, func(t *testing.T) {
				crowd(t, start(t, "loops", loops, "appendfsync", fsync))
			})
		}
	}
}

const (
	poppers  = 15
	pushers  = 15
	counters = 20
	elements = 400 // of each pusher
	counts   = 400 // of each counter
	words    = 500 // to each counter
)

func crowd(t *testing.T, r *rig) {
	var ids []int64
	var counting []*peer
	for range counters {
		p := r.dial()
		id, err := strconv.ParseInt(p.id(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ids, counting = append(ids, id), append(counting, p)
	}
	seed := rand.Uint64()
	t.Log("seed", seed)

	var all, pushing sync.WaitGroup
	popped := make(chan string, pushers*elements)
	for range poppers {
		p := r.dial()
		all.Go(func() { pop(p, popped) })
	}
	for i := range pushers {
		p := r.dial()
		pushing.Go(func() { push(p, i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	for _, p := range counting {
		all.Go(func() { count(p) })
	}
	all.Go(func() {
		for i := range words {
			for _, id := range ids {
				r.server.session(id).Deliver(fmt.Appendf(nil, ">1\r\n:%d\r\n", i), 0)
			}
		}
	})
	pushing.Wait()
	last := r.dial()
	for range poppers {
		last.send("RPUSH", "end", "")
	}
	all.Wait()
	if t.Failed() {
		return
	}

	close(popped)
	seen := map[string]bool{}
	for e := range popped {
		if seen[e] {
			t.Error("popped twice:", e)
		}
		seen[e] = true
	}
	if len(seen) != pushers*elements {
		t.Errorf("%d elements popped of %d", len(seen), pushers*elements)
	}
	p := r.dial()
	p.expect(fmt.Sprintf("$%d", counters*counts), "GET", "total")
	p.expect(":0", "EXISTS", "one", "two", "end")
	r.blocked(0)
}

// session finds one by its client's ID.
func (s *Server) session(id int64) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// pop takes elements of either list until both are empty and there is one that says end.
func pop(p *peer, popped chan<- string) {
	for {
		p.deadline(patience)
		if _, err := p.Write([]byte(request("BLPOP", "one", "two", "end", "0"))); err != nil {
			p.t.Error(err)
			return
		}
		reply, err := p.in.Decode()
		if err != nil || len(reply.Elems) != 2 {
			p.t.Error("a pop was lost:", show(reply), err)
			return
		}
		if string(reply.Elems[0].Str) == "end" {
			return
		}
		popped <- string(reply.Elems[1].Str)
	}
}

// push appends elements to the two lists, in pipelines of several lengths.
func push(p *peer, who int, rng *rand.Rand) {
	for i := 0; i < elements; {
		n := min(1+rng.IntN(8), elements-i)
		var pipeline string
		for range n {
			list := []string{"one", "two"}[rng.IntN(2)]
			pipeline += request("RPUSH", list, fmt.Sprintf("%d/%d", who, i))
			i++
		}
		p.deadline(patience)
		if _, err := p.Write([]byte(pipeline)); err != nil {
			p.t.Error(err)
			return
		}
		for range n {
			if reply, err := p.in.Decode(); err != nil || reply.Kind != ':' {
				p.t.Error("pushing:", show(reply), err)
				return
			}
		}
	}
}

// count raises a counter of its own and one of all, reads its own back, and hears words in between.
func count(p *peer) {
	own := fmt.Sprintf("own:%p", p)
	heard := 0
	next := func() (reply string, word, ok bool) {
		p.deadline(patience)
		r, err := p.in.Decode()
		if err != nil {
			p.t.Error("counting:", err)
			return "", false, false
		}
		if r.Kind == '>' {
			if got := show(r); got != fmt.Sprintf("[:%d]", heard) {
				p.t.Errorf("heard %s after %d words", got, heard)
			}
			heard++
		}
		return show(r), r.Kind == '>', true
	}
	for i := range counts {
		p.deadline(patience)
		if _, err := p.Write([]byte(request("INCR", own) + request("INCR", "total") + request("GET", own))); err != nil {
			p.t.Error(err)
			return
		}
		for _, want := range []string{fmt.Sprintf(":%d", i+1), ":", fmt.Sprintf("$%d", i+1)} {
			reply, word, ok := next()
			for word && ok {
				reply, word, ok = next()
			}
			if !ok {
				return
			}
			if reply != want && (want != ":" || reply[0] != ':') {
				p.t.Errorf("got %s, want %s", reply, want)
			}
		}
	}
	for heard < words {
		if _, _, ok := next(); !ok {
			return
		}
	}
}

// Connections that come and go at every moment of a request's life leave nothing behind.
func TestComingAndGoing(t *testing.T) {
	for _, loops := range []string{"1", "4"} {
		t.Run(loops, func(t *testing.T) {
			r := start(t, "loops", loops)
			admin := r.dial()
			var all sync.WaitGroup
			for who := range 8 {
				all.Go(func() {
					for i := range 40 {
						p := r.dial()
						switch (who + i) % 4 {
						case 0:
							p.raw(request("BLPOP", "none", "0"))
						case 1:
							p.raw(request("SET", "a", "1") + "*2\r\n$3\r\nGE")
						case 2:
							p.raw(request("WATCH", "a") + request("MULTI") + request("INCR", "b"))
						case 3:
							p.expect("+PONG", "PING")
						}
						if i%2 == 0 {
							p.reset()
						}
						p.Close()
					}
				})
			}
			all.Wait()
			r.until("everybody gone", func() bool { return r.figure("connected") == 1 })
			r.blocked(0)
			admin.expect(":1", "RPUSH", "none", "x")
			for el, l := range r.server.loops {
				done := make(chan struct{})
				r.onLoop(el, func() {
					defer close(done)
					for _, s := range l.pending {
						if s.closed {
							t.Error("the loop holds a session that is gone")
						}
					}
				})
				<-done
			}
		})
	}
}
