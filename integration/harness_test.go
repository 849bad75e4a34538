package integration

import (
	"bufio"
	"slices"
	"strings"
	"testing"
)

// The harness is worth something only if it sees what is wrong.

func parsed(t *testing.T, raw string) Reply {
	t.Helper()
	reply, err := ReadReply(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if string(reply.Raw) != raw {
		t.Fatalf("read %q of %q", reply.Raw, raw)
	}
	return reply
}

func TestReadReplyKeepsEveryByte(t *testing.T) {
	for _, raw := range []string{
		"+OK\r\n", "-ERR x\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n", "$0\r\n\r\n", "$2\r\n\r\n\r\n", "*0\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(12\r\n", "=5\r\ntxt:a\r\n",
		"%1\r\n+a\r\n~1\r\n:1\r\n", ">2\r\n+a\r\n+b\r\n",
	} {
		parsed(t, raw)
	}
	for _, raw := range []string{"", "\r\n", "+OK\n", "?\r\n", "$x\r\n", "$3\r\nab\r\n", "$1\r\nabc", "*2\r\n:1\r\n", "*x\r\n"} {
		if reply, err := ReadReply(bufio.NewReader(strings.NewReader(raw))); err == nil {
			t.Errorf("%q is no reply, read as %s", raw, reply)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		`SET k v`:               {"SET", "k", "v"},
		`  a   b  `:             {"a", "b"},
		`"" ''`:                 {"", ""},
		`"\x00\r\n\"\\" 'a\'b'`: {"\x00\r\n\"\\", "a'b"},
		`'\x00' h[\]a`:          {`\x00`, `h[\]a`},
	} {
		got, err := SplitWords(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`"open`, `'open`, `"a"b`, `"\xzz"`} {
		if got, err := SplitWords(line); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestExpand(t *testing.T) {
	names := func(name string) (string, bool) { return "value", name == "name" }
	got, err := Expand("a ${name} ${now+10} ${nowms-1} ${now} ${repeat:ab:3}", 5_000, names)
	if want := "a value 15 4999 5 ababab"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, line := range []string{"${nobody}", "${name", "${now*2}", "${repeat:x}"} {
		if got, err := Expand(line, 0, names); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestParseTranscriptRefusesNonsense(t *testing.T) {
	for _, line := range []string{"!bogus GET k", "!near x TTL k", "!near 5", "a>", "!sleep never", "a< many", "!unordered", "!options --late\n!bogus"} {
		if _, err := ParseTranscript("test.txt", "PING\n"+line); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

func TestRulesOfComparison(t *testing.T) {
	cases := []struct {
		rule         Step
		ours, theirs string
		same         bool
	}{
		{Step{}, "+OK\r\n", "+OK\r\n", true},
		{Step{}, "+OK\r\n", "$2\r\nOK\r\n", false},
		{Step{}, "$-1\r\n", "*-1\r\n", false},
		{Step{Rule: RuleUnordered}, "*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+a\r\n", true},
		{Step{Rule: RuleUnordered}, "*2\r\n+a\r\n+a\r\n", "*2\r\n+a\r\n+b\r\n", false},
		{Step{Rule: RuleUnordered}, "*2\r\n+a\r\n+b\r\n", "~2\r\n+a\r\n+b\r\n", false},
		{Step{Rule: RulePairs}, "*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", "*4\r\n+b\r\n+2\r\n+a\r\n+1\r\n", true},
		{Step{Rule: RulePairs}, "*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", "*4\r\n+a\r\n+2\r\n+b\r\n+1\r\n", false},
		{Step{Rule: RuleUnordered}, "%2\r\n+a\r\n+1\r\n+b\r\n+2\r\n", "%2\r\n+b\r\n+1\r\n+a\r\n+2\r\n", false},
		{Step{Rule: RuleNear, Within: 1}, ":100\r\n", ":99\r\n", true},
		{Step{Rule: RuleNear, Within: 1}, ":100\r\n", ":98\r\n", false},
		{Step{Rule: RuleNear, Within: 1}, ":0\r\n", ":-1\r\n", false},
		{Step{Rule: RuleNear, Within: 1}, ":-1\r\n", ":-2\r\n", false},
		{Step{Rule: RuleNear, Within: 1}, "*2\r\n+a\r\n$1\r\n5\r\n", "*2\r\n+a\r\n$1\r\n6\r\n", true},
		{Step{Rule: RuleNear, Within: 1}, "*2\r\n+a\r\n:5\r\n", "*2\r\n+b\r\n:5\r\n", false},
		{Step{Rule: RuleShape}, "*2\r\n+a\r\n:5\r\n", "*2\r\n+b\r\n:6\r\n", true},
		{Step{Rule: RuleShape}, "*2\r\n+a\r\n:5\r\n", "*2\r\n+b\r\n+6\r\n", false},
		{Step{Rule: RuleType}, "*1\r\n:5\r\n", "*0\r\n", true},
		{Step{Rule: RuleType}, "*1\r\n:5\r\n", "-ERR\r\n", false},
		{Step{Rule: RuleErrorCode}, "-ERR a\r\n", "-ERR b\r\n", true},
		{Step{Rule: RuleErrorCode}, "-ERR a\r\n", "-WRONGTYPE b\r\n", false},
		{Step{Rule: RuleErrorCode}, "-ERR a\r\n", "+ERR a\r\n", false},
		{Step{Rule: RuleMask, Words: "id"}, "$9\r\nid=1 db=2\r\n", "$9\r\nid=3 db=2\r\n", true},
		{Step{Rule: RuleMask, Words: "id"}, "$9\r\nid=1 db=2\r\n", "$9\r\nid=1 db=3\r\n", false},
		{Step{Rule: RuleMask, Words: "id"}, "$4\r\nid=1\r\n", "$9\r\nid=1 db=3\r\n", false},
		{Step{Rule: RuleMask, Words: "id -lib"}, "$9\r\nid=1 db=2\r\n", "$18\r\nid=31 db=2 lib=1.0\r\n", true},
		{Step{Rule: RuleMask, Words: "id -lib"}, "$9\r\nid=1 db=2\r\n", "$18\r\nid=31 db=2 bil=1.0\r\n", false},
		{Step{Rule: RuleHas, Words: "a b"}, "$7\r\na:1 b:2\r\n", "$7\r\nb:1 a:2\r\n", true},
		{Step{Rule: RuleHas, Words: "a b"}, "$3\r\na:1\r\n", "$7\r\nb:1 a:2\r\n", false},
		{Step{Rule: RuleDiffers}, "+a\r\n", "+b\r\n", true},
		{Step{Rule: RuleDiffers}, "+a\r\n", "+a\r\n", false},
	}
	for _, c := range cases {
		if got := c.rule.Same(parsed(t, c.ours), parsed(t, c.theirs)); got != c.same {
			t.Errorf("rule %d: %q and %q: %v", c.rule.Rule, c.ours, c.theirs, got)
		}
	}
}

func TestCompareInventories(t *testing.T) {
	base := []Item{{DB: 0, Key: "a", Digest: "1", DeadlineMs: -1}, {DB: 1, Key: "a", Digest: "2", DeadlineMs: 1000}}
	change := func(i int, f func(*Item)) []Item {
		items := slices.Clone(base)
		f(&items[i])
		return items
	}
	if diffs := CompareInventories(base, base, 0); len(diffs) != 0 {
		t.Error(diffs)
	}
	if diffs := CompareInventories(base, change(1, func(i *Item) { i.DeadlineMs += 5 }), 5); len(diffs) != 0 {
		t.Error(diffs)
	}
	for name, other := range map[string][]Item{
		"a key less":         base[:1],
		"another digest":     change(0, func(i *Item) { i.Digest = "x" }),
		"another database":   change(0, func(i *Item) { i.DB = 2 }),
		"a later deadline":   change(1, func(i *Item) { i.DeadlineMs += 6 }),
		"a deadline at all":  change(0, func(i *Item) { i.DeadlineMs = 3 }),
		"no deadline at all": change(1, func(i *Item) { i.DeadlineMs = -1 }),
	} {
		if len(CompareInventories(base, other, 5)) == 0 || len(CompareInventories(other, base, 5)) == 0 {
			t.Errorf("%s goes unseen", name)
		}
	}
}

// What the kill test's oracle must refuse, and what it must accept.
func TestOracle(t *testing.T) {
	seen := interval{10_000, 10_010}
	fresh := func() *worker {
		w := newWorker(1, 1)
		for _, op := range []operation{w.push("w1:journal", "a"), set("w1:slot", "old"), w.transfer(5)} {
			op.apply(w.acked, interval{})
		}
		w.acked["w1:timed"] = value{text: "t", deadline: exactly(99_000)}
		w.acked["w1:brief"] = value{text: "b", deadline: interval{9_990, 10_005}}
		w.pending = []operation{w.push("w1:journal", "b"), set("w1:slot", "new"), w.transfer(7)}
		return w
	}
	after := func(w *worker, applied int) state {
		for _, op := range w.pending[:applied] {
			op.apply(w.acked, interval{})
		}
		return w.acked
	}
	for applied := range 4 {
		if err := fresh().resolve(after(fresh(), applied), 0, seen); err != nil {
			t.Errorf("%d of 3 in flight: %v", applied, err)
		}
	}
	lapsed := fresh().acked
	delete(lapsed, "w1:brief")
	if err := fresh().resolve(lapsed, 0, seen); err != nil {
		t.Errorf("lapsed while it was read: %v", err)
	}
	for name, spoil := range map[string]func(s state){
		"an acknowledged key is gone":        func(s state) { delete(s, "w1:slot") },
		"an acknowledged element is gone":    func(s state) { s["w1:journal"] = value{} },
		"a later operation without earlier":  func(s state) { s["w1:slot"] = value{text: "new"} },
		"elements out of order":              func(s state) { s["w1:journal"] = value{list: []string{"b", "a"}} },
		"half a transaction":                 func(s state) { s.add("w1:account:a", -7) },
		"something never sent":               func(s state) { s["w1:other"] = value{text: "x"} },
		"another deadline":                   func(s state) { s["w1:timed"] = value{text: "t", deadline: exactly(99_001)} },
		"a deadline lost":                    func(s state) { s["w1:timed"] = value{text: "t"} },
		"a deadline that nobody gave":        func(s state) { s["w1:slot"] = value{text: "old", deadline: exactly(5)} },
		"a string where a list was":          func(s state) { s["w1:journal"] = value{text: "a"} },
		"a value of a key that is long gone": func(s state) { s["w1:brief"] = value{text: "x", deadline: exactly(10_000)} },
	} {
		found := fresh().acked
		spoil(found)
		if err := fresh().resolve(found, 0, seen); err == nil {
			t.Errorf("%s goes unseen", name)
		}
	}
}

// Whatever a server sends, reading it neither panics nor makes bytes up.
func FuzzReadReply(f *testing.F) {
	for _, raw := range []string{"+OK\r\n", "$-1\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n=5\r\ntxt:a\r\n", "*-2\r\n", "$3\r\nab"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		reply, err := ReadReply(bufio.NewReader(strings.NewReader(raw)))
		if err == nil && !strings.HasPrefix(raw, string(reply.Raw)) {
			t.Errorf("%q read as %q", raw, reply.Raw)
		}
	})
}

// A transcript's line is a step or an error, never a panic.
func FuzzParseTranscript(f *testing.F) {
	for _, line := range []string{"SET k v", "!near 5 a> TTL k", "a< 3", "!raw \"\\x00\"", "!sleep 5ms", "!options --x y", "${now+5}"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		transcript, err := ParseTranscript("fuzz.txt", text)
		if err != nil {
			return
		}
		for _, step := range transcript.Steps {
			if _, err := step.Args(0, func(string) (string, bool) { return "", false }); err == nil && step.Line == 0 {
				t.Errorf("a step without a line: %q", step.Text)
			}
		}
	})
}
