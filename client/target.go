package client

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// connectTimeout bounds how long a server may take to accept a connection.
const connectTimeout = 10 * time.Second

// Errors of where to connect.
var (
	// ErrURL is wrapped by what ParseURL refuses.
	ErrURL = errors.New("not a usable URL")
	// ErrConnect is wrapped when no connection came about.
	ErrConnect = errors.New("no connection")
)

// Target says which server to talk to, and as whom.
type Target struct {
	Host     string // a name or an address
	Port     int
	Socket   string // path of a unix socket; takes precedence over Host and Port
	User     string // "" is the default user
	Password string // "" sends no AUTH
	DB       int    // database to SELECT; 0 sends no SELECT
	Protocol int    // 3 sends HELLO 3; anything else stays with RESP2
	TLS      bool   // speak TLS
	Trust    Trust  // how
}

// String returns what the prompt shows: host:port, or the path of the socket.
func (t Target) String() string {
	if t.Socket != "" {
		return t.Socket
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
}

// network returns the arguments of net.Dial.
func (t Target) network() (network, address string) {
	if t.Socket != "" {
		return "unix", t.Socket
	}
	return "tcp", t.String()
}

// ParseURL reads redis://[[user]:password@]host[:port][/db], or rediss:// for TLS, into base and returns the result: parts that the URL
// leaves out keep base's value. A lone user without a colon is a password, as redis-cli 7.0 has it.
func ParseURL(text string, base Target) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		// url.Error repeats the text, and the text may hold a password.
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return base, fmt.Errorf("%w: %w", ErrURL, err)
	}
	switch u.Scheme {
	case "redis":
	case "rediss":
		base.TLS = true
	default:
		return base, fmt.Errorf("%w: it begins with %q instead of redis:// or rediss://", ErrURL, u.Scheme+"://")
	}
	if host := u.Hostname(); host != "" {
		base.Host, base.Socket = host, ""
	}
	if port := u.Port(); port != "" {
		if base.Port, err = strconv.Atoi(port); err != nil {
			return base, fmt.Errorf("%w: port %q is not a number", ErrURL, port)
		}
	}
	if u.User != nil {
		password, both := u.User.Password()
		if both {
			base.User, base.Password = u.User.Username(), password
		} else {
			base.Password = u.User.Username()
		}
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if base.DB, err = strconv.Atoi(db); err != nil || base.DB < 0 {
			return base, fmt.Errorf("%w: database %q is not a number", ErrURL, db)
		}
	}
	return base, nil
}

// explain turns what net.Dial reports into one line: what failed, where, and what to do about it.
func (t Target) explain(err error) error {
	var unknown *net.DNSError
	var timeout net.Error
	switch {
	case t.Socket != "" && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no socket at %s: check the path, or start a server with "+
			"\"holdfast serve --unixsocket PATH\"", ErrConnect, t)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s may not be opened by this user (permission denied)", ErrConnect, t)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nothing answers at %s (connection refused): start a server with "+
			"\"holdfast serve\", or name another with -h and -p", ErrConnect, t)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: the host %q is not known: check the name after -h", ErrConnect, t.Host)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %s does not answer within %s: check the address, and the firewalls on the way",
			ErrConnect, t, connectTimeout)
	}
	return fmt.Errorf("%w to %s: %w", ErrConnect, t, err)
}

// auth is the command that says who the client is.
func (t Target) auth() []string {
	if t.User == "" {
		return []string{"AUTH", t.Password}
	}
	return []string{"AUTH", t.User, t.Password}
}
