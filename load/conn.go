package load

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// chunkBytes is how much is made ready to be sent on a connection at a time. What the kernel does not take stays with
// the connection, so many connections with large values cost little more than their sockets.
const chunkBytes = 256 << 10

// errLost is wrapped when a connection ends before the run.
var errLost = errors.New("the connection was lost")

// entry is an operation under way.
type entry struct {
	due int64 // from when it counts
	choice
	op     uint8
	second bool // its first request has been answered
}

// conn is one connection of a loop.
type conn struct {
	fd     int
	unsent []byte // what the kernel has not taken yet
	writes bool   // epoll watches whether it takes more
	then   []byte // second requests of operations, which go first

	scan scanner
	rest []byte // bytes that are no whole item yet

	entries []entry // a ring of as many as the pipeline has
	first   int     // of the ring: the oldest
	under   int     // entries in use

	owed uint64 // operations that are due and not yet sent
	turn uint64 // of the open loop: which one of the pace comes next here
}

func newConn(fd, pipeline int) *conn {
	return &conn{fd: fd, entries: make([]entry, pipeline)}
}

func (c *conn) push(e entry) {
	if c.under == len(c.entries) {
		panic("BUG: more requests under way than the pipeline has")
	}
	at := c.first + c.under
	if at >= len(c.entries) {
		at -= len(c.entries)
	}
	c.entries[at] = e
	c.under++
}

func (c *conn) pop() entry {
	e := c.entries[c.first]
	c.first++
	if c.first == len(c.entries) {
		c.first = 0
	}
	c.under--
	return e
}

// send writes as much of b as the kernel takes, and keeps the rest.
func (c *conn) send(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(c.fd, b)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		b = b[n:]
	}
	c.unsent = append(c.unsent[:0], b...)
	return nil
}

// receive reads what there is into buf, behind what is left of before, and returns both. Nothing: there is nothing.
func (c *conn) receive(buf []byte) ([]byte, error) {
	left := copy(buf, c.rest)
	for {
		n, err := unix.Read(c.fd, buf[left:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errLost, err)
		case n == 0:
			return nil, fmt.Errorf("%w: %w", errLost, io.EOF)
		}
		c.rest = c.rest[:0]
		return buf[:left+n], nil
	}
}
