package integration

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Keys of every kind go to a real redis-server and come back, by one MIGRATE each way, with their digests and deadlines.
func TestMigrateThereAndBack(t *testing.T) {
	options := Options{Dir: t.TempDir()}
	here, there := start(t, subject, options), start(t, model, Options{})
	ours, theirs := dial(t, here.Addr), dial(t, there.Addr)
	for _, args := range dumped() {
		must(t, ours, args...)
	}
	must(t, ours, "SET", "ttl", "v", "PX", "1000000")
	must(t, ours, "PEXPIRE", "hash:5", "2000000")
	var names []string
	digests, before := map[string]string{}, lastLSN(t, ours)
	for _, e := range must(t, ours, "KEYS", "*").Elems {
		names = append(names, e.Text)
	}
	slices.Sort(names)
	for _, name := range names {
		digests[name] = must(t, ours, "DEBUG", "DIGEST-VALUE", name).Elems[0].Text
	}
	move := func(from *Conn, to string, options ...string) {
		t.Helper()
		host, port, err := net.SplitHostPort(to)
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"MIGRATE", host, port, "", "3", "10000"}, options...)
		if reply := must(t, from, append(append(args, "KEYS"), names...)...); reply.Text != "OK" {
			t.Fatal(reply)
		}
	}
	check := func(where string, c *Conn) {
		t.Helper()
		must(t, c, "SELECT", "3")
		for _, name := range names {
			if got := must(t, c, "DEBUG", "DIGEST-VALUE", name).Elems[0].Text; got != digests[name] {
				t.Errorf("%s, %s: the digest is %s, and was %s", where, name, got, digests[name])
			}
		}
		for name, most := range map[string]int64{"ttl": 1_000_000, "hash:5": 2_000_000, "string:1": -1} {
			left := number(t, must(t, c, "PTTL", name))
			if left > most || most > 0 && left < most-100_000 {
				t.Errorf("%s, %s has %d ms left", where, name, left)
			}
		}
	}
	move(ours, there.Addr, "COPY")
	if got := number(t, must(t, ours, "DBSIZE")); got != int64(len(names)) {
		t.Errorf("after COPY %d keys are left, of %d", got, len(names))
	}
	move(ours, there.Addr, "REPLACE")
	check("there", theirs)
	if got := number(t, must(t, ours, "DBSIZE")); got != 0 {
		t.Errorf("%d keys are left", got)
	}
	if got := lastLSN(t, ours); got != before+1 {
		t.Errorf("their going took %d records", got-before)
	}
	move(theirs, here.Addr)
	check("back", ours)
	here.Kill()
	check("after a kill", dial(t, start(t, subject, options).Addr))
}

// What goes wrong is told in Redis's words, and nothing is lost by it; meanwhile others are served.
func TestMigrateThatFails(t *testing.T) {
	here, there := start(t, subject, Options{}), start(t, model, Options{Extra: []string{"--requirepass", "secret"}})
	ours, other := dial(t, here.Addr), dial(t, here.Addr)
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	short, err := net.Listen("tcp", "127.0.0.1:0") // ends them at once
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	go func() {
		for {
			c, err := short.Accept()
			if err != nil {
				return
			}
			_ = c.Close() // the peer may be gone
		}
	}()
	must(t, ours, "SET", "k", "v")
	must(t, ours, "SET", "l", "w")
	theirs := dial(t, there.Addr)
	must(t, theirs, "AUTH", "secret")
	must(t, theirs, "SET", "k", "taken")
	closed, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	port := func(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }
	for _, x := range []struct{ name, command, reply string }{
		{"a closed port", "127.0.0.1 CLOSED k 0 100", "IOERR error or timeout writing to target instance"},
		{"one that hangs", "127.0.0.1 " + port(deaf.Addr().String()) + " k 0 50", "IOERR error or timeout reading to target instance"},
		{"one that dies", "127.0.0.1 " + port(short.Addr().String()) + " k 0 1000", "IOERR error or timeout reading to target instance"},
		{"no such host", "no.such.host.invalid 1 k 0 100", "IOERR error or timeout connecting to the client"},
		{"no password", "127.0.0.1 THERE k 0 1000", "ERR Target instance replied with error: NOAUTH Authentication required."},
		{"a wrong one", "127.0.0.1 THERE k 0 1000 AUTH wrong", "ERR Target instance replied with error: WRONGPASS invalid username-password pair or user is disabled."},
		{"a taken name", "127.0.0.1 THERE k 0 1000 AUTH2 default secret", "ERR Target instance replied with error: BUSYKEY Target key name already exists."},
		{"no such database", "127.0.0.1 THERE k 99 1000 AUTH secret", "ERR Target instance replied with error: ERR DB index is out of range"},
	} {
		command := strings.NewReplacer("THERE", port(there.Addr), "CLOSED", strconv.Itoa(closed)).Replace(x.command)
		reply, err := ours.Do(append([]string{"MIGRATE"}, strings.Fields(command)...)...)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Text != x.reply {
			t.Errorf("%s: replied %q, wanted %q", x.name, reply.Text, x.reply)
		}
	}
	if got := must(t, ours, "GET", "k").Text; got != "v" {
		t.Errorf("the key holds %q", got)
	}
	reply, err := ours.Do("MIGRATE", "127.0.0.1", port(there.Addr), "", "0", "1000", "AUTH", "secret", "KEYS", "k", "l")
	if err != nil || !strings.HasPrefix(reply.Text, "ERR Target instance replied with error: BUSYKEY") {
		t.Error(reply, err)
	}
	if got := must(t, ours, "KEYS", "*"); len(got.Elems) != 1 || got.Elems[0].Text != "k" || must(t, theirs, "GET", "l").Text != "w" {
		t.Errorf("left are %v", got)
	}
	leavesAlone(t, ours, other, port(deaf.Addr().String()))
}

// leavesAlone has a MIGRATE wait, changes its key meanwhile, and moves a key to its own server.
func leavesAlone(t *testing.T, ours, other *Conn, deaf string) {
	t.Helper()
	if err := ours.Send("MIGRATE", "127.0.0.1", deaf, "k", "0", "300"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	must(t, other, "APPEND", "k", "!")
	if took := time.Since(began); took > 250*time.Millisecond {
		t.Error("another client waited for", took)
	}
	if reply, err := ours.Read(); err != nil || !strings.HasPrefix(reply.Text, "IOERR") {
		t.Error(reply, err)
	}
	own := ours.net.RemoteAddr().String()
	reply, err := ours.Do("MIGRATE", "127.0.0.1", own[strings.LastIndex(own, ":")+1:], "k", "0", "1000", "REPLACE")
	if err != nil || !strings.HasPrefix(reply.Text, "ERR keys changed while they were on their way") {
		t.Error("to itself:", reply, err)
	}
	if got := must(t, other, "GET", "k").Text; got != "v!" {
		t.Errorf("the key holds %q", got)
	}
}

func number(t *testing.T, r Reply) int64 {
	t.Helper()
	n, err := strconv.ParseInt(r.Text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
