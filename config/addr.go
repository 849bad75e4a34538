package config

import (
	"net"
	"strconv"
	"strings"
)

// addr is a shorthand for bind and port, in the form that Go programs and containers use. It has no value of its own,
// so that there is one truth about where the server listens.

// splitAddr reads host:port. No host, or *, is every interface: Redis's default for bind.
func splitAddr(text string) (bind, port string, ok bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " \t\r\n") {
		return "", "", false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", "", false
	}
	if host == "" || host == "*" {
		return "* -::*", port, true
	}
	return host, port, true
}

// joinAddr is the address to tell a client: the first of the bound ones.
func joinAddr(bind []string, port string) string {
	host := ""
	if len(bind) > 0 {
		host = strings.TrimPrefix(bind[0], "-") // "-" allows the address to be missing
	}
	return net.JoinHostPort(host, port)
}
