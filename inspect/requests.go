package inspect

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"holdfast/commands"
	"holdfast/kv"
	"holdfast/resp"
)

// Requests writes commands as a client would send them, which is also how a Redis AOF has them: SELECT where the database
// changes, MULTI and EXEC around those of one record.
type Requests struct {
	w        io.Writer
	db       int
	begun    bool // a database has been chosen
	stamps   bool
	stamp    int64 // unix seconds, of the last annotation
	buf      []byte
	commands int64
	torn     bool
	old      []byte // key that goes together with the first command about it; nil: none
}

// NewRequests begins a stream of commands. With stamps it says at each new second when what follows was done, in the
// annotations that a Redis from 7.0 on reads in an AOF; on a connection they are no commands and must be left out.
func NewRequests(w io.Writer, stamps bool) *Requests { return &Requests{w: w, stamps: stamps} }

// Commands is how many commands have been written, those in between (SELECT, MULTI, EXEC) not counted.
func (q *Requests) Commands() int64 { return q.commands }

// Torn reports whether a command has been written in part, as what it was to have could not be read.
func (q *Requests) Torn() bool { return q.torn }

// Record writes the commands of a record.
func (q *Requests) Record(r Record) error {
	q.buf = q.buf[:0]
	if seconds := r.Time / 1000; q.stamps && seconds != q.stamp {
		q.buf = fmt.Appendf(q.buf, "#TS:%d\r\n", seconds)
		q.stamp = seconds
	}
	several := len(r.Commands) > 1
	if several {
		q.choose(r.Commands[0].DB)
		q.buf = resp.AppendCommand(q.buf, "MULTI")
	}
	for _, c := range r.Commands {
		q.choose(c.DB)
		q.buf = resp.AppendCommand(q.buf, c.Args...)
		q.commands++
	}
	if several {
		q.buf = resp.AppendCommand(q.buf, "EXEC")
	}
	_, err := q.w.Write(q.buf)
	return err
}

// Replace lets the commands that follow, which make the key, take the place of whatever it holds. That goes in one transaction with
// the first of them: where the server refuses to write, it keeps the old value.
func (q *Requests) Replace(key []byte) { q.old = append(make([]byte, 0, len(key)), key...) }

// Command writes one command.
func (q *Requests) Command(db int, args ...[]byte) error {
	q.buf = q.buf[:0]
	q.choose(db)
	replaces := q.old != nil && len(args) > 1 && slices.ContainsFunc(args[1:], func(arg []byte) bool { return bytes.Equal(arg, q.old) })
	if replaces {
		q.buf = resp.AppendCommand(q.buf, "MULTI")
		q.buf = resp.AppendCommand(q.buf, []byte("DEL"), q.old)
		q.commands++
	}
	q.old = nil
	q.buf = resp.AppendCommand(q.buf, args...)
	q.commands++
	if replaces {
		q.buf = resp.AppendCommand(q.buf, "EXEC")
	}
	_, err := q.w.Write(q.buf)
	return err
}

// Remake writes the commands that make an entry: those that the function of that name makes. A long string goes piece by piece.
func (q *Requests) Remake(types *kv.Types, e *Entry) error {
	n := e.LongText()
	if n == 0 {
		return Remake(types, e, func(args ...[]byte) error { return q.Command(e.DB, args...) })
	}
	q.buf, q.old = q.buf[:0], nil // SET replaces by itself
	q.choose(e.DB)
	q.buf = fmt.Appendf(q.buf, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(e.Key), []byte(e.Key), n)
	q.commands++
	if _, err := q.w.Write(q.buf); err != nil {
		return err
	}
	q.torn = true
	err := e.Pieces(func(piece []byte) error {
		_, err := q.w.Write(piece)
		return err
	})
	if err == nil {
		_, err = io.WriteString(q.w, "\r\n")
	}
	q.torn = err != nil
	if err != nil || e.Deadline == 0 {
		return err
	}
	return q.Command(e.DB, commands.Remade(e.Key, e.Deadline)...)
}

// choose selects a database. The first command always has its SELECT.
func (q *Requests) choose(db int) {
	if q.begun && q.db == db {
		return
	}
	q.begun, q.db = true, db
	q.buf = resp.AppendCommand(q.buf, "SELECT", strconv.Itoa(db))
}
