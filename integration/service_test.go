package integration

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is a service manager's socket.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	said []string
}

func newManager(t *testing.T) (*manager, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t: t, conn: conn}, path
}

// await reads what the service says until a line begins so.
func (m *manager) await(prefix string) {
	m.t.Helper()
	datagram := make([]byte, 4096)
	for !slices.ContainsFunc(m.said, func(line string) bool { return strings.HasPrefix(line, prefix) }) {
		if err := m.conn.SetReadDeadline(time.Now().Add(startWaitMax)); err != nil {
			m.t.Fatal(err)
		}
		n, err := m.conn.Read(datagram)
		if err != nil {
			m.t.Fatalf("no %s after %q: %v", prefix, m.said, err)
		}
		m.said = append(m.said, strings.Split(strings.TrimSpace(string(datagram[:n])), "\n")...)
	}
}

// As a service: what systemd is told, and what is served to monitors, from the start to the end.
func TestService(t *testing.T) {
	if twins {
		t.Skip("of holdfast as a service")
	}
	m, socket := newManager(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	p, err := LaunchWith(subject, Options{Dir: t.TempDir(), Fsync: "no", Extra: []string{"--metrics-addr", "127.0.0.1:" + strconv.Itoa(port), "--log-format", "json"}},
		"NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=20000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	m.await("READY=1")
	c := dial(t, p.Addr) // ready means that it listens
	must(t, c, "SET", "a", "1")
	if reply, err := c.Do("AUTH", "nobody", "wrong"); err != nil || !reply.IsError() {
		t.Fatal(reply, err)
	}
	m.await("STATUS=serving")
	m.await("WATCHDOG=1")
	if m.said[0] != "STATUS=loading" {
		t.Errorf("it began with %q", m.said[0])
	}
	get := func(path string) string {
		t.Helper()
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, response.Status, err)
		}
		return string(text)
	}
	if get("/healthz") != "ok\n" || get("/readyz") != "ok\n" {
		t.Error("not healthy, or not ready")
	}
	for _, want := range []string{"holdfast_commands_total{command=\"set\"} 1\n", "holdfast_keys{db=\"0\"} 1\n", "holdfast_connected_clients 1\n",
		"holdfast_access_denied_total{reason=\"auth\"} 1\n",
		"holdfast_connections_accepted_total", "process_open_fds", "go_goroutines"} {
		if text := get("/metrics"); !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}

	// Each level lets through what it should, from the moment when it is set.
	must(t, c, "CONFIG", "SET", "loglevel", "debug")
	must(t, dial(t, p.Addr), "PING")
	awaitLine(t, p, `"level":"DEBUG","msg":"client connected"`)
	if n := strings.Count(p.Stderr.String(), `"msg":"client connected"`); n != 1 {
		t.Errorf("%d connections logged, want 1: %s", n, p.Stderr)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.await("STOPPING=1")
	<-p.done
	if p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d: %s", p.cmd.ProcessState.ExitCode(), p.Output())
	}
}

// A script that nobody else is let in beside does not keep systemd from hearing that the process lives.
func TestWatchdogDuringAScript(t *testing.T) {
	t.Parallel()
	if twins {
		t.Skip("of holdfast as a service")
	}
	m, socket := newManager(t)
	p, err := LaunchWith(subject, Options{Dir: t.TempDir(), Fsync: "no", Extra: []string{"--busy-reply-threshold", "0"}},
		"NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=40000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	m.await("STATUS=serving")
	if err := dial(t, p.Addr).Send("EVAL", "redis.log(redis.LOG_WARNING, 'it has begun') while true do end", "0"); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, p, "it has begun")
	for range 30 { // more than may still lie in the socket from before
		m.said = nil
		m.await("WATCHDOG=1")
	}
}

// Two thousand clients that do nothing, and one that would send a gigabyte of requests and reads nothing, hold up nobody.
func TestClientsThatDoNothing(t *testing.T) {
	if twins {
		t.Skip("of holdfast's limits")
	}
	p := start(t, subject, Options{AppendOnly: "no", Extra: []string{"--save", "", "--client-output-buffer-limit", "normal 64mb 0 0"}})
	c := dial(t, p.Addr)
	must(t, c, "SET", "value", strings.Repeat("v", 1000))
	idle := idleClients(t, p.Addr, 2000)
	greedy, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer greedy.Close()
	pipeline := []byte(strings.Repeat("*2\r\n$3\r\nGET\r\n$5\r\nvalue\r\n", 40_000))
	sent := 0
	for err == nil && sent < 1<<30 { // a gigabyte of requests would ask for some forty of replies
		if err = greedy.SetWriteDeadline(time.Now().Add(startWaitMax)); err == nil {
			_, err = greedy.Write(pipeline)
		}
		sent += len(pipeline)
		must(t, c, "PING")
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after %d bytes without reading: %v", sent, err)
	}
	info := must(t, c, "INFO", "stats").Text
	if !strings.Contains(info, "client_output_buffer_limit_disconnections:1\r\n") {
		t.Error("it was not cut off at the limit")
	}
	if clients := must(t, c, "INFO", "clients").Text; !strings.Contains(clients, "connected_clients:"+strconv.Itoa(idle+1)+"\r\n") {
		t.Errorf("want %d clients: %s", idle+1, clients)
	}
	awaitLine(t, p, "client cut off at client-output-buffer-limit")
}

// awaitLine waits until the process has logged something: its output comes by a pipe.
func awaitLine(t *testing.T, p *Process, want string) {
	t.Helper()
	for end := time.Now().Add(startWaitMax); !strings.Contains(p.Stderr.String(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in %s", want, p.Stderr)
		}
	}
}

// idleClients opens connections that say nothing, and returns how many.
func idleClients(t *testing.T, addr string, n int) int {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	return n
}

// What ends a process with a bug, or one that hangs, is a signal: the exit code of a wrong setting, upon which it is not started
// again, is not for these. systemd sends SIGABRT.
func TestAnAbortIsNoExitCode(t *testing.T) {
	if twins {
		t.Skip("of holdfast as a service")
	}
	t.Parallel()
	proc := start(t, subject, Options{})
	if err := proc.cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	_, err := proc.Exit()
	if state, ok := proc.cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil || !ok || state.Signal() != syscall.SIGABRT || state.CoreDump() {
		t.Errorf("%v: %v", proc.cmd.ProcessState, err)
	}
	if !strings.Contains(proc.Stderr.String(), "SIGABRT: abort") {
		t.Errorf("it wrote\n%s", proc.Stderr)
	}
}

// A start may take long, and a reload may be asked for meanwhile.
func TestAReloadDuringTheStart(t *testing.T) {
	if twins {
		t.Skip("of holdfast as a service")
	}
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "holdfast.conf")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	proc, err := Launch(subject, Options{Dir: t.TempDir(), Extra: []string{"--config", pipe}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Kill)
	conf, err := os.OpenFile(pipe, os.O_WRONLY, 0) // when it begins to read
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := conf.WriteString("timeout 0\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conf.Close(), proc.awaitAnswer()); err != nil {
		t.Fatalf("%v; it wrote\n%s", err, proc.Output())
	}
}
