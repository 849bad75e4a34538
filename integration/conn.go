package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// replyWaitMax is how long a reply may take before it counts as missing.
var replyWaitMax = 10 * time.Second * slowness

// slowness is how much more time a server may take that has the race detector in it.
var slowness = func() time.Duration {
	if raceBuilt() {
		return 6
	}
	return 1
}()

// raceBuilt says whether the servers under test are built with the race detector.
func raceBuilt() bool { return os.Getenv("INTEGRATION_RACE") != "" }

// A Conn is one client connection. It knows RESP and nothing of commands. Not safe for concurrent use.
type Conn struct {
	net net.Conn
	r   *bufio.Reader
}

// Dial connects to addr ("host:port").
func Dial(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, replyWaitMax)
	if err != nil {
		return nil, err
	}
	return &Conn{net: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.net.Close() }

// Write sends bytes as they are.
func (c *Conn) Write(b []byte) error {
	if err := c.net.SetWriteDeadline(time.Now().Add(replyWaitMax)); err != nil {
		return err
	}
	_, err := c.net.Write(b)
	return err
}

// Send sends a command and does not wait for its reply.
func (c *Conn) Send(args ...string) error { return c.Write(AppendCommand(nil, args...)) }

// Read reads the next reply.
func (c *Conn) Read() (Reply, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(replyWaitMax)); err != nil {
		return Reply{}, err
	}
	return ReadReply(c.r)
}

// Do sends a command and reads its reply; an error reply is no error.
func (c *Conn) Do(args ...string) (Reply, error) {
	if err := c.Send(args...); err != nil {
		return Reply{}, err
	}
	return c.Read()
}

// Must is Do, with an error reply as an error too.
func (c *Conn) Must(args ...string) (Reply, error) {
	reply, err := c.Do(args...)
	if err == nil && reply.IsError() {
		err = fmt.Errorf("%s: %s", args[0], reply.Text)
	}
	return reply, err
}

// Pending says whether something has arrived and lies unread. It waits for at most the time given.
func (c *Conn) Pending(wait time.Duration) bool {
	if err := c.net.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return true
	}
	_, err := c.r.Peek(1)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// ReadToEnd reads until the other side closes, and returns what came before. A connection that stays open
// is an error.
func (c *Conn) ReadToEnd() ([]byte, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(replyWaitMax)); err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(c.r)
	if errors.Is(err, syscall.ECONNRESET) {
		return rest, nil
	}
	return rest, err
}

// AppendCommand appends a command in RESP's request form.
func AppendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, "\r\n"...)
	for _, arg := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(arg)), 10)
		b = append(b, "\r\n"...)
		b = append(b, arg...)
		b = append(b, "\r\n"...)
	}
	return b
}
