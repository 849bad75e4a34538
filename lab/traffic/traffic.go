// Package traffic sends a workload's requests to a server, writes down what was asked and answered, and makes the history
// of it that a recovered server is judged by.
//
//	workload ──► Drive ──► connections ──► the server
//	               │
//	               └──► Log: a trace, or Live ──► Follower ──► History at any point
//
// What makes the history worth something is the order of a Log: a request stands in it before it is sent, and a reply after
// it was received. Events of files that stand between the two may belong to the request; those after the reply cannot have
// been needed for it.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
	"holdfast/resp"
)

var (
	// ErrBroken says that connections broke before their clients were done, and could not be made anew.
	ErrBroken = errors.New("connections broke")
	// ErrUnanswered says that a reply did not come in time.
	ErrUnanswered = errors.New("a request was not answered in time")
)

// breaksMax is how often in a row, without a reply between, a connection may break whose server still takes new ones.
const breaksMax = 3

// Log takes events in the order in which they happen, and numbers them. It is safe for concurrent use. A trace.Writer is
// one, and Live.
type Log interface {
	Append(e trace.Event, data []byte) (seq uint64, err error)
}

// Drive runs every client of a workload on a connection of its own until all are done or ctx ends; then it closes the
// connections, which leaves a request that is under way without a reply.
//
// A connection that breaks is made anew, and its client goes on: a server may close one and lose nothing. Whether it did
// what was under way nobody knows. ErrBroken when that cannot be, since the server is gone: who killed it on purpose
// expects it, and all the others do not. ErrUnanswered when a reply took longer than the connection allows. trace.ErrFull
// when the log was full. A connection is closed from another goroutine than the one that waits for a reply on it, and that
// has to end the waiting.
func Drive(ctx context.Context, w workload.Workload, round int, dial func() (subject.Conn, error), log Log, seed uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clients := make([]*client, w.Clients())
	for n := range clients {
		conn, err := dial()
		if err != nil {
			for _, c := range clients[:n] {
				c.close()
			}
			return fmt.Errorf("%w: connection %d of %d: %w", ErrBroken, n+1, len(clients), err)
		}
		rng := rand.New(rand.NewPCG(seed, uint64(ConnOf(w.Clients(), n, round))))
		clients[n] = &client{dial: dial, conn: conn, log: log, number: ConnOf(w.Clients(), n, round), source: w.Client(n, round, rng)}
	}
	errs := make([]error, len(clients))
	var all sync.WaitGroup
	for n, c := range clients {
		all.Go(func() {
			if errs[n] = c.run(ctx); errs[n] != nil {
				cancel() // the others cannot make up for it, and a crash waits for nobody
			}
		})
	}
	wait(ctx, &all, clients)
	return errors.Join(errs...)
}

// wait waits for the clients, and closes the connections when ctx ends.
func wait(ctx context.Context, all *sync.WaitGroup, clients []*client) {
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	for _, c := range clients {
		c.close()
	}
	<-done
}

// ConnOf is the number in the log of connection n, from 0, of a round: each round has numbers of its own.
func ConnOf(clients, n, round int) int { return 1 + round*clients + n }

// client is one connection with the source of its requests.
type client struct {
	dial   func() (subject.Conn, error)
	log    Log
	number int
	source workload.Client

	mu     sync.Mutex   // guards what follows
	conn   subject.Conn // replaced by run alone
	closed bool
}

// close closes the connection, once. What that returns says nothing about the data: the server may be gone.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.conn.Close() //nolint:errcheck // see above
	}
}

// redial makes a connection in place of one that broke.
func (c *client) redial() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		conn, c.conn = c.conn, conn
	}
	conn.Close() //nolint:errcheck // see close
	return nil
}

// run asks until the source has no more, ctx ends or the server is gone or keeps silent; only the last two are errors, as
// is a full log.
func (c *client) run(ctx context.Context) error {
	var reply resp.Reply
	breaks := 0
	for id := uint64(1); ; id++ {
		args := c.source.Next(reply)
		if args == nil || ctx.Err() != nil {
			return c.ended()
		}
		if _, err := c.log.Append(trace.Event{Kind: trace.Request, Conn: c.number, ID: id, Args: args}, nil); err != nil {
			return fmt.Errorf("request %d of connection %d: %w", id, c.number, err)
		}
		var err error
		if reply, err = c.conn.Do(args...); err != nil {
			ended := ctx.Err() != nil
			if logged := c.ended(); ended || logged != nil {
				return logged
			}
			if timedOut(err) {
				return fmt.Errorf("%w: %s: %w", ErrUnanswered, described(args), err)
			}
			breaks++
			if breaks > breaksMax || c.redial() != nil {
				return fmt.Errorf("%w: request %d of connection %d: %w", ErrBroken, id, c.number, err)
			}
			if !c.source.Lost() {
				return nil
			}
			continue
		}
		breaks = 0
		e := trace.Event{Kind: trace.Reply, Conn: c.number, ID: id, Reply: AppendReply(nil, reply)}
		if _, err := c.log.Append(e, nil); err != nil {
			return fmt.Errorf("the reply to request %d of connection %d: %w", id, c.number, err)
		}
	}
}

func (c *client) ended() error {
	_, err := c.log.Append(trace.Event{Kind: trace.Closed, Conn: c.number}, nil)
	return err
}

// timedOut reports whether a connection was given up since a reply did not come.
func timedOut(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) && failed.Timeout()
}

// described is a request in a few words.
func described(args [][]byte) string { return fmt.Sprintf("%.60q", args) }
