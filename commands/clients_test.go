package commands

import (
	"strings"
	"testing"
)

func TestClientLine(t *testing.T) {
	k := newServer(t)
	k.expect("CLIENT SETNAME me", "+OK")
	k.expect("CLIENT SETINFO LIB-NAME redis-py", "+OK")
	k.expect("CLIENT SETINFO lib-ver 5.0", "+OK")
	k.user.LastCommand = k.world.Table.FullLookup([]byte("client|info"))
	k.advance(5000)
	k.user.Active = k.now - 2000
	want := "id=1 addr=127.0.0.1:5000 laddr=127.0.0.1:6379 fd=8 name=me age=5 idle=2 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 " +
		"qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|info " +
		"user=default redir=-1 resp=2 lib-name=redis-py lib-ver=5.0\n"
	if got := k.do("CLIENT INFO"); !strings.HasSuffix(got, " "+want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestClientFlags(t *testing.T) {
	all := Client{Multi: &Multi{}, Blocked: &Wait{}, Dirty: true, CloseAfterReply: true, Addr: "/run/x.sock:0", NoEvict: true, NoTouch: true}
	if got := all.flags(); got != "xbdcUeT" {
		t.Errorf("all flags: %s", got)
	}
	if got := (&Client{Addr: "127.0.0.1:5000"}).flags(); got != "N" {
		t.Errorf("no flags: %s", got)
	}
}

// ids are the clients that CLIENT LIST shows, in its order.
func (k *keeper) ids(line string) string {
	k.t.Helper()
	var ids []string
	for _, word := range strings.Fields(k.do(line)) {
		if id, ok := strings.CutPrefix(word, "id="); ok {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, " ")
}

func TestClientList(t *testing.T) {
	k := newServer(t)
	k.join()
	k.join().Killed = true
	k.join()
	for _, x := range []step{
		{"CLIENT LIST", "1 2 4"},
		{"CLIENT LIST TYPE NORMAL", "1 2 4"},
		{"CLIENT LIST TYPE slave", ""},
		{"CLIENT LIST TYPE pubsub", ""},
		{"CLIENT LIST ID 4 1 99 3 4", "4 1 4"},
	} {
		if got := k.ids(x.line); got != x.reply {
			t.Errorf("%s shows %q, wanted %q", x.line, got, x.reply)
		}
	}
	k.expectAll([]step{
		{"CLIENT LIST ID 1 x", "-ERR Invalid client ID"},
		{"CLIENT LIST TYPE", "-ERR syntax error"},
		{"CLIENT LIST TYPE bogus", "-ERR Unknown client type 'bogus'"},
		{"CLIENT LIST TYPE normal ID 1", "-ERR syntax error"},
	})
}

func TestClientKill(t *testing.T) {
	for _, x := range []struct{ line, reply, killed string }{
		{"CLIENT KILL 127.0.0.1:5002", "+OK", "2"},
		{"CLIENT KILL 127.0.0.1:1", "-ERR No such client", ""},
		{"CLIENT KILL ID 3", ":1", "3"},
		{"CLIENT KILL ID 99", ":0", ""},
		{"CLIENT KILL TYPE normal", ":2", "2 3"},
		{"CLIENT KILL TYPE normal SKIPME no", ":3", "1 2 3"},
		{"CLIENT KILL TYPE master", ":0", ""},
		{"CLIENT KILL USER default", ":2", "2 3"},
		{"CLIENT KILL ADDR 127.0.0.1:5003 LADDR 127.0.0.1:6379", ":1", "3"},
		{`CLIENT KILL ADDR ""`, ":0", ""},
		{"CLIENT KILL ID 2 ADDR 127.0.0.1:5003", ":0", ""},
		{"CLIENT KILL 127.0.0.1:5000", "+OK", "1"},
		{"CLIENT KILL ID 2 SKIPME maybe", "-ERR syntax error", ""},
		{"CLIENT KILL ID 2 TYPE", "-ERR syntax error", ""},
		{"CLIENT KILL ID 0", "-ERR client-id should be greater than 0", ""},
		{"CLIENT KILL USER nobody", "-ERR No such user 'nobody'", ""},
	} {
		k := newServer(t)
		k.join()
		k.join()
		k.expect(x.line, x.reply)
		var killed []string
		for _, o := range k.crowd().clients {
			if o.CloseAfterReply || o.Killed && o.Peer.(*audience).killed {
				killed = append(killed, string(decimal(o.ID)))
			}
		}
		if got := strings.Join(killed, " "); got != x.killed {
			t.Errorf("%s killed %q, wanted %q", x.line, got, x.killed)
		}
	}
}

// What comes after a kill must not go to the dead: an element pushed in the same batch stays in its list.
func TestKilledClientIsNotServed(t *testing.T) {
	k := newServer(t)
	other := k.join()
	if got := k.as(other, "BLPOP l 0"); got != "" {
		t.Fatalf("BLPOP replied %s", got)
	}
	k.expect("CLIENT KILL ID 2", ":1")
	k.expect("RPUSH l x", ":1")
	k.expect("LLEN l", ":1")
}

func TestClientReply(t *testing.T) {
	k := newServer(t)
	for _, x := range []struct {
		line string
		want Silence
	}{
		{"CLIENT REPLY SKIP", SkipNext},
		{"CLIENT REPLY OFF", Off},
		{"CLIENT REPLY SKIP", Off},
		{"CLIENT REPLY ON", Talking},
	} {
		k.expect(x.line, "+OK")
		if k.user.Silence != x.want {
			t.Errorf("after %s: %v", x.line, k.user.Silence)
		}
	}
	k.expect("CLIENT REPLY bogus", "-ERR syntax error")
}

func TestClientPause(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"CLIENT PAUSE 100", "+OK"},
		{"CLIENT PAUSE 100 write", "+OK"},
		{"CLIENT PAUSE 9223372036854775807 ALL", "+OK"},
		{"CLIENT UNPAUSE", "+OK"},
		{"CLIENT PAUSE -1", "-ERR timeout is negative"},
		{"CLIENT PAUSE 1.5", "-ERR timeout is not an integer or out of range"},
		{"CLIENT PAUSE x bogus", "-ERR CLIENT PAUSE mode must be WRITE or ALL"},
		{"CLIENT PAUSE 1 WRITE x", "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."},
	})
	k.expectAsked("pause until 1700000000100, all: true", "pause until 1700000000100, all: false",
		"pause until 9223372036854775807, all: true", "unpause")
}

func TestClientUnblock(t *testing.T) {
	k := newServer(t)
	other := k.join()
	k.expect("CLIENT UNBLOCK 2", ":0")
	k.as(other, "BLPOP l 0")
	k.expect("CLIENT UNBLOCK 2", ":1")
	if got := delivered(other); got != "*-1" {
		t.Errorf("unblocked with %s", got)
	}
	k.as(other, "BLPOP l 0")
	k.expect("CLIENT UNBLOCK 2 error", ":1")
	if got := delivered(other); got != "-UNBLOCKED client unblocked via CLIENT UNBLOCK" {
		t.Errorf("unblocked with %s", got)
	}
	k.expectAll([]step{
		{"CLIENT UNBLOCK 99", ":0"},
		{"CLIENT UNBLOCK x bogus", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"},
		{"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"},
	})
}

func TestClientNames(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"CLIENT GETNAME", "$-1"},
		{`CLIENT SETNAME "a b"`, "-ERR Client names cannot contain spaces, newlines or special characters."},
		{`CLIENT SETINFO lib-name "a b"`, "-ERR lib-name cannot contain spaces, newlines or special characters."},
		{"CLIENT SETINFO bogus x", "-ERR Unrecognized option 'bogus'"},
		{"CLIENT SETNAME me", "+OK"},
		{`CLIENT SETNAME ""`, "+OK"},
		{"CLIENT GETNAME", "$-1"},
	})
}
