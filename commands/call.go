package commands

import (
	"strconv"

	"holdfast/kv"
	"holdfast/resp"
)

// Call is one execution of a command: what a handler sees, and what it leaves for the dispatcher.
//
// The dispatcher has looked the command up, checked its arity, deleted what was due among its keys, and stamped
// the time. After the handler it logs the call's effect if there were changes, wakes who waits for the keys, and
// sees to the reply's gate. A handler never reads a clock and never logs.
type Call struct {
	*World
	Cmd    *Command
	Args   [][]byte // the name first; they are the client's bytes, good only during the call
	Now    int64    // unix milliseconds
	Client *Client
	DB     *kv.DB // the client's
	Reply  *resp.Writer

	// Nested: the call runs within EXEC or a script, where nothing may block.
	Nested bool
	// Script: a script made the call.
	Script bool
	// Replaying: the call runs from the log, for its effect only. Now is 0, so that nothing has expired.
	Replaying bool
	// Ready is set when a blocked call runs again because this key changed: only it is to be looked at.
	Ready []byte

	// Changes counts what the call changed. None: nothing is logged.
	Changes int
	// Effects are the commands that have the call's effect when replayed; none: the call itself does.
	Effects []Effect
	// Scratch is what effects lie in.
	Scratch Scratch
	// Wait is set by a call that blocks its client.
	Wait *Wait
	// ErrorCounted is set where the reply is an error that a script passes on: it has been counted.
	ErrorCounted bool
}

// Effect is a command to be logged.
type Effect struct {
	DB   int
	Args [][]byte
}

// Scratch is memory for what a call's effects say, so that they need none of their own. Who runs one call after the other
// hands it on.
type Scratch struct {
	words [][]byte
	bytes []byte
}

// scratchKept is how many words, and bytes of them, are handed on at most.
const scratchKept = 1024

// Emptied is the scratch for another call. What lies in it is no longer needed.
func (s Scratch) Emptied() Scratch {
	if cap(s.words) > scratchKept || cap(s.bytes) > scratchKept {
		return Scratch{}
	}
	clear(s.words) // they are the client's
	return Scratch{s.words[:0], s.bytes[:0]}
}

// own is a copy of b that is good until the call is logged.
func (c *Call) own(b []byte) []byte {
	s, from := &c.Scratch, len(c.Scratch.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[from:len(s.bytes):len(s.bytes)]
}

// word and decimal are as the functions of those names, in the call's own memory.
func (c *Call) word(s string) []byte { return c.own([]byte(s)) }

func (c *Call) decimal(n int64) []byte {
	var room [20]byte
	return c.own(strconv.AppendInt(room[:0], n, 10))
}

// Effect logs args in place of the call itself, or after the effects already given. A command whose result
// depends on the time, on chance or on anything but the keyspace says its effect in absolute terms.
func (c *Call) Effect(args ...[]byte) { c.EffectIn(c.Client.DB, args...) }

// EffectIn is Effect in another database. The words are kept, but not the slice of them.
func (c *Call) EffectIn(db int, args ...[]byte) {
	s, from := &c.Scratch, len(c.Scratch.words)
	s.words = append(s.words, args...)
	c.Effects = append(c.Effects, Effect{db, s.words[from:len(s.words):len(s.words)]})
}

// loggedBeside is what a command takes in the log beside its words, for each of them and for itself, in bytes at most.
const loggedBeside = 16

// LoggedBytes is what a command takes in the log, at most and roughly.
func LoggedBytes(args [][]byte) int64 {
	n := int64(loggedBeside)
	for _, arg := range args {
		n += int64(len(arg)) + loggedBeside
	}
	return n
}

// loggable reports whether the record under way has room for commands that take so many bytes; if not, the reply says so.
func (c *Call) loggable(bytes int64) bool {
	if c.Room == nil || c.Replaying || bytes <= c.Room() {
		return true
	}
	c.Reply.Error(resp.ErrRecordTooLong)
	return false
}

// Event classes of keyspace notifications, by the letters of notify-keyspace-events.
const (
	EventGeneric = 'g'
	EventString  = '$'
	EventList    = 'l'
	EventSet     = 's'
	EventHash    = 'h'
	EventZSet    = 'z'
	EventStream  = 't'
	EventExpired = 'x'
	EventEvicted = 'e'
	EventNew     = 'n'
	EventKeyMiss = 'm'
)

// Changed says that the key in the client's database changed. Every change to a key is said here, once: it
// makes the call logged, fails transactions that watch the key, wakes clients that wait for it, and tells who
// listens to keyspace events.
func (c *Call) Changed(class byte, event string, key []byte) {
	c.ChangedIn(c.Client.DB, class, event, key)
}

// ChangedIn is Changed in another database.
func (c *Call) ChangedIn(db int, class byte, event string, key []byte) {
	c.Changes++
	c.World.Touch(db, key)
	c.Notify(db, class, event, key)
}

// ChangedAside says that something of the key changed which its elements do not show, as a stream's groups: it is logged,
// and replies that tell of the key wait for that; but it is nothing to who watches the key or waits for it.
func (c *Call) ChangedAside(key []byte) {
	c.Changes++
	if c.Touched != nil {
		c.Touched(c.Client.DB, key)
	}
}

// Notify tells who listens to keyspace events of something that is no change by itself, or of a second
// event of one change.
func (c *Call) Notify(db int, class byte, event string, key []byte) {
	if c.Events != nil && !c.Replaying {
		c.Events(class, event, db, key)
	}
}

// Block makes the client wait until one of the keys changes, or the deadline (unix ms; 0: no end), when
// timeout writes the reply. Where nothing may block it writes the timeout's reply at once. When the call runs
// again for a changed key and is still not served, the wait simply goes on.
func (c *Call) Block(keys [][]byte, deadline int64, timeout func(*resp.Writer)) {
	if c.Nested || c.Client.DenyBlocking {
		timeout(c.Reply)
		return
	}
	c.Wait = &Wait{Keys: keys, DB: c.Client.DB, Deadline: deadline, Timeout: timeout}
}

// is compares the i-th argument with a word in upper case, in any case.
func (c *Call) is(i int, word string) bool { return equalFold(c.Args[i], word) }

// equalFold compares with an ASCII word in upper case.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		x := b[i]
		if 'a' <= x && x <= 'z' {
			x -= 'a' - 'A'
		}
		if x != word[i] {
			return false
		}
	}
	return true
}

// ChangedDB says that a whole database changed, in one step.
func (c *Call) ChangedDB(db int) {
	c.Changes++
	if c.TouchedAll != nil {
		c.TouchedAll()
	}
}

// Expire deletes the key if it is due, or what is due within its value, as the dispatcher has done for the keys that the
// table's row names. For keys of other databases, and those that are found only while the command runs.
func (c *Call) Expire(db int, key []byte) {
	if c.Replaying {
		return
	}
	e, ok := c.Keys.DB(db).Peek(key)
	switch {
	case !ok:
	case due(e, c.Now):
		c.World.ExpireKey(db, key)
	case lapsed(e, c.Now):
		c.World.LapseKey(db, key, c.Now)
	}
}
