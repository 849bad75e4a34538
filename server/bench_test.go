package server

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// A session's share of a request, and the engine's: framing, parsing, running, sending to a socket in memory.
func BenchmarkTraffic(b *testing.B) {
	for _, c := range []struct{ name, request string }{
		{"PING", request("PING")},
		{"GET", request("GET", "key")},
		{"SET", request("SET", "key", "value")},
		{"16 GET", strings.Repeat(request("GET", "key"), 16)},
		{"16 SET", strings.Repeat(request("SET", "key", "value"), 16)},
		{"128 GET", strings.Repeat(request("GET", "key"), 128)},
		{"SET of 100 kB in pieces", request("SET", "key", strings.Repeat("v", 100_000))},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := start(b, "appendonly", "no", "save", "") // the log is measured elsewhere
			s, w, el := connect(b, r.server)
			bytes := []byte(c.request)
			el.iterate(s, w, []byte(request("SET", "key", "value")))
			b.ReportAllocs()
			for b.Loop() {
				for rest := bytes; len(rest) > 0; { // as large as gnet's read buffer
					n := min(len(rest), 64<<10)
					el.iterate(s, w, rest[:n])
					rest = rest[n:]
				}
			}
		})
	}
}

// The memory that the process needs for a connection that has done something and is idle now, without the kernel's.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 2000
	r := start(b, "appendonly", "no", "save", "")
	requests := []byte(request("SET", "key", strings.Repeat("v", 10<<10)) + request("GET", "key"))
	reply := len("+OK\r\n$10240\r\n") + 10<<10 + len("\r\n")
	addr, ok := r.dial().RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		b.Fatal("no TCP")
	}
	to := &syscall.SockaddrInet4{Port: int(addr.AddrPort().Port()), Addr: addr.AddrPort().Addr().As4()}
	buffer := make([]byte, reply)
	for b.Loop() {
		before := heap()
		var all []int // descriptors, as net's connections would count too
		for range connections {
			all = append(all, exchange(b, to, requests, buffer))
		}
		b.ReportMetric(float64(heap()-before)/connections, "B/connection")
		for _, fd := range all {
			if err := syscall.Close(fd); err != nil {
				b.Fatal(err)
			}
		}
		r.until("everybody gone", func() bool { return r.figure("connected") == 1 })
	}
}

// exchange connects, sends the requests, reads as many bytes as the buffer has, and leaves the connection open.
func exchange(b *testing.B, to syscall.Sockaddr, requests, buffer []byte) (fd int) {
	b.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Connect(fd, to)
	}
	if err == nil {
		_, err = syscall.Write(fd, requests)
	}
	for at := 0; err == nil && at < len(buffer); {
		var n int
		n, err = syscall.Read(fd, buffer[at:])
		at += n
	}
	if err != nil {
		b.Fatal(err)
	}
	return fd
}
