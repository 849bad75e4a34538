package intake

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/client"
	"holdfast/inspect"
	"holdfast/rdb"
	"holdfast/resp"
	"holdfast/snapshot"
)

// ErrConflict: the server has keys that the input has too.
var ErrConflict = errors.New("the server has a key of that name")

// errChanged: the server has been sent the beginning of a value, the rest of which cannot be read any more.
var errChanged = errors.New("the file changed while it was being sent")

// ServerOptions say how to take something into a running server.
type ServerOptions struct {
	Options
	Target client.Target
	// Replace lets keys of the input take the place of those that the server has; without it one such key ends the import
	// before anything is sent.
	Replace bool
	// Temporary is a directory for temporary files.
	Temporary string
}

// IntoServer sends the input to a server, as plain commands. It is read twice: first it is found sound and looked for in the
// server, key by key; then it is sent. What clients do in between it does not see.
func IntoServer(ctx context.Context, in *Input, o ServerOptions) (r Report, err error) {
	s := sending{ServerOptions: o, ctx: ctx, in: in}
	if s.Progress == nil {
		s.Progress = func(string, int64, int64) {}
	}
	started := o.Clock()
	s.report = Report{From: in.Name, To: o.Target.String(), sent: true}
	if err := s.look(); err != nil {
		return Report{}, err
	}
	err = s.send()
	s.report.Kind = in.Kind // now that it is known
	s.report.Millis = o.Clock().Sub(started).Milliseconds()
	return s.report, err
}

// sending is an import into a server under way.
type sending struct {
	ServerOptions
	ctx    context.Context
	in     *Input
	report Report
	number int64          // of the key at hand, in the order of the input
	twice  map[int64]bool // which of them have been there before
}

// sink takes what an input has.
type sink struct {
	key     func(db int, key []byte) error // is told of each key before what makes it; nil is for commands of an AOF
	entry   func(e *inspect.Entry) error   // a key of an RDB file
	command func(db int, args ...[]byte) error
	undo    func() error // what commands have made of the key at hand is to go
}

// bad hears of what makes no sense.
func (s *sending) bad(err error) error {
	if !s.SkipBad {
		return err
	}
	s.report.skip(err)
	return nil
}

// each reads the input.
func (s *sending) each(doing string, to sink) error {
	total, err := s.in.Bytes()
	if err != nil {
		return err
	}
	s.number = 0
	h := handler{
		bad:      s.bad,
		unread:   s.report.unread,
		told:     s.report.note,
		ended:    s.ctx.Err,
		progress: func(done int64) { s.Progress(doing, min(done, total), total) },
	}
	err = s.in.eachKey(h, func(e *inspect.Entry, f *rdb.File) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if s.number++; s.twice[s.number] {
			return nil
		}
		if err := to.key(e.DB, e.Key); err != nil {
			return err
		}
		return to.entry(e)
	})
	if err != nil {
		return err
	}
	passing := false // over a key of JSON lines, with all that makes it
	h.command = func(c *Command) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if c.Key != nil {
			s.number++
			passing = s.twice[s.number]
		}
		if passing {
			return nil
		}
		if s.in.json && string(c.Args[0]) == "DEL" { // what makes a value has none of it: a later line of the key is bad
			return to.undo()
		}
		if c.Key != nil || !s.in.json {
			if err := to.key(c.DB, c.Key); err != nil {
				return err
			}
		}
		return to.command(c.DB, c.Args...)
	}
	h.text = func(e *inspect.Entry) error {
		if s.number++; s.twice[s.number] {
			return nil
		}
		if err := errors.Join(s.ctx.Err(), to.key(e.DB, e.Key)); err != nil {
			return err
		}
		return to.entry(e)
	}
	if !s.in.hasCommands() {
		return nil
	}
	return s.in.eachCommand(h)
}

// look reads the whole input, and asks the server for its keys.
func (s *sending) look() (err error) {
	conn, err := client.DialAs(s.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	const sortMemory = 64 << 20
	l := looking{conn: conn, db: -1, replace: s.Replace, report: &s.report, seen: map[int]bool{}}
	sorted := snapshot.NewSorter(s.FS, s.Temporary, sortMemory)
	defer func() { err = errors.Join(err, sorted.Discard()) }()
	types, nothing := s.in.types, func(...[]byte) error { return nil }
	err = s.each("looking at "+s.in.Name, sink{
		key: func(db int, key []byte) error {
			if key != nil {
				if err := sorted.Add(storeOf(db), key, binary.BigEndian.AppendUint64(nil, uint64(s.number))); err != nil {
					return err
				}
			}
			return l.key(db, key)
		},
		entry: func(e *inspect.Entry) error {
			if e.LongText() > 0 {
				return nil // it has been read
			}
			return inspect.Remake(types, e, nothing)
		},
		command: func(int, ...[]byte) error { return nil },
		undo:    func() error { return nil },
	})
	if err == nil {
		err = l.ask()
	}
	if err != nil {
		return err
	}
	s.report.Skipped, s.report.Problems, s.report.Unread = 0, nil, nil // they come again when it is sent
	return s.findTwice(sorted)
}

// findTwice looks for keys that the input has twice. Only the first of each is sent.
func (s *sending) findTwice(sorted *snapshot.Sorter) error {
	s.twice = map[int64]bool{}
	last, lastStore := []byte(nil), snapshot.Store(0)
	for {
		store, key, number, err := sorted.Next()
		if err != nil {
			if err == io.EOF {
				err = s.ctx.Err()
			}
			return err
		}
		if store != lastStore || !bytes.Equal(key, last) {
			last, lastStore = append(last[:0], key...), store
			continue
		}
		s.twice[int64(binary.BigEndian.Uint64(number))] = true
		where := fmt.Sprintf("key %s in database %d", inspect.Bytes(key), store-storeOf(0))
		if err := s.bad(&DamageError{File: s.in.keysFile(), Where: where, Reason: "it is there twice"}); err != nil {
			return err
		}
	}
}

// looking asks a server for keys, many at a time.
type looking struct {
	conn    *client.Conn
	db      int
	replace bool
	report  *Report
	keys    []string
	seen    map[int]bool // databases
}

func (l *looking) key(db int, key []byte) error {
	const batch = 512
	if db != l.db {
		if err := l.ask(); err != nil {
			return err
		}
		if _, err := l.conn.Do("SELECT", strconv.Itoa(db)); err != nil {
			return fmt.Errorf("the server has no database %d: %w", db, err)
		}
		l.db = db
	}
	if key == nil {
		return l.empty()
	}
	l.keys = append(l.keys, string(key))
	if len(l.keys) < batch {
		return nil
	}
	return l.ask()
}

// empty sees to it that a database in which commands are to run has nothing: which keys they need is not known.
func (l *looking) empty() error {
	if l.replace || l.seen[l.db] {
		return nil
	}
	l.seen[l.db] = true
	reply, err := l.conn.Do("DBSIZE")
	if err == nil && reply.Int != 0 {
		err = fmt.Errorf("%w: its database %d has %d keys, and the commands of an AOF are for an empty one; --replace runs them all the same",
			ErrConflict, l.db, reply.Int)
	}
	return err
}

func (l *looking) ask() error {
	if len(l.keys) == 0 {
		return nil
	}
	reply, err := l.conn.Do(append([]string{"EXISTS"}, l.keys...)...)
	keys := l.keys
	l.keys = l.keys[:0]
	if err != nil || reply.Int == 0 {
		return err
	}
	l.report.Replaced += reply.Int
	if l.replace {
		return nil
	}
	for _, key := range keys {
		if reply, err := l.conn.Do("EXISTS", key); err != nil || reply.Int > 0 {
			return errors.Join(err, fmt.Errorf("%w: %s in database %d; nothing was imported; --replace lets the new ones take their place",
				ErrConflict, inspect.Bytes(key), l.db))
		}
	}
	return nil
}

// send sends everything in one pipeline, and counts what comes back.
func (s *sending) send() error {
	session := &client.Session{Target: s.Target, Out: io.Discard, Now: time.Now}
	from, to := io.Pipe()
	sent := make(chan error, 1)
	go func() { // ends when everything has been taken, or nobody takes any more
		err := s.write(to)
		sent <- errors.Join(err, to.Close())
	}()
	problems := &problemList{}
	_, refused, err := session.Pipe(from, problems, rand.Text(), 0)
	from.CloseWithError(io.ErrClosedPipe)
	if own := <-sent; own != nil && !errors.Is(own, io.ErrClosedPipe) {
		err = own
	}
	s.report.Refused, s.report.Problems = int64(refused), append(s.report.Problems, problems.texts...)
	if err = errors.Join(err, session.Close()); err == nil && refused > 0 {
		err = fmt.Errorf("%w: %d of %d commands, the first with %s; it has done the others", ErrRefused, refused, s.report.Commands, problems.texts[0])
	}
	return err
}

func (s *sending) write(w *io.PipeWriter) error {
	out := bufio.NewWriterSize(w, 64<<10)
	requests := inspect.NewRequests(out, false)
	types := s.in.types
	err := s.each("sending "+s.in.Name, sink{
		key: func(db int, key []byte) error {
			if key == nil {
				return requests.End()
			}
			s.report.Keys++
			return requests.Begin(db, key, s.Replace && s.report.Replaced > 0)
		},
		entry: func(e *inspect.Entry) error {
			err := requests.Remake(types, e)
			if requests.Torn() && errors.Is(err, rdb.ErrCorrupt) {
				return fmt.Errorf("%w: %v", errChanged, err) // the rest of it cannot be left out
			}
			if errors.Is(err, rdb.ErrCorrupt) {
				err = errors.Join(err, requests.Undo())
			}
			return err
		},
		command: requests.Command,
		undo:    requests.Undo,
	})
	if err == nil {
		err = requests.End()
	} else if !requests.Torn() {
		err = errors.Join(err, requests.Discard())
	}
	s.report.Commands = requests.Commands()
	flushed := out.Flush()
	if requests.Torn() {
		err = errors.Join(err, flushed)
		return errors.Join(err, w.CloseWithError(err))
	}
	if err == nil || flushed != nil {
		return errors.Join(err, flushed)
	}
	// What was to follow will not: the server hangs up, so that nobody waits for its replies.
	_, quit := w.Write(resp.AppendCommand(nil, "QUIT"))
	return errors.Join(err, quit)
}

// problemList takes the error replies that Pipe prints, a line each, and keeps the first few.
type problemList struct{ texts []string }

func (p *problemList) Write(b []byte) (int, error) {
	if len(p.texts) < problemsMax {
		p.texts = append(p.texts, strings.TrimSpace(string(b)))
	}
	return len(b), nil
}
