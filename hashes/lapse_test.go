package hashes

import (
	"bytes"
	"testing"

	"holdfast/dict"
)

// Fields with long names lapse in several steps, as the log names them in one command each.
func TestLongNamesLapseInSteps(t *testing.T) {
	const n, long = 20, 2 << 20
	h := New()
	h.Enlarge(dict.Seed{})
	for i := range n {
		field := bytes.Repeat([]byte{byte('a' + i)}, long)
		h.Set(field, nil)
		h.SetDeadline(field, 5)
	}
	for left := n; left > 0; {
		gone := len(h.Lapse(10, 1024))
		if left -= gone; gone == 0 || gone*long > lapseBytes+long {
			t.Fatalf("%d fields of %d bytes lapse at once, and %d are left", gone, long, left)
		}
	}
}
