package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"syscall"

	"holdfast/config"
)

var (
	// ErrAddress says that an address could not be listened on.
	ErrAddress = errors.New("cannot listen")
	// ErrSettings says that what is set can be listened on nowhere and never.
	ErrSettings = errors.New("cannot listen with these settings")
)

// Addresses are where the configuration says to listen: host:port pairs, those of them where clients speak TLS, and
// the path of a unix socket or "".
func Addresses(c *config.Config) (tcp, secure []string, unix string) {
	return hostPorts(c, "port"), hostPorts(c, "tls-port"), c.String("unixsocket").Load()
}

// hostPorts are the addresses of a port.
func hostPorts(c *config.Config, directive string) []string {
	port, _ := c.Get(directive)
	if port == "0" {
		return nil
	}
	var all []string
	for _, host := range c.Words("bind").Load() {
		all = append(all, net.JoinHostPort(bindHost(host), port))
	}
	return all
}

// bindHost reads Redis's notation: a leading minus means that a missing interface is no error (here it is), and * is
// every address.
func bindHost(host string) string {
	if len(host) > 1 && host[0] == '-' {
		host = host[1:]
	}
	if host == "*" {
		return "0.0.0.0"
	}
	return host
}

// listeners are what gnet is to listen on.
func (s *Server) listeners() (urls []string, err error) {
	tcp, secure, unix := Addresses(s.o.Config)
	for _, a := range slices.Concat(tcp, secure) {
		if slices.Contains(urls, "tcp://"+a) {
			return nil, fmt.Errorf("%w: %s is given by port and by tls-port; they must differ", ErrSettings, a)
		}
		if err := probe(a); err != nil {
			return nil, err
		}
		urls = append(urls, "tcp://"+a)
	}
	if unix != "" {
		if s.socket, err = newUnixSocket(unix); err != nil {
			return nil, err
		}
		urls = append(urls, "unix://"+s.socket.beside)
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("%w: neither a port nor a unix socket is configured; give --addr, --tls-port or --unixsocket", ErrSettings)
	}
	return urls, nil
}

// probe finds out whether an address is free before gnet takes it, for an error that says which one is not.
func probe(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w on %s: %w", ErrAddress, addr, adviseOnAddress(err))
	}
	return l.Close()
}

// adviseOnAddress says why an address cannot be listened on, and what to do about it.
func adviseOnAddress(err error) error {
	var unknown *net.DNSError
	switch cause := errors.Unwrap(err); {
	case errors.As(err, &unknown):
		return fmt.Errorf("the host %q is not known; give an address of this machine with --bind or --addr", unknown.Name)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; stop what listens there, or give another port", cause)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; it is no address of this machine: give one that is with --bind or --addr, or 0.0.0.0 for all", cause)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; ports below 1024 take a right of their own (CAP_NET_BIND_SERVICE): give one from 1024 on", cause)
	default:
		return fmt.Errorf("%w; give another address with --bind or --addr", cause)
	}
}
