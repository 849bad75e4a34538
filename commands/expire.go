package commands

import (
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
)

func expireCommands() []*Command {
	return []*Command{
		{
			Name: "expire", Group: Generic, Since: "1.0.0", Arity: -3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Update),
			Syntax:  "key seconds [NX | XX | GT | LT]",
			Summary: "Lets a key live for so many seconds.", Complexity: "O(log n) in the keys with deadlines",
			Run: expireCommand,
		},
		{
			Name: "pexpire", Group: Generic, Since: "2.6.0", Arity: -3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Update),
			Syntax:  "key milliseconds [NX | XX | GT | LT]",
			Summary: "Lets a key live for so many milliseconds.", Complexity: "O(log n) in the keys with deadlines",
			Run: pexpireCommand,
		},
		{
			Name: "expireat", Group: Generic, Since: "1.2.0", Arity: -3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Update),
			Syntax:  "key unix-time-seconds [NX | XX | GT | LT]",
			Summary: "Lets a key live until a unix time in seconds.", Complexity: "O(log n) in the keys with deadlines",
			Run: expireAtCommand,
		},
		{
			Name: "pexpireat", Group: Generic, Since: "2.6.0", Arity: -3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Update),
			Syntax:  "key unix-time-milliseconds [NX | XX | GT | LT]",
			Summary: "Lets a key live until a unix time in milliseconds.", Complexity: "O(log n) in the keys with deadlines",
			Run: pexpireAtCommand,
		},
		{
			Name: "ttl", Group: Generic, Since: "1.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Tips:    []string{"nondeterministic_output"},
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Tells the seconds that a key has left.", Complexity: "O(1)",
			Run: ttlCommand,
		},
		{
			Name: "pttl", Group: Generic, Since: "2.6.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Tips:    []string{"nondeterministic_output"},
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Tells the milliseconds that a key has left.", Complexity: "O(1)",
			Run: pttlCommand,
		},
		{
			Name: "expiretime", Group: Generic, Since: "7.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Tells a key's deadline as a unix time in seconds.", Complexity: "O(1)",
			Run: expireTimeCommand,
		},
		{
			Name: "pexpiretime", Group: Generic, Since: "7.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Tells a key's deadline as a unix time in milliseconds.", Complexity: "O(1)",
			Run: pexpireTimeCommand,
		},
		{
			Name: "persist", Group: Generic, Since: "2.2.0", Arity: 2, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Update),
			Syntax:  "key",
			Summary: "Takes a key's deadline away.", Complexity: "O(log n) in the keys with deadlines",
			Run: persistCommand,
		},
	}
}

// EXPIRE key seconds [NX | XX | GT | LT]
func expireCommand(c *Call) { c.expireIn(expiry.Unit{Seconds: true}) }

// PEXPIRE key milliseconds [NX | XX | GT | LT]
func pexpireCommand(c *Call) { c.expireIn(expiry.Unit{}) }

// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
func expireAtCommand(c *Call) { c.expireIn(expiry.Unit{Seconds: true, Absolute: true}) }

// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
func pexpireAtCommand(c *Call) { c.expireIn(expiry.Unit{Absolute: true}) }

func (c *Call) expireIn(u expiry.Unit) {
	o, ok := c.expireOptions(3)
	if !ok {
		return
	}
	n, ok := c.int(2)
	if !ok {
		return
	}
	deadline, err := expiry.Deadline(n, u, c.Now)
	if err != nil {
		c.Reply.Error(resp.ErrInvalidExpire(c.Cmd.Name))
		return
	}
	e, found := c.DB.Peek(c.Args[1])
	if !found || !o.allow(e.Deadline(), deadline) {
		c.Reply.Int(0)
		return
	}
	c.setDeadline(c.Args[1], deadline)
	c.Reply.Int(1)
}

// setDeadline gives a key that is there a deadline; one in the past deletes it.
func (c *Call) setDeadline(key []byte, deadline int64) {
	if deadline <= c.Now {
		c.deleteKey(key)
		c.Effect(word("DEL"), key)
		return
	}
	c.DB.SetDeadline(key, deadline)
	c.Changed(EventGeneric, "expire", key)
	c.Effect(c.word("PEXPIREAT"), key, c.decimal(deadline))
}

// expireOptions are the conditions of EXPIRE: all of them must hold.
type expireOptions struct{ nx, xx, gt, lt bool }

func (c *Call) expireOptions(i int) (o expireOptions, ok bool) {
	for ; i < len(c.Args); i++ {
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
			c.Reply.Error(resp.ErrUnsupportedOption(c.Args[i]))
			return o, false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.Reply.Error(resp.ErrExpireNXAndOthers)
		return o, false
	case o.gt && o.lt:
		c.Reply.Error(resp.ErrExpireGTAndLT)
		return o, false
	}
	return o, true
}

// allow compares the deadline that is there with the one that is to come. No deadline is later than any.
func (o expireOptions) allow(old, deadline int64) bool {
	switch {
	case o.nx && old != expiry.None,
		o.xx && old == expiry.None,
		o.gt && (old == expiry.None || deadline <= old),
		o.lt && old != expiry.None && deadline >= old:
		return false
	}
	return true
}

// TTL key
func ttlCommand(c *Call) { c.replyDeadline(expiry.LeftSeconds) }

// PTTL key
func pttlCommand(c *Call) { c.replyDeadline(expiry.Left) }

// EXPIRETIME key
func expireTimeCommand(c *Call) {
	c.replyDeadline(func(deadline, _ int64) int64 { return int64((uint64(deadline) + 500) / 1000) }) // nearest
}

// PEXPIRETIME key
func pexpireTimeCommand(c *Call) {
	c.replyDeadline(func(deadline, _ int64) int64 { return deadline })
}

// replyDeadline replies the key's deadline in the form that the command has, -1 for none and -2 for a missing key.
func (c *Call) replyDeadline(form func(deadline, now int64) int64) {
	e, found := c.look(c.Args[1])
	switch {
	case !found:
		c.Reply.Int(-2)
	case e.Deadline() == expiry.None:
		c.Reply.Int(-1)
	default:
		c.Reply.Int(form(e.Deadline(), c.Now))
	}
}

// PERSIST key
func persistCommand(c *Call) {
	e, found := c.DB.Peek(c.Args[1])
	if found && c.removeDeadline(e, c.Args[1]) {
		c.Reply.Int(1)
	} else {
		c.Reply.Int(0)
	}
}

// removeDeadline takes the key's deadline away, and reports whether it had one.
func (c *Call) removeDeadline(e kv.Entry, key []byte) bool {
	if e.Deadline() == expiry.None {
		return false
	}
	c.DB.SetDeadline(key, expiry.None)
	c.Changed(EventGeneric, "persist", key)
	c.Effect(word("PERSIST"), key)
	return true
}
