package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/commands"
)

// A push serves as many of those who wait as there is something for; the others are not tried, however many they are.
func TestPushTriesWhomItServes(t *testing.T) {
	r := open(t, setup{})
	var waiting []*client
	for range 100 {
		c := r.connect()
		r.as(c, "BLPOP queue 0")
		waiting = append(waiting, c)
	}
	tried := 0
	cmd := r.engine.World().Table.Lookup([]byte("blpop"))
	run := cmd.Run
	cmd.Run = func(c *commands.Call) {
		tried++
		run(c)
	}
	for i := range 10 {
		if got := r.do(fmt.Sprintf("RPUSH queue a%d b%d", i, i)); got != ":2" {
			t.Fatal(got)
		}
	}
	if tried > 30 || cmd.Stats.Calls != 100 { // a pop is a change too, after which the next one looks in vain
		t.Errorf("10 pushes of two elements tried %d clients; %d calls of 100", tried, cmd.Stats.Calls)
	}
	for i, c := range waiting {
		want := ""
		if i < 20 {
			want = fmt.Sprintf("*2 $5 queue $2 %c%d", "ab"[i%2], i/2)
		}
		got := ""
		if len(c.mail) > 0 {
			got = (<-c.mail).reply
		}
		if got != want {
			t.Errorf("client %d of the queue got %q, want %q", i, got, want)
		}
	}
}

// Who reads a stream for a group hears that it is gone, though others have taken its key before.
func TestRemovalIsHeardBehindOthers(t *testing.T) {
	r := open(t, setup{})
	r.do("XGROUP CREATE s g $ MKSTREAM")
	var readers []*client
	for range 3 {
		c := r.connect()
		r.as(c, "XREADGROUP GROUP g me BLOCK 0 STREAMS s >")
		readers = append(readers, c)
	}
	r.do("DEL s")
	for i, c := range readers {
		if len(c.mail) == 0 {
			t.Errorf("reader %d still waits", i)
		}
	}
}

// Who waits for many keys, or watches them, holds up nobody for long, when they all change at once neither.
func TestManyKeysOfOneClient(t *testing.T) {
	const most = 2 * time.Second // the square of the number takes several times as long
	line := func(before string, n int, each, behind string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := range n {
			fmt.Fprintf(&b, " key:%d%s", i, each)
		}
		return b.String() + behind
	}
	const few, many = 20_000, 60_000
	for _, c := range []struct{ waits, changes string }{
		{line("WATCH", many, "", ""), "PING"},
		{line("BLPOP", few, "", " 0"), "FLUSHALL"},
		{line("BLPOP", few, "", " 0"), line("MSET", few, " v", "")},
		{line("BZPOPMIN", few, "", " 0"), "SWAPDB 0 1"},
		{line("XREAD BLOCK 0 STREAMS", few, "", strings.Repeat(" 0", few)), "FLUSHALL"},
		{line("XREAD BLOCK 0 STREAMS", few, "", strings.Repeat(" 0", few)), line("MSET", few, " v", "")},
	} {
		t.Run(fmt.Sprintf("%.10s %.10s", c.waits, c.changes), func(t *testing.T) {
			r := open(t, setup{})
			r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
			r.expect("SET soon v PX 1", "+OK") // and so each turn looks for keys that are due
			r.setup.clock.advance(1)
			for _, request := range [][][]byte{words(c.waits), words(c.changes)} {
				began := time.Now()
				r.send(r.connect(), request)
				if took := time.Since(began); took > most {
					t.Errorf("%s took %v", request[0], took)
				}
			}
		})
	}
}

// A command that runs again for one of its keys looks at that alone, be it due or fresh, and at those that it does not wait for.
func TestWhatARunForOneKeyLooksAt(t *testing.T) {
	r := open(t, setup{})
	r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	r.do("RPUSH dst x")
	r.do("PEXPIRE dst 100")
	mover, popper := r.connect(), r.connect()
	r.as(mover, "BLMOVE src dst LEFT RIGHT 0")
	r.as(popper, "BLPOP a b c 0")
	r.setup.clock.advance(100)
	r.expect("RPUSH src new", ":1")
	if l := r.await(mover); l.reply != "$3 new" {
		t.Error("BLMOVE:", l.reply)
	}
	r.expect("LRANGE dst 0 -1", "*1 $3 new")
	_, gate := r.run(r.user, words("RPUSH b 1"))
	if l := r.await(popper); l.reply != "*2 $1 b $1 1" || l.gate != gate+1 {
		t.Errorf("BLPOP: %q with gate %d; that of the push is %d", l.reply, l.gate, gate)
	}
	reader := r.connect()
	r.as(reader, "XREAD BLOCK 0 STREAMS s t $ $")
	_, gate = r.run(r.user, words("XADD t 1-1 f v"))
	if l := r.await(reader); l.reply != "*1 *2 $1 t *1 *2 $3 1-1 *2 $1 f $1 v" || l.gate != gate {
		t.Errorf("XREAD: %q with gate %d; that of the entry is %d", l.reply, l.gate, gate)
	}
}
