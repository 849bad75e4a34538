package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/resp"
)

// Ask sends requests that change nothing, such as a workload's Reads, one after another, and returns their replies. With a
// log it writes down both, as requests of connection number; nil is no log. A connection that breaks is made anew, as in
// Drive, and asked again. ErrBroken when the server is gone; ErrUnanswered when a reply took longer than patience, or than
// the connection allows; when ctx ends, one of the two.
func Ask(ctx context.Context, dial func() (subject.Conn, error), log Log, number int, requests [][][]byte,
	patience time.Duration) ([]resp.Reply, error) {
	r := &reader{dial: dial, patience: patience}
	defer r.close()
	replies := make([]resp.Reply, 0, len(requests))
	for i, args := range requests {
		id := uint64(i + 1)
		if err := note(log, trace.Event{Kind: trace.Request, Conn: number, ID: id, Args: args}); err != nil {
			return nil, err
		}
		reply, err := r.ask(ctx, args)
		if err != nil {
			return nil, fmt.Errorf("request %d of %d, %s: %w", id, len(requests), described(args), err)
		}
		replies = append(replies, reply)
		if log == nil {
			continue
		}
		e := trace.Event{Kind: trace.Reply, Conn: number, ID: id, Reply: AppendReply(nil, reply)}
		if err := note(log, e); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

func note(log Log, e trace.Event) error {
	if log == nil {
		return nil
	}
	_, err := log.Append(e, nil)
	return err
}

// reader is a connection for requests that may be asked twice.
type reader struct {
	dial     func() (subject.Conn, error)
	patience time.Duration
	conn     subject.Conn // nil: none yet, or it broke
	selected [][]byte     // the newest SELECT; a new connection needs it too
}

// ask returns the reply to a request, over a new connection where the one there is breaks.
func (r *reader) ask(ctx context.Context, args [][]byte) (resp.Reply, error) {
	var failed error
	for range 1 + breaksMax {
		if err := r.connect(ctx); err != nil {
			if failed == nil {
				failed = err
			}
			return resp.Reply{}, failed
		}
		reply, err := r.do(ctx, args)
		if err == nil {
			if bytes.EqualFold(args[0], []byte("SELECT")) {
				r.selected = args
			}
			return reply, nil
		}
		if failed = err; errors.Is(err, ErrUnanswered) {
			return resp.Reply{}, err
		}
	}
	return resp.Reply{}, failed
}

func (r *reader) connect(ctx context.Context) (err error) {
	if r.conn != nil {
		return nil
	}
	if r.conn, err = r.dial(); err != nil {
		r.conn = nil
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if r.selected != nil {
		_, err = r.do(ctx, r.selected)
	}
	return err
}

// do asks once. After an error the connection is gone.
func (r *reader) do(ctx context.Context, args [][]byte) (resp.Reply, error) {
	within, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	conn := r.conn
	stop := context.AfterFunc(within, func() { conn.Close() }) //nolint:errcheck // what it returns says nothing about data
	reply, err := conn.Do(args...)
	if !stop() { // it is closed already
		r.conn = nil
		return resp.Reply{}, fmt.Errorf("%w, %v", ErrUnanswered, r.patience)
	}
	if err == nil {
		return reply, nil
	}
	r.close()
	if timedOut(err) {
		return resp.Reply{}, fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	return resp.Reply{}, fmt.Errorf("%w: %w", ErrBroken, err)
}

func (r *reader) close() {
	if r.conn != nil {
		r.conn.Close() //nolint:errcheck // see do
		r.conn = nil
	}
}
