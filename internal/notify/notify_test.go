package notify

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestSend(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "socket"), "@holdfast-notify-test-" + strconv.Itoa(os.Getpid())} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		t.Setenv("NOTIFY_SOCKET", name)
		if err := Send(Ready, Status("all is well")); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		datagram := make([]byte, 100)
		n, err := conn.Read(datagram)
		if want := "READY=1\nSTATUS=all is well\n"; err != nil || string(datagram[:n]) != want {
			t.Errorf("%s: got %q, %v", name, datagram[:n], err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", "/nonexistent/socket")
	if Send(Alive) == nil {
		t.Error("nobody listens, and no error")
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Send(Stopping); err != nil {
		t.Error("without a service manager:", err)
	}
}

// Who does not read holds up nobody for long.
func TestSendToADeafManager(t *testing.T) {
	name := filepath.Join(t.TempDir(), "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	for range 1 << 12 { // more than any socket keeps
		if err = Send(Alive); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("nobody reads, and got", err)
	}
}

func TestWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{{"", "", 0}, {"30000000", "", 30 * time.Second}, {"1000", own, time.Millisecond}, {"1000", "1", 0}, {"x", "", 0}, {"-5", "", 0}, {"0", "", 0}} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got := Watchdog(); got != c.want {
			t.Errorf("%q, %q: %v, want %v", c.usec, c.pid, got, c.want)
		}
	}
}
