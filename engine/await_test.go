package engine

import (
	"testing"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/resp"
)

// A disk may be full for days: who has given up waiting for it is not remembered for as long.
func TestWhoGivesUpTheDiskIsForgotten(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "appendfsync", "no")
	s.e.Do(func() { // nobody settles anything meanwhile
		for _, end := range []func(c *commands.Client){
			func(c *commands.Client) { s.e.Unblock(c, false) },
			s.e.Drop,
		} {
			c := &commands.Client{Proto: 2, Peer: make(ear, 1)}
			s.e.block(c, nil, nil, &commands.Wait{Timeout: (*resp.Writer).OK})
			s.e.Await(c, func() { t.Error("who no longer waits is told") })
			end(c)
		}
		if n := len(s.e.awaiting); n > 0 {
			t.Errorf("%d clients are remembered, and none waits", n)
		}
	})
}
