package commands

import (
	"strings"
	"testing"

	"holdfast/config"
)

// withPassword sets requirepass and makes the stage's client a stranger.
func (k *keeper) withPassword(password string) {
	k.t.Helper()
	if err := k.world.Config.Set(config.RunTime, "requirepass", password); err != nil {
		k.t.Fatal(err)
	}
	k.user.Authenticated = false
}

func TestAuth(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"},
		{"AUTH default whatever", "+OK"},
		{"AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled."},
	})
	k.withPassword("secret")
	for _, wrong := range []string{"AUTH wrong", `AUTH ""`, "AUTH secre", "AUTH secretx", "AUTH default wrong", "AUTH nobody secret"} {
		k.expect(wrong, "-WRONGPASS invalid username-password pair or user is disabled.")
	}
	if k.user.Authenticated {
		t.Error("a wrong password logged in")
	}
	k.expect("AUTH secret", "+OK")
	if !k.user.Authenticated {
		t.Error("the right password did not log in")
	}
	k.expect("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.")
	if !k.user.Authenticated {
		t.Error("a wrong password logged out")
	}
	k.expect("AUTH a b c", "-ERR syntax error")
}

func TestHelloChoosesTheProtocol(t *testing.T) {
	k := newServer(t)
	greeting := " $6 server $5 redis $7 version $5 7.2.4 $5 proto :%d $2 id :1 $4 mode $10 standalone $4 role $6 master $7 modules *0"
	k.expect("HELLO", "*14"+strings.Replace(greeting, "%d", "2", 1))
	k.expect("HELLO 3 SETNAME me", "%7"+strings.Replace(greeting, "%d", "3", 1))
	k.expect("CLIENT GETNAME", "$2 me")
	k.expect("HELLO 4", "-NOPROTO unsupported protocol version")
	k.expect("HELLO", "%7"+strings.Replace(greeting, "%d", "3", 1))
	k.expect("HELLO 2", "*14"+strings.Replace(greeting, "%d", "2", 1))
}

// A stranger's HELLO logs in, or says that one must; what stands before a bad option has been done by then.
func TestHelloLogsIn(t *testing.T) {
	k := newServer(t)
	k.withPassword("secret")
	if got := k.do("HELLO 3"); !strings.HasPrefix(got, "-NOAUTH HELLO must be called") {
		t.Errorf("a stranger's HELLO replied %s", got)
	}
	if k.user.Proto != 2 {
		t.Error("a refused HELLO changed the protocol")
	}
	k.expect("HELLO 3 AUTH default wrong SETNAME x", "-WRONGPASS invalid username-password pair or user is disabled.")
	k.expect("HELLO 3 SETNAME early AUTH default secret bogus", "-ERR Syntax error in HELLO option 'bogus'")
	if k.user.Name != "early" || !k.user.Authenticated || k.user.Proto != 2 {
		t.Errorf("after a bad option: %+v", k.user)
	}
	k.expect("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'")
	k.expect("HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'")
}

func TestResetMakesTheConnectionNew(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{{"SELECT 3", "+OK"}, {"CLIENT NO-EVICT ON", "+OK"}, {"CLIENT NO-TOUCH ON", "+OK"}, {"CLIENT REPLY OFF", "+OK"},
		{"WATCH k", "+OK"}, {"MULTI", "+OK"}})
	k.do("HELLO 3 SETNAME me")
	k.withPassword("secret")
	k.expect("RESET", "+RESET")
	c := k.user
	if c.DB != 0 || c.Proto != 2 || c.Name != "" || c.NoEvict || c.NoTouch || c.Silence != Talking || c.Multi != nil ||
		c.Watched != nil || c.Authenticated {
		t.Errorf("after RESET: %+v", c)
	}
}

func TestSelectAndQuit(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"SELECT 15", "+OK"},
		{"SELECT 16", "-ERR DB index is out of range"},
		{"SELECT -1", "-ERR DB index is out of range"},
		{"SELECT x", "-ERR value is not an integer or out of range"},
		{"PING", "+PONG"},
		{"PING hi", "$2 hi"},
		{"PING a b", "-ERR wrong number of arguments for 'ping' command"},
		{"ECHO hi", "$2 hi"},
		{"QUIT now", "+OK"},
	})
	if k.user.DB != 15 || !k.user.CloseAfterReply {
		t.Errorf("after SELECT 15 and QUIT: %+v", k.user)
	}
}
