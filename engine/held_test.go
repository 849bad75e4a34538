package engine_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// heap is what lives on Go's, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools have left
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Nothing of what has run within a script, or a transaction, is held when it is over and its keys are gone: the next one may not come
// for long.
func TestWhatIsOverHoldsNothing(t *testing.T) {
	const size = 32 << 20
	large := bytes.Repeat([]byte("x"), size)
	set := [][]byte{[]byte("SET"), []byte("key"), large}
	for _, c := range []struct {
		name string
		run  func(r *rig)
	}{
		{"a script's arguments", func(r *rig) { r.send(r.user, append(evaluation("return 1"), large)) }},
		{"a script's reply", func(r *rig) { r.send(r.user, evaluation("return string.rep('x', 33554432)")) }},
		{"what a script has set", func(r *rig) { r.send(r.user, evaluation("redis.call('SET', KEYS[1], string.rep('x', 33554432))")) }},
		{"what a script has read", func(r *rig) {
			r.send(r.user, set)
			r.send(r.user, evaluation("redis.call('GET', KEYS[1])"))
		}},
		{"what a transaction has set", func(r *rig) {
			r.do("MULTI")
			r.send(r.user, set)
			r.do("EXEC")
		}},
		{"what it knows of many keys", func(r *rig) { r.do("MSET" + strings.Repeat(" key value", size/32)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, setup{settings: []string{"appendonly", "no"}})
			r.send(r.user, evaluation("return redis.call('GET', KEYS[1])"))
			before := heap()
			c.run(r)
			r.do("DEL key")
			r.events = nil
			if held := heap() - before; held > size/8 {
				t.Errorf("%d MB are held", held>>20)
			}
			runtime.KeepAlive(r)
		})
	}
}
