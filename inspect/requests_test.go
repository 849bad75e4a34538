package inspect

import (
	"strings"
	"testing"
)

// What a key holds goes in one transaction with the first command that makes it anew, and not with another's.
func TestReplace(t *testing.T) {
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
	q.Replace([]byte("l"))
	command("RPUSH l x")
	command("PEXPIREAT l 1")
	q.Replace([]byte("gone")) // nothing came of it
	command("SET a 1")
	var words []string
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSpace(line); line[0] != '*' && line[0] != '$' {
			words = append(words, line)
		}
	}
	if got, want := strings.Join(words, " "), "SELECT 0 MULTI DEL l RPUSH l x EXEC PEXPIREAT l 1 SET a 1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
