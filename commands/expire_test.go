package commands

import "testing"

// The log has absolute milliseconds, or a deletion.
func TestDeadlinesAreLoggedAsAbsolute(t *testing.T) {
	for line, record := range map[string]string{
		"EXPIRE k 10":                 "PEXPIREAT k 1700000010000",
		"PEXPIRE k 10":                "PEXPIREAT k 1700000000010",
		"EXPIREAT k 1800000000":       "PEXPIREAT k 1800000000000",
		"PEXPIREAT k 1800000000001":   "PEXPIREAT k 1800000000001",
		"EXPIRE k 200 XX GT":          "PEXPIREAT k 1700000200000",
		"EXPIRE k 0":                  "DEL k",
		"PEXPIRE k -1":                "DEL k",
		"EXPIREAT k -1":               "DEL k",
		"PEXPIREAT k 1700000000000":   "DEL k",
		"PERSIST k":                   "PERSIST k",
		"PEXPIRE k 100000":            "PEXPIREAT k 1700000100000", // the deadline that it has
		"EXPIRE k -9223372036854775":  "DEL k",
		"EXPIREAT k 9223372036854775": "PEXPIREAT k 9223372036854775000",
	} {
		s := newStage(t)
		s.do("SET k v EX 100")
		s.takeLog()
		s.expect(line, ":1")
		s.expectChanges(1)
		s.expectLog(record)
	}
}

// Conditions compare with the deadline that is there; none counts as later than any.
func TestConditionsOfExpire(t *testing.T) {
	for _, x := range []struct {
		left      string // seconds before
		condition string
		sets      bool // 100 seconds
	}{
		{"", "", true}, {"", "NX", true}, {"", "XX", false}, {"", "GT", false}, {"", "LT", true}, {"", "XX LT", false},
		{"50", "", true}, {"50", "NX", false}, {"50", "XX", true}, {"50", "GT", true}, {"50", "LT", false},
		{"100", "GT", false}, {"100", "LT", false}, {"100", "XX XX", true},
		{"200", "GT", false}, {"200", "LT", true}, {"200", "XX LT", true}, {"200", "XX GT", false},
	} {
		s := newStage(t)
		s.do("SET k v")
		if x.left != "" {
			s.do("EXPIRE k " + x.left)
		}
		want := ":0"
		if x.sets {
			want = ":1"
		}
		s.expect("EXPIRE k 100 "+x.condition, want)
	}
}

func TestExpireThatChangesNothing(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.takeLog()
	s.expectAll([]step{
		{"EXPIRE none 10", ":0"},
		{"EXPIRE none x", "-ERR value is not an integer or out of range"},
		{"EXPIRE k x bogus", "-ERR Unsupported option bogus"},
		{"EXPIRE k 1 NX GT LT", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
		{"EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible"},
		{"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
		{"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
		{"EXPIREAT k -9223372036854775808", "-ERR invalid expire time in 'expireat' command"},
		{"EXPIRE k -1 XX", ":0"},
		{"PERSIST k", ":0"},
		{"PERSIST none", ":0"},
	})
	s.expectLog()
}

func TestWhatIsLeft(t *testing.T) {
	s := newStage(t)
	for _, command := range []string{"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"} {
		s.expect(command+" k", ":-2")
	}
	s.do("SET k v")
	for _, command := range []string{"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"} {
		s.expect(command+" k", ":-1")
	}
	s.do("PEXPIRE k 10499")
	s.expectAll([]step{
		{"TTL k", ":10"},
		{"PTTL k", ":10499"},
		{"EXPIRETIME k", ":1700000010"},
		{"PEXPIRETIME k", ":1700000010499"},
	})
	s.do("PEXPIREAT k 9223372036854775807")
	s.expect("EXPIRETIME k", ":9223372036854776")
	s.do("PEXPIRE k 10499")
	s.advance(10_498)
	s.expect("PTTL k", ":1")
	s.expect("TTL k", ":0")
	s.advance(1)
	s.expect("TTL k", ":-2")
}

func TestExpireEvents(t *testing.T) {
	s := newStage(t)
	s.do("RPUSH l x")
	s.events = nil
	for _, line := range []string{"EXPIRE l 10", "EXPIRE l 20 GT", "PERSIST l", "EXPIRE l -1"} {
		s.do(line)
	}
	s.expectEvents("g expire 0 l", "g expire 0 l", "g persist 0 l", "g del 0 l")
}

// A deadline in the past at the time of the replay is kept for expiry to find, and logged again as a deletion then.
func TestReplayDoesNotExpire(t *testing.T) {
	s := newStage(t)
	s.do("SET k v")
	s.do("PEXPIRE k 5")
	s.advance(100)
	if len(s.dump()) != 1 {
		t.Fatal("the key is gone although nobody asked for it")
	}
	s.checkReplay()
}
