package commands

import (
	"fmt"
	"strings"
	"testing"
)

// now is beginning in the replies of a stage.
const now = "1700000000000"

func TestXADDLogsTheIDItChose(t *testing.T) {
	s := newStage(t)
	s.expect("XADD s * f v", "$15 "+now+"-0")
	s.expect("XADD s * f v", "$15 "+now+"-1")
	s.expect("XADD s "+now+"-* f v", "$15 "+now+"-2")
	s.expect("XADD s 1800000000000-5 f v", "$15 1800000000000-5")
	s.expect("XADD s NOMKSTREAM * f v", "$15 1800000000000-6")
	s.expect("XADD t NOMKSTREAM * f v", "$-1")
	s.expectLog(
		"XADD s "+now+"-0 f v", "XADD s "+now+"-1 f v", "XADD s "+now+"-2 f v", "XADD s 1800000000000-5 f v",
		"XADD s 1800000000000-6 f v",
	)
	s.expect("XADD s 1-1 f v", "-ERR The ID specified in XADD is equal or smaller than the target stream top item")
	s.expectLog()
}

func TestTrimmingIsLoggedAsWhatItCameTo(t *testing.T) {
	s := newStage(t)
	for i := 1; i <= 250; i++ {
		s.do(fmt.Sprintf("XADD s %d f v", i))
	}
	s.takeLog()
	s.events = nil
	s.expect("XADD s MAXLEN ~ 120 251 f v", "$5 251-0")
	s.expectLog("XADD s MAXLEN = 151 251-0 f v")
	s.expectEvents("t xadd 0 s", "t xtrim 0 s")
	s.expectChanges(1)
	s.expect("XADD s MAXLEN ~ 120 252 f v", "$5 252-0")
	s.expectLog("XADD s 252-0 f v")
	s.expect("XADD s MINID ~ 205 * f v", "$15 "+now+"-0")
	s.expectLog("XADD s MAXLEN = 53 " + now + "-0 f v")
	s.events = nil
	s.expect("XTRIM s MAXLEN ~ 0 LIMIT 10", ":0")
	s.expectLog()
	s.expect("XTRIM s MINID 210", ":9")
	s.expectChanges(9)
	s.expectLog("XTRIM s MINID 210")
	s.expectEvents("t xtrim 0 s")
	s.expect("XTRIM s MAXLEN ~ 0", ":44")
	s.expectLog("XTRIM s MAXLEN = 0")
	s.expect("EXISTS s", ":1")
}

func TestTheDefaultLimitOfTrimming(t *testing.T) {
	s := newStage(t)
	if err := s.world.Config.Set(0, "stream-node-max-entries", "2"); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 500; i++ {
		s.do(fmt.Sprintf("XADD s %d f v", i))
	}
	s.expect("XTRIM s MAXLEN ~ 0", ":200") // a hundred nodes
	s.expect("XTRIM s MAXLEN ~ 0 LIMIT 0", ":300")
}

func TestReadingForAGroupIsLoggedInAbsoluteTerms(t *testing.T) {
	s := newStage(t)
	s.expect("XGROUP CREATE s g $ MKSTREAM", "+OK")
	for i := 1; i <= 4; i++ {
		s.do(fmt.Sprintf("XADD s %d-1 f v", i))
	}
	s.takeLog()
	s.events = nil
	s.expect("XREADGROUP GROUP g alice COUNT 2 STREAMS s >", "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 f $1 v *2 $3 2-1 *2 $1 f $1 v")
	s.expectLog("XGROUP CREATECONSUMER s g alice ; XCLAIM s g alice 0 1-1 2-1 TIME " + now +
		" RETRYCOUNT 1 FORCE JUSTID ; XGROUP SETID s g 2-1 ENTRIESREAD 2")
	s.expectEvents("t xgroup-createconsumer 0 s")
	s.advance(5000)
	s.expect("XREADGROUP GROUP g bob COUNT 1 NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 3-1 *2 $1 f $1 v")
	s.expectLog("XGROUP CREATECONSUMER s g bob ; XGROUP SETID s g 3-1 ENTRIESREAD 3")
	s.expect("XREADGROUP GROUP g alice STREAMS s 1-1", "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 f $1 v")
	s.expectLog("XCLAIM s g alice 0 2-1 TIME 1700000005000 RETRYCOUNT 2 FORCE JUSTID")
	s.expect("XREADGROUP GROUP g alice STREAMS s 0", "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 f $1 v *2 $3 2-1 *2 $1 f $1 v")
	s.expectLog("XCLAIM s g alice 0 1-1 TIME 1700000005000 RETRYCOUNT 2 FORCE JUSTID ; " +
		"XCLAIM s g alice 0 2-1 TIME 1700000005000 RETRYCOUNT 3 FORCE JUSTID")
	s.expect("XPENDING s g - + 9", "*2 *4 $3 1-1 $5 alice :0 :2 *4 $3 2-1 $5 alice :0 :3")
	s.expect("XDEL s 2-1 3-1 4-1", ":3")
	s.takeLog()
	s.expect("XREADGROUP GROUP g alice STREAMS s 1-1", "*1 *2 $1 s *1 *2 $3 2-1 *-1")
	s.expect("XREADGROUP GROUP g alice STREAMS s >", "*-1")
	s.expectLog()
}

func TestClaimsAreLoggedInAbsoluteTerms(t *testing.T) {
	s := newStage(t)
	for i := 1; i <= 5; i++ {
		s.do(fmt.Sprintf("XADD s %d-1 f v", i))
	}
	s.do("XGROUP CREATE s g 0")
	s.do("XREADGROUP GROUP g alice COUNT 4 STREAMS s >")
	s.advance(60_000)
	s.do("XDEL s 3-1 4-1")
	s.takeLog()
	s.expect("XCLAIM s g bob 60000 1-1 3-1 9-9 IDLE 1000", "*1 *2 $3 1-1 *2 $1 f $1 v")
	s.expectLog("XGROUP CREATECONSUMER s g bob ; XACK s g 3-1 ; XCLAIM s g bob 0 1-1 TIME 1700000059000 RETRYCOUNT 2 FORCE JUSTID")
	s.expect("XCLAIM s g bob 60000 1-1", "*0")
	s.expectLog()
	s.expect("XCLAIM s g carol 0 9-9 LASTID 5-1", "*0")
	s.expectLog("XGROUP SETID s g 5-1 ENTRIESREAD 4")
	s.expect("XCLAIM s g carol 0 5-1 FORCE RETRYCOUNT 9223372036854775807", "*1 *2 $3 5-1 *2 $1 f $1 v")
	s.expect("XCLAIM s g carol 0 5-1", "*1 *2 $3 5-1 *2 $1 f $1 v")
	s.takeLog()
	s.expect("XAUTOCLAIM s g dave 60000 0", "*3 $3 0-0 *1 *2 $3 2-1 *2 $1 f $1 v *1 $3 4-1")
	s.expectLog("XGROUP CREATECONSUMER s g dave ; XACK s g 4-1 ; XCLAIM s g dave 0 2-1 TIME 1700000060000 RETRYCOUNT 2 FORCE JUSTID")
	s.expect("XAUTOCLAIM s g dave 0 0 COUNT 1 JUSTID", "*3 $3 2-1 *1 $3 1-1 *0")
	s.expectLog("XCLAIM s g dave 0 1-1 TIME 1700000060000 RETRYCOUNT 2 FORCE JUSTID")
	s.expect("XACK s g 1-1 2-1 7-7", ":2")
	s.expectChanges(2)
	s.expectLog("XACK s g 1-1 2-1 7-7")
}

func TestXAUTOCLAIMLooksAtTenTimesAsManyAsItReturns(t *testing.T) {
	s := newStage(t)
	s.do("XGROUP CREATE s g 0 MKSTREAM")
	for i := 1; i <= 30; i++ {
		s.do(fmt.Sprintf("XADD s %d-1 f v", i))
	}
	s.do("XREADGROUP GROUP g alice STREAMS s >")
	s.expect("XAUTOCLAIM s g bob 1000 0 COUNT 2", "*3 $4 21-1 *0 *0")
	s.expect("XAUTOCLAIM s g bob 1000 21-1 COUNT 2", "*3 $3 0-0 *0 *0")
}

func TestEventsOfGroups(t *testing.T) {
	s := newStage(t)
	s.do("XGROUP CREATE s g $ MKSTREAM")
	s.do("XGROUP SETID s g 5")
	s.do("XGROUP CREATECONSUMER s g c")
	s.do("XGROUP CREATECONSUMER s g c")
	s.do("XGROUP DELCONSUMER s g c")
	s.do("XGROUP DESTROY s g")
	s.do("XADD s 1-1 f v")
	s.do("XDEL s 1-1")
	s.do("XSETID s 9-9")
	s.expectEvents("t xgroup-create 0 s", "t xgroup-setid 0 s", "t xgroup-createconsumer 0 s", "t xgroup-delconsumer 0 s",
		"t xgroup-destroy 0 s", "t xadd 0 s", "t xdel 0 s", "t xsetid 0 s")
}

func TestABlockedReadMeansTheMomentItWasSent(t *testing.T) {
	s := newStage(t)
	c := s.connect()
	s.do("XADD s 1-1 f v")
	if got := s.as(c, "XREAD BLOCK 0 STREAMS s t $ $"); got != "" {
		t.Fatal(got)
	}
	s.do("XGROUP CREATE s g 0")
	s.do("XADD s 1-2 f v")
	if got := delivered(c); got != "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 v" {
		t.Error(got)
	}
	s.as(c, "XREAD BLOCK 100 STREAMS s $")
	s.advance(100)
	s.timeOut()
	if got := delivered(c); got != "*-1" {
		t.Error(got)
	}
}

// Who waits for entries is not asked when something else about the stream changes.
func TestAcknowledgingWakesNobody(t *testing.T) {
	s := newStage(t)
	c := s.connect()
	s.do("XADD s 1-1 f v")
	s.do("XGROUP CREATE s g 0")
	s.do("XREADGROUP GROUP g alice STREAMS s >")
	s.as(c, "XREADGROUP GROUP g bob BLOCK 0 STREAMS s >")
	s.do("MULTI")
	s.do("XACK s g 1-1")
	s.do("EXEC")
	if _, _, _, ok := s.world.Waiters.Next(); ok || delivered(c) != "" {
		t.Error("XACK woke a reader")
	}
	s.do("XGROUP DESTROY s g")
	if got := delivered(c); got != "-NOGROUP the consumer group this client was blocked on no longer exists" {
		t.Error(got)
	}
}

func TestAReaderLearnsThatItsStreamLapsed(t *testing.T) {
	s := newStage(t)
	c := s.connect()
	s.do("XGROUP CREATE s g $ MKSTREAM")
	s.do("PEXPIRE s 50")
	s.as(c, "XREADGROUP GROUP g bob BLOCK 0 STREAMS s >")
	s.advance(50)
	s.expect("EXISTS s", ":0")
	if got := delivered(c); got != "-UNBLOCKED the stream key no longer exists" {
		t.Error(got)
	}
}

// "+" is Redis 7.4's: there is no server to compare with here.
func TestXREADOfTheLastEntry(t *testing.T) {
	s := newStage(t)
	c := s.connect()
	s.expectAll([]step{
		{"XREAD STREAMS s +", "*-1"},
		{"XADD s 1-1 f v", "$3 1-1"},
		{"XADD s 1-2 f w", "$3 1-2"},
		{"XREAD STREAMS s +", "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 w"},
		{"XREAD COUNT 5 STREAMS s s + 1-1", "*2 *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 w *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 w"},
		{"XDEL s 1-2", ":1"},
		{"XREAD BLOCK 0 STREAMS s +", "*1 *2 $1 s *1 *2 $3 1-1 *2 $1 f $1 v"},
		{"XTRIM s MAXLEN 0", ":1"},
		{"XREAD STREAMS s +", "*-1"},
		{"XGROUP CREATE s g 0", "+OK"},
		{"XREADGROUP GROUP g c STREAMS s +", "-ERR Invalid stream ID specified as stream command argument"},
	})
	s.as(c, "XREAD BLOCK 0 STREAMS s +")
	s.expect("XADD s 1-3 f x", "$3 1-3")
	if got := delivered(c); got != "*1 *2 $1 s *1 *2 $3 1-3 *2 $1 f $1 x" {
		t.Error(got)
	}
}

func TestTheIdleTimeOfAConsumer(t *testing.T) {
	s := newStage(t)
	s.do("XGROUP CREATE s g $ MKSTREAM")
	s.do("XGROUP CREATECONSUMER s g c")
	s.advance(700)
	s.expect("XINFO CONSUMERS s g", "*1 *6 $4 name $1 c $7 pending :0 $4 idle :700")
	s.do("XREADGROUP GROUP g c STREAMS s 0")
	s.expect("XINFO CONSUMERS s g", "*1 *6 $4 name $1 c $7 pending :0 $4 idle :0")
	s.do("COPY s copy")
	s.advance(100)
	s.expect("XINFO CONSUMERS copy g", "*1 *6 $4 name $1 c $7 pending :0 $4 idle :100")
}

func TestStreamElementsAreWhatXRANGEReplies(t *testing.T) {
	s := newStage(t)
	s.do("XADD s 1-1 a 1 b 2")
	s.do("XADD s 1-2 c 3")
	e, _ := s.world.Keys.DB(0).Peek([]byte("s"))
	var words []string
	for b := range streamType().Elements(e.Value()) {
		words = append(words, string(b))
	}
	if got := strings.Join(words, " "); got != "1-1 a 1 b 2 1-2 c 3" {
		t.Error(got)
	}
}
