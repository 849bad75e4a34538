package commands

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"holdfast/resp"
)

// target plays the other server: it answers what it is told to, and keeps what it was asked.
type target struct {
	port  string
	asked chan string // a line for each request
}

// newTarget answers each request with the next of the replies, and closes the connection when there are no more.
func newTarget(t *testing.T, replies ...string) *target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := &target{port: port, asked: make(chan string, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := resp.NewDecoder(bufio.NewReader(conn)) // a request has the form of a reply
		for _, reply := range replies {
			request, err := in.Decode()
			if err != nil {
				return
			}
			var words []string
			for i, e := range request.Elems {
				if string(request.Elems[0].Str) == "RESTORE" && i == 3 {
					continue // the payload
				}
				words = append(words, string(e.Str))
			}
			o.asked <- strings.Join(words, " ")
			if _, err := conn.Write([]byte(reply + "\r\n")); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // it may have accepted nobody
		<-done
	})
	return o
}

func (o *target) expect(t *testing.T, requests ...string) {
	t.Helper()
	for _, want := range requests {
		if got := <-o.asked; got != want {
			t.Errorf("asked for %q, wanted %q", got, want)
		}
	}
}

func TestMigrate(t *testing.T) {
	for _, x := range []struct {
		name, line string // PORT stands for the port
		replies    []string
		requests   []string
		reply      string
		log        []string
	}{
		{
			"one key", "MIGRATE 127.0.0.1 PORT a 3 5000", []string{"+OK", "+OK"},
			[]string{"SELECT 3", "RESTORE a 0"}, "+OK", []string{"DEL a"},
		},
		{
			"some keys, one with a deadline, one missing, one named twice", "MIGRATE 127.0.0.1 PORT '' 0 5000 REPLACE KEYS a ttl missing a",
			[]string{"+OK", "+OK", "+OK", "+OK"},
			[]string{"SELECT 0", "RESTORE a 0 REPLACE", "RESTORE ttl 10000 REPLACE", "RESTORE a 0 REPLACE"}, "+OK", []string{"DEL a ; DEL ttl"},
		},
		{
			"a copy, with a password", "MIGRATE 127.0.0.1 PORT s 0 5000 COPY AUTH2 u p", []string{"+OK", "+OK", "+OK"},
			[]string{"AUTH u p", "SELECT 0", "RESTORE s 0"}, "+OK", nil,
		},
		{
			"one is refused", "MIGRATE 127.0.0.1 PORT '' 0 5000 AUTH p KEYS a b s", []string{"+OK", "+OK", "+OK", "-BUSYKEY it is there", "+OK"},
			[]string{"AUTH p", "SELECT 0"}, "-ERR Target instance replied with error: BUSYKEY it is there", []string{"DEL a ; DEL s"},
		},
		{
			"a wrong database", "MIGRATE 127.0.0.1 PORT a 99 5000", []string{"-ERR no such database", "+OK"},
			[]string{"SELECT 99"}, "-ERR Target instance replied with error: ERR no such database", nil,
		},
		{
			"something else than OK", "MIGRATE 127.0.0.1 PORT a 0 5000", []string{"+OK", ":1"},
			nil, "-ERR Target instance replied with error: no OK, but something else", nil,
		},
		{
			"the end in the middle", "MIGRATE 127.0.0.1 PORT '' 0 5000 KEYS a b s", []string{"+OK", "+OK"},
			nil, "-IOERR error or timeout reading to target instance", []string{"DEL a"},
		},
		{
			"no reply", "MIGRATE 127.0.0.1 PORT a 0 5000", []string{"this is no reply"},
			nil, "-IOERR error or timeout reading to target instance", nil,
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := newServer(t)
			for _, line := range []string{"SET a 1", "SET b 2", "SET ttl 3 PX 10000", "XADD s 1-1 f v"} {
				k.do(line)
			}
			k.takeLog()
			o := newTarget(t, x.replies...)
			if got := k.do(strings.ReplaceAll(x.line, "PORT", o.port)); got != "" {
				t.Fatalf("replied %s before the other server did", got)
			}
			k.endApart()
			if got := delivered(k.user); got != x.reply {
				t.Errorf("replied %s\nwanted  %s", got, x.reply)
			}
			o.expect(t, x.requests...)
			k.expectLog(x.log...)
		})
	}
}

// What changes while the other server is asked stays.
func TestMigrateLeavesWhatChanges(t *testing.T) {
	for _, line := range []string{
		"SET a 2", "PEXPIRE a 100000", "DEL a", "FLUSHALL", "XACK s g 1-1", "XGROUP DESTROY s g", "SWAPDB 0 1",
	} {
		k := newServer(t)
		for _, line := range []string{"SET a 1", "XADD s 1-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"} {
			k.do(line)
		}
		o := newTarget(t, "+OK", "+OK", "+OK")
		k.do("MIGRATE 127.0.0.1 " + o.port + " '' 0 5000 KEYS a s")
		k.as(k.join(), line)
		k.takeLog()
		k.endApart()
		if got := delivered(k.user); !strings.HasPrefix(got, "-ERR keys changed while they were on their way") {
			t.Errorf("%s meanwhile, and MIGRATE replied %s", line, got)
		}
		for _, record := range k.takeLog() {
			if strings.Contains(record, "DEL a") == strings.Contains(line, " a ") && strings.Contains(record, "DEL s") == strings.Contains(line, " s ") {
				t.Errorf("%s meanwhile, and MIGRATE logged %s", line, record)
			}
		}
		if len(k.world.Watches.clients) > 0 {
			t.Error("a watch was left behind")
		}
	}
}

// A key that expires meanwhile has expired at the other server too, and its client may be gone.
func TestMigrateOfWhatExpires(t *testing.T) {
	k := newServer(t)
	k.do("SET a 1 PX 50")
	o := newTarget(t, "+OK", "+OK")
	k.do("MIGRATE 127.0.0.1 " + o.port + " a 0 5000")
	k.advance(60)
	k.expect("ECHO x", "$1 x")
	k.endApart()
	if got := delivered(k.user); got != "+OK" {
		t.Errorf("replied %s", got)
	}
}

// What somebody put in the place of a key that was to expire is not that key, however long its deadline has passed.
func TestMigrateLeavesWhatReplacesAKeyThatExpires(t *testing.T) {
	for _, meanwhile := range [][]string{{"SET a new"}, {"ECHO x", "SET a new"}, {"PERSIST a"}, {"PEXPIRE a 100000"}} {
		k := newServer(t)
		k.do("SET a 1 PX 50")
		o := newTarget(t, "+OK", "+OK")
		k.do("MIGRATE 127.0.0.1 " + o.port + " a 0 5000")
		for _, line := range meanwhile {
			if line == "ECHO x" {
				k.advance(60)
			}
			k.as(k.join(), line)
		}
		k.advance(60)
		k.takeLog()
		k.endApart()
		if got := delivered(k.user); !strings.HasPrefix(got, "-ERR keys changed while they were on their way") {
			t.Errorf("%q meanwhile, and MIGRATE replied %s", meanwhile, got)
		}
		k.expectLog()
		k.expect("EXISTS a", ":1")
	}
}

func TestMigrateHoldsUpNobody(t *testing.T) {
	k := newServer(t)
	k.expectAll([]step{
		{"SET a 1", "+OK"},
		{"MULTI", "+OK"},
		{"MIGRATE 127.0.0.1 1 a 0 1000", "+QUEUED"},
		{"MIGRATE 127.0.0.1 1 missing 0 1000", "+QUEUED"},
		{"EXEC", "*2 -" + resp.ErrMigrateNested + " +NOKEY"},
	})
	if len(k.apart) > 0 || len(k.world.Watches.clients) > 0 {
		t.Error("something was begun")
	}
	k.do("MIGRATE 127.0.0.1 1 a 0 1000") // nobody listens there
	k.endApart()
	if got := delivered(k.user); got != "-IOERR error or timeout writing to target instance" {
		t.Errorf("replied %s", got)
	}
}
