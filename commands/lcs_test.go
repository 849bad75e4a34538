package commands

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestLCSReplies(t *testing.T) {
	s := newStage(t)
	s.do("MSET a ohmytext b mynewtext")
	s.do("RPUSH l x")
	s.expectAll([]step{
		{"LCS a b", "$6 mytext"},
		{"LCS a b LEN", ":6"},
		{"LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"},
		{"LCS a none IDX", "*4 $7 matches *0 $3 len :0"},
		{"LCS a l bogus", "-ERR The specified keys must contain string values"},
		{"LCS a b IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."},
		{"LCS a b MINMATCHLEN", "-ERR syntax error"},
	})
	s.user.Proto = 3
	s.expect("LCS a b IDX", "%2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6")
}

// The matches are a common subsequence, and none is longer: the slow way finds the same length.
func TestLCSAgainstTheDefinition(t *testing.T) {
	seed := uint64(42)
	rnd := rand.New(rand.NewPCG(seed, 0))
	text := func() []byte {
		b := make([]byte, rnd.IntN(12))
		for i := range b {
			b[i] = "abc"[rnd.IntN(3)]
		}
		return b
	}
	for range 300 {
		a, b := text(), text()
		table, length := newLCSTable(a, b)
		if want := longestCommon(a, b); length != want {
			t.Fatalf("seed %d: %q and %q have %d in common, not %d", seed, a, b, want, length)
		}
		endA, endB := len(a), len(b)
		for _, m := range table.matches(a, b) {
			if m.a+m.length > endA || m.b+m.length > endB || !bytes.Equal(a[m.a:m.a+m.length], b[m.b:m.b+m.length]) {
				t.Fatalf("seed %d: %q and %q do not match at %+v", seed, a, b, m)
			}
			endA, endB, length = m.a, m.b, length-m.length
		}
		if length != 0 {
			t.Fatalf("seed %d: the matches of %q and %q lack %d bytes", seed, a, b, length)
		}
	}
}

// longestCommon tries every subsequence of a.
func longestCommon(a, b []byte) (longest int) {
	for choice := range 1 << len(a) {
		n, from := 0, 0
		for i := range a {
			if choice>>i&1 == 0 {
				continue
			}
			at := bytes.IndexByte(b[from:], a[i])
			if at < 0 {
				n = 0
				break
			}
			n, from = n+1, from+at+1
		}
		longest = max(longest, n)
	}
	return longest
}
