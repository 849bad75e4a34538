package server

import (
	"strings"
	"testing"
)

// From the bytes on a socket to those of the reply: a read of a key in memory allocates nothing, nor does an overwrite by a
// value that fits into the old one's place, nor a counter.
func TestAllocationsPerRequest(t *testing.T) {
	const batch = 16
	r := start(t, "appendfsync", "no")
	r.engine.Do(func() { r.engine.World().Events = nil })
	s, w, el := connect(t, r.server)
	for _, command := range []string{"GET key", "GET missing", "SET key value", "INCR counter", "PING"} {
		input := []byte(strings.Repeat(request(strings.Fields(command)...), batch))
		el.iterate(s, w, []byte(request("SET", "key", "other")))
		run := func() { el.iterate(s, w, input) }
		run()
		if got := testing.AllocsPerRun(200, run) / batch; got >= 0.5 {
			t.Errorf("%s: %.2f allocations", command, got)
		}
	}
}
