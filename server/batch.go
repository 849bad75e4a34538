package server

import (
	"slices"

	"holdfast/commands"
	"holdfast/resp"
)

// A batch is at most so many requests: what runs under one taking of the engine's lock.
const batchRequests = 128

// batch is room for the requests that run together; a loop has one for all its sessions.
type batch struct {
	args     [][]byte // arguments, one request's behind the other's; slices of the input
	used     int      // how many they are, those that had no room in args included
	requests [][][]byte
	ends     []int // where each request ends in the input
}

func newBatch() batch {
	return batch{
		args:     make([][]byte, 0, 4*batchRequests),
		requests: make([][][]byte, 0, batchRequests),
		ends:     make([]int, 0, batchRequests),
	}
}

// reset lets go of the input that the last batch lay in.
func (b *batch) reset() {
	clear(b.args[:min(b.used, cap(b.args))])
	clear(b.requests)
	b.used, b.requests, b.ends = 0, b.requests[:0], b.ends[:0]
}

// batch runs the whole requests at the beginning of the input, up to a limit, and returns how many bytes they were.
func (s *session) batch(input []byte) (consumed int) {
	b := &s.loop.batch
	defer b.reset()
	refusal := s.parse(b, input)
	if len(b.requests) > 0 {
		done := s.run(b.requests)
		if done > 0 {
			consumed = b.ends[done-1]
		}
		if done < len(b.requests) || s.blocked || s.closing || !s.trusted() {
			s.framer, refusal = resp.Framer{}, nil // what is left is looked at again, or never
		}
	}
	if refusal != nil {
		s.refuse(refusal)
		consumed = len(input)
	}
	s.srv.bytesIn.Add(int64(consumed))
	s.srv.reads.Add(1)
	return consumed
}

// parse fills the batch from the input, and returns the error of the request behind it, if that is malformed.
func (s *session) parse(b *batch, input []byte) error {
	limits := resp.DefaultLimits()
	limits.Bulk = s.srv.bulk.Load()
	trusted, most := s.trusted(), batchRequests
	if !trusted {
		most = 1 // the next request may be allowed more than this one
	}
	room := b.args
	for at := 0; len(b.requests) < most; {
		n, err := s.framer.Next(input[at:], &limits, trusted)
		if n == 0 || err != nil {
			return err
		}
		args, err := resp.Parse(input[at:at+n], room)
		if err != nil {
			return err
		}
		at += n
		room = args[len(args):]
		b.used += len(args)
		b.requests = append(b.requests, args[:len(args):len(args)])
		b.ends = append(b.ends, at)
	}
	return nil
}

// standing is how the client stands with the server: what of it a session needs beside the engine's lock. It changes by the
// client's own requests only, but a script's goroutine may carry them on.
type standing struct {
	proto         int
	authenticated bool
	silence       commands.Silence
}

// standingOf is the client's now. The caller holds the engine's lock.
func standingOf(c *commands.Client) standing { return standing{c.Proto, c.Authenticated, c.Silence} }

// trusted reports whether the client need not log in first.
func (s *session) trusted() bool { return s.stands.authenticated || s.srv.users.Open() }

// run hands requests to the engine, and returns how many it took.
func (s *session) run(requests [][][]byte) (done int) {
	e, w := s.srv.o.Engine, s.writer()
	s.ran = true
	done, gate := e.Run(&s.client, w, requests)
	s.gate = max(s.gate, gate)
	e.Do(func() {
		// A wait that began in this batch may be over already. Its reply lies in the mailbox, and comes before those
		// to the requests behind it: the session goes on when it has looked there.
		s.blocked = s.client.Blocked != nil || s.resumed()
		s.closing = s.client.CloseAfterReply
		s.hears = s.client.Subs != nil
		s.stands = standingOf(&s.client)
		if wait := s.client.Blocked; wait != nil {
			wait.Keys = slices.Clone(wait.Keys) // they were a slice of the batch, which is about to be used again
		}
	})
	return done
}

// refuse replies to what is no request. Nobody knows where the next one begins.
func (s *session) refuse(err error) {
	if s.stands.silence == commands.Talking {
		s.writer().Err(err)
	}
	s.closing = true
}
