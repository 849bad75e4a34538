package commands

import (
	"testing"

	"holdfast/config"
)

// The check of a user with few rights allocates nothing.
func TestPermittedAllocatesNothing(t *testing.T) {
	w, c, cmd, args := limited(t)
	if n := testing.AllocsPerRun(100, func() {
		if refusal := w.Permitted(c, cmd, args); refusal != "" {
			t.Fatal(refusal)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// limited is a client of a user with few rights, and a command that he may run.
func limited(t testing.TB) (w *World, c *Client, cmd *Command, args [][]byte) {
	t.Helper()
	w = &World{Table: NewTable(), Config: config.New()}
	w.Users = NewUsers(w.Table, w.Config)
	if err := w.Users.Set("u", []string{"on", "nopass", "~other:*", "%R~app:*", "+@read", "+set"}); err != nil {
		t.Fatal(err)
	}
	args = [][]byte{[]byte("GET"), []byte("app:1")}
	return w, &Client{User: w.Users.Get("u")}, w.Table.Lookup(args[0]), args
}

func BenchmarkPermitted(b *testing.B) {
	w, c, cmd, args := limited(b)
	for b.Loop() {
		if refusal := w.Permitted(c, cmd, args); refusal != "" {
			b.Fatal(refusal)
		}
	}
}
