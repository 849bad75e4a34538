package commands

import (
	"strings"
	"testing"

	"holdfast/resp"
)

// Every row is complete: what COMMAND and its subcommands tell is in the table, and nowhere else.
func TestTableIsComplete(t *testing.T) {
	check := func(cmd *Command) {
		name := cmd.FullName()
		if cmd.Name != strings.ToLower(cmd.Name) || cmd.Group == "" || cmd.Arity == 0 {
			t.Errorf("%s: %+v", name, cmd)
		}
		if len(cmd.Summary) < 10 || strings.Contains(cmd.Summary, "TODO") || !strings.HasSuffix(cmd.Summary, ".") {
			t.Errorf("%s: the summary is %q", name, cmd.Summary)
		}
		if cmd.Complexity == "" || strings.Contains(cmd.Complexity, "TODO") {
			t.Errorf("%s: the complexity is %q", name, cmd.Complexity)
		}
		if cmd.Run == nil && len(cmd.Subs) == 0 {
			t.Errorf("%s has no handler", name)
		}
	}
	for _, cmd := range NewTable().All() {
		check(cmd)
		if since := cmd.Since != ""; since == (cmd.Name == "snapshot") {
			t.Errorf("%s: since %q; what Redis lacks is since no version of it", cmd.Name, cmd.Since)
		}
		for _, sub := range cmd.Subs {
			check(sub)
			if (sub.Since == "") != (cmd.Since == "") {
				t.Errorf("%s: since %q", sub.FullName(), sub.Since)
			}
		}
	}
}

func TestCommandInfo(t *testing.T) {
	k := newServer(t)
	get := "*10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 *6 $5 flags *2 +RO +access " +
		"$12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 " +
		"$9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 limit :0 *0"
	list := "*10 $11 client|list :-2 *4 +admin +noscript +loading +stale :0 :0 :0 *4 +@admin +@slow +@dangerous +@connection " +
		"*1 $23 nondeterministic_output *0 *0"
	k.expectAll([]step{
		{"COMMAND INFO get", "*1 " + get},
		{"COMMAND INFO GET nosuch client|LIST", "*3 " + get + " $-1 " + list},
		{`COMMAND INFO "" get|x client|nosuch`, "*3 $-1 $-1 $-1"},
		{"COMMAND INFO debug", "*1 *10 $5 debug :-2 *4 +admin +noscript +loading +stale :0 :0 :0 *3 +@admin +@slow +@dangerous *0 *0 *0"},
	})
	k.do("HELLO 3")
	k.expect("COMMAND INFO ping", "*1 *10 $4 ping :-1 ~1 +fast :0 :0 :0 ~2 +@fast +@connection "+
		"~2 $25 request_policy:all_shards $29 response_policy:all_succeeded ~0 ~0")
}

// The first, last and step of COMMAND INFO, for key specs of every shape.
func TestKeyRange(t *testing.T) {
	for _, x := range []struct {
		name              string
		keys              []KeySpec
		first, last, step int
	}{
		{"none", nil, 0, 0, 0},
		{"GET", Key(1, RO), 1, 1, 1},
		{"OBJECT ENCODING", Key(2, RO), 2, 2, 1},
		{"MSET", KeysFrom(1, 2, OW), 1, -1, 2},
		{"BLPOP", KeysUntil(1, 1, RW), 1, -2, 1},
		{"LMPOP", CountedKeys(1, RW), 0, 0, 0},
		{"LMOVE", []KeySpec{keyAt(1, RW), keyAt(2, RW)}, 1, 2, 1},
		{"ZUNIONSTORE", []KeySpec{keyAt(1, OW), CountedKeys(2, RO)[0]}, 1, 1, 1},
		{"MIGRATE", []KeySpec{keyAt(3, RW), {Flags: RW, Keyword: "KEYS", From: -2, Last: -1, Step: 1}}, 3, 3, 1},
		{"XREAD", []KeySpec{{Flags: RO, Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2}}, 0, 0, 0},
	} {
		first, last, step := (&Command{Keys: x.keys}).keyRange()
		if first != x.first || last != x.last || step != x.step {
			t.Errorf("%s: %d %d %d, wanted %d %d %d", x.name, first, last, step, x.first, x.last, x.step)
		}
	}
}

func TestKeySpecForms(t *testing.T) {
	var w resp.Writer
	writeKeySpec(&w, &CountedKeys(2, RW|Access)[0])
	writeKeySpec(&w, &KeySpec{Flags: RO, Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2})
	want := "*6 $5 flags *2 +RW +access $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :2 " +
		"$9 find_keys *4 $4 type $6 keynum $4 spec *6 $9 keynumidx :0 $8 firstkey :1 $7 keystep :1 " +
		"*6 $5 flags *1 +RO $12 begin_search *4 $4 type $7 keyword $4 spec *4 $7 keyword $7 STREAMS $9 startfrom :1 " +
		"$9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :-1 $7 keystep :1 $5 limit :2"
	if got := plain(w.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCommandCountAndList(t *testing.T) {
	k := newServer(t)
	all := k.world.Table.All()
	k.expect("COMMAND COUNT", ":"+string(decimal(int64(len(all)))))
	subs := 0
	for _, cmd := range all {
		subs += len(cmd.Subs)
	}
	if got, want := k.do("COMMAND LIST"), "*"+string(decimal(int64(len(all)+subs)))+" "; !strings.HasPrefix(got, want) {
		t.Errorf("COMMAND LIST begins with %.20s, wanted %s", got, want)
	}
	k.expectAll([]step{
		{"COMMAND LIST FILTERBY ACLCAT Transaction", "*5 $7 discard $4 exec $5 multi $7 unwatch $5 watch"},
		{"COMMAND LIST FILTERBY ACLCAT @transaction", "*0"},
		{"COMMAND LIST FILTERBY PATTERN CONFIG|G*", "*1 $10 config|get"},
		{"COMMAND LIST FILTERBY MODULE x", "*0"},
		{"COMMAND LIST FILTERBY bogus x", "-ERR syntax error"},
		{"COMMAND LIST FILTERBY PATTERN", "-ERR syntax error"},
		{"COMMAND LIST bogus", "-ERR syntax error"},
	})
}

func TestCommandGetKeys(t *testing.T) {
	newServer(t).expectAll([]step{
		{"COMMAND GETKEYS MSET a 1 b 2", "*2 $1 a $1 b"},
		{"COMMAND GETKEYS lmpop 2 a b LEFT", "*2 $1 a $1 b"},
		{"COMMAND GETKEYS OBJECT ENCODING k", "*1 $1 k"},
		{"COMMAND GETKEYSANDFLAGS SET k v", "*1 *2 $1 k *2 +OW +update"},
		{"COMMAND GETKEYSANDFLAGS SET k v EX 10 get", "*1 *2 $1 k *3 +RW +access +update"},
		{"COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT", "*2 *2 $1 a *3 +RW +access +delete *2 $1 b *2 +RW +insert"},
		{"COMMAND GETKEYS LMPOP 3 a LEFT", "-ERR Invalid arguments specified for command"},
		{"COMMAND GETKEYS nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS OBJECT nosuch a", "-ERR Invalid command specified"},
		{"COMMAND GETKEYS PING x", "-ERR The command has no key arguments"},
		{"COMMAND GETKEYS GET a b", "-ERR Invalid number of arguments specified for command"},
	})
}

func TestCommandDocs(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"COMMAND DOCS nosuch", "*0"},
		{"COMMAND DOCS select nosuch", "*2 $6 select *10 $7 summary $50 Chooses the database that the connection works in. " +
			"$5 since $5 1.0.0 $5 group $10 connection $10 complexity $4 O(1) $9 arguments *1 *4 $4 name $5 index $4 type $7 integer"},
	})
	k.do("HELLO 3")
	got := k.do("COMMAND DOCS config client|reply set")
	for _, part := range []string{
		"%3 $6 config %5 ",
		" $11 subcommands %5 ",
		" $10 config|get %6 ",
		" $7 history ~1 *2 $5 7.0.0 $23 Takes several patterns. ",
		" $12 client|reply %5 ",
		" $9 arguments *1 %3 $4 name $11 on_off_skip $4 type $5 oneof $9 arguments *3 %3 $4 name $2 on $4 type $10 pure-token $5 token $2 ON ",
		" %3 $4 name $3 key $4 type $3 key $14 key_spec_index :0 ",
		" %5 $4 name $3 get $4 type $10 pure-token $5 token $3 GET $5 since $5 6.2.0 $5 flags ~1 +optional ",
		" $4 name $10 expiration $4 type $5 oneof ",
		" %4 $4 name $7 seconds $4 type $7 integer $5 token $2 EX $5 since $6 2.6.12 ",
		" $22 unix-time-milliseconds $4 type $9 unix-time ",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("COMMAND DOCS lacks %s\nin %s", part, got)
		}
	}
}

func TestHelp(t *testing.T) {
	k := newServer(t)
	k.expect("CONFIG HELP", "*11 +CONFIG <subcommand> [argument ...]. The subcommands are: "+
		"+GET parameter [parameter ...] +    Tells the settings whose names match one of the patterns. "+
		"+SET parameter value [parameter value ...] +    Changes settings: all of them, or on error none. "+
		"+REWRITE +    Writes the settings in force into the configuration file. "+
		"+RESETSTAT +    Sets the counters of INFO back. +HELP +    Lists the subcommands.")
	for _, line := range []string{"CLIENT HELP", "COMMAND HELP", "DEBUG HELP"} {
		if got := k.do(line); !strings.Contains(got, "+HELP +    Lists the subcommands.") {
			t.Errorf("%s: %s", line, got)
		}
	}
}
