package engine

import (
	"fmt"
	"strings"
	"testing"
)

// A load counts from its first moment on, and until it has been over for as long as the mean remembers.
func TestARateIsBelowALimitOnlyAtRest(t *testing.T) {
	var r rate
	now, count := int64(1), int64(0)
	pass := func(perSecond int64) {
		now += heartbeat.Milliseconds()
		count += perSecond * heartbeat.Milliseconds() / 1000
		r.sample(now, count)
	}
	for range 20 {
		pass(10)
	}
	if !r.below(1000) {
		t.Error("10 a second are not below 1000")
	}
	if pass(2000); r.below(1000) || r.perSecond() >= 1000 {
		t.Errorf("a load that has just begun is below its rate; the mean is %d", r.perSecond())
	}
	for range len(r.samples) {
		pass(2000)
	}
	if pass(0); r.below(1000) {
		t.Error("a moment without commands passes for rest")
	}
	for range len(r.samples) {
		pass(0)
	}
	if !r.below(1000) {
		t.Error("a load that is long over is none")
	}
}

// A modest load is one at present: what there was a moment ago, or will have been a flood, is none.
func TestALoadIsModestBetweenRestAndAFlood(t *testing.T) {
	var r rate
	now, count := int64(1), int64(0)
	for i, c := range []struct {
		perSecond int64
		want      bool
	}{{0, false}, {10, false}, {restCommands + 10, true}, {flood + 10, false}, {flood - 10, true}, {0, false}} {
		now += heartbeat.Milliseconds()
		count += c.perSecond * heartbeat.Milliseconds() / 1000
		if r.sample(now, count); r.modest() != c.want {
			t.Errorf("sample %d, of %d a second, is modest: %v", i, c.perSecond, !c.want)
		}
	}
}

// However many codes scripts make up, and however long, few are kept, and every error counts.
func TestFewErrorCodesAreKept(t *testing.T) {
	var s stats
	s.failed([]byte("-ERR before\r\n"))
	s.failed([]byte("-" + strings.Repeat("x", 1<<20) + " long\r\n"))
	for i := range 1000 {
		s.failed(fmt.Appendf(nil, "-E%d made up\r\n", i))
	}
	s.failed([]byte("-ERR behind\r\n"))
	var sum int64
	for code, n := range s.errors {
		sum += n
		if len(code) > errorCodeBytes {
			t.Errorf("a code of %d bytes is kept", len(code))
		}
	}
	if len(s.errors) > errorCodesKept+1 || sum != 1003 || s.errors["ERR"] != 2 || s.errors["E0"] != 1 {
		t.Errorf("%d codes of %d errors; %d of ERR, %d of E0", len(s.errors), sum, s.errors["ERR"], s.errors["E0"])
	}
}
