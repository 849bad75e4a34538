package commands

import (
	"errors"
	"strings"
	"testing"

	"holdfast/resp"
)

func TestTime(t *testing.T) {
	k := newServer(t)
	k.advance(12)
	k.expect("TIME", "*2 $10 1700000000 $5 12007")
}

func TestSaveRepliesWhenTheCheckpointIsWritten(t *testing.T) {
	k := newServer(t)
	if got := k.do("SAVE"); got != "" {
		t.Fatalf("replied %s before the checkpoint was written", got)
	}
	other := k.join()
	for _, line := range []string{"SAVE", "BGSAVE", "BGSAVE SCHEDULE"} {
		if got := k.as(other, line); got != "-ERR Background save already in progress" {
			t.Errorf("%s replied %s meanwhile", line, got)
		}
	}
	if got := k.as(other, "BGREWRITEAOF"); got != "-ERR Background append only file rewriting already in progress" {
		t.Errorf("BGREWRITEAOF replied %s meanwhile", got)
	}
	if k.Unblock(k.user, false) {
		t.Error("CLIENT UNBLOCK ended a SAVE")
	}
	k.endCheckpoint(nil)
	if got := delivered(k.user); got != "+OK" {
		t.Errorf("replied %s", got)
	}
	k.do("SAVE")
	k.endCheckpoint(errors.New("no room"))
	if got := delivered(k.user); got != "-ERR saving failed: no room" {
		t.Errorf("replied %s", got)
	}
}

// A client that has left, or that waits for something else by now, is not given SAVE's reply.
func TestSaveRepliesToItsOwnWait(t *testing.T) {
	k := newServer(t)
	k.do("SAVE")
	k.Drop(k.user)
	k.do("BLPOP l 0")
	k.endCheckpoint(nil)
	if got := delivered(k.user); got != "" {
		t.Errorf("BLPOP was answered with %s", got)
	}
}

func TestBackgroundSaves(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"BGSAVE", "+Background saving started"},
		{"BGSAVE bogus", "-ERR syntax error"},
		{"BGSAVE SCHEDULE x", "-ERR syntax error"},
	})
	k.endCheckpoint(nil)
	k.expect("BGSAVE schedule", "+Background saving started")
	k.endCheckpoint(nil)
	k.expect("BGREWRITEAOF", "+Background append only file rewriting started")
	k.figures.LastSave = 1_700_000_123_456
	k.expect("LASTSAVE", ":1700000123")
	if k.figured > 0 {
		t.Error("LASTSAVE asks for all figures, which takes long")
	}
}

func TestShutdown(t *testing.T) {
	for _, x := range []struct {
		line, reply string
		asked       []string
	}{
		{"SHUTDOWN", "", []string{"shutdown {Save:false NoSave:false Now:false Force:false Abort:false}"}},
		{"SHUTDOWN nosave now force", "", []string{"shutdown {Save:false NoSave:true Now:true Force:true Abort:false}"}},
		{"SHUTDOWN SAVE", "", []string{"shutdown {Save:true NoSave:false Now:false Force:false Abort:false}"}},
		{"SHUTDOWN SAVE NOSAVE", "-ERR syntax error", nil},
		{"SHUTDOWN ABORT NOW", "-ERR syntax error", nil},
		{"SHUTDOWN bogus", "-ERR syntax error", nil},
	} {
		k := newServer(t)
		k.expect(x.line, x.reply)
		k.expectAsked(x.asked...)
	}
	k := newServer(t)
	k.expect("SHUTDOWN", "")
	k.failed(errors.New("no room"))
	if got := delivered(k.user); got != "-ERR Errors trying to SHUTDOWN. Check logs." {
		t.Errorf("after the save has failed: %s", got)
	}
	k.refuse = resp.Error(resp.ErrNoShutdown)
	k.expect("SHUTDOWN ABORT", "-ERR No shutdown in progress.")
}

func TestWait(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"WAIT 0 0", ":0"},
		{"WAIT -1 10", ":0"},
		{"WAIT 1 50", ""},
	})
	k.advance(50)
	k.timeOut()
	if got := delivered(k.user); got != ":0" {
		t.Errorf("after the timeout: %s", got)
	}
	k.expectAll([]step{
		{"MULTI", "+OK"},
		{"WAIT 1 0", "+QUEUED"},
		{"WAITAOF 0 1 0", "+QUEUED"},
		{"EXEC", "*2 :0 *2 :1 :0"},
		{"WAIT x -1", "-ERR value is not an integer or out of range"},
		{"WAIT 1 x", "-ERR timeout is not an integer or out of range"},
		{"WAIT 1 -1", "-ERR timeout is negative"},
	})
}

func TestWaitAOF(t *testing.T) {
	k := newServer(t)
	k.figures.LastLSN, k.figures.DurableLSN = 5, 5
	k.expect("WAITAOF 1 0 0", "*2 :1 :0")
	k.figures.LastLSN = 6
	k.expect("WAITAOF 0 0 0", "*2 :0 :0")
	k.expect("WAITAOF 1 0 0", "")
	k.figures.LastLSN = 7 // somebody else's, and not waited for
	k.catchUp()
	if got := delivered(k.user); got != "*2 :1 :0" {
		t.Errorf("when the disk had it: %s", got)
	}

	k.figures.LastLSN = 8
	k.expect("WAITAOF 1 0 20", "")
	k.advance(20)
	k.timeOut()
	if got := delivered(k.user); got != "*2 :0 :0" {
		t.Errorf("after the timeout: %s", got)
	}
	if k.figured > 0 {
		t.Error("WAITAOF asks for all figures, which takes long")
	}
	k.do("BLPOP l 0")
	k.catchUp()
	if got := delivered(k.user); got != "" {
		t.Errorf("the next wait was ended with %s", got)
	}
}

func TestWaitAOFArguments(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"WAITAOF 2 -1 -1", "-ERR value is out of range, value must between 0 and 1"},
		{"WAITAOF x 0 0", "-ERR value is not an integer or out of range"},
		{"WAITAOF 1 -1 -1", "-ERR value is out of range, must be positive"},
		{"WAITAOF 1 0 -1", "-ERR timeout is negative"},
	})
	k.figures.LogEnabled = false
	k.expect("WAITAOF 1 0 0", "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
	k.expect("WAITAOF 0 0 0", "*2 :0 :0")
}

func TestRoleAndLolwut(t *testing.T) {
	k := newServer(t)
	k.expect("ROLE", "*3 $6 master :0 *0")
	if got := k.do("LOLWUT VERSION 5 1 2"); !strings.HasSuffix(got, "\nRedis ver. 7.2.4\n") {
		t.Errorf("LOLWUT ends with %q", got)
	}
	k.expect("LOLWUT VERSION x", "-ERR value is not an integer or out of range")
}
