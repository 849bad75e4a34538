package client

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/resp"
)

// Errors of commands.
var (
	// ErrReply is returned when the server answered with an error, after that answer has been printed.
	ErrReply = errors.New("the server answered with an error")
	// ErrRefused is wrapped when the server turned down the password, the protocol or the database asked for.
	ErrRefused = errors.New("refused by the server")
)

// slowCommand is the duration from which on a prompt shows how long a command took, as redis-cli 7.0 does.
const slowCommand = 500 * time.Millisecond

// Session runs commands and prints their replies. The zero value with Target, Out and Now set is ready for use; it
// connects when it first has to. It is used by one goroutine.
type Session struct {
	Target Target           // kept up to date by AUTH, HELLO and SELECT, so that a new connection is like the last
	Style  Style            // how replies are printed
	Out    io.Writer        // where they are printed
	Now    func() time.Time // for the durations that a prompt shows

	// Live says that a person is watching: pushes and durations are shown, and SUBSCRIBE tells how to leave it.
	Live bool
	// Interrupt delivers a value for each ^C. Nil lets ^C end the process.
	Interrupt <-chan struct{}

	conn *Conn // nil while not connected
	tx   bool  // between MULTI and EXEC or DISCARD
	txDB int   // the database before MULTI, to return to when the transaction comes to nothing
}

// Connect makes a connection if there is none, and tells the server user, protocol and database. When the server turns
// one of them down the error wraps ErrRefused, and the connection stands.
func (s *Session) Connect() error {
	if s.conn != nil {
		return nil
	}
	conn, err := Dial(s.Target)
	if err != nil {
		return err
	}
	s.conn, s.tx = conn, false
	return s.greet()
}

// greet sends AUTH, HELLO and SELECT as the target asks for them. What the server turns down leaves the target, and
// what would have come after it too, so that the target says how the connection stands.
func (s *Session) greet() error {
	asked := s.Target
	s.Target.User, s.Target.Password, s.Target.Protocol, s.Target.DB = "", "", 2, 0
	tell := func(args ...string) error {
		reply, err := s.ask(args...)
		switch {
		case err != nil:
			s.Target = asked
			return err
		case isError(reply):
			return fmt.Errorf("%s at %s %w: %s", args[0], s.Target, ErrRefused, reply.Str)
		}
		s.note(args, reply)
		return nil
	}
	if asked.Password != "" {
		if err := tell(asked.auth()...); err != nil {
			return err
		}
	}
	if asked.Protocol == 3 {
		if err := tell("HELLO", "3"); err != nil {
			return err
		}
	}
	if asked.DB != 0 {
		return tell("SELECT", strconv.Itoa(asked.DB))
	}
	return nil
}

// Close ends the connection, if there is one.
func (s *Session) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// drop closes a connection of no more use. What Close reports does not matter then.
func (s *Session) drop() {
	_ = s.Close()
	if s.tx {
		s.tx, s.Target.DB = false, s.txDB
	}
}

// ready makes sure that there is a live connection, and prints pushes that came in since the last command. A connection
// found dead before anything was sent over it is replaced; only here is that safe.
func (s *Session) ready() error {
	if s.conn != nil {
		pushes, err := s.conn.Drain()
		for _, push := range pushes {
			if err := s.printPush(push); err != nil {
				return err
			}
		}
		if err == nil {
			return nil
		}
		s.drop()
	}
	return s.Connect()
}

// ask sends a command and returns its reply without printing it. Pushes that come before it are printed.
func (s *Session) ask(args ...string) (resp.Reply, error) {
	if err := s.conn.Send(args...); err != nil {
		s.drop()
		return resp.Reply{}, err
	}
	for {
		reply, err := s.receive()
		if err != nil || reply.Kind != '>' {
			return reply, err
		}
		if err := s.printPush(reply); err != nil {
			return reply, err
		}
	}
}

// receive waits for the next reply or push. After an error there is no connection.
func (s *Session) receive() (resp.Reply, error) {
	reply, err := s.conn.Receive(s.Interrupt)
	if err != nil {
		s.drop()
	}
	return reply, err
}

// Do runs one command and prints its reply. It returns ErrReply if that was an error. SUBSCRIBE and MONITOR print what
// comes until ^C. A command whose reply was lost is not sent again, unlike with redis-cli: it may have been carried out.
func (s *Session) Do(args ...string) error {
	if err := s.ready(); err != nil {
		return err
	}
	select {
	case <-s.Interrupt: // a ^C from before this command
	default:
	}
	begun := s.Now()
	var err error
	if streams(args) {
		err = s.stream(args)
	} else {
		err = s.converse(args)
	}
	took := s.Now().Sub(begun)
	switch {
	case errors.Is(err, ErrLost) && strings.EqualFold(args[0], "SHUTDOWN"):
		return nil
	case errors.Is(err, ErrLost):
		return fmt.Errorf("%w (%s): it is unknown whether %s was carried out; it was not sent again",
			err, s.Target, strings.ToUpper(args[0]))
	case errors.Is(err, ErrInterrupted): // the terminal itself has shown ^C
		if _, err := fmt.Fprintf(s.Out, "(%.2fs)\n", took.Seconds()); err != nil {
			return err
		}
		return s.Connect()
	case s.Live && s.Style == Formatted && took >= slowCommand && (err == nil || errors.Is(err, ErrReply)):
		if _, err := fmt.Fprintf(s.Out, "(%.2fs)\n", took.Seconds()); err != nil {
			return err
		}
	}
	return err
}

// converse sends a command, prints what answers it, and notes what it changed about the connection.
func (s *Session) converse(args []string) error {
	if count := confirmations(args); count > 0 {
		return s.confirm(args, count)
	}
	reply, err := s.ask(args...)
	if err != nil {
		return err
	}
	s.note(args, reply)
	if s.Style <= Raw && isReport(args) {
		return s.printReport(reply)
	}
	return s.print(reply)
}

// confirmations returns how many replies the commands have that RESP3 answers by pushes: one for each channel left.
func confirmations(args []string) int {
	switch strings.ToUpper(args[0]) {
	case "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		return max(1, len(args)-1)
	}
	return 0
}

// confirm runs a command of confirmations.
func (s *Session) confirm(args []string, count int) error {
	if err := s.conn.Send(args...); err != nil {
		s.drop()
		return err
	}
	for range count {
		reply, err := s.receive()
		if err != nil {
			return err
		}
		err = s.print(reply)
		if err != nil || reply.Kind == '+' { // QUEUED
			return err
		}
	}
	return nil
}

// streams says whether args is a command after which the server goes on sending.
func streams(args []string) bool {
	switch strings.ToUpper(args[0]) {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE":
		return len(args) > 1
	case "MONITOR":
		return true
	}
	return false
}

// stream runs a command of streams and prints what comes, until ^C or an end of the connection.
func (s *Session) stream(args []string) error {
	if err := s.conn.Send(args...); err != nil {
		s.drop()
		return err
	}
	monitor := strings.EqualFold(args[0], "MONITOR")
	for first := true; ; first = false {
		reply, err := s.receive()
		if err != nil {
			return err
		}
		if first && s.Live && s.Style == Formatted && (reply.Kind == '*' || reply.Kind == '>') {
			if _, err := io.WriteString(s.Out, "Reading messages... (press Ctrl-C to quit)\n"); err != nil {
				return err
			}
		}
		err = s.print(reply)
		refused := first && (isError(reply) || !monitor && reply.Kind == '+') // an error, or QUEUED
		if refused || err != nil {
			return err
		}
	}
}

// note keeps user, protocol, database and transaction in step with a command and its reply.
func (s *Session) note(args []string, reply resp.Reply) {
	name := strings.ToUpper(args[0])
	failed := isError(reply)
	switch {
	case name == "EXEC" || name == "DISCARD":
		// Outside of a transaction these are errors and change nothing; in one, EXEC ends it even by an error.
		if s.tx && (name == "DISCARD" || failed || reply.Null) {
			s.Target.DB = s.txDB
		}
		s.tx = false
	case failed:
	case name == "MULTI":
		s.tx, s.txDB = true, s.Target.DB
	case name == "SELECT" && len(args) == 2:
		if db, err := strconv.Atoi(args[1]); err == nil {
			s.Target.DB = db
		}
	case s.tx:
	case name == "AUTH" && len(args) == 2:
		s.Target.User, s.Target.Password = "", args[1]
	case name == "AUTH" && len(args) == 3:
		s.Target.User, s.Target.Password = args[1], args[2]
	case name == "HELLO" && len(args) > 1:
		s.noteHello(args[1:])
	case name == "RESET":
		s.Target.DB, s.Target.Protocol = 0, 2
	}
	if name == "RESET" && !failed {
		s.tx = false
	}
}

// noteHello is note for HELLO protover [AUTH user password] ….
func (s *Session) noteHello(args []string) {
	s.Target.Protocol = 2
	if args[0] == "3" {
		s.Target.Protocol = 3
	}
	if len(args) >= 4 && strings.EqualFold(args[1], "AUTH") {
		s.Target.User, s.Target.Password = args[2], args[3]
	}
}

// print prints a reply, and returns ErrReply if it is an error.
func (s *Session) print(reply resp.Reply) error {
	if _, err := s.Out.Write(s.Style.Append(nil, reply)); err != nil {
		return err
	}
	if isError(reply) {
		return ErrReply
	}
	return nil
}

// printReport prints a reply that is a report: nothing but its own bytes, as redis-cli 7.0 does.
func (s *Session) printReport(reply resp.Reply) error {
	if _, err := s.Out.Write(appendRaw(nil, reply)); err != nil {
		return err
	}
	if isError(reply) {
		return ErrReply
	}
	return nil
}

// printPush prints a push that nobody asked for, if a person is watching: an invalidation as a line, others as they are.
func (s *Session) printPush(push resp.Reply) error {
	if !s.Live {
		return nil
	}
	text := s.Style.Append(nil, push)
	if len(push.Elems) == 2 && string(push.Elems[0].Str) == "invalidate" && s.Style <= Raw {
		text = appendInvalidation(nil, push.Elems[1].Elems)
	}
	_, err := s.Out.Write(text)
	return err
}

// appendInvalidation appends the line for keys that client-side caching must forget; no keys means all of them.
func appendInvalidation(dst []byte, keys []resp.Reply) []byte {
	dst = append(dst, "-> invalidate: "...)
	if len(keys) == 0 {
		dst = append(dst, "all keys"...)
	}
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, '\''), key.Str...), '\'')
	}
	return append(dst, '\n')
}
