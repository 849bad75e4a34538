package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"holdfast/bench/rig"
)

const connBuffer = 64 << 10

// errWrong is wrapped when a server answers a GET with something else than what was written.
var errWrong = errors.New("a wrong answer")

// A conn sends requests and reads replies in order. It is for one goroutine.
type conn struct {
	net  net.Conn
	in   *bufio.Reader
	out  []byte // of one request or batch
	stop func() bool
}

// dial connects. The connection closes when ctx ends, so that nobody waits for a server that is gone.
func dial(ctx context.Context, addr string) (*conn, error) {
	n, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &conn{net: n, in: bufio.NewReaderSize(n, connBuffer)}
	c.stop = context.AfterFunc(ctx, func() { _ = n.SetDeadline(time.Unix(1, 0)) })
	return c, nil
}

// close ends a connection that is not needed any more; what it says about that changes no figure.
func (c *conn) close() {
	c.stop()
	_ = c.net.Close()
}

// get asks for key i and checks the reply.
func (c *conn) get(i uint64) error {
	c.out = appendGet(c.out[:0], i)
	if _, err := c.net.Write(c.out); err != nil {
		return err
	}
	return readValue(c.in, i)
}

// set writes key i.
func (c *conn) set(i, version uint64) error {
	c.out = appendSet(c.out[:0], i, version)
	if _, err := c.net.Write(c.out); err != nil {
		return err
	}
	return readOK(c.in)
}

func appendGet(dst []byte, i uint64) []byte {
	return append(appendKey(append(dst, "*2\r\n$3\r\nGET\r\n$16\r\n"...), i), "\r\n"...)
}

func appendSet(dst []byte, i, version uint64) []byte {
	dst = append(appendKey(append(dst, "*3\r\n$3\r\nSET\r\n$16\r\n"...), i), "\r\n$64\r\n"...)
	return append(appendValue(dst, i, version), "\r\n"...)
}

func readValue(r *bufio.Reader, i uint64) error {
	reply, err := rig.ReadReply(r)
	if err != nil {
		return err
	}
	if len(reply) != 1 || !isValue(reply[0], i) {
		return fmt.Errorf("%w: GET %s: %q", errWrong, appendKey(nil, i), reply)
	}
	return nil
}

// readOK reads the reply to a SET. That it is fine costs no allocation: the loader reads millions of them.
func readOK(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if string(line) == "+OK\r\n" {
		return nil
	}
	text := strings.TrimSuffix(string(line), "\r\n")
	if refused, is := strings.CutPrefix(text, "-"); is {
		return rig.ReplyError(refused)
	}
	return fmt.Errorf("%w: SET: %q", errWrong, text)
}

// because is err, or why ctx ended if it did: a connection that we closed ourselves fails with less telling words.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
