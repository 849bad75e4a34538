package server

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Without a descriptor for a connection the server goes on, and takes that connection too when it has one again.
func TestNoDescriptorForAConnection(t *testing.T) {
	r := start(t, "appendonly", "no", "save", "")
	old := r.dial()
	old.expect("+PONG", "PING")
	tcp, _ := net.ResolveTCPAddr("tcp", r.addr)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "early")
	defer socket.Close()
	withoutDescriptors(t, func() {
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Error(err)
		}
		time.Sleep(silence)
		old.expect("+PONG", "PING")
	})
	r.dial().expect("+PONG", "PING")
	old.expect("+PONG", "PING")
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(patience / time.Second)}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte(request("PING"))); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(fd, make([]byte, 16)); n != len("+PONG\r\n") || err != nil {
		t.Errorf("who came too early got %d bytes, %v", n, err)
	}
}

// withoutDescriptors runs fn while the process gets no descriptor.
func withoutDescriptors(t *testing.T, fn func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	fn()
}
