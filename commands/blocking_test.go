package commands

import "testing"

// blocks runs a command that has to wait.
func (s *stage) blocks(c *Client, line string) {
	s.t.Helper()
	if got := s.as(c, line); got != "" || c.Blocked == nil {
		s.t.Fatalf("%s did not block, but replied %q", line, got)
	}
}

// served compares the reply that a client got which waited.
func (s *stage) served(c *Client, reply string) {
	s.t.Helper()
	if got := delivered(c); got != reply {
		s.t.Errorf("client %d was told %q, wanted %q", c.ID, got, reply)
	}
}

func TestBlockingCommandsThatNeedNotWait(t *testing.T) {
	s := newStage(t)
	s.expect("RPUSH l a b c d e f g", ":7")
	s.takeLog()
	for _, x := range []struct{ line, reply, log string }{
		{"BLPOP none l 0", "*2 $1 l $1 a", "LPOP l"},
		{"BRPOP l 1.5", "*2 $1 l $1 g", "RPOP l"},
		{"BLMOVE l m LEFT RIGHT 0", "$1 b", "LMOVE l m LEFT RIGHT"},
		{"BRPOPLPUSH l m 0", "$1 f", "LMOVE l m RIGHT LEFT"},
		{"BLMPOP 0 2 none l LEFT COUNT 2", "*2 $1 l *2 $1 c $1 d", "LPOP l 2"},
		{"BLMPOP 0 2 l m RIGHT COUNT 10", "*2 $1 l *1 $1 e", "RPOP l 1"},
	} {
		s.expect(x.line, x.reply)
		s.expectLog(x.log)
	}
}

func TestBlockingCommandsCheckTheirArguments(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"BLPOP l x", "-ERR timeout is not a float or out of range"},
		{"BRPOP l -1", "-ERR timeout is negative"},
		{"BLMOVE l m LEFT up x", "-ERR syntax error"},
		{"BLMOVE l m LEFT LEFT x", "-ERR timeout is not a float or out of range"},
		{"BRPOPLPUSH l m -1", "-ERR timeout is negative"},
		{"BLMPOP x 0 l LEFT", "-ERR numkeys should be greater than 0"},
		{"BLMPOP x 1 l up", "-ERR syntax error"},
		{"BLMPOP x 1 l LEFT COUNT 0", "-ERR count should be greater than 0"},
		{"BLMPOP x 1 l LEFT", "-ERR timeout is not a float or out of range"},
	})
}

func TestWaitersAreServedInTheOrderOfComing(t *testing.T) {
	s := newStage(t)
	a, b, c := s.connect(), s.connect(), s.connect()
	s.blocks(a, "BLPOP l 0")
	s.blocks(b, "BLMPOP 0 2 none l RIGHT COUNT 2")
	s.blocks(c, "BRPOP l l 0")
	s.expect("RPUSH l 1 2 3", ":3")
	s.served(a, "*2 $1 l $1 1")
	s.served(b, "*2 $1 l *2 $1 3 $1 2")
	s.served(c, "")
	s.expectLog("RPUSH l 1 2 3", "LPOP l", "RPOP l 2")
	s.expectEvents("l rpush 0 l", "l lpop 0 l", "l rpop 0 l", "g del 0 l")
	s.expect("LPUSH l 4", ":1")
	s.served(c, "*2 $1 l $1 4")
	if len(s.waiting) != 0 {
		t.Errorf("%d clients still wait", len(s.waiting))
	}
}

func TestAWaiterGetsTheKeyThatBecameReady(t *testing.T) {
	s := newStage(t)
	a := s.connect()
	s.blocks(a, "BLPOP first second 0")
	s.expectAll([]step{
		{"MULTI", "+OK"},
		{"RPUSH second 2", "+QUEUED"},
		{"RPUSH first 1", "+QUEUED"},
		{"EXEC", "*2 :1 :1"},
	})
	s.served(a, "*2 $6 second $1 2")
	s.expectLog("RPUSH second 2 ; RPUSH first 1", "LPOP second")
}

// What a key held only within a transaction, and what is no list, ends no wait.
func TestWaitsGoOnWhenThereIsNothingForThem(t *testing.T) {
	s := newStage(t)
	a := s.connect()
	s.blocks(a, "BLPOP l m 0")
	hold(s, "l")
	s.expectAll([]step{
		{"MULTI", "+OK"},
		{"RPUSH m x", "+QUEUED"},
		{"LPOP m", "+QUEUED"},
		{"EXEC", "*2 :1 $1 x"},
	})
	s.served(a, "")
	s.expect("RPUSH m y", ":1")
	s.served(a, "*2 $1 m $1 y")
}

func TestChainsOfMoves(t *testing.T) {
	s := newStage(t)
	a, b, c := s.connect(), s.connect(), s.connect()
	s.blocks(a, "BLMOVE one two LEFT RIGHT 0")
	s.blocks(b, "BRPOPLPUSH two three 0")
	s.blocks(c, "BLPOP three 0")
	s.expect("RPUSH one x", ":1")
	s.served(a, "$1 x")
	s.served(b, "$1 x")
	s.served(c, "*2 $5 three $1 x")
	s.expectLog("RPUSH one x", "LMOVE one two LEFT RIGHT", "LMOVE two three RIGHT LEFT", "LPOP three")
}

// The wrong type of the destination is told when there is something to move; who waits next gets the element.
func TestAMoveToAnotherTypeLeavesTheElement(t *testing.T) {
	s := newStage(t)
	hold(s, "s")
	a, b := s.connect(), s.connect()
	s.blocks(a, "BLMOVE l s LEFT LEFT 0")
	s.blocks(b, "BLPOP l 0")
	s.expect("RPUSH l x", ":1")
	s.served(a, wrongType)
	s.served(b, "*2 $1 l $1 x")
}

func TestTimeouts(t *testing.T) {
	for _, x := range []struct {
		line         string
		resp2, multi string // RESP2's replies at the deadline, and within MULTI
	}{
		{"BLPOP l m 0.5", "*-1", "*-1"},
		{"BRPOP l 0.5", "*-1", "*-1"},
		{"BLMPOP 0.5 1 l LEFT", "*-1", "*-1"},
		{"BLMOVE l m LEFT LEFT 0.5", "*-1", "$-1"},
		{"BRPOPLPUSH l m 0.5", "*-1", "$-1"},
	} {
		s := newStage(t)
		a, b := s.connect(), s.connect()
		b.Proto = 3
		s.blocks(a, x.line)
		s.blocks(b, x.line)
		s.advance(499)
		s.timeOut()
		s.served(a, "")
		s.advance(1)
		s.timeOut()
		s.served(a, x.resp2)
		s.served(b, "_")
		s.expectAll([]step{{"MULTI", "+OK"}, {x.line, "+QUEUED"}, {"EXEC", "*1 " + x.multi}})
		s.expectLog()
	}
}

// A call that runs again has its deadline already, and does not read its timeout with another clock.
func TestTheDeadlineIsSetOnce(t *testing.T) {
	s := newStage(t)
	a := s.connect()
	s.blocks(a, "BLPOP l 10")
	s.advance(9_000)
	hold(s, "l")
	if want := int64(beginning + 10_000); a.Blocked == nil || a.Blocked.Deadline != want {
		t.Errorf("waits for %+v, wanted the deadline %d", a.Blocked, want)
	}
}

// Waits end in the database in which they began.
func TestWaitersKeepToTheirDatabase(t *testing.T) {
	s := newStage(t)
	a := s.connect()
	a.DB = 3
	s.blocks(a, "BLPOP l 0")
	s.expect("RPUSH l zero", ":1")
	s.served(a, "")
	s.user.DB = 3
	s.expect("RPUSH l three", ":1")
	s.served(a, "*2 $1 l $5 three")
	s.expectLog("RPUSH l zero", "3> RPUSH l three", "3> LPOP l")
}

func TestLapsedElementsServeNobody(t *testing.T) {
	s := newStage(t)
	s.expect("RPUSH l old", ":1")
	s.world.Keys.DB(0).SetDeadline([]byte("l"), s.now+10)
	s.advance(10)
	a := s.connect()
	s.blocks(a, "BLPOP l 0")
	s.expect("RPUSH l new", ":1")
	s.served(a, "*2 $1 l $3 new")
	s.expectLog("RPUSH l old", "DEL l", "RPUSH l new", "LPOP l")
}
