package integration

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// newerThanSeven are commands of Redis 7.2, 7.4 and 8 that 7.0 does not know; nothing there to compare with.
var newerThanSeven = []string{
	"waitaof", "client|no-touch", "client|setinfo",
	"hexpire", "hpexpire", "hexpireat", "hpexpireat", "httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist",
	"hgetex", "hsetex", "hgetdel",
}

// newerArity are commands that take an argument more than in 7.0, as in Redis 7.2.
var newerArity = []string{"zrank", "zrevrank"}

// isOwn reports whether no Redis has the command: SNAPSHOT and what is in it.
func isOwn(name string) bool {
	return name == "snapshot" || strings.HasPrefix(name, "snapshot|")
}

// bothServers starts the two servers for the length of a test and connects to them.
func bothServers(t *testing.T) (ours, theirs *Conn) {
	t.Helper()
	return dial(t, start(t, subject, Options{}).Addr), dial(t, start(t, model, Options{}).Addr)
}

// commandList returns the commands that holdfast has, in lower case, subcommands as "config|get".
func commandList(t *testing.T, c *Conn) []string {
	t.Helper()
	var names []string
	for _, e := range must(t, c, "COMMAND", "LIST").Elems {
		if !slices.Contains(newerThanSeven, e.Text) && !isOwn(e.Text) {
			names = append(names, e.Text)
		}
	}
	if len(names) == 0 {
		t.Fatal("COMMAND LIST is empty")
	}
	return names
}

// COMMAND INFO says of every command that holdfast has, byte for byte, what Redis says: arity, flags, keys,
// categories, tips and key specifications, these without their notes, which are Redis's prose. Subcommands come in no
// order, and holdfast may lack some.
func TestCommandInfo(t *testing.T) {
	ours, theirs := bothServers(t)
	for _, name := range commandList(t, ours) {
		a := must(t, ours, "COMMAND", "INFO", name).Elems[0]
		b := must(t, theirs, "COMMAND", "INFO", name).Elems[0]
		compareInfo(t, name, a, b)
	}
}

// compareInfo compares all but the last field, the subcommands, which commandList names one by one.
func compareInfo(t *testing.T, name string, ours, theirs Reply) {
	t.Helper()
	const fields = 10
	if len(ours.Elems) != fields || len(theirs.Elems) != fields {
		t.Errorf("%s\n  holdfast  %s\n  redis     %s", name, ours, theirs)
		return
	}
	for i := range fields - 1 {
		if i == 1 && slices.Contains(newerArity, name) {
			continue
		}
		if a, b := withoutNotes(ours.Elems[i]), withoutNotes(theirs.Elems[i]); !bytes.Equal(a, b) {
			t.Errorf("%s, field %d\n  holdfast  %s\n  redis     %s", name, i, ours.Elems[i], theirs.Elems[i])
		}
	}
	known := map[string]bool{}
	for _, sub := range theirs.Elems[fields-1].Elems {
		known[sub.Elems[0].Text] = true
	}
	for _, sub := range ours.Elems[fields-1].Elems {
		if n := sub.Elems[0].Text; !known[n] && !slices.Contains(newerThanSeven, n) {
			t.Errorf("%s: subcommand %s is unknown to Redis", name, n)
		}
	}
}

// withoutNotes is the reply with the pairs named "notes" taken out of what it consists of.
func withoutNotes(r Reply) []byte {
	if r.Elems == nil {
		return r.Raw
	}
	elems := r.Elems
	if elems[0].Text == "notes" {
		elems = elems[2:]
	}
	out := fmt.Appendf(nil, "%c%d\r\n", r.Kind, len(elems))
	for _, e := range elems {
		out = append(out, withoutNotes(e)...)
	}
	return out
}

// Every command answers too few and too many arguments as Redis does.
func TestArity(t *testing.T) {
	const manyArgs = 12
	for _, protocol := range []string{"2", "3"} {
		ours, theirs := bothServers(t)
		must(t, ours, "HELLO", protocol)
		must(t, theirs, "HELLO", protocol)
		for _, name := range commandList(t, ours) {
			words := strings.Split(name, "|")
			arity := must(t, theirs, "COMMAND", "INFO", name).Elems[0].Elems[1].Text
			wrong := []int{}
			var n int
			if _, err := fmt.Sscan(arity, &n); err != nil {
				t.Fatal(err)
			}
			for count := len(words); count < max(n, -n); count++ {
				wrong = append(wrong, count)
			}
			if n > 0 && !slices.Contains(newerArity, name) {
				wrong = append(wrong, n+1, manyArgs)
			}
			for _, count := range wrong {
				compareWrongCount(t, ours, theirs, words, count)
			}
		}
	}
}

func compareWrongCount(t *testing.T, ours, theirs *Conn, words []string, count int) {
	t.Helper()
	args := slices.Clone(words)
	for len(args) < count {
		args = append(args, "1")
	}
	a, err := ours.Do(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	b, err := theirs.Do(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	if !a.IsError() || !bytes.Equal(a.Raw, b.Raw) {
		t.Errorf("%v\n  holdfast  %s\n  redis     %s", args, a, b)
	}
}

// No command of holdfast is without a line in a transcript.
func TestTranscriptsCoverEveryCommand(t *testing.T) {
	used := map[string]bool{}
	all, err := LoadTranscripts(transcriptDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, transcript := range all {
		for _, step := range transcript.Steps {
			words := strings.Fields(strings.ToLower(step.Command))
			if len(words) > 0 {
				used[words[0]] = true
			}
			if len(words) > 1 {
				used[words[0]+"|"+words[1]] = true
			}
		}
	}
	c := dial(t, start(t, subject, Options{}).Addr)
	for _, e := range must(t, c, "COMMAND", "LIST").Elems {
		if !used[e.Text] && !isOwn(e.Text) { // those have TestSnapshots
			t.Errorf("no transcript uses %s", e.Text)
		}
	}
}
