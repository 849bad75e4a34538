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
