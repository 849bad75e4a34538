package engine_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// Everything becomes hot by itself, whatever a batch ends with: the empty key, which is the first, with a value that fills a
// batch alone; lists; long keys.
func TestHydrationComesToAnEnd(t *testing.T) {
	r := open(t, setup{})
	c := r.connect()
	r.ask(c, "SELECT", "0", "SET", "", strings.Repeat("v", 3<<20))
	for i := range 3000 {
		r.do(fmt.Sprintf("SET key:%d %0*d", i, i%700, i))
	}
	r.do("SET " + strings.Repeat("long", 5000) + " value")
	for i := range 50 {
		r.do(fmt.Sprintf("RPUSH list:%d a b c", i))
	}
	want := r.dump()
	r.mustClose(true)
	r = r.again()
	r.until("everything to be hot", func() bool { return r.info("hydrating") == "0" })
	if cold := r.info("cold_keys"); cold != "0" {
		t.Errorf("%s keys are cold in the end", cold)
	}
	if got := r.dump(); !maps.Equal(got, want) {
		t.Errorf("%d keys, and %d before", len(got), len(want))
	}
}
