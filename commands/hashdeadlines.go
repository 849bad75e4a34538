package commands

import (
	"holdfast/expiry"
	"holdfast/hashes"
	"holdfast/resp"
)

// Deadlines of fields, as in Redis 7.4, and the commands of Redis 8 that read or set fields along with them. The dispatcher has
// deleted what is due, so a field that a handler sees is one that is there.

func hashDeadlineCommands() []*Command {
	setting := func(name, syntax, summary string, run Handler) *Command {
		return &Command{
			Name: name, Group: Hashes, Since: "7.4.0", Arity: -6, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Update), Syntax: "key " + syntax + " [NX | XX | GT | LT] FIELDS numfields field [field ...]",
			Summary: summary, Complexity: "O(log n) a field, in those that have deadlines",
			Run: run,
		}
	}
	telling := func(name, summary string, run Handler) *Command {
		return &Command{
			Name: name, Group: Hashes, Since: "7.4.0", Arity: -5, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO|Access), Syntax: "key FIELDS numfields field [field ...]",
			Summary: summary, Complexity: "O(1) a field",
			Run: run,
		}
	}
	return []*Command{
		setting("hexpire", "seconds", "Lets fields live for so many seconds.", hexpireCommand),
		setting("hpexpire", "milliseconds", "Lets fields live for so many milliseconds.", hpexpireCommand),
		setting("hexpireat", "unix-time-seconds", "Lets fields live until a unix time in seconds.", hexpireAtCommand),
		setting("hpexpireat", "unix-time-milliseconds", "Lets fields live until a unix time in milliseconds.", hpexpireAtCommand),
		telling("httl", "Tells the seconds that fields have left.", httlCommand),
		telling("hpttl", "Tells the milliseconds that fields have left.", hpttlCommand),
		telling("hexpiretime", "Tells the deadlines of fields as unix times in seconds.", hexpireTimeCommand),
		telling("hpexpiretime", "Tells the deadlines of fields as unix times in milliseconds.", hpexpireTimeCommand),
		{
			Name: "hpersist", Group: Hashes, Since: "7.4.0", Arity: -5, Flags: Write | Fast, Categories: CatHash,
			Keys: Key(1, RW|Update), Syntax: "key FIELDS numfields field [field ...]",
			Summary: "Takes the deadlines of fields away.", Complexity: "O(log n) a field, in those that have deadlines",
			Run: hpersistCommand,
		},
		{
			Name: "hgetex", Group: Hashes, Since: "8.0.0", Arity: -5, Flags: Write | Fast, Categories: CatHash,
			Keys: Key(1, RW|Access|Update), Syntax: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] " +
				"FIELDS numfields field [field ...]",
			Summary: "Returns the values of fields, and sets or takes away their deadlines.", Complexity: "O(log n) a field, in those that have deadlines",
			Run: hgetexCommand,
		},
		{
			Name: "hsetex", Group: Hashes, Since: "8.0.0", Arity: -6, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Update), Syntax: "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] " +
				"FIELDS <numfields field value [field value ...]>",
			Summary: "Sets fields along with their deadline, if all or none of them are there.", Complexity: "O(log n) a field, in those that have deadlines",
			Run: hsetexCommand,
		},
		{
			Name: "hgetdel", Group: Hashes, Since: "8.0.0", Arity: -5, Flags: Write | Fast, Categories: CatHash,
			Keys: Key(1, RW|Access|Delete), Syntax: "key FIELDS numfields field [field ...]",
			Summary: "Returns the values of fields, and removes them.", Complexity: "O(1) a field",
			Run: hgetdelCommand,
		},
	}
}

// What a command replies for a field.
const (
	fieldMissing = -2
	fieldNoTTL   = -1
	fieldLeft    = 0 // a condition does not hold
	fieldDone    = 1
	fieldLapsed  = 2 // the deadline has passed: the field is gone
)

// latestFieldDeadline is the latest deadline that a field may have, in unix milliseconds.
const latestFieldDeadline = 1<<46 - 1

// How effects name commands, and what stands before fields.
const (
	hsetexWord   = "HSETEX"
	hpexpireWord = "HPEXPIREAT"
	fieldsWord   = "FIELDS"
)

// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
func hexpireCommand(c *Call) { c.expireFields(expiry.Unit{Seconds: true}) }

// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
func hpexpireCommand(c *Call) { c.expireFields(expiry.Unit{}) }

// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
func hexpireAtCommand(c *Call) { c.expireFields(expiry.Unit{Seconds: true, Absolute: true}) }

// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
func hpexpireAtCommand(c *Call) { c.expireFields(expiry.Unit{Absolute: true}) }

func (c *Call) expireFields(u expiry.Unit) {
	key := c.Args[1]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	deadline, ok := c.fieldDeadline(2, u)
	if !ok {
		return
	}
	condition, at := c.fieldCondition(3)
	fields, ok := c.fields(at, resp.ErrNumFieldsAboveZero)
	if !ok {
		return
	}
	c.Reply.Array(len(fields))
	e := c.editDeadlines(key, h, deadline)
	for _, field := range fields {
		c.Reply.Int(e.set(field, condition))
	}
	e.done()
}

// fieldDeadline reads a time as a deadline of fields.
func (c *Call) fieldDeadline(i int, u expiry.Unit) (deadline int64, ok bool) {
	n, ok := c.int(i)
	switch {
	case !ok:
		return 0, false
	case n < 0:
		c.Reply.Error(resp.ErrFieldExpireNegative)
		return 0, false
	}
	deadline, err := expiry.Deadline(n, u, c.Now)
	if err != nil || deadline > latestFieldDeadline {
		c.Reply.Error(resp.ErrInvalidExpire(c.Cmd.Name))
		return 0, false
	}
	return max(deadline, 1), true // 0 would be no deadline; 1 is as long past
}

// fieldCondition reads HEXPIRE's condition, of which there is at most one, and returns where FIELDS should stand.
func (c *Call) fieldCondition(i int) (o expireOptions, fieldsAt int) {
	switch {
	case c.is(i, "NX"):
		o.nx = true
	case c.is(i, "XX"):
		o.xx = true
	case c.is(i, "GT"):
		o.gt = true
	case c.is(i, "LT"):
		o.lt = true
	default:
		return o, i
	}
	return o, i + 1
}

// fields reads FIELDS, a number and so many fields, which are the last arguments; notANumber refuses a bad number.
func (c *Call) fields(i int, notANumber string) (fields [][]byte, ok bool) {
	if i+1 >= len(c.Args) || !c.is(i, fieldsWord) {
		c.Reply.Error(resp.ErrFieldsMissing)
		return nil, false
	}
	n, ok := c.atLeast(1, i+1, notANumber)
	if !ok {
		return nil, false
	}
	if fields = c.Args[i+2:]; n != len(fields) {
		c.Reply.Error(resp.ErrNumFieldsMatch)
		return nil, false
	}
	return fields, true
}

// deadlineEdit gives fields of a hash a deadline, or takes it away, and keeps account of what that changes.
type deadlineEdit struct {
	c        *Call
	key      []byte
	h        *hashes.Hash // nil where the key is missing
	deadline int64        // expiry.None takes it away
	changed  [][]byte
	lapsed   bool // the deadline has passed: what it is given to goes
}

func (c *Call) editDeadlines(key []byte, h *hashes.Hash, deadline int64) *deadlineEdit {
	return &deadlineEdit{c: c, key: key, h: h, deadline: deadline, lapsed: deadline != expiry.None && deadline <= c.Now}
}

// set gives a field the deadline if the condition allows it, and returns what is to be replied.
func (e *deadlineEdit) set(field []byte, condition expireOptions) int64 {
	if e.h == nil {
		return fieldMissing
	}
	_, old, there := e.h.Field(field)
	switch {
	case !there:
		return fieldMissing
	case !condition.allow(old, e.deadline):
		return fieldLeft
	}
	e.changed = append(e.changed, field)
	if e.lapsed {
		e.h.Delete(field)
		return fieldLapsed
	}
	e.h.SetDeadline(field, e.deadline)
	return fieldDone
}

// done says what has changed, in absolute words.
func (e *deadlineEdit) done() {
	if len(e.changed) == 0 {
		return
	}
	c, count := e.c, [][]byte{word(fieldsWord), decimal(int64(len(e.changed)))}
	effect := append([][]byte{word(hpexpireWord), e.key, decimal(e.deadline)}, count...)
	event := "hexpire"
	switch {
	case e.lapsed:
		event, effect = "hdel", [][]byte{word("HDEL"), e.key}
	case e.deadline == expiry.None:
		event, effect = "hpersist", append([][]byte{word("HPERSIST"), e.key}, count...)
	}
	c.Effect(append(effect, e.changed...)...)
	c.hashChanged(event, e.key, len(e.changed))
	c.dropEmptyHash(e.key, e.h)
}

// HPERSIST key FIELDS numfields field [field ...]
func hpersistCommand(c *Call) {
	key := c.Args[1]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	fields, ok := c.fields(2, resp.ErrNumFieldsPositive)
	if !ok {
		return
	}
	c.Reply.Array(len(fields))
	e := c.editDeadlines(key, h, expiry.None)
	for _, field := range fields {
		switch told := e.set(field, expireOptions{xx: true}); told {
		case fieldLeft:
			c.Reply.Int(fieldNoTTL)
		default:
			c.Reply.Int(told)
		}
	}
	e.done()
}

// HTTL key FIELDS numfields field [field ...]
func httlCommand(c *Call) {
	c.replyFieldDeadlines(func(deadline, now int64) int64 { return secondsUp(deadline - now) })
}

// HPTTL key FIELDS numfields field [field ...]
func hpttlCommand(c *Call) { c.replyFieldDeadlines(expiry.Left) }

// HEXPIRETIME key FIELDS numfields field [field ...]
func hexpireTimeCommand(c *Call) {
	c.replyFieldDeadlines(func(deadline, _ int64) int64 { return secondsUp(deadline) })
}

// HPEXPIRETIME key FIELDS numfields field [field ...]
func hpexpireTimeCommand(c *Call) {
	c.replyFieldDeadlines(func(deadline, _ int64) int64 { return deadline })
}

// secondsUp is milliseconds in seconds, rounded up: TTL rounds to the nearest.
func secondsUp(ms int64) int64 { return (ms + 999) / 1000 }

func (c *Call) replyFieldDeadlines(form func(deadline, now int64) int64) {
	h, ok := c.hash(c.Args[1])
	if !ok {
		return
	}
	fields, ok := c.fields(2, resp.ErrNumFieldsPositive)
	if !ok {
		return
	}
	c.Reply.Array(len(fields))
	for _, field := range fields {
		deadline, there := expiry.None, false
		if h != nil {
			_, deadline, there = h.Field(field)
		}
		switch {
		case !there:
			c.Reply.Int(fieldMissing)
		case deadline == expiry.None:
			c.Reply.Int(fieldNoTTL)
		default:
			c.Reply.Int(form(deadline, c.Now))
		}
	}
}
