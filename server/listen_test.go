package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/resp"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // left over from a crash
		t.Fatal(err)
	}
	r := start(t, "unixsocket", path, "unixsocketperm", "740")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode.Perm() != 0o740 || mode.Type() != fs.ModeSocket {
		t.Errorf("mode %v, want a socket with 0740", mode)
	}
	p := r.dialTo("unix", path)
	p.expect("+OK", "SET", "a", "1")
	r.dial().expect("$1", "GET", "a")
	if info := p.do("CLIENT", "INFO"); !strings.Contains(info, " addr="+path+":0 ") {
		t.Errorf("%s: no addr=%s:0", info, path)
	}
	r.stop()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket's file is still there:", err)
	}
}

func TestAddressInUse(t *testing.T) {
	r := start(t)
	_, port, _ := net.SplitHostPort(r.addr)
	cfg := config.New()
	for _, d := range [][2]string{{"port", port}, {"bind", "127.0.0.1"}} {
		if err := cfg.Set(config.Flag, d[0], d[1]); err != nil {
			t.Fatal(err)
		}
	}
	err := New(Options{Engine: r.engine, Config: cfg, Log: r.server.o.Log, Clock: r.server.o.Clock}).Run()
	if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), r.addr) {
		t.Errorf("got %v, want %v with %s", err, ErrAddress, r.addr)
	}
}

// outside is an address of this machine that is not the loopback's, or "".
func outside(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	return ""
}

func TestProtectedMode(t *testing.T) {
	from := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	r := start(t)
	for _, c := range []struct {
		protected, password string
		from                net.Addr
		refusal             string
	}{
		{"yes", "", from("10.1.2.3"), resp.ErrDenied},
		{"yes", "", from("2001:db8::1"), resp.ErrDenied},
		{"yes", "", from("127.9.9.9"), ""},
		{"yes", "", from("::1"), ""},
		{"yes", "", from("::ffff:127.0.0.1"), ""},
		{"yes", "", &net.UnixAddr{Name: "/socket"}, ""},
		{"yes", "secret", from("10.1.2.3"), ""},
		{"no", "", from("10.1.2.3"), ""},
	} {
		pairs := [][2]string{{"protected-mode", c.protected}, {"requirepass", c.password}}
		if err := r.cfg.SetMany(config.RunTime, pairs); err != nil {
			t.Fatal(err)
		}
		r.server.mu.Lock()
		got := r.server.refusal(c.from)
		r.server.mu.Unlock()
		if got != c.refusal {
			t.Errorf("protected-mode %s, password %q, from %v: %.20q", c.protected, c.password, c.from, got)
		}
	}
}

func TestProtectedModeFromOutside(t *testing.T) {
	host := outside(t)
	if host == "" {
		t.Log("this machine has no address but the loopback's")
		return
	}
	r := start(t, "bind", "127.0.0.1 "+host)
	_, port, _ := net.SplitHostPort(r.addr)
	p := r.dialTo("tcp", net.JoinHostPort(host, port))
	p.wants("-" + resp.ErrDenied)
	p.ended()
	r.set("protected-mode", "no")
	r.dialTo("tcp", net.JoinHostPort(host, port)).expect("+PONG", "PING")
}

func TestMaxClients(t *testing.T) {
	r := start(t, "maxclients", "3")
	r.haveDescriptors(100)
	a, _, _ := r.dial(), r.dial(), r.dial()
	r.until("3 clients", func() bool { return r.figure("connected") == 3 })
	refused := r.dial()
	refused.wants("-" + resp.ErrMaxClients)
	refused.ended()
	if r.figure("rejected") != 1 {
		t.Error("rejected:", r.figure("rejected"))
	}
	a.expect("-"+resp.ErrConfigSet("maxclients", resp.ClientsBeyondDescriptors(100)), "CONFIG", "SET", "maxclients", "101")
	a.expect("+OK", "CONFIG", "SET", "maxclients", "4")
	r.dial().expect("+PONG", "PING")
	a.expect("+OK", "CONFIG", "SET", "maxclients", "1") // those who are in stay in
	a.expect("+PONG", "PING")
	r.dial().wants("-" + resp.ErrMaxClients)
	a.Close()
	r.until("3 clients", func() bool { return r.figure("connected") == 3 })
	r.dial().wants("-" + resp.ErrMaxClients)
}

// haveDescriptors says for how many clients there are descriptors. Nobody may have connected.
func (r *rig) haveDescriptors(clients int64) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.server.descriptors = clients
}

// Where maxclients is more than there are descriptors for from the start, a change that is refused for another setting goes
// back to it all the same.
func TestMaxClientsGoesBack(t *testing.T) {
	r := start(t)
	r.haveDescriptors(100)
	r.cfg.OnChange("timeout", func(string) error { return errors.New("not that") })
	a := r.dial()
	a.expect("-"+resp.ErrConfigSet("timeout", "not that"), "CONFIG", "SET", "maxclients", "50", "timeout", "7")
	if most := r.server.maxClients.Load(); most != 10_000 {
		t.Errorf("maxclients is %d", most)
	}
}

// A server never takes so many clients that it has no descriptor left for the next one, whom it is to turn away.
func TestDescriptorsBoundTheClients(t *testing.T) {
	r := start(t)
	if most := r.server.most(); most > r.server.descriptors || most < 1 {
		t.Errorf("%d clients with descriptors for %d", most, r.server.descriptors)
	}
	r.haveDescriptors(2)
	a := r.dial()
	a.expect("+PONG", "PING")
	r.dial().expect("+PONG", "PING")
	r.dial().wants("-" + resp.ErrMaxClients)
}

func TestLoops(t *testing.T) {
	for _, c := range []struct {
		asked      int64
		processors int
		want       int
	}{{0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 2}, {0, 16, 8}, {0, 64, 8}, {1, 64, 1}, {4, 2, 4}, {100, 2, 100}} {
		if got := loops(c.asked, c.processors); got != c.want {
			t.Errorf("%d asked for, %d processors: %d loops, not %d", c.asked, c.processors, got, c.want)
		}
	}
}
