package engine_test

import (
	"fmt"
	"strings"
	"testing"
)

// An event may be heard when what it tells of is durable, and not before.
func TestEventsBearTheGateOfTheirRecord(t *testing.T) {
	r := open(t, setup{settings: []string{"notify-keyspace-events", "EA"}})
	ear := r.connect()
	if got := r.as(ear, "PSUBSCRIBE __keyevent@*"); !strings.HasSuffix(got, ":1") {
		t.Fatal(got)
	}
	_, gate := r.run(r.user, words("SET k v"))
	l := r.await(ear)
	if gate == 0 || l.gate != gate || !strings.HasSuffix(l.reply, "$18 __keyevent@0__:set $1 k") {
		t.Errorf("heard %q with gate %d; the reply has %d", l.reply, l.gate, gate)
	}
	r.commit(gate)
	// What was read counts too: a transaction that publishes it tells it.
	r.run(r.user, words("SET k w"))
	_, gate = r.run(r.user, words("MULTI"), words("GET k"), words("PUBLISH __keyevent@x w"), words("EXEC"))
	r.await(ear)
	if l := r.await(ear); gate == 0 || l.gate != gate {
		t.Errorf("heard %q with gate %d; the reply has %d", l.reply, l.gate, gate)
	}
	// And what the clockwork deletes.
	r.expect("SET soon v PX 100", "+OK")
	r.await(ear)
	r.await(ear)
	r.setup.clock.advance(100)
	before := r.engine.Passed()
	if l := r.await(ear); !strings.HasSuffix(l.reply, "__keyevent@0__:expired $4 soon") || l.gate <= before {
		t.Errorf("heard %q with gate %d, where %d had passed", l.reply, l.gate, before)
	}
}

// What lapsed while the server was down is told to the first who hears of it, once.
func TestEventsOfWhatLapsedMeanwhile(t *testing.T) {
	r := open(t, setup{})
	for i := range 3 {
		r.expect(fmt.Sprintf("SET k%d v PX 100", i), "+OK")
	}
	r.expect("SET kept v PX 10000", "+OK")
	r.mustClose(true)
	r.setup.clock.advance(200)
	r = r.again()
	r.until("what lapsed to be gone", func() bool { return r.do("DBSIZE") == ":1" })
	const ack, event = "*3 $9 subscribe $22 __keyevent@0__:expired :1", "*3 $7 message $22 __keyevent@0__:expired $2 k"
	if got := r.as(r.connect(), "SUBSCRIBE __keyevent@0__:expired"); got != ack {
		t.Errorf("nothing is to be published, and the reply is %q", got)
	}
	early := r.all[len(r.all)-1]
	if got := r.as(r.connect(), "PSUBSCRIBE news* __keyspace@0__:k1"); !strings.HasSuffix(got, ":2") {
		t.Errorf("reply %q", got)
	}
	r.expect("CONFIG SET notify-keyspace-events Ex", "+OK")
	heard := map[string]bool{}
	for range 3 {
		heard[r.await(early).reply] = true
	}
	for i := range 3 {
		if !heard[event+fmt.Sprint(i)] {
			t.Errorf("k%d is missing: %v", i, heard)
		}
	}
	if got := r.as(r.connect(), "SUBSCRIBE __keyevent@0__:expired"); got != ack {
		t.Errorf("told again: %q", got)
	}
	// Where they are published from the start, the subscription brings them.
	r.mustClose(false)
	r.setup.clock.advance(20_000)
	r = r.again("notify-keyspace-events", "KEx")
	r.until("what lapsed to be gone", func() bool { return r.do("DBSIZE") == ":0" })
	want := ack + " *3 $7 message $22 __keyevent@0__:expired $4 kept"
	if got := r.as(r.connect(), "SUBSCRIBE __keyevent@0__:expired"); got != want {
		t.Errorf("reply %q, not %q", got, want)
	}
}
