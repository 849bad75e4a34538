package client

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestConnectTellsUserProtocolAndDatabase(t *testing.T) {
	server := newFakeServer(t, script(nil))
	server.target.User, server.target.Password, server.target.Protocol, server.target.DB = "ann", "secret", 3, 2
	session, _ := newSession(t, server)
	if err := session.Do("PING"); err != nil {
		t.Fatal(err)
	}
	if got, want := server.commands(), "AUTH ann secret\nHELLO 3\nSELECT 2\nPING"; got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

// A refusal is an error, but the connection stands, and the target says how: nobody logged in, database 0.
func TestConnectRefused(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{"AUTH wrong": "-WRONGPASS no\r\n"}))
	server.target.Password, server.target.DB = "wrong", 2
	session, _ := newSession(t, server)
	if err := session.Do("PING"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Fatalf("got %v, want ErrRefused with the server's words", err)
	}
	if err := session.Do("PING"); err != nil {
		t.Fatal(err)
	}
	if got, want := server.commands(), "AUTH wrong\nPING"; got != want || session.Target.DB != 0 {
		t.Errorf("sent %q, database %d", got, session.Target.DB)
	}
}

func TestNoConnection(t *testing.T) {
	for _, c := range []struct {
		target Target
		want   string
	}{
		{Target{Host: "127.0.0.1", Port: 1}, "holdfast serve"},
		{Target{Socket: "/nowhere/at.all"}, "there is no socket at /nowhere/at.all"},
	} {
		session := &Session{Target: c.target, Out: io.Discard, Now: time.Now}
		if err := session.Do("PING"); !errors.Is(err, ErrConnect) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.target, err)
		}
	}
}

func TestErrorReplyIsPrintedAndReturned(t *testing.T) {
	session, out := newSession(t, newFakeServer(t, script(map[string]string{"GET": "-ERR arity\r\n"})))
	if err := session.Do("GET"); !errors.Is(err, ErrReply) {
		t.Errorf("got %v, want ErrReply", err)
	}
	if out.String() != "(error) ERR arity\n" {
		t.Errorf("printed %q", out)
	}
}

// A connection that ends before anything in RESP has come may have gone to a TLS port, one that ends later has not.
func TestPlainWordsToATLSPort(t *testing.T) {
	const alert = "\x15\x03\x01\x00\x02\x02\x46" // what TLS says to plain words
	for _, c := range []struct {
		first  []string
		answer string
		hint   bool
	}{{nil, hangUp, true}, {nil, alert + "\r\n", true}, {[]string{"PING"}, hangUp, false}} {
		server := newFakeServer(t, func(args []string) string {
			if args[0] == "PING" {
				return "+PONG\r\n"
			}
			return c.answer
		})
		session := &Session{Target: server.target, Out: io.Discard, Now: time.Now}
		if c.first != nil {
			if err := session.Do(c.first...); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.Do("GET", "a"); !errors.Is(err, ErrLost) || strings.Contains(err.Error(), "wants --tls") != c.hint {
			t.Errorf("after %q, on %q: %v; a hint: %t", c.first, c.answer, err, c.hint)
		}
	}
}

// A connection lost while waiting: the command may have been carried out, so it is not sent again.
func TestLostReplyIsNotAskedForAgain(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{"INCR a": hangUp}))
	session, _ := newSession(t, server)
	if err := session.Do("INCR", "a"); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "not sent again") {
		t.Errorf("got %v, want ErrLost", err)
	}
	if got := server.commands(); got != "INCR a" {
		t.Errorf("sent %q", got)
	}
	if err := session.Do("PING"); err != nil {
		t.Errorf("the next command found no new connection: %v", err)
	}
}

func TestShutdownEndsTheConnection(t *testing.T) {
	session, _ := newSession(t, newFakeServer(t, script(map[string]string{"SHUTDOWN": hangUp})))
	if err := session.Do("SHUTDOWN"); err != nil {
		t.Error(err)
	}
}

// A connection that ended between two commands is replaced before the second is sent, in the same database.
func TestConnectionLostWhileIdleIsReplaced(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{"PING": "+PONG\r\n"}))
	session, _ := newSession(t, server)
	for _, command := range []string{"SELECT 5", "PING"} {
		if err := session.Do(strings.Fields(command)...); err != nil {
			t.Fatal(err)
		}
	}
	session.conn.nc.Close()
	<-session.conn.replies // the reader has noticed
	if err := session.Do("INCR", "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := server.commands(), "SELECT 5\nPING\nSELECT 5\nINCR a"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestPushes(t *testing.T) {
	answers := script(map[string]string{
		"GET a": ">2\r\n+invalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n>2\r\n+other\r\n:1\r\n$1\r\n1\r\n",
		"GET b": ">2\r\n+invalidate\r\n_\r\n$1\r\n2\r\n",
	})
	for _, c := range []struct {
		live bool
		want string
	}{
		{true, "-> invalidate: 'a', 'b'\n1) other\n2) (integer) 1\n\"1\"\n-> invalidate: all keys\n\"2\"\n"},
		{false, "\"1\"\n\"2\"\n"},
	} {
		session, out := newSession(t, newFakeServer(t, answers))
		session.Live = c.live
		for _, key := range []string{"a", "b"} {
			if err := session.Do("GET", key); err != nil {
				t.Fatal(err)
			}
		}
		if out.String() != c.want {
			t.Errorf("live %v: printed %q, want %q", c.live, out, c.want)
		}
	}
}

// SUBSCRIBE prints messages until ^C; then there is a new connection, and UNSUBSCRIBE is answered by pushes.
func TestSubscribeUntilInterrupted(t *testing.T) {
	confirmed := func(what, channel, count string) string {
		return ">3\r\n" + bulk(what) + channel + ":" + count + "\r\n"
	}
	server := newFakeServer(t, script(map[string]string{
		"SUBSCRIBE c":     confirmed("subscribe", bulk("c"), "1") + confirmed("message", bulk("c"), "7"),
		"UNSUBSCRIBE":     confirmed("unsubscribe", "_\r\n", "0"),
		"UNSUBSCRIBE x y": confirmed("unsubscribe", bulk("x"), "0") + confirmed("unsubscribe", bulk("y"), "0"),
	}))
	session, out := newSession(t, server)
	interrupt := make(chan struct{})
	session.Style, session.Live, session.Interrupt = Raw, true, interrupt
	printed := &signalWriter{Writer: out, until: "message\nc\n7\n", seen: make(chan struct{})}
	session.Out = printed
	go func() {
		<-printed.seen
		interrupt <- struct{}{}
	}()
	for _, command := range []string{"SUBSCRIBE c", "UNSUBSCRIBE", "UNSUBSCRIBE x y", "PING"} {
		if err := session.Do(strings.Fields(command)...); err != nil {
			t.Fatal(err)
		}
	}
	want := "subscribe\nc\n1\nmessage\nc\n7\n(0.00s)\nunsubscribe\n\n0\nunsubscribe\nx\n0\nunsubscribe\ny\n0\nOK\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out, want)
	}
}

// signalWriter closes seen when a write brought until.
type signalWriter struct {
	io.Writer
	until string
	seen  chan struct{}
}

func (w *signalWriter) Write(p []byte) (int, error) {
	if string(p) == w.until {
		close(w.seen)
	}
	return w.Writer.Write(p)
}

func TestSlowCommandShowsItsTime(t *testing.T) {
	session, out := newSession(t, newFakeServer(t, script(nil)))
	now := time.Unix(0, 0)
	session.Live = true
	session.Now = func() time.Time {
		now = now.Add(600 * time.Millisecond)
		return now
	}
	if err := session.Do("SAVE"); err != nil || out.String() != "OK\n(0.60s)\n" {
		t.Errorf("printed %q, %v", out, err)
	}
}

func TestScan(t *testing.T) {
	session, out := newSession(t, newFakeServer(t, script(map[string]string{
		"SCAN 0 MATCH k*":  "*2\r\n$2\r\n17\r\n*2\r\n$2\r\nk1\r\n$3\r\nk\n2\r\n",
		"SCAN 17 MATCH k*": "*2\r\n$1\r\n0\r\n*1\r\n$2\r\nk3\r\n",
		"SCAN 0":           "+nonsense\r\n",
	})))
	steps := 0
	if err := session.Scan("k*", func() { steps++ }); err != nil || steps != 1 {
		t.Errorf("%d steps, %v", steps, err)
	}
	if got, want := out.String(), "\"k1\"\n\"k\\n2\"\n\"k3\"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if err := session.Scan("", func() {}); !errors.Is(err, ErrScan) {
		t.Errorf("got %v, want ErrScan", err)
	}
}

func TestPipe(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{"ECHO nonce": bulk("nonce"), "BAD": "-ERR bad\r\n", "EXEC": "*2\r\n-ERR worse\r\n+OK\r\n"}))
	session, _ := newSession(t, server)
	var errs strings.Builder
	in := "*1\r\n$4\r\nGOOD\r\n*1\r\n$3\r\nBAD\r\n*1\r\n$4\r\nEXEC\r\n"
	replies, failed, err := session.Pipe(strings.NewReader(in), &errs, "nonce", 0)
	if replies != 3 || failed != 2 || err != nil || errs.String() != "ERR bad\nERR worse\n" {
		t.Errorf("%d replies, %d errors (%q), %v", replies, failed, errs.String(), err)
	}
	if err := session.Do("PING"); err != nil {
		t.Errorf("the session is of no more use: %v", err)
	}
}

func TestPipeGivesUp(t *testing.T) {
	for _, c := range []struct {
		answer   string
		patience time.Duration
		want     error
	}{{"", time.Millisecond, ErrSilence}, {hangUp, time.Minute, ErrLost}} {
		session, _ := newSession(t, newFakeServer(t, func([]string) string { return c.answer }))
		_, _, err := session.Pipe(strings.NewReader("*1\r\n$3\r\nBYE\r\n"), io.Discard, "nonce", c.patience)
		if !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func TestParseURL(t *testing.T) {
	base := Target{Host: "h", Port: 1, DB: 4}
	for text, want := range map[string]Target{
		"redis://":                      base,
		"redis://x":                     {Host: "x", Port: 1, DB: 4},
		"redis://x:2/3":                 {Host: "x", Port: 2, DB: 3},
		"redis://:p%40ss@x":             {Host: "x", Port: 1, DB: 4, Password: "p@ss"},
		"redis://p@x":                   {Host: "x", Port: 1, DB: 4, Password: "p"},
		"redis://u:p@[::1]:2/0":         {Host: "::1", Port: 2, User: "u", Password: "p"},
		"redis://u:p@x:2/3?ignored=yes": {Host: "x", Port: 2, DB: 3, User: "u", Password: "p"},
		"rediss://x:2":                  {Host: "x", Port: 2, DB: 4, TLS: true},
	} {
		if got, err := ParseURL(text, base); got != want || err != nil {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x:1", "http://x", "redis://x/y", "redis://x:y", "redis://:se%zzcret@x"} {
		_, err := ParseURL(text, base)
		if !errors.Is(err, ErrURL) {
			t.Errorf("%q: got %v, want ErrURL", text, err)
		} else if strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	}
}
