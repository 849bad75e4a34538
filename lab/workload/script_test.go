package workload

import (
	"errors"
	"fmt"
	"testing"

	"holdfast/resp"
)

// scripted is a toy that answers the Reads of a script too: what it does not know is of the wrong type.
func scripted(t *toy, reads [][][]byte) []resp.Reply {
	var replies []resp.Reply
	for _, args := range reads {
		v := t.keys[string(args[len(args)-1])]
		if len(args) > 1 {
			v = t.keys[string(args[1])]
		}
		switch name := string(args[0]); {
		case name == "KEYS", name == "PEXPIRETIME", name == "GET" && (v == nil || !v.isList), name == "LRANGE" && (v == nil || v.isList):
			replies = append(replies, t.do(args, 0))
		case v == nil:
			replies = append(replies, arrayReply(nil))
		default:
			replies = append(replies, errReply("WRONGTYPE"))
		}
	}
	return replies
}

const someScript = `
# a comment, and a value with a space
SET a "one two"
RPUSH b x 'y z' "\x41\n"
MULTI
INCR n
PEXPIREAT n 4102444800000
EXEC
SET a other
DEL a
`

// scriptWorld runs a script to some point, as a server would.
func scriptWorld(w Workload, commands int) *toy {
	t, c := newToy(), w.Client(0, 0, nil)
	var queued [][][]byte
	multi := false
	for range commands {
		args := c.Next(resp.Reply{})
		switch string(args[0]) {
		case "MULTI":
			multi = true
		case "EXEC":
			multi = false
			for _, q := range queued {
				t.do(q, 0)
			}
		default:
			if multi {
				queued = append(queued, args)
			} else {
				t.do(args, 0)
			}
		}
	}
	return t
}

// A script is judged by what its first commands make: all that had to survive, and perhaps more that was sent.
func TestScript(t *testing.T) {
	var w Workload
	oracle := func(n int) ([]resp.Reply, error) { return scripted(scriptWorld(w, n), w.Reads()), nil }
	w, err := Script(someScript, oracle)
	if err != nil {
		t.Fatal(err)
	}
	history := func(acked, sent int) *History {
		h := &History{}
		c := w.Client(0, 0, nil)
		for i := range sent {
			op := Op{Conn: 1, ID: uint64(i + 1), Args: c.Next(resp.Reply{}), Acked: i < acked, Fate: May}
			if op.Acked {
				op.Fate = Must
			}
			h.Ops = append(h.Ops, op)
		}
		return h
	}
	for acked := range 9 {
		for sent := acked; sent <= min(acked+1, 8); sent++ {
			for n := range 9 {
				h, there := history(acked, sent), scripted(scriptWorld(w, n), w.Reads())
				findings := w.Judge(h, there)
				fits := n >= acked && n <= sent
				for k := acked; k <= sent; k++ { // MULTI and what is queued change nothing
					fits = fits || fmt.Sprint(there) == fmt.Sprint(scripted(scriptWorld(w, k), w.Reads()))
				}
				if fits != (len(findings) == 0) {
					t.Errorf("%d acknowledged of %d, %d there: %v", acked, sent, n, findings)
				}
				if !fits && n < acked && findings[0].Check != Lost {
					t.Errorf("%d acknowledged, %d there: %v, want %q", acked, n, findings, Lost)
				}
			}
		}
	}
	broken := scriptWorld(w, 8)
	broken.keys["n"].deadline++
	if f := w.Judge(history(8, 8), scripted(broken, w.Reads())); len(f) != 1 || f[0].Check != Order || f[0].Key != "n" {
		t.Errorf("a deadline of the script that is off: %v", f)
	}
	stray := scriptWorld(w, 8)
	stray.keys["stray"] = &thing{s: "1"}
	if f := w.Judge(history(8, 8), scripted(stray, w.Reads())); len(f) != 1 || f[0].Key != "stray" {
		t.Errorf("a key that nobody wrote: %v", f)
	}
}

// Every database that a script names is looked at, with every key.
func TestScriptDatabases(t *testing.T) {
	var w Workload
	state := func(n int, lost string) (replies []resp.Reply) { // of a server that has n commands done, but for a key "db/name"
		there := map[string]string{}
		for _, of := range []string{"0/a", "1/a", "2/a", "3/b", "7/b"}[:n] {
			there[of] = of
		}
		delete(there, lost)
		db := "0"
		for _, args := range w.Reads() {
			switch name := string(args[0]); name {
			case "SELECT":
				db = string(args[1])
				replies = append(replies, resp.Reply{Kind: '+', Str: []byte("OK")})
			case "KEYS":
				replies = append(replies, arrayReply(nil))
			case "GET":
				replies = append(replies, bulkReply(there[db+"/"+string(args[1])]))
			default:
				replies = append(replies, intReply(-1))
			}
		}
		return replies
	}
	w, err := Script("SET a 1\nSELECT 1\nCOPY a a DB 2\nMOVE b 3\nSWAPDB 3 7", func(n int) ([]resp.Reply, error) { return state(n, ""), nil })
	if err != nil {
		t.Fatal(err)
	}
	h := &History{Ops: []Op{{Conn: 1, ID: 5, Acked: true}}}
	if f := w.Judge(h, state(5, "")); len(f) > 0 {
		t.Error(f)
	}
	for lost, key := range map[string]string{"0/a": "a of database 0", "2/a": "a of database 2", "7/b": "b of database 7"} {
		if f := w.Judge(h, state(5, lost)); len(f) != 1 || f[0].Key != key {
			t.Errorf("without %s: %v", lost, f)
		}
	}
}

// After a recovery a script asks nothing more, and what was there then must still be there after the next.
func TestScriptSecondRound(t *testing.T) {
	w, err := Script(someScript, nil)
	if err != nil {
		t.Fatal(err)
	}
	if args := w.Client(0, 1, nil).Next(resp.Reply{}); args != nil {
		t.Errorf("it asks %q in the second round", args)
	}
	h := &History{}
	for i, reply := range scripted(scriptWorld(w, 7), w.Reads()) {
		h.Ops = append(h.Ops, Op{Conn: 2, Round: 1, Args: w.Reads()[i], Reply: reply, Acked: true})
	}
	if f := w.Judge(h, scripted(scriptWorld(w, 7), w.Reads())); len(f) != 0 {
		t.Error(f)
	}
	if f := w.Judge(h, scripted(scriptWorld(w, 2), w.Reads())); len(f) != 1 || f[0].Check != Lost {
		t.Error(f)
	}
}

// Without an oracle nothing is judged, and it says so.
func TestScriptWithoutOracle(t *testing.T) {
	w, err := Script("SET a 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := w.Judge(&History{}, scripted(newToy(), w.Reads())); len(f) != 1 || f[0].Check != Undecided {
		t.Error(f)
	}
}

func TestScriptText(t *testing.T) {
	for text, want := range map[string]string{
		`SET a b`:                     `["SET" "a" "b"]`,
		`  SET  a	"" `:                `["SET" "a" ""]`,
		`SET a "x\ty\x41\q\\\""`:      `["SET" "a" "x\ty` + `Aq\\\""]`,
		`SET a 'it\'s \n'`:            `["SET" "a" "it's \\n"]`,
		"# nothing\n\nSET a b\r\n":    `["SET" "a" "b"]`,
		`SET a "open`:                 "",
		`SET a "x"y`:                  "",
		`SET a 'open`:                 "",
		"# only a comment":            "",
		`SET a b"c"`:                  `["SET" "a" "b\"c\""]`,
		`SET a "\xzz"`:                `["SET" "a" "xzz"]`,
		`SET a "ends in a backslash\`: "",
	} {
		w, err := Script(text, nil)
		if want == "" {
			if !errors.Is(err, ErrScript) {
				t.Errorf("%s: %v, want %v", text, err, ErrScript)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := fmt.Sprintf("%q", w.Client(0, 0, nil).Next(resp.Reply{})); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzScript(f *testing.F) {
	f.Add(someScript)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Script(text, nil)
		if err == nil && w.Client(0, 0, nil).Next(resp.Reply{}) == nil {
			t.Error("a script of no command")
		}
	})
}
