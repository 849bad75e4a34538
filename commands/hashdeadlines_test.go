package commands

import (
	"fmt"
	"testing"
)

// The expectations are those of Redis 7.4 and 8, which are not at hand: they follow their documentation.

func TestFieldDeadlines(t *testing.T) {
	for _, entries := range []string{"512", "2"} { // small, large
		s := newStage(t)
		s.set("hash-max-listpack-entries", entries)
		s.expectAll([]step{
			{"HSET h a 1 b 2 c 3 d 4", ":4"},
			{"HEXPIRE h 100 FIELDS 3 a b z", "*3 :1 :1 :-2"},
			{"HTTL h FIELDS 4 a b c z", "*4 :100 :100 :-1 :-2"},
			{"HPTTL h FIELDS 1 a", "*1 :100000"},
			{"HEXPIRETIME h FIELDS 1 a", "*1 :1700000100"},
			{"HPEXPIRETIME h FIELDS 2 a c", "*2 :1700000100000 :-1"},
			{"HPEXPIRE h 50001 FIELDS 1 a", "*1 :1"},
			{"HTTL h FIELDS 1 a", "*1 :51"},
			{"HEXPIREAT h 1700000200 FIELDS 1 a", "*1 :1"},
			{"HPEXPIREAT h 1700000200001 FIELDS 1 a", "*1 :1"},
			{"HEXPIRETIME h FIELDS 1 a", "*1 :1700000201"},
			{"HPERSIST h FIELDS 3 a c z", "*3 :1 :-1 :-2"},
			{"HPERSIST h FIELDS 1 a", "*1 :-1"},
			{"HTTL h FIELDS 1 a", "*1 :-1"},
			{"HEXPIRE h 0 FIELDS 2 a z", "*2 :2 :-2"},
			{"HEXPIREAT h 1 FIELDS 1 b", "*1 :2"},
			{"HPEXPIREAT h 0 FIELDS 1 c", "*1 :2"},
			{"HGETALL h", "*2 $1 d $1 4"},
			{"HPEXPIRE h 0 FIELDS 2 d d", "*2 :2 :-2"},
			{"EXISTS h", ":0"},
			{"HEXPIRE h 5 FIELDS 2 a b", "*2 :-2 :-2"},
			{"HTTL h FIELDS 1 a", "*1 :-2"},
			{"HPERSIST h FIELDS 1 a", "*1 :-2"},
		})
	}
}

func TestFieldDeadlineConditions(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"HSET h a 1 b 2", ":2"},
		{"HEXPIRE h 100 XX FIELDS 1 a", "*1 :0"},
		{"HEXPIRE h 100 GT FIELDS 1 a", "*1 :0"}, // no deadline is later than any
		{"HEXPIRE h 100 LT FIELDS 1 a", "*1 :1"},
		{"HEXPIRE h 200 LT FIELDS 1 a", "*1 :0"},
		{"HEXPIRE h 100 GT FIELDS 1 a", "*1 :0"},
		{"HEXPIRE h 200 gt FIELDS 1 a", "*1 :1"},
		{"HEXPIRE h 300 NX FIELDS 2 a b", "*2 :0 :1"},
		{"HEXPIRE h 50 XX FIELDS 2 a b", "*2 :1 :1"},
		{"HEXPIRE h 0 NX FIELDS 1 a", "*1 :0"},
		{"HTTL h FIELDS 2 a b", "*2 :50 :50"},
	})
}

func TestFieldDeadlineErrors(t *testing.T) {
	const (
		missing  = "-ERR Mandatory argument FIELDS is missing or not at the right position"
		match    = "-ERR The `numfields` parameter must match the number of arguments"
		positive = "-ERR Number of fields must be a positive integer"
		above    = "-ERR Parameter `numFields` should be greater than 0"
		negative = "-ERR invalid expire time, must be >= 0"
		integer  = "-ERR value is not an integer or out of range"
	)
	s := newStage(t)
	s.expectAll([]step{
		{"HSET h a 1 b 2", ":2"},
		{"SET s v", "+OK"},
		{"HEXPIRE s abc FIELDS 1 a", wrongType},
		{"HTTL s FIELDS 1 a", wrongType},
		{"HPERSIST s FIELDS 1 a", wrongType},
		{"HGETEX s FIELDS 1 a", wrongType},
		{"HSETEX s FIELDS 1 a b", wrongType},
		{"HGETDEL s FIELDS 1 a", wrongType},
		{"HEXPIRE h abc FIELDS 1 a", integer},
		{"HEXPIRE h -1 FIELDS 1 a", negative},
		{"HEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"},
		{"HPEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hpexpire' command"},
		{"HEXPIREAT h 70368744178 FIELDS 1 a", "-ERR invalid expire time in 'hexpireat' command"},
		{"HPEXPIREAT h 70368744177664 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command"},
		{"HPEXPIREAT h 70368744177663 FIELDS 1 a", "*1 :1"},
		{"HEXPIRE h 10 1 a b", missing},
		{"HEXPIRE h 10 NX 1 a", missing},
		{"HEXPIRE h 10 NX XX FIELDS 1 a", missing},
		{"HEXPIRE h 10 FIELDS 0 a", above},
		{"HEXPIRE h 10 FIELDS x a", above},
		{"HEXPIRE h 10 FIELDS 2 a", match},
		{"HEXPIRE h 10 FIELDS 1 a b", match},
		{"HEXPIRE h 10 NX FIELDS 1", match},
		{"HTTL h NOFIELDS 1 a", missing},
		{"HTTL h FIELDS 0 a", positive},
		{"HTTL h FIELDS -1 a", positive},
		{"HTTL h FIELDS 2 a", match},
		{"HPERSIST h a FIELDS 1", missing},
		{"HPERSIST h FIELDS 9223372036854775808 a", positive},
		{"HGETEX h EX 10 FIELDS", missing},
		{"HGETEX h EX FIELDS 1 a", integer},
		{"HGETEX h EX -1 FIELDS 1 a", negative},
		{"HGETEX h PX 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"},
		{"HGETEX h KEEPTTL FIELDS 1 a", missing},
		{"HGETEX h FIELDS 2 a", match},
		{"HGETDEL h FIELD 1 a", missing},
		{"HGETDEL h FIELDS 0 a", positive},
		{"HGETDEL h FIELDS 1 a b", match},
		{"HSETEX h FIELDS 1 a b c d", "-ERR wrong number of arguments for 'hsetex' command"},
		{"HSETEX h FIELDS 2 a b c", "-ERR wrong number of arguments for 'hsetex' command"},
		{"HSETEX h FIELDS 0 a b", "-ERR invalid number of fields"},
		{"HSETEX h FIELDS x a b", "-ERR invalid number of fields"},
		{"HSETEX h EX 10 FIELDS 1", "-ERR wrong number of arguments for 'hsetex' command"},
		{"HSETEX h EX 10 PX 10 FIELDS 1 a b", "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
		{"HSETEX h KEEPTTL EX 10 FIELDS 1 a b", "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
		{"HSETEX h FNX FXX FIELDS 1 a b", "-ERR Only one of FXX or FNX arguments can be specified"},
		{"HSETEX h NX EX 10 FIELDS 1 a b", "-ERR unknown argument: NX"},
		{"HSETEX h EX x FIELDS 1 a b", integer},
		{"HGETALL h", "*4 $1 a $1 1 $1 b $1 2"},
	})
}

func TestHgetexHgetdelHsetex(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"HSET h a 1 b 2", ":2"},
		{"HGETEX h FIELDS 2 a z", "*2 $1 1 $-1"},
		{"HGETEX h EX 100 FIELDS 2 a z", "*2 $1 1 $-1"},
		{"HTTL h FIELDS 2 a b", "*2 :100 :-1"},
		{"HGETEX h PERSIST FIELDS 2 a b", "*2 $1 1 $1 2"},
		{"HTTL h FIELDS 1 a", "*1 :-1"},
		{"HGETEX h PXAT 1700000000500 FIELDS 1 a", "*1 $1 1"},
		{"HPTTL h FIELDS 1 a", "*1 :500"},
		{"HGETEX h EXAT 1 FIELDS 2 a z", "*2 $1 1 $-1"},
		{"HGETALL h", "*2 $1 b $1 2"},
		{"HGETEX missing EX 5 FIELDS 2 a z", "*2 $-1 $-1"},
		{"HGETDEL h FIELDS 3 b z b", "*3 $1 2 $-1 $-1"},
		{"EXISTS h", ":0"},
		{"HGETDEL h FIELDS 1 b", "*1 $-1"},

		{"HSETEX h FXX FIELDS 1 a 1", ":0"},
		{"HSETEX h FNX EX 100 FIELDS 2 a 1 b 2", ":1"},
		{"HSETEX h FNX FIELDS 2 b 3 c 3", ":0"},
		{"HSETEX h FXX FIELDS 2 b 3 c 3", ":0"},
		{"HSETEX h fxx keepttl FIELDS 1 b 3", ":1"},
		{"HTTL h FIELDS 2 a b", "*2 :100 :100"},
		{"HSETEX h FIELDS 1 b 4", ":1"},
		{"HTTL h FIELDS 2 a b", "*2 :100 :-1"},
		{"HSETEX h PXAT 1 FIELDS 2 a 9 new 9", ":1"},
		{"HGETALL h", "*2 $1 b $1 4"},
		{"HSETEX h PX 0 FIELDS 1 b 9", ":1"},
		{"EXISTS h", ":0"},
		{"HSETEX h PX 0 FIELDS 1 b 9", ":1"},
		{"EXISTS h", ":0"},
	})
	s.user.Proto = 3
	s.expect("HGETEX h FIELDS 1 a", "*1 _")
	s.expect("HGETDEL h FIELDS 1 a", "*1 _")
}

// Whatever the client said, the log has absolute times and no conditions.
func TestFieldDeadlinesAreLoggedAbsolutely(t *testing.T) {
	s := newStage(t)
	s.do("HSET h a 1 b 2 c 3 d 4 e 5")
	s.takeLog()
	s.events = nil
	s.do("HEXPIRE h 10 NX FIELDS 3 a z b")
	s.expectChanges(2)
	s.do("HPEXPIRE h 10 XX FIELDS 1 z")
	s.do("HPERSIST h FIELDS 2 a c")
	s.do("HGETEX h PX 5 FIELDS 1 a")
	s.do("HGETEX h PERSIST FIELDS 2 a c")
	s.do("HGETEX h FIELDS 1 a")
	s.do("HEXPIRE h 0 FIELDS 2 a z")
	s.do("HGETDEL h FIELDS 2 c z")
	s.do("HGETEX h EXAT 5 FIELDS 1 d")
	s.expectLog("HPEXPIREAT h 1700000010000 FIELDS 2 a b", "HPERSIST h FIELDS 1 a", "HPEXPIREAT h 1700000000005 FIELDS 1 a",
		"HPERSIST h FIELDS 1 a", "HDEL h a", "HDEL h c z", "HDEL h d")
	s.expectEvents("h hexpire 0 h", "h hpersist 0 h", "h hexpire 0 h", "h hpersist 0 h", "h hdel 0 h", "h hdel 0 h", "h hdel 0 h")
	s.do("HSETEX h FNX EX 10 FIELDS 2 x 1 y 2")
	s.expectChanges(2)
	s.do("HSETEX h FXX KEEPTTL FIELDS 1 x 2")
	s.do("HINCRBYFLOAT h x 1.5")
	s.do("HINCRBY h y 1")
	s.do("HINCRBYFLOAT h e 1")
	s.do("HSETEX h PX 0 FIELDS 2 x 1 new 2")
	s.expectLog("HSETEX h PXAT 1700000010000 FIELDS 2 x 1 y 2", "HSETEX h KEEPTTL FIELDS 1 x 2",
		"HSETEX h KEEPTTL FIELDS 1 x 3.5", "HINCRBY h y 1", "HSET h e 6", "HDEL h x")
	s.expectEvents("h hset 0 h", "h hexpire 0 h", "h hset 0 h", "h hincrbyfloat 0 h", "h hincrby 0 h", "h hincrbyfloat 0 h", "h hset 0 h", "h hdel 0 h")
	s.expect("HPTTL h FIELDS 2 y e", "*2 :10000 :-1")
}

// A field is there until its deadline, and gone with it, for every command; the log has its deletion before what the command did.
func TestFieldsLapse(t *testing.T) {
	for _, entries := range []string{"512", "3"} {
		s := newStage(t)
		s.set("hash-max-listpack-entries", entries)
		fresh := func() {
			s.do("DEL h")
			s.do("HSET h a 1 b 2 c 3 d 4 e 5")
			s.do("HPEXPIRE h 10 FIELDS 3 a b c")
			s.do("HPEXPIRE h 20 FIELDS 1 d")
			s.takeLog()
			s.events = nil
		}
		for _, x := range []step{
			{"HLEN h", ":2"}, {"HGET h a", "$-1"}, {"HMGET h a e", "*2 $-1 $1 5"}, {"HEXISTS h b", ":0"}, {"HSTRLEN h c", ":0"},
			{"HSETNX h a 9", ":1"}, {"HDEL h a", ":0"}, {"HINCRBY h a 1", ":1"}, {"HTTL h FIELDS 2 a d", "*2 :-2 :1"},
			{"HSET h a 1", ":1"}, {"HGETDEL h FIELDS 1 a", "*1 $-1"}, {"HSETEX h FXX FIELDS 1 a 1", ":0"}, {"COPY h h2", ":1"},
			{"OBJECT ENCODING h", map[string]string{"512": "$10 listpackex", "3": "$9 hashtable"}[entries]},
		} {
			fresh()
			s.do("DEL h2")
			s.takeLog()
			s.advance(9)
			s.expect("HLEN h", ":5")
			s.expectLog()
			s.advance(1)
			s.expect(x.line, x.reply)
			if got := s.takeLog(); len(got) != 1 || len(got[0]) < len("HDEL h a b ; HDEL h c") || got[0][:7] != "HDEL h " {
				t.Errorf("%s: logged %q", x.line, got)
			}
		}
		fresh()
		s.advance(10)
		s.expect("HLEN h", ":2")
		s.expectEvents("h hexpired 0 h", "h hexpired 0 h") // one for each command of the log
		s.do("HDEL h e")
		s.events = nil
		s.advance(10)
		s.expect("EXISTS h", ":0")
		s.expect("DBSIZE", ":0")
		s.expectLog("HDEL h a b ; HDEL h c", "HDEL h e", "HDEL h d")
		s.expectEvents("h hexpired 0 h", "g del 0 h")
	}
}

// Deadlines of fields go where the hash goes, and go when the field is set anew.
func TestWhatKeepsDeadlinesOfFields(t *testing.T) {
	for _, entries := range []string{"512", "1"} {
		s := newStage(t)
		s.set("hash-max-listpack-entries", entries)
		s.expectAll([]step{
			{"HSET h a 1 b 2", ":2"},
			{"HPEXPIRE h 100 FIELDS 2 a b", "*2 :1 :1"},
			{"COPY h c", ":1"},
			{"RENAME h r", "+OK"},
			{"MOVE r 1", ":1"},
			{"HPTTL c FIELDS 2 a b", "*2 :100 :100"},
			{"EXPIRE c 1000", ":1"},
			{"PERSIST c", ":1"},
			{"HPTTL c FIELDS 1 a", "*1 :100"},
			{"HSET c a 2", ":0"},
			{"HPTTL c FIELDS 2 a b", "*2 :-1 :100"},
			{"HMSET c b 2", "+OK"},
			{"HPTTL c FIELDS 1 b", "*1 :-1"},
			{"HPEXPIRE c 200 FIELDS 1 a", "*1 :1"},
			{"HINCRBY c a 1", ":3"},
			{"HINCRBYFLOAT c a 0.5", "$3 3.5"},
			{"HPTTL c FIELDS 1 a", "*1 :200"},
			{"HSETNX c a 9", ":0"},
			{"HPTTL c FIELDS 1 a", "*1 :200"},
			{"SELECT 1", "+OK"},
			{"HPTTL r FIELDS 2 a b", "*2 :100 :100"},
		})
		s.advance(100)
		s.expect("HGETALL r", "*0")
		s.expect("DBSIZE", ":0")
		s.expect("SELECT 0", "+OK")
		s.expect("HGETALL c", "*4 $1 a $3 3.5 $1 b $1 2")
		s.advance(100)
		s.expect("HGETALL c", "*2 $1 b $1 2")
	}
}

// A transaction that watches a hash fails when a field of it has lapsed, whether or not somebody has deleted it.
func TestALapsedFieldSpoilsATransaction(t *testing.T) {
	s := newStage(t)
	s.do("HSET h a 1 b 2")
	s.do("HPEXPIRE h 10 FIELDS 1 a")
	s.do("WATCH h")
	s.do("MULTI")
	s.do("PING")
	s.advance(10)
	s.expect("EXEC", "*-1")
}

// The log can hold a deadline that has passed long before it is replayed: nothing lapses there.
func TestReplayKnowsNoTime(t *testing.T) {
	s := newStage(t)
	for i := range 20 {
		s.do(fmt.Sprintf("HSETEX h PX %d FIELDS 1 f%d v", 5*i+5, i))
		s.advance(7)
	}
	s.expect("HLEN h", ":8")
	s.advance(1000)
	s.expect("EXISTS h", ":0")
}
