package load

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/resp"
)

// ErrConnect is wrapped where a server cannot be reached, or does not let us in.
var ErrConnect = errors.New("cannot connect")

const connectWaitMax = 10 * time.Second

// A Target is a server, and as whom to talk to it.
type Target struct {
	Network  string // tcp or unix
	Address  string // host:port, or the path of a socket
	User     string // "" for the default user
	Password string // "" for none
	DB       int
}

// connect makes a connection, logs in, and returns its socket, which does not block. The caller closes it.
func (t Target) connect() (socket int, err error) {
	nc, err := net.DialTimeout(t.Network, t.Address, connectWaitMax)
	if err != nil {
		return 0, fmt.Errorf("%w to %s: %w", ErrConnect, t.Address, plainer(err))
	}
	if err := t.greet(nc); err != nil {
		return 0, errors.Join(fmt.Errorf("%w to %s: %w", ErrConnect, t.Address, err), nc.Close())
	}
	socket, err = duplicate(nc)
	// The connection lives on in the copy, which Go's own poller knows nothing of.
	if closeErr := nc.Close(); err == nil && closeErr != nil {
		return 0, errors.Join(closeErr, unix.Close(socket))
	}
	return socket, err
}

// greet says what comes before all requests.
func (t Target) greet(nc net.Conn) error {
	var greetings [][]string
	switch {
	case t.Password != "" && t.User != "":
		greetings = append(greetings, []string{"AUTH", t.User, t.Password})
	case t.Password != "":
		greetings = append(greetings, []string{"AUTH", t.Password})
	}
	if t.DB != 0 {
		greetings = append(greetings, []string{"SELECT", strconv.Itoa(t.DB)})
	}
	if err := nc.SetDeadline(time.Now().Add(connectWaitMax)); err != nil {
		return err
	}
	decoder := resp.NewDecoder(nc)
	for _, words := range greetings {
		if _, err := nc.Write(resp.AppendCommand(nil, words...)); err != nil {
			return err
		}
		reply, err := decoder.Decode()
		if err == nil {
			err = reply.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
	}
	return nil
}

// duplicate is the socket of a connection, once more.
func duplicate(nc net.Conn) (socket int, err error) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var dupErr error
	err = raw.Control(func(fd uintptr) {
		socket, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	return socket, errors.Join(err, dupErr)
}

// plainer is the innermost cause of a failed dial: "connection refused".
func plainer(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if errno == syscall.EMFILE {
			return errors.New("too many open files; raise the limit with ulimit -n")
		}
		return errno
	}
	return err
}
