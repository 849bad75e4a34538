package engine_test

import (
	"strings"
	"testing"
)

// cache connects a client in RESP3 that tracks.
func (r *rig) cache(options string) *client {
	r.t.Helper()
	c := r.connect()
	if got := r.as(c, "HELLO 3"); !strings.HasPrefix(got, "%7") {
		r.t.Fatal(got)
	}
	if got := r.as(c, "CLIENT TRACKING ON "+options); got != "+OK" {
		r.t.Fatal(got)
	}
	return c
}

// Who has a key is told of its change under the gate of the change, however he hears of it.
func TestInvalidationsBearTheGateOfTheChange(t *testing.T) {
	r := open(t, setup{})
	reader, hearer := r.cache(""), r.cache("BCAST PREFIX k")
	r.as(reader, "GET k")
	_, gate := r.run(r.user, words("SET k v"), words("SET k2 v"))
	if l := r.await(reader); gate == 0 || l.gate != gate-1 || l.reply != ">2 $10 invalidate *1 $1 k" {
		t.Errorf("told %q with gate %d; the replies have %d", l.reply, l.gate, gate)
	}
	if l := r.await(hearer); l.gate != gate || l.reply != ">2 $10 invalidate *2 $1 k $2 k2" {
		t.Errorf("told %q with gate %d; the replies have %d", l.reply, l.gate, gate)
	}
}

// What goes by itself is told of too: keys that are due, and keys that make room.
func TestInvalidationsOfWhatGoesByItself(t *testing.T) {
	r := open(t, setup{})
	c, hearer := r.cache(""), r.cache("BCAST")
	r.expect("SET soon v PX 100", "+OK")
	r.as(c, "GET soon")
	r.setup.clock.advance(100)
	if l := r.await(c); l.reply != ">2 $10 invalidate *1 $4 soon" {
		t.Errorf("told %q", l.reply)
	}
	for range 2 { // that it was set, and that it is gone
		if l := r.await(hearer); l.reply != ">2 $10 invalidate *1 $4 soon" {
			t.Errorf("told %q", l.reply)
		}
	}
	r.expect("SET big v", "+OK")
	r.as(c, "GET big")
	r.expect("CONFIG SET maxmemory-policy allkeys-random maxmemory 1", "+OK")
	r.do("GET none") // a command makes room
	if l := r.await(c); l.reply != ">2 $10 invalidate *1 $3 big" {
		t.Errorf("told %q", l.reply)
	}
}

// Beyond tracking-table-max-keys a key is given up, and who has it is told, behind the reply.
func TestTrackedKeysAreBounded(t *testing.T) {
	r := open(t, setup{settings: []string{"tracking-table-max-keys", "2"}})
	c := r.cache("")
	r.as(c, "GET a")
	r.as(c, "GET b")
	if got := r.as(c, "MGET c d"); strings.Count(got, "invalidate") != 2 || !strings.HasPrefix(got, "*2 _ _ >2 $10 invalidate") {
		t.Errorf("reply %q", got)
	}
	if got := r.info("tracking_total_keys"); got != "2" {
		t.Errorf("%s keys are remembered", got)
	}
	r.expect("FLUSHALL", "+OK")
	if l := r.await(c); l.reply != ">2 $10 invalidate _" {
		t.Errorf("told %q", l.reply)
	}
}

// NOLOOP is about what a client did itself. What one does that waited is its own, and not that of who pushed.
func TestNoLoopOfClientsThatWaited(t *testing.T) {
	for _, options := range []string{"NOLOOP", "NOLOOP BCAST PREFIX dst"} {
		r := open(t, setup{})
		r.do("RPUSH dst 0")
		pusher, mover := r.cache(options), r.cache(options)
		for _, c := range []*client{pusher, mover} {
			r.as(c, "LRANGE dst 0 -1")
		}
		r.as(mover, "BLMOVE src dst LEFT LEFT 0")
		if got := r.as(pusher, "LPUSH src a"); got != ":1 >2 $10 invalidate *1 $3 dst" {
			t.Errorf("%s: the one that pushed is told %q", options, got)
		}
		if l := r.await(mover); l.reply != "$1 a" {
			t.Errorf("%s: the one that moved gets %q", options, l.reply)
		}
		if len(mover.mail) > 0 {
			t.Errorf("%s: the one that moved is told of it: %q", options, (<-mover.mail).reply)
		}
	}
}

// NOLOOP holds for a script that others were served beside, too.
func TestNoLoopOfScriptsThatTakeLong(t *testing.T) {
	for _, options := range []string{"NOLOOP", "NOLOOP BCAST PREFIX key"} {
		r := open(t, setup{settings: []string{"busy-reply-threshold", "1"}})
		other, c := r.cache(strings.TrimPrefix(options, "NOLOOP")), r.cache(options)
		for _, o := range []*client{other, c} {
			r.as(o, "GET key")
		}
		r.run(c, evaluation("local began = redis.call('TIME')[1] while redis.call('TIME')[1] == began do end "+writes+"return 1"))
		if c.Blocked == nil {
			t.Fatal("the script is not in its midst")
		}
		r.setup.clock.advance(1000)
		if l := r.await(c); l.reply != ":1" {
			t.Errorf("%s: the one whose script it is gets %q", options, l.reply)
		}
		if l := r.await(other); l.reply != ">2 $10 invalidate *1 $3 key" {
			t.Errorf("%s: another one is told %q", options, l.reply)
		}
		if len(c.mail) > 0 {
			t.Errorf("%s: the one whose script it is is told of it: %q", options, (<-c.mail).reply)
		}
	}
}
