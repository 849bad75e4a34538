package load

import (
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"holdfast/resp"
)

// A fake is a server with GET, SET and MGET that a test can make behave badly.
type fake struct {
	stall time.Duration                        // before its first reply
	reply func(args []string, n uint64) string // "" for its own; n counts requests from 1
	drop  uint64                               // closes the connection instead of answering this request; 0: never

	mu   sync.Mutex
	kept map[string]string
	n    uint64
	seen []string // names of commands
}

// serve starts it for the length of a test.
func (f *fake) serve(t *testing.T) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.kept = map[string]string{}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { f.talk(nc) })
		}
	})
	return Target{Network: "tcp", Address: l.Addr().String()}
}

func (f *fake) talk(nc net.Conn) {
	defer nc.Close()
	decoder := resp.NewDecoder(nc)
	for {
		request, err := decoder.Decode()
		if err != nil {
			return
		}
		var args []string
		for _, e := range request.Elems {
			args = append(args, string(e.Str))
		}
		text, ok := f.answer(args)
		if !ok {
			return
		}
		if _, err := nc.Write([]byte(text)); err != nil {
			return
		}
	}
}

func (f *fake) answer(args []string) (text string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	f.seen = append(f.seen, args[0])
	if f.n == 1 {
		time.Sleep(f.stall)
	}
	if f.n == f.drop {
		return "", false
	}
	if f.reply != nil {
		if text := f.reply(args, f.n); text != "" {
			return text, true
		}
	}
	bulk := func(key string) string {
		value, found := f.kept[key]
		if !found {
			return "$-1\r\n"
		}
		return "$" + strconv.Itoa(len(value)) + "\r\n" + value + "\r\n"
	}
	switch args[0] {
	case "SET":
		f.kept[args[1]] = args[2]
		return "+OK\r\n", true
	case "GET":
		return bulk(args[1]), true
	case "MGET":
		text = "*" + strconv.Itoa(len(args)-1) + "\r\n"
		for _, key := range args[1:] {
			text += bulk(key)
		}
		return text, true
	case "AUTH", "SELECT":
		return "+OK\r\n", true
	}
	return "-ERR unknown command\r\n", true
}

// optionsFor are few connections and few keys of the fake.
func optionsFor(t *testing.T, target Target, mix string) Options {
	t.Helper()
	o := Defaults()
	w, err := Mix(mix)
	if err != nil {
		t.Fatal(err)
	}
	o.Target, o.Workload, o.Connections, o.Keys, o.Patience = target, w, 3, 50, 20*time.Second
	return o
}
