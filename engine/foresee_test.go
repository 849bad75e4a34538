package engine_test

import (
	"fmt"
	"maps"
	"testing"
)

// A log's tail that names many keys of the base ends in the state that it left, whatever it did to them: keys of strings,
// which are fetched together before the replay, and others, in databases that have been exchanged or emptied meanwhile.
func TestATailThatNamesMuchOfTheBase(t *testing.T) {
	const keys = 1500
	r := open(t, setup{})
	for i := range keys {
		r.do(fmt.Sprintf("SET key:%d %0*d", i, i%90, i))
	}
	for i := range 40 {
		r.do(fmt.Sprintf("SET timed:%d %d PXAT 1900000000000", i, i))
		r.do(fmt.Sprintf("RPUSH list:%d a b c", i))
	}
	r.do("SELECT 1")
	r.do("SET key:1 elsewhere")
	r.do("SELECT 0")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	for i := range keys / 2 {
		key := i * 7 % keys
		switch i % 5 {
		case 0:
			r.do(fmt.Sprintf("DEL key:%d", key))
		case 1:
			r.do(fmt.Sprintf("APPEND key:%d more", key))
		case 2:
			r.do(fmt.Sprintf("PEXPIREAT key:%d 1900000000001", key))
		case 3:
			r.do(fmt.Sprintf("RENAME key:%d new:%d", key, key))
		default:
			r.do(fmt.Sprintf("SET key:%d anew", key))
		}
	}
	for i := range 40 {
		r.do(fmt.Sprintf("PERSIST timed:%d", i))
		r.do(fmt.Sprintf("LPOP list:%d", i))
	}
	r.do("SWAPDB 0 1")
	r.do("SET key:1 exchanged")
	r.do("SET key:2 exchanged")
	want := r.dump()
	r.mustClose(false)

	r = r.again()
	if got := r.dump(); !maps.Equal(got, want) {
		t.Errorf("after the restart: %d keys, and %d before", len(got), len(want))
	}
	r.do("FLUSHDB")
	want = r.dump()
	r.mustClose(false)
	if got := r.again().dump(); !maps.Equal(got, want) {
		t.Errorf("after FLUSHDB and a restart: %d keys, and %d before", len(got), len(want))
	}
}
