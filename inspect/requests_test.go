package inspect

import (
	"strings"
	"testing"
)

// What a key holds goes in one transaction with the commands that make it anew, and with their deadline.
func TestReplace(t *testing.T) {
	large := strings.Repeat("x", transactionMax)
	for _, x := range []struct {
		name string
		make func(q *Requests, command func(line string))
		want string
	}{
		{"several commands", func(q *Requests, command func(string)) {
			command("RPUSH k x")
			command("RPUSH k y")
			command("PEXPIREAT k 1")
		}, "MULTI DEL k RPUSH k x RPUSH k y PEXPIREAT k 1 EXEC"},
		{"no command", func(*Requests, func(string)) {}, ""},
		{"a large one with its deadline", func(q *Requests, command func(string)) {
			command("RPUSH k " + large)
			command("PEXPIREAT k 1")
		}, "MULTI DEL k RPUSH k LARGE PEXPIREAT k 1 EXEC"},
		{"more behind a large one", func(q *Requests, command func(string)) {
			command("RPUSH k " + large)
			command("RPUSH k y")
			command("PEXPIREAT k 1")
		}, "MULTI DEL k RPUSH k LARGE EXEC RPUSH k y PEXPIREAT k 1"},
		{"taken back", func(q *Requests, command func(string)) {
			command("RPUSH k x")
			must(t, q.Undo())
		}, "MULTI DEL k RPUSH k x DISCARD"},
		{"taken back before anything came of it", func(q *Requests, command func(string)) { must(t, q.Undo()) }, ""},
		{"taken back behind a transaction", func(q *Requests, command func(string)) {
			command("RPUSH k " + large)
			command("RPUSH k y")
			must(t, q.Undo())
		}, "MULTI DEL k RPUSH k LARGE EXEC RPUSH k y DEL k"},
		{"without replacing", func(q *Requests, command func(string)) {
			must(t, q.Begin(0, []byte("k"), false))
			command("RPUSH k x")
			must(t, q.Undo())
		}, "RPUSH k x DEL k"},
	} {
		var b strings.Builder
		q := NewRequests(&b, false)
		command := func(line string) {
			t.Helper()
			var args [][]byte
			for word := range strings.FieldsSeq(line) {
				args = append(args, []byte(word))
			}
			must(t, q.Command(0, args...))
		}
		command("SET before k")
		must(t, q.Begin(0, []byte("k"), true))
		x.make(q, command)
		must(t, q.End())
		command("SET behind k")
		var words []string
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSpace(line); line[0] != '*' && line[0] != '$' {
				words = append(words, line)
			}
		}
		got := strings.ReplaceAll(strings.Join(words, " "), large, "LARGE")
		if want := strings.Join(strings.Fields("SELECT 0 SET before k "+x.want+" SET behind k"), " "); got != want {
			t.Errorf("%s: %s, want %s", x.name, got, want)
		}
	}
}
