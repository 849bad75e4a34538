package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/config"
	"holdfast/resp"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	deadSocket(t, path)
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
	if info := p.do("CLIENT", "INFO"); !strings.Contains(info, " addr="+path+":0 laddr="+path+":0 ") {
		t.Errorf("%s: no addr=%s:0 and laddr", info, path)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the socket: %v, %v", entries, err)
	}
	r.stop()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket's file is still there:", err)
	}
}

// deadSocket leaves a socket as a crash does.
func deadSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// runs runs a second server on a rig's engine, and returns why it does not run.
func (r *rig) runs(directives ...string) error {
	r.t.Helper()
	cfg := config.New()
	for i := 0; i < len(directives); i += 2 {
		if err := cfg.Set(config.Flag, directives[i], directives[i+1]); err != nil {
			r.t.Fatal(err)
		}
	}
	return New(Options{Engine: r.engine, Config: cfg, Log: r.server.o.Log, Clock: r.server.o.Clock}).Run()
}

// A unix socket takes nobody's place: neither what is no socket, nor a socket on which somebody answers.
func TestUnixSocketIsRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	live := at("live")
	r := start(t, "unixsocket", live)
	if err := errors.Join(os.WriteFile(at("file"), []byte("notes"), 0o600), os.Mkdir(at("dir"), 0o700), os.Symlink(live, at("link"))); err != nil {
		t.Fatal(err)
	}
	packet, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at("packet"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer packet.Close()
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want error
		says string
	}{
		{at("file"), ErrSettings, "no socket; nothing has been changed"},
		{at("dir"), ErrSettings, "no socket"},
		{at("link"), ErrSettings, "no socket"},
		{live, ErrAddress, "address already in use; stop what listens there, or give another --unixsocket"},
		{at("packet"), ErrAddress, "remove it if nobody does"},
		{at("none/socket"), ErrSettings, "there is no directory " + at("none") + "; make it"},
		{at("file/socket"), ErrSettings, "there is no directory " + at("file")},
		{at(strings.Repeat("x", 150)), ErrSettings, "a path has 107 bytes at the most"},
	} {
		err := r.runs("port", "0", "unixsocket", c.path)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %v: %s", c.path, err, c.want, c.says)
		}
	}
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) {
		t.Errorf("there were %v, and are %v, %v", before, after, err)
	}
	r.dialTo("unix", live).expect("+PONG", "PING")
}

// A path of the most bytes that the kernel takes can be listened on.
func TestUnixSocketOfTheLongestName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("x", pathBytesMax-len(dir)-1))
	r := start(t, "unixsocket", path)
	r.dialTo("unix", path).expect("+PONG", "PING")
}

// A server that stops leaves another's socket alone, which somebody has put in the place of its own.
func TestUnixSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	r := start(t, "unixsocket", path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	r.stop()
	if _, err := os.Lstat(path); err != nil {
		t.Error("the other's socket is gone:", err)
	}
}

// What is said of an address that cannot be listened on fits the cause.
func TestAddressAdvice(t *testing.T) {
	r := start(t)
	_, port, _ := net.SplitHostPort(r.addr)
	free := freeAddress(t, "127.0.0.1")
	_, freePort, _ := net.SplitHostPort(free)
	for _, c := range []struct {
		host, port string
		want       error
		says       string
	}{
		{"127.0.0.1", port, ErrAddress, "address already in use; stop what listens there, or give another port"},
		{"192.0.2.1", freePort, ErrAddress, "cannot assign requested address; it is no address of this machine"}, // of documentation, RFC 5737
		{"127.0.0.1", "0", ErrSettings, "neither a port nor a unix socket is configured"},
	} {
		err := r.runs("bind", c.host, "port", c.port)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s:%s: %v, want %v: %s", c.host, c.port, err, c.want, c.says)
		}
	}
	if err := r.runs("port", freePort, "tls-port", freePort, "tls-cert-file", "none"); !errors.Is(err, ErrTLS) {
		t.Error(err)
	}
	for says, cause := range map[string]error{
		"below 1024":                      os.NewSyscallError("bind", syscall.EACCES),
		`the host "nowhere" is not known`: &net.DNSError{Name: "nowhere", Err: "no such host"},
	} {
		if err := adviseOnAddress(&net.OpError{Op: "listen", Err: cause}); !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	r := start(t)
	_, port, _ := net.SplitHostPort(r.addr)
	err := r.runs("port", port, "bind", "127.0.0.1")
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
