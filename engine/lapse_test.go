package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// lapsed waits until so many fields have lapsed since the start.
func (r *rig) lapsed(n int) {
	r.t.Helper()
	r.until(fmt.Sprint(n, " fields to lapse"), func() bool { return r.info("expired_subkeys") == fmt.Sprint(n) })
}

// Fields that lapsed while nobody served them are deleted right after the start, though nobody asks, by deletes in the log
// and with events; so is a hash with its last field. The hashes lie in the log or in the base, in one piece or in parts.
func TestFieldsThatLapsedWhileDown(t *testing.T) {
	for _, based := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the base %v", based), func(t *testing.T) {
			s := begin(t, setup{})
			const n = 40
			for i := range n {
				s.pipeline(fmt.Sprintf("HSET some%d a 1 b 2 c 3", i), fmt.Sprintf("HPEXPIRE some%d %d FIELDS 2 a b", i, 1000+i))
			}
			s.say("HSETEX all PX 2000 FIELDS 1 a 1")
			for i := range 20 {
				s.say(fmt.Sprintf("HSET parted f%d %s", i, strings.Repeat("x", 9000)))
			}
			s.pipeline("HPEXPIRE parted 3000 FIELDS 2 f1 f2", "HPEXPIRE parted 500000 FIELDS 2 f3 f4", "PEXPIRE some1 100000")
			s.mustClose(based)
			s.setup.clock.advance(10_000)
			fsys, dir := leftBy(t, s.setup.fs.(*vfs.Faulty), vfs.Everything, 1)
			as := s.setup
			as.fs, as.dir = fsys, dir
			r := open(t, as)
			r.lapsed(2*n + 1 + 2)
			r.expect("DBSIZE", fmt.Sprint(":", n+1))
			r.expect("HGETALL some3", "*2 $1 c $1 3")
			r.expect("HLEN parted", ":18")
			r.expect("HPTTL parted FIELDS 3 f2 f3 f5", "*3 :-2 :490000 :-1")
			r.onDisk()
			for _, event := range []string{"hexpired 0/some7", "hexpired 0/all", "del 0/all", "hexpired 0/parted"} {
				if !slices.Contains(r.heard(), event) {
					t.Errorf("no event %s; events: %q", event, r.heard())
				}
			}
			if lines := r.logged(); !slices.Contains(lines, "0: HDEL some7 a b") || !slices.Contains(lines, "0: HDEL all a") {
				t.Errorf("the log has no delete of what lapsed: %.300q", lines)
			}
			r.mustClose(false)
			again := r.again()
			again.expect("HGETALL some3", "*2 $1 c $1 3")
			again.expect("EXISTS all", ":0")
			if got := again.info("expired_subkeys"); got != "0" {
				t.Errorf("%s fields lapsed once more", got)
			}
		})
	}
}

// A hash that only the base has lapses on time, field by field, and is fetched for that alone; so does one in memory. A
// checkpoint takes along what is left.
func TestColdFieldsLapse(t *testing.T) {
	s := begin(t, setup{})
	for i := range 200 {
		s.pipeline(fmt.Sprintf("HSET h%d a 1 b 2 c 3", i), fmt.Sprintf("HPEXPIRE h%d %d FIELDS 1 a", i, 1000+i%10),
			fmt.Sprintf("HPEXPIRE h%d 5000 FIELDS 1 b", i))
	}
	s.save()
	s.expect("CONFIG SET maxmemory-policy spill maxmemory 1", "+OK")
	for i := range 300 {
		s.say(fmt.Sprintf("GET nothing%d", i))
	}
	s.expect("CONFIG SET maxmemory 0", "+OK")
	if cold := s.info("cold_keys"); cold == "0" {
		t.Fatal("no key went cold")
	}
	s.pass(1005)
	s.lapsed(120) // h0 to h5, h10 to h15, …
	s.save()
	s.pass(10)
	s.lapsed(200)
	s.check("after the first fields have lapsed")
	s.mustClose(true)
	r := s.again()
	s.recovered(r, "after a restart")
	r.setup.clock.advance(5000)
	r.lapsed(200)
	r.expect("DBSIZE", ":200")
	r.expect("HGETALL h9", "*2 $1 c $1 3")
}

// With active expiry turned off a field is gone all the same for whoever asks, and deleted by who asks.
func TestFieldsLapseWhenAskedFor(t *testing.T) {
	r := open(t, setup{})
	r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	r.expect("HSET h a 1 b 2", ":2")
	r.expect("HSETEX all PX 100 FIELDS 2 a 1 b 2", ":1")
	r.expect("HPEXPIRE h 100 FIELDS 1 a", "*1 :1")
	r.expect("WATCH h", "+OK")
	r.setup.clock.advance(100)
	r.expect("DBSIZE", ":2")
	r.expect("MULTI", "+OK")
	r.expect("HGET h a", "+QUEUED")
	r.expect("EXEC", "*-1")
	r.expect("HGETALL h", "*2 $1 b $1 2")
	r.expect("HGET all a", null)
	r.expect("DBSIZE", ":1")
	r.onDisk()
	if lines := r.logged(); !slices.Equal(lines[len(lines)-2:], []string{"0: HDEL h a", "0: HDEL all a b"}) {
		t.Errorf("logged: %q", lines)
	}
}
