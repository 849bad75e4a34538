package engine_test

import (
	"fmt"
	"strings"
	"testing"
)

// Keys that leave the hot layer come back when they are asked for: on a data set whose first base was written by this very
// process, and on one that was opened with a base.
func TestSpilledKeysComeBack(t *testing.T) {
	for _, opened := range []bool{false, true} {
		t.Run(fmt.Sprintf("opened with a base %v", opened), func(t *testing.T) {
			s := begin(t, setup{})
			for i := range 100 {
				s.pipeline(fmt.Sprintf("SET key%d v%d PX %d", i, i, 1_000_000+i), fmt.Sprintf("RPUSH list%d a %d", i, i))
			}
			s.say("RPUSH long " + strings.Repeat(strings.Repeat("e", 1000)+" ", 160))
			s.save()
			if opened {
				s.mustClose(false)
				s.rig = s.again()
			}
			s.expect("CONFIG SET maxmemory-policy spill maxmemory 1", "+OK")
			for i := range 100 {
				s.say(fmt.Sprintf("GET key%d", i))
			}
			s.expect("CONFIG SET maxmemory 0", "+OK")
			s.pipeline("INCR counter", "APPEND key7 w", "LPOP list7", "DEL key8", "RENAME key9 moved", "RPUSH long more")
			s.check("after spilling")
			s.save()
			s.check("after a checkpoint")
			s.pass(1_000_100)
			s.check("after some have expired")
			s.mustClose(false)
			s.recovered(s.again(), "after a restart")
		})
	}
}

// What has changed is written, so that it can go, also where nobody says anything any more.
func TestChangedKeysSpillAtRest(t *testing.T) {
	t.Parallel()
	const keys = 1000
	r := open(t, setup{settings: []string{"maxmemory-policy", "spill"}})
	var load [][][]byte
	for i := range keys {
		load = append(load, words(fmt.Sprintf("SET key%d v%d", i, i)))
	}
	r.run(r.user, append(load, words("CONFIG SET maxmemory 1"))...) // a batch holds the lock: nothing makes room within it
	r.until("all keys are cold", func() (cold bool) {
		r.engine.Do(func() { cold = r.engine.Figures().ColdKeys == keys })
		return cold
	})
	r.expect("CONFIG SET maxmemory 0", "+OK")
	r.expect(fmt.Sprintf("GET key%d", keys-1), fmt.Sprintf("$4 v%d", keys-1))
	r.mustClose(false)
}

// A limit below what the process takes for itself lets no write through, and the log says so, also where no key is to go for others.
func TestALimitWithoutRoomForAnyKeyIsToldOf(t *testing.T) {
	t.Parallel()
	r := open(t, setup{settings: []string{"maxmemory", "1"}})
	r.until("the log tells of it", func() bool { return r.toldOf("maxmemory leaves no room") == 1 })
	r.expect("SET a 1", "-OOM command not allowed when used memory > 'maxmemory'.")
	r.expect("CONFIG SET maxmemory 0", "+OK")
	r.expect("SET a 1", "+OK")
	r.expect("CONFIG SET maxmemory 2", "+OK")
	r.expect("SET a 2", "-OOM command not allowed when used memory > 'maxmemory'.")
	r.mustClose(false)
	if n := r.toldOf("maxmemory leaves no room"); n != 1 {
		t.Errorf("the log tells of it %d times", n)
	}
}

// Where maxmemory is set far below what is in use, writes go on as long as keys leave memory for them. When none is left to go
// they are refused, and the log says once that the limit cannot be kept to.
func TestWritesGoOnWhileKeysSpill(t *testing.T) {
	t.Parallel()
	const writes = 20
	r := open(t, setup{settings: []string{"maxmemory-policy", "spill"}})
	var load [][][]byte
	for i := range 2 * evictedAtOnce * writes {
		load = append(load, words(fmt.Sprintf("SET key%d v%d", i, i)))
	}
	r.run(r.user, load...)
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	batch := [][][]byte{words("CONFIG SET maxmemory 1")}
	for i := range writes {
		batch = append(batch, words(fmt.Sprintf("SET new%d v", i)))
	}
	replies, _ := r.run(r.user, batch...) // a batch holds the lock: nothing else makes room
	if got := strings.Count(string(replies), "+OK"); got != len(batch) {
		t.Errorf("%d of %d commands went well: %q", got, len(batch), replies)
	}
	const text = "maxmemory leaves no room"
	r.until("the log tells that no more can go", func() bool {
		r.do("SET more v")
		return r.toldOf(text) > 0
	})
	r.expect("SET more v", "-OOM command not allowed when used memory > 'maxmemory'.")
	r.expect("CONFIG SET maxmemory 0", "+OK")
	for i := range writes {
		r.expect(fmt.Sprintf("GET new%d", i), "$1 v")
	}
	if n := r.toldOf(text); n != 1 {
		t.Errorf("the log tells of it %d times", n)
	}
	r.mustClose(false)
}
