package acl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/config"
)

// categories of the little catalogue below, by bit.
const (
	read = 1 << iota
	write
	fast
	admin
)

// few returns the users of a server with few commands.
func few() *Users {
	c := NewCatalogue([]string{"read", "write", "fast", "admin"})
	c.Add("get", -1, read|fast, true)
	c.Add("mget", -1, read, true)
	c.Add("set", -1, write, true)
	c.Add("del", -1, write|fast, true)
	client := c.Add("client", -1, 0, true)
	c.Add("client|list", client, admin, true)
	c.Add("client|id", client, fast, true)
	c.Add("newer", -1, read, false)
	return NewUsers(c, config.New())
}

// Rules and what they are printed as: each line is read back to the same.
func TestPrintedForm(t *testing.T) {
	for _, x := range []struct{ rules, want string }{
		{"", "off resetchannels -@all"},
		{"on nopass ~* &* +@all", "on nopass ~* &* +@all"},
		{"allkeys allchannels allcommands", "off ~* &* +@all"},
		{">", "off #e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 resetchannels -@all"},
		{"%R~a %W~a %W~b %rw~c", "off ~a %W~b ~c resetchannels -@all"},
		{"&a &b &a", "off resetchannels &a &b -@all"},
		{"+get", "off resetchannels -@all +get"},
		{"+get +mget", "off resetchannels -@all +@read -newer"},
		{"+@read", "off resetchannels -@all +@read"},
		{"+@read -get", "off resetchannels -@all +mget +newer"},
		{"+@all -@admin", "off resetchannels +@all -@admin"},
		{"+@all -get", "off resetchannels +@all -get"},
		{"+client", "off resetchannels -@all +@admin +client"},
		{"+client|id", "off resetchannels -@all +client|id"},
		{"+get|a +get|A +get|b", "off resetchannels -@all +get|a +get|b"},
		{"+get|a +get", "off resetchannels -@all +get"},
		{"(+get ~a) ( ~b +set )", "off resetchannels -@all (~a resetchannels -@all +get) (~b resetchannels -@all +set)"},
		{`(~"a)" +get)`, `off resetchannels -@all ("~a)" resetchannels -@all +get)`},
		{`(~"\"x\\" +get)`, `off resetchannels -@all ("~\"x\\" resetchannels -@all +get)`},
		{"(+get) clearselectors", "off resetchannels -@all"},
		{"skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
		{"on ~x +get reset", "off sanitize-payload resetchannels -@all"},
	} {
		users := few()
		rules, open := Merge(strings.Fields(x.rules))
		if open >= 0 {
			t.Fatalf("%q does not end", x.rules)
		}
		if err := users.Set("u", rules); err != nil {
			t.Errorf("%q: %v", x.rules, err)
			continue
		}
		if got := users.Get("u").String(); got != x.want {
			t.Errorf("%q is printed as\n %s, want\n %s", x.rules, got, x.want)
		}
		wantReadBack(t, users)
	}
}

// wantReadBack writes all users as a file and reads it back.
func wantReadBack(t *testing.T, users *Users) {
	t.Helper()
	text := users.File()
	lines, err := ParseFile("users.acl", text)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	other := few()
	if err := other.Load(lines, ""); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if got := other.File(); got != text {
		t.Errorf("read back as\n%s, written as\n%s", got, text)
	}
	for _, u := range users.All() {
		for _, r := range requests() {
			d1, at1 := u.Check(r)
			d2, at2 := other.Get(u.Name).Check(r)
			if d1 != d2 || at1 != at2 {
				t.Errorf("%s: %q is %v at %d, and after reading back %v at %d", u.Name, r.Args, d1, at1, d2, at2)
			}
		}
	}
}

// requests of each command.
func requests() (all []*Request) {
	for id := range 8 {
		for _, word := range []string{"a", "b", "x"} {
			all = append(all, &Request{Command: id, Args: [][]byte{[]byte("c"), []byte(word)},
				Keys: []Key{{1, Access(id % 4)}}, Channels: Channels{From: 1, To: 2, Patterns: id == 3}})
		}
	}
	return all
}

// A rule that is wrong changes nothing.
func TestWrongRules(t *testing.T) {
	for _, x := range []struct {
		rules string
		want  error
	}{
		{"foo", errSyntax}, {"+", errUnknown}, {"-", errUnknown}, {"+@", errUnknown}, {"+@nosuch", errUnknown}, {"+nosuch", errUnknown},
		{"+client|nosuch", errUnknown}, {"+client|list|x", errFirstOfSub}, {"+client|", errSyntax}, {"+get|", errSyntax}, {"-get|x", errUnknown},
		{"%~x", errSyntax}, {"%", errSyntax}, {"%RR~x", errSyntax}, {"%x~", errSyntax}, {"~* ~x", errAfterAllKeys}, {"~* %R~x", errAfterAllKeys},
		{"&* &x", errAfterAllChan}, {"#abc", errBadHash}, {"!abc", errBadHash}, {"<x", errNoPassword}, {"(+nosuch)", errUnknown}, {"(on)", errSyntax},
		{"(>x)", errSyntax},
	} {
		users := few()
		if err := users.Set("u", []string{"on"}); err != nil {
			t.Fatal(err)
		}
		before := users.File()
		err := users.Set("u", append([]string{"+get", "~z"}, strings.Fields(x.rules)...))
		if err == nil || !errors.Is(err, x.want) {
			t.Errorf("%q: error %v, want %v", x.rules, err, x.want)
		}
		if got := users.File(); got != before {
			t.Errorf("%q left %s", x.rules, got)
		}
	}
	if _, open := Merge([]string{"+get", "(+set", "~a"}); open != 1 {
		t.Errorf("an open selector is at %d", open)
	}
	if _, open := Merge([]string{"(+set", "~a", "(+get", "~b)"}); open != 2 {
		t.Errorf("a selector within a selector is at %d", open)
	}
}

// Passwords are known by their sums, and only while the user is on.
func TestLogIn(t *testing.T) {
	users := few()
	for i, x := range []struct {
		rules, password string
		want            bool
	}{
		{">one", "one", false},
		{"on", "one", true},
		{"", "two", false},
		{">two", "two", true},
		{"", "one", true},
		{"<one", "one", false},
		{"resetpass", "two", false},
		{"nopass", "anything", true},
		{"off", "anything", false},
	} {
		if err := users.Set("u", strings.Fields(x.rules)); err != nil {
			t.Fatal(err)
		}
		if _, ok := users.LogIn([]byte("u"), []byte(x.password)); ok != x.want {
			t.Errorf("step %d: %q may log in: %t", i, x.password, ok)
		}
	}
	if u, ok := users.LogIn([]byte("nobody"), nil); u != nil || ok {
		t.Error("nobody may log in")
	}
}

// The default user is the same one for ever; whether one has to log in is known without a lock.
func TestDefaultUser(t *testing.T) {
	users := few()
	u := users.Default
	if !users.Open() || !users.NoPass() || !u.Mighty {
		t.Error("the default user is not as it should be")
	}
	if err := users.Set(DefaultName, []string{">x", "-get"}); err != nil {
		t.Fatal(err)
	}
	if users.Open() || users.NoPass() || u.Mighty || users.Get(DefaultName) != u {
		t.Error("a password and less rights have no effect")
	}
	if users.Delete(DefaultName) != nil {
		t.Error("the default user can be deleted")
	}
	if err := users.Load([]Line{{"f", 1, []string{"other", "on"}}}, "secret"); err != nil {
		t.Fatal(err)
	}
	if users.Default != u || users.Get(DefaultName) != u || !u.Mighty || users.NoPass() || !u.Knows([]byte("secret")) {
		t.Error("a file without the default user does not leave it to the configuration")
	}
}

// One bad line, and nothing of the file is in force.
func TestBadFiles(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"user a on\nusr b on\n", "f:2: should start with user keyword followed by the username"},
		{"user\n", "f:1: should start with user keyword followed by the username"},
		{"\n# a comment\n", "f:2: should start with user keyword followed by the username"},
		{"user a on\n\nuser a off\n", "f:3: Duplicate user found. A user can only be defined once in config files"},
		{"user a +nosuch +get -alsonot\n", "f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL\n" +
			"f:1: Error in applying operation '-alsonot': Unknown command or category name in ACL"},
		{"user a foo bar\n", "f:1: Syntax error"},
		{"user a (+get\n", "f:1: Unmatched parenthesis in selector definition"},
		{"user a\tb on\n", "f:1: username 'a\tb' contains invalid characters"},
	} {
		users := few()
		before := users.File()
		lines, err := ParseFile("f", x.text)
		if err == nil {
			err = users.Load(lines, "")
		}
		if err == nil || err.Error() != x.want || !errors.Is(err, ErrFile) {
			t.Errorf("%q: error\n %v, want\n %s", x.text, err, x.want)
		}
		if users.File() != before {
			t.Errorf("%q has had an effect", x.text)
		}
	}
}

// Refusals of the same kind within a minute are one entry, the newest first, and there are only so many.
func TestLog(t *testing.T) {
	c := config.New()
	l := Log{most: c.Int("acllog-max-len")}
	add := func(object string, time int64) { l.Add(Entry{Reason: DeniedKey, Object: object, Time: time}) }
	add("a", 0)
	add("b", 1)
	add("a", 60_000)
	add("b", 60_002)
	var got []string
	for _, e := range l.Newest(10) {
		got = append(got, fmt.Sprint(e.Object, e.Count, " ", e.Time))
	}
	if want := "[b1 60002 a2 60000 b1 1]"; fmt.Sprint(got) != want {
		t.Errorf("the log is %v, want %s", got, want)
	}
	if l.Counts[DeniedKey] != 4 || len(l.Newest(1)) != 1 || len(l.Newest(-1)) != 0 {
		t.Error("counts or limits are wrong")
	}
	if err := c.Set(config.RunTime, "acllog-max-len", "2"); err != nil {
		t.Fatal(err)
	}
	add("c", 60_003)
	if len(l.Newest(10)) != 2 {
		t.Error("the log is longer than it may be")
	}
	l.Reset()
	if len(l.Newest(10)) != 0 || l.Counts[DeniedKey] != 5 {
		t.Error("Reset forgets too little or too much")
	}
}

// A guesser waits longer and longer, up to a limit; a quiet minute, and it is forgotten.
func TestGuesses(t *testing.T) {
	var g Guesses
	now := int64(1_000_000)
	var delays []int64
	for range 18 {
		delays = append(delays, g.Delay("10.0.0.1:1000", now))
		g.Failed("10.0.0.1:2000", now)
		now++
	}
	if want := "[0 0 0 0 0 0 0 0 0 0 10 20 40 80 160 320 500 500]"; fmt.Sprint(delays) != want {
		t.Errorf("delays are %v, want %s", delays, want)
	}
	if g.Delay("10.0.0.2:1", now) != 0 || g.Delay("10.0.0.1:1", now+guessForget) != 0 {
		t.Error("others wait, or nothing is forgotten")
	}
	for i := range guessAddresses + 10 {
		g.Failed(fmt.Sprintf("10.1.%d.%d:1", i/256, i%256), now)
	}
	if len(g.failures) > guessAddresses {
		t.Errorf("%d addresses are remembered", len(g.failures))
	}
}

// FuzzRules: whatever is said of a user, what is printed is read back to the same rights.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{"on >x ~a +get", "+@all -@read (~a) +get|x", `(~"a)" +set) %R~x`, "( ( ) )", "(~a( &b\" +get|\\)", "#" + strings.Repeat("a", 64)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, open := Merge(strings.Split(text, " "))
		if open >= 0 {
			return
		}
		users := few()
		if err := users.Set("u", rules); err != nil {
			return
		}
		wantReadBack(t, users)
	})
}

// FuzzFile: a file is read or refused; what was read is written and read back.
func FuzzFile(f *testing.F) {
	f.Add("user a on nopass ~* +@all\nuser default off\n\nuser b (+get ~x) #00\n")
	f.Add("user a (~b\tuser b)\r\n user  x\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := ParseFile("f", text)
		if err != nil {
			return
		}
		users := few()
		if err := users.Load(lines, "p"); err != nil {
			return
		}
		wantReadBack(t, users)
	})
}
