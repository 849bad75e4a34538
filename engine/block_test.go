package engine_test

import (
	"fmt"
	"testing"

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
