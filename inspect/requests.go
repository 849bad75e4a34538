package inspect

import (
	"bytes"
	"fmt"
	"io"
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
	at       remade
}

// remade is the key that commands are making.
type remade struct {
	db      int
	key     []byte
	replace bool // what it holds already is to go
	sent    bool // something of it has been written
	open    bool // in a transaction that has not ended
	size    int  // bytes of that
}

// transactionMax is how large what makes a key may be, in bytes, to go in one transaction whatever comes behind.
const transactionMax = 4 << 20

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

// Begin says that the commands that follow make a key, until the next Begin or End. With replace they take the place of whatever it
// holds: all of them go in one transaction with the DEL of that, its deadline too, so that a server that refuses to write keeps the
// old value as it is. Of more than 4 MiB only what comes first goes so.
func (q *Requests) Begin(db int, key []byte, replace bool) error {
	err := q.End()
	q.at = remade{db: db, key: bytes.Clone(key), replace: replace}
	return err
}

// End ends the key at hand, if there is one.
func (q *Requests) End() error { return q.leave("EXEC") }

// Discard ends the key at hand, and takes back what is in a transaction that has not ended.
func (q *Requests) Discard() error { return q.leave("DISCARD") }

// Undo takes back what has been written of the key at hand. Where that is all in one transaction the old value stays.
func (q *Requests) Undo() error {
	if q.at.open || !q.at.sent {
		return q.Discard()
	}
	db, key := q.at.db, q.at.key
	q.at = remade{}
	return q.Command(db, []byte("DEL"), key)
}

// leave ends the key at hand, with a word for the transaction.
func (q *Requests) leave(word string) error {
	open := q.at.open
	q.at = remade{}
	if !open {
		return nil
	}
	q.buf = resp.AppendCommand(q.buf[:0], word)
	_, err := q.w.Write(q.buf)
	return err
}

// Command writes one command.
func (q *Requests) Command(db int, args ...[]byte) error {
	q.buf = q.buf[:0]
	q.choose(db)
	at := &q.at
	switch {
	case at.replace && !at.sent:
		q.begin()
		q.buf = resp.AppendCommand(q.buf, []byte("DEL"), at.key)
		q.commands++
	case at.open && at.size > transactionMax && string(args[0]) != "PEXPIREAT": // a deadline is for the value with which it comes
		q.buf = resp.AppendCommand(q.buf, "EXEC")
		at.open = false
	}
	q.buf = resp.AppendCommand(q.buf, args...)
	at.sent = true
	at.size += len(q.buf)
	q.commands++
	_, err := q.w.Write(q.buf)
	return err
}

// begin begins the transaction of the key at hand.
func (q *Requests) begin() {
	q.buf = resp.AppendCommand(q.buf, "MULTI")
	q.at.open = true
}

// Remake writes the commands that make an entry: those that the function of that name makes. A long string goes piece by piece.
func (q *Requests) Remake(types *kv.Types, e *Entry) error {
	n := e.LongText()
	if n == 0 {
		return Remake(types, e, func(args ...[]byte) error { return q.Command(e.DB, args...) })
	}
	q.buf = q.buf[:0]
	q.choose(e.DB)
	if q.at.replace && e.Deadline != 0 { // SET replaces by itself; of the deadline it is to be known whether that is done
		q.begin()
	}
	q.at.sent = true
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
