package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/client"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// fakeServer answers requests until a client says QUIT or goes away, and keeps them.
type fakeServer struct {
	mu       sync.Mutex
	requests []string // guarded by mu
	exists   string   // the key that is there
}

func (f *fakeServer) listen(t *testing.T) client.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { // ends when l is closed
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.serve(conn) }) // ends with the connection
		}
	})
	t.Cleanup(func() {
		must(t, l.Close())
		serving.Wait()
	})
	return client.Target{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
}

func (f *fakeServer) serve(conn net.Conn) {
	defer conn.Close()
	r := aofReader{in: bufio.NewReader(conn)}
	for {
		args, err := r.next()
		if err != nil {
			return
		}
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = string(arg)
		}
		f.mu.Lock()
		f.requests = append(f.requests, strings.Join(words, " "))
		f.mu.Unlock()
		reply := "+OK\r\n"
		switch words[0] {
		case "EXISTS":
			reply = ":0\r\n"
			for _, word := range words[1:] {
				if word == f.exists {
					reply = ":1\r\n"
				}
			}
		case "DBSIZE":
			reply = ":0\r\n"
		case "BAD":
			reply = "-ERR unknown command\r\n"
		case "ECHO":
			reply = fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
		}
		if _, err := io.WriteString(conn, reply); err != nil || words[0] == "QUIT" {
			return
		}
	}
}

func (f *fakeServer) sent() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.requests, "|")
}

func TestIntoServer(t *testing.T) {
	text := `{"db":1,"key":"a","type":"string","value":"1"}` + "\n" + `{"db":1,"key":"l","type":"list","count":1,"elements":["x"]}`
	f := &fakeServer{}
	o := ServerOptions{Options: options(), Target: f.listen(t)}
	r, err := IntoServer(t.Context(), openFile(t, "x.json", text), o)
	if must(t, err); r.Keys != 2 || r.Commands != 2 || r.Refused != 0 {
		t.Errorf("%+v", r)
	}
	if got := f.sent(); !strings.HasPrefix(got, "SELECT 1|EXISTS a l|SELECT 1|SET a 1|RPUSH l x|ECHO ") {
		t.Errorf("%s", got)
	}
	f.exists = "l"
	_, err = IntoServer(t.Context(), openFile(t, "x.json", text), o)
	if !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), `"l"`) || strings.Count(f.sent(), "SET") != 1 {
		t.Errorf("%v, after %s", err, f.sent())
	}
	o.Replace = true
	r, err = IntoServer(t.Context(), openFile(t, "x.json", text), o)
	if must(t, err); r.Replaced != 1 || !strings.Contains(f.sent(), "MULTI|DEL a|SET a 1|EXEC|MULTI|DEL l|RPUSH l x") {
		t.Errorf("%+v, %s", r, f.sent())
	}
	short := `{"db":1,"key":"l","type":"stream","count":2,"elements":[{"id":"1-1","fields":[{"field":"f","value":"v"}]}]}`
	o.SkipBad = true
	r, err = IntoServer(t.Context(), openFile(t, "x.json", short+"\n"+text[:strings.Index(text, "\n")]), o)
	if must(t, err); r.Skipped != 1 || !strings.Contains(f.sent(), "|MULTI|DEL l|XADD l 1-1 f v|DISCARD|MULTI|DEL a|SET a 1|EXEC|ECHO ") {
		t.Errorf("%+v, %s", r, f.sent())
	}
	o.SkipBad = false
	before := len(f.sent())
	bad := text + "\n{\n"
	if _, err = IntoServer(t.Context(), openFile(t, "x.json", bad), o); !errors.Is(err, ErrInput) || strings.Contains(f.sent()[before:], "SET") {
		t.Errorf("%v, after %s", err, f.sent()[before:])
	}
	r, err = IntoServer(t.Context(), openFile(t, "x.aof", requests("SET a 1|BAD b")), o)
	if !errors.Is(err, ErrRefused) || r.Refused != 1 || len(r.Problems) != 1 || !strings.Contains(err.Error(), "1 of 2 commands, the first with ERR unknown command; it has done the others") {
		t.Errorf("%v, %+v", err, r)
	}
	var b strings.Builder
	must(t, r.WriteText(&b))
	want := fmt.Sprintf("imported a part of %s (AOF) into %s\n  commands  2\n  refused   1 of the commands, by the server, which has done the others\n  ERR unknown command\n", r.From, r.To)
	if b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
}

// A key that the input has twice is refused before anything is sent; left out, only the first is.
func TestKeyTwiceOverTheWire(t *testing.T) {
	line := func(db int, key, value string) string {
		return fmt.Sprintf(`{"db":%d,"key":"%s","type":"list","count":2,"elements":["%s"]}`+"\n"+`{"db":%[1]d,"key":"%[2]s","more":true,"elements":["y"]}`+"\n", db, key, value)
	}
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(t, w.DB(0, 3, 0))
	for i, key := range []string{"a", "b", "a"} {
		writeValue(t, w, key, kv.Set, 1, func(int) outline.Element { return element2(outline.Member, fmt.Sprint(i), "", "") })
	}
	must(t, w.End())
	for _, c := range []struct{ name, text, sent string }{
		{"x.json", line(0, "a", "1") + line(0, "b", "2") + line(1, "a", "3") + line(0, "a", "4"), "|SELECT 0|RPUSH a 1 y|RPUSH b 2 y|SELECT 1|RPUSH a 3 y|ECHO "},
		{"dump.rdb", file.String(), "|SELECT 0|SADD a 0|SADD b 1|ECHO "},
	} {
		f := &fakeServer{}
		o := ServerOptions{Options: options(), Target: f.listen(t), Temporary: t.TempDir()}
		_, err := IntoServer(t.Context(), openFile(t, c.name, c.text), o)
		if want := c.name + `: key "a" in database 0: it is there twice`; !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), want) || strings.Contains(f.sent(), "ECHO") {
			t.Errorf("%v, want %s, after %s", err, want, f.sent())
		}
		o.SkipBad = true
		r, err := IntoServer(t.Context(), openFile(t, c.name, c.text), o)
		if err != nil || r.Skipped != 1 || !strings.Contains(f.sent(), c.sent) {
			t.Errorf("%v, %+v, sent %s", err, r, f.sent())
		}
	}
}

// An import that ends before its end waits for nobody.
func TestIntoServerInterrupted(t *testing.T) {
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, `{"db":0,"key":"k%d","type":"string","value":"v"}`+"\n", i)
	}
	f := &fakeServer{}
	ctx, cancel := context.WithCancel(t.Context())
	o := ServerOptions{Options: options(), Target: f.listen(t)}
	o.Progress = func(doing string, done, total int64) {
		if strings.HasPrefix(doing, "sending") {
			cancel()
		}
	}
	in, ended := openFile(t, "x.json", text.String()), make(chan error, 1)
	go func() { // ends with the import
		_, err := IntoServer(ctx, in, o)
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}
