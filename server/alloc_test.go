package server

import (
	"strings"
	"testing"

	"holdfast/resp"
)

// From the bytes on a socket to those of the reply: a read of a key in memory allocates nothing, nor does an overwrite by a
// value that fits into the old one's place, nor a counter, nor a read of much.
func TestAllocationsPerRequest(t *testing.T) {
	const batch = 16
	r := start(t, "appendfsync", "no")
	r.engine.Do(func() { r.engine.World().Events = nil })
	s, w, el := connect(t, r.server)
	el.iterate(s, w, []byte(request("SET", "large", strings.Repeat("v", 50_000))))
	for _, command := range []string{"GET key", "GET missing", "SET key value", "INCR counter", "GET large", "PING"} {
		input := []byte(strings.Repeat(request(strings.Fields(command)...), batch))
		el.iterate(s, w, []byte(request("SET", "key", "other")))
		run := func() { el.iterate(s, w, input) }
		run()
		if got := testing.AllocsPerRun(200, run) / batch; got >= 0.5 {
			t.Errorf("%s: %.2f allocations", command, got)
		}
	}
}

// What a loop keeps for replies to come is bounded, however many large ones have left together.
func TestSpareWriters(t *testing.T) {
	l := new(loop)
	var taken []*resp.Writer
	for range 2 * writersKept {
		w := l.takeWriter()
		w.Bulk(make([]byte, 200<<10))
		taken = append(taken, w)
	}
	for _, w := range taken {
		l.giveWriter(w)
	}
	room := 0
	for _, w := range l.writers {
		room += w.Cap()
	}
	if room != l.spare || room > spareKept || room < spareKept/2 {
		t.Errorf("%d writers have room for %d bytes, counted as %d; want at most %d", len(l.writers), room, l.spare, spareKept)
	}
	for range l.writers {
		l.takeWriter()
	}
	if l.spare != 0 {
		t.Errorf("%d bytes to spare of no writers", l.spare)
	}
}
