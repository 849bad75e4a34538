package config

import (
	"reflect"
	"strings"
	"testing"
)

// Lines of users are kept word by word, and rewritten in one place.
func TestUsers(t *testing.T) {
	c := New()
	text := "hz 10\nuser alice on \">pass word\" ~*\n# between\nUSER bob (+get ~a)\nhz 11\n"
	if err := c.Load(strings.NewReader(text), "redis.conf"); err != nil {
		t.Fatal(err)
	}
	want := []UserLine{
		{File: "redis.conf", Line: 2, Words: []string{"alice", "on", ">pass word", "~*"}},
		{File: "redis.conf", Line: 4, Words: []string{"bob", "(+get", "~a)"}},
	}
	if got := c.Users(); !reflect.DeepEqual(got, want) {
		t.Errorf("users are %+v, want %+v", got, want)
	}
	if got := string(c.Rewrite([]byte(text), userWords(c))); got != text {
		t.Errorf("users that stayed are rewritten to %q", got)
	}
	users := [][]string{{"alice", "off"}, {"carol", "on", `(~"a b)" +get)`}}
	rewritten := "hz 10\nuser alice off\nuser carol on \"(~\\\"a b)\\\" +get)\"\n# between\nhz 11\n"
	if got := string(c.Rewrite([]byte(text), users)); got != rewritten {
		t.Errorf("rewritten to %q, want %q", got, rewritten)
	}
	if got := string(c.Rewrite([]byte(text), nil)); got != "hz 10\n# between\nhz 11\n" {
		t.Errorf("without users rewritten to %q", got)
	}
	if got := string(New().Rewrite([]byte("hz 10\n"), users[:1])); got != "hz 10\n\n"+rewriteHeader+"\nuser alice off\n" {
		t.Errorf("users without a line are appended as %q", got)
	}
}
