package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pair is a connection to each server.
type pair struct {
	t            *testing.T
	ours, theirs *Conn
}

// pairOf starts both servers.
func pairOf(t *testing.T, extra ...string) *pair {
	t.Helper()
	dial := func(p Program) *Conn {
		c, err := Dial(start(t, p, Options{Dir: t.TempDir(), Extra: extra}).Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // a socket
		return c
	}
	return &pair{t, dial(subject), dial(model)}
}

func (p *pair) ask(words ...string) (ours, theirs Reply) {
	p.t.Helper()
	ours, err := p.ours.Do(words...)
	if err != nil {
		p.t.Fatal(words, err)
	}
	theirs, err = p.theirs.Do(words...)
	if err != nil {
		p.t.Fatal(words, err)
	}
	return ours, theirs
}

// same asks both and wants the same bytes.
func (p *pair) same(words ...string) Reply {
	p.t.Helper()
	ours, theirs := p.ask(words...)
	if string(ours.Raw) != string(theirs.Raw) {
		p.t.Errorf("%q:\n ours   %q\n theirs %q", words, ours.Raw, theirs.Raw)
	}
	return theirs
}

func texts(r Reply) (all []string) {
	for _, e := range r.Elems {
		all = append(all, e.Text)
	}
	return all
}

// Each category has the commands that it has in Redis, as far as both have them.
func TestACLCategories(t *testing.T) {
	t.Parallel()
	p := pairOf(t)
	ourNames, theirNames := p.ask("COMMAND", "LIST")
	both := map[string]bool{}
	for _, name := range texts(ourNames) {
		both[name] = slices.Contains(texts(theirNames), name)
	}
	for _, category := range texts(p.same("ACL", "CAT")) {
		ours, theirs := p.ask("ACL", "CAT", category)
		filter := func(r Reply) []string {
			names := slices.DeleteFunc(texts(r), func(name string) bool { return !both[name] })
			slices.Sort(names)
			return names
		}
		if o, r := filter(ours), filter(theirs); !slices.Equal(o, r) {
			t.Errorf("%s is\n %v, in Redis\n %v", category, o, r)
		}
	}
}

// Random rules get the same replies from both servers, and are printed in the same way.
func TestACLRules(t *testing.T) {
	t.Parallel()
	p := pairOf(t)
	ours, theirs := p.ask("COMMAND", "LIST")
	known := texts(theirs)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	words := ruleWords(rng, slices.DeleteFunc(texts(ours), func(name string) bool { return !slices.Contains(known, name) }))
	for range 400 {
		rules := []string{"ACL", "SETUSER", "u"}
		if rng.IntN(4) == 0 {
			rules = append(rules, "reset")
		}
		for range rng.IntN(8) {
			rules = append(rules, words())
		}
		if opened(rules) > 1 {
			continue // docs/compatibility.md tells of it
		}
		p.same(rules...)
		ours, theirs := p.ask("ACL", "LIST")
		for i := range theirs.Elems {
			o, r := normal(ours.Elems[i].Text, known), normal(theirs.Elems[i].Text, known)
			if o != r {
				t.Fatalf("after %q:\n ours   %s\n theirs %s", rules, o, r)
			}
		}
	}
}

// opened counts the selectors that begin in one word and end in another.
func opened(rules []string) (n int) {
	for _, rule := range rules {
		if strings.HasPrefix(rule, "(") && !strings.HasSuffix(rule, ")") {
			n++
		}
	}
	return n
}

// ruleWords makes rules, of which a few are wrong.
func ruleWords(rng *rand.Rand, commands []string) func() string {
	categories := []string{"read", "write", "fast", "slow", "hash", "string", "admin", "dangerous", "keyspace", "all", "connection", "nosuch", "PubSub", "geo"}
	some := func(of ...string) string { return of[rng.IntN(len(of))] }
	command := func() string {
		switch rng.IntN(12) {
		case 0:
			return some("get|x", "client|", "nosuch", "", "client|list|x", "config|nosuch", "select|1", "GET", "Client|List")
		case 1:
			return some("replicaof", "cluster|info", "psync", "subscribe", "eval", "cluster")
		}
		return some(commands...)
	}
	inner := func() string {
		switch rng.IntN(10) {
		case 0, 1, 2:
			return some("+", "-") + command()
		case 3, 4, 5:
			return some("+", "-") + "@" + some(categories...)
		case 6:
			return some("~", "%R~", "%W~", "%RW~", "%rw~", "%", "%x~", "%~", "%RR~") + some("a*", "b", "", "*", "[a-c]?", "a\"b", "\\*")
		case 7:
			return "&" + some("a*", "b", "", "*")
		case 8:
			return some("allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "NOCOMMANDS")
		}
		return some("foo", "~a b", "&a\tb", "")
	}
	return func() string {
		switch rng.IntN(12) {
		case 0:
			return some("on", "off", "ON", "nopass", "resetpass", "reset", "sanitize-payload", "skip-sanitize-payload", "clearselectors")
		case 1:
			return some(">", "<", "#", "!") + some("a", "b", strings.Repeat("0", 64), strings.Repeat("g", 64), "")
		case 2:
			return "(" + inner() + " " + inner() + ")"
		case 3:
			return some("(", ")", "()", "( )", "(+get", "~x)", "((+get))", "(on)", `("+get" ~x)`, `("+get)`, "(~x (~y))")
		}
		return inner()
	}
}

// normal is a line of ACL LIST with single commands in order, since Redis prints them in the order of hashes, and without
// those that Redis does not have.
func normal(line string, known []string) string {
	var sorted, single []string
	flush := func() {
		slices.Sort(single)
		sorted, single = append(sorted, single...), nil
	}
	for _, word := range strings.Fields(line) {
		name := strings.Trim(word, "()+-")
		if (word[0] == '+' || word[0] == '-') && !strings.HasPrefix(name, "@") {
			command, first, _ := strings.Cut(name, "|")
			isContainer := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, command+"|") })
			if slices.Contains(known, name) || slices.Contains(known, command) && first != "" && !isContainer {
				single = append(single, strings.TrimRight(word, ")"))
			}
			if !strings.HasSuffix(word, ")") {
				continue
			}
			word = ")"
		}
		flush()
		sorted = append(sorted, strings.TrimSuffix(word, ")"))
		if strings.HasSuffix(word, ")") {
			sorted = append(sorted, ")")
		}
	}
	flush()
	return strings.Join(slices.DeleteFunc(sorted, func(w string) bool { return w == "" }), " ")
}

// A file of users is read at the start and by ACL LOAD, whole or not at all, and written by ACL SAVE.
func TestACLFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users.acl")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const good = "user alice on nopass ~a* +get\n\nuser default on nopass ~* &* +@all\n"
	write(good)
	p := pairOf(t, "--aclfile", path)
	p.same("ACL", "LIST")
	for _, bad := range []string{
		"user alice on\nusr bob on\n", "user alice +nosuch -neither\n", "user alice (+get\n", "user alice foo bar +nosuch\n", "user\n",
	} {
		write(bad)
		ours, theirs := p.ask("ACL", "LOAD") // punctuation apart
		mild := strings.NewReplacer(":", "", " ", "", ".", "")
		if o, r := mild.Replace(ours.Text), mild.Replace(theirs.Text); o != r {
			t.Errorf("%q is refused by\n %s, by Redis by\n %s", bad, ours.Text, theirs.Text)
		}
		p.same("ACL", "LIST")
	}
	write("user carol on >x +get ~c\n")
	p.same("ACL", "LOAD")
	p.same("ACL", "LIST")
	p.same("ACL", "SETUSER", "dave", "on", ">y", "(+set ~d)")
	p.same("ACL", "SAVE")
	theirs := readText(t, path)
	if _, err := p.ours.Do("ACL", "SAVE"); err != nil {
		t.Fatal(err)
	}
	if ours := readText(t, path); ours != theirs {
		t.Errorf("saved as\n%s, by Redis as\n%s", ours, theirs)
	}
	p.same("ACL", "LOAD")
	p.same("ACL", "LIST")
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("beside the file of users is something else: %v %v", names, err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// One bad line refuses the start, with file, line and reason.
func TestACLFileRefusesTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "users.acl")
	if err := os.WriteFile(path, []byte("user alice on\nuser bob +nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse := func(says []string, extra ...string) {
		t.Helper()
		expectRefusal(t, refusal{options: Options{Dir: t.TempDir(), Extra: extra}, code: []int{exitUsage}, says: says})
	}
	refuse([]string{path + ":2:", "+nosuch", "unknown command"}, "--aclfile", path)
	refuse([]string{path + ".missing", "no such file"}, "--aclfile", path+".missing")
	conf := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(conf, []byte("hz 10\nuser alice on +@nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse([]string{conf + ":2:", "+@nosuch"}, "--config", conf)
	refuse([]string{"users are both in the configuration and in an aclfile", conf + ":2"}, "--config", conf, "--aclfile", path)
}

// Users of the configuration file come back by CONFIG REWRITE and a restart.
func TestACLInTheConfiguration(t *testing.T) {
	t.Parallel()
	conf := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(conf, []byte("# mine\nrequirepass secret\nuser alice on >pass ~a* \"(+set ~b)\" +get\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	options := Options{Dir: t.TempDir(), Extra: []string{"--config", conf, "--requirepass", "secret"}}
	ask := func(c *Conn, words ...string) string {
		t.Helper()
		r, err := c.Do(words...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(append(texts(r), r.Text), "\n")
	}
	open := func() (*Process, *Conn) {
		proc := start(t, subject, options)
		c, err := Dial(proc.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // a socket
		ask(c, "AUTH", "secret")
		return proc, c
	}
	proc, c := open()
	if got := ask(c, "ACL", "LIST"); !strings.Contains(got, "user alice on #") || !strings.Contains(got, "(~b resetchannels -@all +set)") {
		t.Errorf("the users are\n%s", got)
	}
	for _, words := range [][]string{{"ACL", "SETUSER", "bob", "on", "nopass", `(~x"y +get)`}, {"ACL", "SETUSER", "alice", "-get"}, {"CONFIG", "REWRITE"}} {
		if got := ask(c, words...); got != "OK" {
			t.Errorf("%q: %s", words, got)
		}
	}
	before := ask(c, "ACL", "LIST")
	if text := readText(t, conf); !strings.HasPrefix(text, "# mine\nrequirepass secret\nuser alice on \"#") || strings.Contains(text, "user default") {
		t.Errorf("rewritten to\n%s", text)
	}
	if _, err := proc.Stop(); err != nil {
		t.Fatal(err)
	}
	_, c = open()
	if after := ask(c, "ACL", "LIST"); after != before {
		t.Errorf("the users are after a restart\n%s, before it\n%s", after, before)
	}
}

// Who guesses passwords waits longer and longer; who has another connection open does not.
func TestPasswordGuesser(t *testing.T) {
	t.Parallel()
	proc := start(t, subject, Options{Dir: t.TempDir(), Extra: []string{"--requirepass", "secret"}})
	dial := func() *Conn {
		c, err := Dial(proc.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // a socket
		return c
	}
	want := func(c *Conn, reply string, words ...string) {
		t.Helper()
		if r, err := c.Do(words...); err != nil || !strings.HasPrefix(string(r.Raw), reply) {
			t.Fatalf("%q: %q %v, want %q", words, r.Raw, err, reply)
		}
	}
	good, guesser := dial(), dial()
	want(good, "+OK", "AUTH", "secret")
	for i := range 16 {
		want(guesser, "-WRONGPASS", "AUTH", fmt.Sprint("guess", i))
	}
	// The next guess, and the right password too, are answered later. The wait is seen from another connection.
	for _, words := range [][]string{{"AUTH", "wrong"}, {"HELLO", "3", "AUTH", "default", "secret"}} {
		if err := guesser.Send(words...); err != nil {
			t.Fatal(err)
		}
		if err := guesser.Send("PING"); err != nil {
			t.Fatal(err)
		}
		awaitBlocked(t, good)
		want(good, "+PONG", "PING")
		if r, err := guesser.Read(); err != nil || r.Kind != '-' && r.Kind != '%' {
			t.Fatalf("%q: %q %v", words, r.Raw, err)
		}
		if r, err := guesser.Read(); err != nil || r.Text != "PONG" && !strings.HasPrefix(r.Text, "NOAUTH") {
			t.Fatalf("%q: %q %v", words, r.Raw, err)
		}
	}
	r, err := good.Do("ACL", "LOG", "100")
	if err != nil || len(r.Elems) != 1 || r.Elems[0].Elems[1].Text != "17" {
		t.Errorf("the log is %v %v", r, err)
	}
}

// awaitBlocked waits until the server counts a client that waits.
func awaitBlocked(t *testing.T, c *Conn) {
	t.Helper()
	for range 100_000 {
		r, err := c.Do("INFO", "clients")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.Text, "blocked_clients:1") {
			return
		}
	}
	t.Fatal("nobody waits")
}

// redis-cli, redis-benchmark and holdfast cli log in as a user over TLS, and may do what the user may.
func TestACLOverTLS(t *testing.T) {
	if twins {
		t.Skip("of holdfast's TLS")
	}
	t.Parallel()
	_, port, dir, _ := secureServer(t)
	binary, _ := subject.Args(Options{}, 0)
	file := func(name string) string { return filepath.Join(dir, name) }
	tls := []string{"-h", "127.0.0.1", "-p", port, "--tls", "--cacert", file("ca.crt"), "--cert", file("client.crt"), "--key", file("client.key")}
	cli := func(words ...string) (string, bool) {
		return ran(t, "redis-cli", append(slices.Clone(tls), words...)...)
	}
	for _, words := range [][]string{
		{"ACL", "SETUSER", "bench", "on", ">secret", "~key:*", "+get", "+set", "+config|get", "+ping"},
		{"ACL", "SETUSER", "admin", "on", ">top", "~*", "&*", "+@all"},
		{"ACL", "SETUSER", "default", "off"},
	} {
		if out, ok := cli(words...); !ok || out != "OK\n" {
			t.Fatalf("%q: %s", words, out)
		}
	}
	for _, x := range []struct {
		user, password string
		words          []string
		want           string
	}{
		{"bench", "secret", []string{"SET", "key:1", "x"}, "OK"},
		{"bench", "secret", []string{"SET", "other", "x"}, "NOPERM this user has no permissions to access one of the keys used as arguments"},
		{"bench", "secret", []string{"FLUSHALL"}, "NOPERM this user has no permissions to run the 'flushall' command"},
		{"admin", "top", []string{"ACL", "WHOAMI"}, "admin"},
		{"bench", "wrong", []string{"PING"}, "WRONGPASS"},
	} {
		login := append([]string{"--user", x.user, "--pass", x.password}, x.words...)
		if out, _ := cli(append([]string{"--no-auth-warning"}, login...)...); !strings.Contains(out, x.want) {
			t.Errorf("redis-cli %q: %s, want %s", login, out, x.want)
		}
		if out, _ := ran(t, binary, slices.Concat([]string{"cli"}, tls, login)...); !strings.Contains(out, x.want) {
			t.Errorf("holdfast cli %q: %s, want %s", login, out, x.want)
		}
	}
	if out, _ := cli("PING"); !strings.Contains(out, "NOAUTH") {
		t.Errorf("without a user: %s", out)
	}
	out, ok := ran(t, "redis-benchmark", slices.Concat(tls, []string{"--user", "bench", "-a", "secret", "-c", "20", "-n", "2000", "-P", "4", "-t", "set,get", "-q"})...)
	if !ok || !strings.Contains(out, "SET: ") || !strings.Contains(out, "GET: ") || strings.Contains(out, "rror") {
		t.Errorf("redis-benchmark: %s", out)
	}
}

// What is refused is in ACL LOG, entry by entry as in Redis.
func TestACLLog(t *testing.T) {
	t.Parallel()
	p := pairOf(t)
	p.same("ACL", "SETUSER", "w", "on", ">pw", "+get", "+multi", "+exec", "+auth", "+eval", "+acl|log", "+publish", "~a*", "&c*")
	p.same("AUTH", "w", "pw")
	for _, line := range []string{
		"GET b", "SET a 1", "GET b", "PUBLISH x m", "MULTI", "GET c", "EXEC", "EVAL redis.call('get','d') 0", "AUTH w no", "auth nobody no",
		"CLIENT LIST", "GET b", "get e", "get f", "get g", "get h", "get i", "get j", "get k", "GET c", "AUTH w no", "HELLO 3 AUTH w no",
	} {
		p.same(strings.Fields(line)...)
	}
	for _, words := range [][]string{{"ACL", "LOG"}, {"ACL", "LOG", "3"}, {"ACL", "LOG", "1000"}} {
		ours, theirs := p.ask(words...)
		if o, r := entries(ours), entries(theirs); o != r {
			t.Errorf("%q:\n ours   %s\n theirs %s", words, o, r)
		}
	}
}

// entries are those of ACL LOG without what differs from run to run.
func entries(r Reply) string {
	var all []string
	for _, e := range r.Elems {
		var fields []string
		for i := 0; i+1 < len(e.Elems); i += 2 {
			name, value := e.Elems[i].Text, e.Elems[i+1].Text
			if name == "age-seconds" {
				value = ""
			}
			if name == "client-info" {
				value = value[strings.Index(value, " cmd="):]
				value, _, _ = strings.Cut(value, " redir=")
			}
			fields = append(fields, name+"="+value)
		}
		all = append(all, strings.Join(fields, " "))
	}
	return strings.Join(all, "\n")
}
