// Package client is the client's side of a conversation: a connection, replies as text, and a prompt.
//
// Everything that a user of redis-cli 7.0 sees looks the same here: formatted, raw and JSON replies, the way a typed
// line splits into words, the prompt and its markers. It differs where that serves better, and the functions say so:
// JSON is always valid JSON, a command whose reply was lost is not sent a second time, and an error reply is a failure.
//
//	Target ─ Dial ─▶ Conn ─▶ Session ─▶ Prompt ◀─ Editor (the line-editing library)
//	                            │          └────── Manual (commands, from COMMAND DOCS)
//	                            └─▶ Style.Append (replies as text)
//
// Only editor.go knows the line-editing library. github.com/ergochat/readline was taken for being kept up, tested and
// MIT; github.com/peterh/liner has no hints beside the line, golang.org/x/term no search in the history.
package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"holdfast/resp"
)

// Errors of a conversation.
var (
	// ErrLost is wrapped when a connection ends in the middle of a conversation.
	ErrLost = errors.New("the connection was lost")
	// ErrInterrupted is returned when the user pressed ^C while a reply was awaited.
	ErrInterrupted = errors.New("interrupted")

	errClosed = errors.New("the server closed it")
)

// Conn is a connection to a server. It is used by one goroutine.
type Conn struct {
	nc      net.Conn
	out     []byte          // the request being sent; kept for its capacity
	replies chan resp.Reply // what read delivers; closed by it when the connection has ended
	done    chan struct{}   // closed by Close, so that read need not wait for a receiver
	lost    error           // why the connection ended; written before replies is closed, read after
	mute    bool            // it ended before the first reply; as lost
	plain   bool            // it speaks no TLS, over a network
}

// Dial connects to t. It says nothing to the server yet. Its error wraps ErrConnect and is fit to be shown.
func Dial(t Target) (*Conn, error) {
	network, address := t.network()
	nc, err := net.DialTimeout(network, address, connectTimeout)
	if err != nil {
		return nil, t.explain(err)
	}
	if t.TLS {
		if err := nc.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
			return nil, errors.Join(t.explain(err), nc.Close())
		}
		if nc, err = t.secured(nc); err != nil {
			return nil, err
		}
		if err := nc.SetDeadline(time.Time{}); err != nil {
			return nil, errors.Join(t.explain(err), nc.Close())
		}
	}
	c := &Conn{nc: nc, plain: !t.TLS && t.Socket == "", replies: make(chan resp.Reply), done: make(chan struct{})}
	go c.read()
	return c, nil
}

// DialAs is Dial, and says who it is where the target has a password.
func DialAs(t Target) (*Conn, error) {
	conn, err := Dial(t)
	if err != nil || t.Password == "" {
		return conn, err
	}
	if _, err := conn.Do(t.auth()...); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// read delivers replies until the connection ends. A goroutine of its own, started by Dial and stopped by Close,
// lets a server that went away be noticed between commands, before anything is sent to it.
func (c *Conn) read() {
	defer close(c.replies)
	decoder := resp.NewDecoder(c.nc)
	for c.mute = true; ; c.mute = false {
		reply, err := decoder.Decode()
		if err != nil {
			c.lost = err
			return
		}
		select {
		case c.replies <- reply:
		case <-c.done:
			c.lost = net.ErrClosed
			return
		}
	}
}

// Send writes one command.
func (c *Conn) Send(args ...string) error {
	c.out = resp.AppendCommand(c.out[:0], args...)
	if _, err := c.nc.Write(c.out); err != nil {
		return fmt.Errorf("%w while sending: %w", ErrLost, err)
	}
	return nil
}

// Do sends one command and waits for its reply, where no pushes come. An error that the server replies is an error.
func (c *Conn) Do(args ...string) (resp.Reply, error) {
	if err := c.Send(args...); err != nil {
		return resp.Reply{}, err
	}
	reply, err := c.Receive(nil)
	if err == nil {
		err = reply.Err()
	}
	return reply, err
}

// Receive waits for what the server sends next, which may be a push. A value on interrupt ends the wait with
// ErrInterrupted, after which the connection is good for nothing but Close: a reply may still be on its way.
func (c *Conn) Receive(interrupt <-chan struct{}) (resp.Reply, error) {
	select {
	case reply, ok := <-c.replies:
		if !ok {
			return reply, c.lostError()
		}
		return reply, nil
	case <-interrupt:
		return resp.Reply{}, ErrInterrupted
	}
}

// Drain returns what arrived since the last call without waiting (pushes), and an error if the connection has ended.
func (c *Conn) Drain() ([]resp.Reply, error) {
	var pushes []resp.Reply
	for {
		select {
		case reply, ok := <-c.replies:
			if !ok {
				return pushes, c.lostError()
			}
			pushes = append(pushes, reply)
		default:
			return pushes, nil
		}
	}
}

func (c *Conn) lostError() error {
	cause := c.lost
	if errors.Is(cause, io.EOF) {
		cause = errClosed
	}
	if c.mute && c.plain { // so does a server that wants TLS
		return fmt.Errorf("%w: %w, before it had said anything in RESP; a TLS port wants --tls", ErrLost, cause)
	}
	return fmt.Errorf("%w: %w", ErrLost, cause)
}

// Close ends the connection.
func (c *Conn) Close() error {
	close(c.done)
	return c.nc.Close()
}
