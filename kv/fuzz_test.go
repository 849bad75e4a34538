package kv

import "testing"

// byteDice takes its decisions from a fuzzer's bytes; when they are used up, all are 0.
type byteDice struct{ left []byte }

func (d *byteDice) of(n int) int {
	v := 0
	for size := 1; size < n && len(d.left) > 0; size <<= 8 {
		v = v<<8 | int(d.left[0])
		d.left = d.left[1:]
	}
	return v % n
}

// FuzzDB drives a keyspace, its model, a base and checkpoints by bytes.
func FuzzDB(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{1, 0, 9, 9, 9, 0, 0, 0, 3, 3, 3, 1, 2, 3, 250, 7, 7, 8, 8, 251, 252, 252, 253})
	f.Fuzz(func(t *testing.T, script []byte) {
		d := &byteDice{script}
		c := newCheckpoints(newTwin(t, d, 2, oddNames(20)))
		for len(d.left) > 0 {
			c.act()
			c.agree()
		}
		for c.phase != idle {
			c.advance()
		}
		c.checkpoint()
		c.restart()
		c.verify()
	})
}
