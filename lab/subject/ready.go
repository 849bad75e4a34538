package subject

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"holdfast/resp"
)

// poll is how often a server that is starting is asked whether it answers.
const poll = time.Millisecond

// ready waits until the server answers commands.
func (r *Running) ready(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if r.answers(ctx, time.Until(deadline)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("starting %s: %w", r.command[0], ctx.Err())
		case <-r.exited:
			return r.refusal()
		case <-tick.C:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s, after %v\n%s", ErrSilent, r.command[0], limit, r.Output())
		}
	}
}

// answers asks once. A server that is still loading does not answer yet; one that wants a password does.
func (r *Running) answers(ctx context.Context, limit time.Duration) bool {
	if limit <= 0 {
		return false
	}
	dialed, err := net.DialTimeout("tcp", r.address(), limit)
	if err != nil {
		return false
	}
	c := newConn(dialed, min(limit, r.replyMax))
	defer c.drop()
	answered := make(chan struct{})
	defer close(answered)
	go func() { // the connection may have been taken by somebody who outlives the server, and keeps silent
		select {
		case <-r.exited:
			c.drop()
		case <-ctx.Done():
			c.drop()
		case <-answered:
		}
	}()
	reply, err := c.Do([]byte("PING"))
	if err != nil {
		return false
	}
	up := reply.Kind == '+' && string(reply.Str) == "PONG" || reply.Kind == '-' && !strings.HasPrefix(string(reply.Str), "LOADING")
	return up && r.listens()
}

// refusal says how the server ended instead of answering.
func (r *Running) refusal() error {
	if r.state.Success() {
		if pid := r.daemon(); pid != 0 {
			return fmt.Errorf("%w: %s: %w", ErrRefused, r.command[0], errors.Join(ErrBackground, r.endDaemon(pid)))
		}
	}
	return fmt.Errorf("%w: %s ended: %v\n%s", ErrRefused, r.command[0], r.state, r.Output())
}

func (r *Running) address() string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(r.port)) }

// Dial opens a connection.
func (r *Running) Dial() (Conn, error) {
	conn, err := net.DialTimeout("tcp", r.address(), r.replyMax)
	if err != nil {
		return nil, fmt.Errorf("connecting to the server: %w", err)
	}
	return newConn(conn, r.replyMax), nil
}

// conn is a Conn over TCP; what Go makes of it has TCP_NODELAY.
type conn struct {
	net     net.Conn
	in      *resp.Decoder
	out     []byte
	timeout time.Duration
}

func newConn(c net.Conn, timeout time.Duration) *conn {
	return &conn{net: c, in: resp.NewDecoder(c), timeout: timeout}
}

// Do sends a request and waits for its reply, for so long as a reply may take.
func (c *conn) Do(args ...[]byte) (resp.Reply, error) {
	if err := c.net.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return resp.Reply{}, err
	}
	c.out = resp.AppendCommand(c.out[:0], args...)
	if _, err := c.net.Write(c.out); err != nil {
		return resp.Reply{}, err
	}
	for {
		reply, err := c.in.Decode()
		if err != nil || reply.Kind != '>' { // a push message answers nothing
			return reply, err
		}
	}
}

func (c *conn) Close() error { return c.net.Close() }

// drop closes a connection that nobody has an interest in any more.
func (c *conn) drop() { c.net.Close() }
