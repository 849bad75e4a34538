package commands

import (
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
)

func stringCommands() []*Command {
	return []*Command{
		{
			Name: "set", Group: Strings, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM, Categories: CatString,
			Keys:    Key(1, RW|Access|Update|Variable),
			Syntax:  "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
			Summary: "Sets a key to a string, with conditions and a deadline if asked.", Complexity: "O(1)",
			Run: setCommand,
		},
		{
			Name: "get", Group: Strings, Since: "1.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatString,
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Returns the string under a key.", Complexity: "O(1)",
			Run: getCommand,
		},
		{
			Name: "getset", Group: Strings, Since: "1.0.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Deprecated: "6.2.0", Instead: "`SET` with `GET`",
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key value",
			Summary: "Sets a key to a string and returns the one before.", Complexity: "O(1)",
			Run: getSetCommand,
		},
		{
			Name: "getdel", Group: Strings, Since: "6.2.0", Arity: 2, Flags: Write | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Delete),
			Syntax:  "key",
			Summary: "Returns the string under a key and deletes the key.", Complexity: "O(1)",
			Run: getDelCommand,
		},
		{
			Name: "getex", Group: Strings, Since: "6.2.0", Arity: -2, Flags: Write | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
			Summary: "Returns the string under a key and gives the key a deadline, or takes it away.", Complexity: "O(1)",
			Run: getExCommand,
		},
		{
			Name: "setex", Group: Strings, Since: "2.0.0", Arity: 4, Flags: Write | DenyOOM, Categories: CatString,
			Keys:    Key(1, OW|Update),
			Syntax:  "key seconds value",
			Summary: "Sets a key to a string that lives for so many seconds.", Complexity: "O(1)",
			Run: setExCommand,
		},
		{
			Name: "psetex", Group: Strings, Since: "2.6.0", Arity: 4, Flags: Write | DenyOOM, Categories: CatString,
			Keys:    Key(1, OW|Update),
			Syntax:  "key milliseconds value",
			Summary: "Sets a key to a string that lives for so many milliseconds.", Complexity: "O(1)",
			Run: psetExCommand,
		},
		{
			Name: "setnx", Group: Strings, Since: "1.0.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, OW|Insert),
			Syntax:  "key value",
			Summary: "Sets a key to a string unless the key is there.", Complexity: "O(1)",
			Run: setNXCommand,
		},
		{
			Name: "mset", Group: Strings, Since: "1.0.1", Arity: -3, Flags: Write | DenyOOM, Categories: CatString,
			Tips:    []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
			Keys:    KeysFrom(1, 2, OW|Update),
			Syntax:  "key value [key value ...]",
			Summary: "Sets several keys at once.", Complexity: "O(n) in the keys",
			Run: msetCommand,
		},
		{
			Name: "msetnx", Group: Strings, Since: "1.0.1", Arity: -3, Flags: Write | DenyOOM, Categories: CatString,
			Tips:    []string{"request_policy:multi_shard", "response_policy:agg_min"},
			Keys:    KeysFrom(1, 2, OW|Insert),
			Syntax:  "key value [key value ...]",
			Summary: "Sets several keys at once unless one of them is there.", Complexity: "O(n) in the keys",
			Run: msetNXCommand,
		},
		{
			Name: "mget", Group: Strings, Since: "1.0.0", Arity: -2, Flags: ReadOnly | Fast, Categories: CatString,
			Tips:    []string{"request_policy:multi_shard"},
			Keys:    KeysFrom(1, 1, RO|Access),
			Syntax:  "key [key ...]",
			Summary: "Returns the strings under several keys.", Complexity: "O(n) in the keys",
			Run: mgetCommand,
		},
		{
			Name: "append", Group: Strings, Since: "2.0.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Insert),
			Syntax:  "key value",
			Summary: "Appends to the string under a key, or begins one.", Complexity: "O(n) in the bytes appended, amortized",
			Run: appendCommand,
		},
		{
			Name: "strlen", Group: Strings, Since: "2.2.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatString,
			Keys:    Key(1, RO),
			Syntax:  "key",
			Summary: "Tells how many bytes the string under a key has.", Complexity: "O(1)",
			Run: strlenCommand,
		},
		{
			Name: "getrange", Group: Strings, Since: "2.4.0", Arity: 4, Flags: ReadOnly, Categories: CatString,
			Keys:    Key(1, RO|Access),
			Syntax:  "key start end",
			Summary: "Returns a part of the string under a key.", Complexity: "O(n) in the bytes returned",
			Run: getRangeCommand,
		},
		{
			Name: "substr", Group: Strings, Since: "1.0.0", Arity: 4, Flags: ReadOnly, Categories: CatString,
			Deprecated: "2.0.0", Instead: "`GETRANGE`",
			Keys:    Key(1, RO|Access),
			Syntax:  "key start end",
			Summary: "An older name of GETRANGE.", Complexity: "O(n) in the bytes returned",
			Run: getRangeCommand,
		},
		{
			Name: "setrange", Group: Strings, Since: "2.2.0", Arity: 4, Flags: Write | DenyOOM, Categories: CatString,
			Keys:       Key(1, RW|Update),
			Syntax:     "key offset value",
			Summary:    "Overwrites a part of the string under a key, and lengthens it where needed.",
			Complexity: "O(n) in the bytes written and those filled up with zeros",
			Run:        setRangeCommand,
		},
		{
			Name: "incr", Group: Strings, Since: "1.0.0", Arity: 2, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key",
			Summary: "Adds one to the integer under a key.", Complexity: "O(1)",
			Run: incrCommand,
		},
		{
			Name: "decr", Group: Strings, Since: "1.0.0", Arity: 2, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key",
			Summary: "Subtracts one from the integer under a key.", Complexity: "O(1)",
			Run: decrCommand,
		},
		{
			Name: "incrby", Group: Strings, Since: "1.0.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key increment",
			Summary: "Adds to the integer under a key.", Complexity: "O(1)",
			Run: incrByCommand,
		},
		{
			Name: "decrby", Group: Strings, Since: "1.0.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key decrement",
			Summary: "Subtracts from the integer under a key.", Complexity: "O(1)",
			Run: decrByCommand,
		},
		{
			Name: "incrbyfloat", Group: Strings, Since: "2.6.0", Arity: 3, Flags: Write | DenyOOM | Fast, Categories: CatString,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key increment",
			Summary: "Adds to the number under a key, which may have a fraction.", Complexity: "O(1)",
			Run: incrByFloatCommand,
		},
		{
			Name: "lcs", Group: Strings, Since: "7.0.0", Arity: -3, Flags: ReadOnly, Categories: CatString,
			Keys:    []KeySpec{{Flags: RO | Access, Begin: 1, Last: 1, Step: 1}},
			Syntax:  "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
			Summary: "Finds the longest common subsequence of two strings.", Complexity: "O(n*m) in the bytes of both",
			Run: lcsCommand,
		},
	}
}

// SET key value [NX | XX] [GET] [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | KEEPTTL]
func setCommand(c *Call) {
	o, ok := c.setOptions(3, true)
	if !ok {
		return
	}
	deadline, ok := c.deadlineOf(o)
	if !ok {
		return
	}
	if !o.nx && !o.xx && !o.get && o.time != keepTTL {
		c.set(c.Args[1], c.Args[2], deadline)
		c.Reply.OK()
		return
	}
	old, found := c.previous(o.get)
	switch {
	case o.get && !c.replyString(old, found):
		return
	case o.nx && found, o.xx && !found:
		if !o.get {
			c.Reply.Null()
		}
		return
	case o.time == keepTTL && found:
		c.DB.SetString(c.Args[1], c.Args[2], old.Deadline())
		c.Changed(EventString, "set", c.Args[1])
		c.Effect(word("SET"), c.Args[1], c.Args[2], word(keepTTL))
	default:
		c.set(c.Args[1], c.Args[2], deadline)
	}
	if !o.get {
		c.Reply.OK()
	}
}

// previous looks up what SET is about to replace. Only where its value is asked for is that a read.
func (c *Call) previous(read bool) (kv.Entry, bool) {
	if read {
		return c.DB.Get(c.Args[1])
	}
	return c.DB.Peek(c.Args[1])
}

// set makes the key hold the string until the deadline, and says so in the words that give the same result
// whenever they are replayed.
func (c *Call) set(key, value []byte, deadline int64) {
	c.DB.SetString(key, value, deadline)
	c.Changed(EventString, "set", key)
	switch {
	case deadline != expiry.None:
		c.Notify(c.Client.DB, EventGeneric, "expire", key)
		c.Effect(c.word("SET"), key, value, c.word("PXAT"), c.decimal(deadline))
	case len(c.Args) > 3: // SET's conditions, which were met
		c.Effect(c.word("SET"), key, value)
	}
}

// replyString replies the string of an entry, null where none was found, or that it is no string (false).
func (c *Call) replyString(e kv.Entry, found bool) bool {
	switch {
	case !found:
		c.Reply.Null()
	case e.Kind() != kv.String:
		c.Reply.Error(resp.ErrWrongType)
		return false
	default:
		c.Reply.Bulk(e.Text())
	}
	return true
}

// GET key
func getCommand(c *Call) {
	c.replyString(c.DB.Get(c.Args[1]))
}

// GETSET key value
func getSetCommand(c *Call) {
	if c.replyString(c.DB.Get(c.Args[1])) {
		c.set(c.Args[1], c.Args[2], expiry.None)
	}
}

// GETDEL key
func getDelCommand(c *Call) {
	e, found := c.DB.Get(c.Args[1])
	if c.replyString(e, found) && found {
		c.deleteKey(c.Args[1])
	}
}

// GETEX key [EX seconds | PX ms | EXAT unix-seconds | PXAT unix-ms | PERSIST]
func getExCommand(c *Call) {
	o, ok := c.setOptions(2, false)
	if !ok {
		return
	}
	e, found := c.DB.Get(c.Args[1])
	if !found || e.Kind() != kv.String {
		c.replyString(e, found)
		return
	}
	deadline, ok := c.deadlineOf(o) // the last of the checks, as in Redis: a missing key forgives any number
	if !ok {
		return
	}
	c.Reply.Bulk(e.Text())
	switch {
	case o.time == persist:
		c.removeDeadline(e, c.Args[1])
	case deadline != expiry.None:
		c.setDeadline(c.Args[1], deadline)
	}
}

// SETEX key seconds value
func setExCommand(c *Call) { c.setUntil(expiry.Unit{Seconds: true}) }

// PSETEX key milliseconds value
func psetExCommand(c *Call) { c.setUntil(expiry.Unit{}) }

func (c *Call) setUntil(u expiry.Unit) {
	if deadline, ok := c.deadline(c.Args[2], u); ok {
		c.set(c.Args[1], c.Args[3], deadline)
		c.Reply.OK()
	}
}

// SETNX key value
func setNXCommand(c *Call) {
	if _, found := c.DB.Peek(c.Args[1]); found {
		c.Reply.Int(0)
		return
	}
	c.set(c.Args[1], c.Args[2], expiry.None)
	c.Reply.Int(1)
}

// MSET key value [key value ...]
func msetCommand(c *Call) {
	if c.pairs() {
		c.setPairs()
		c.Reply.OK()
	}
}

// MSETNX key value [key value ...]
func msetNXCommand(c *Call) {
	if !c.pairs() {
		return
	}
	for i := 1; i < len(c.Args); i += 2 {
		if _, found := c.DB.Peek(c.Args[i]); found {
			c.Reply.Int(0)
			return
		}
	}
	c.setPairs()
	c.Reply.Int(1)
}

// pairs reports whether the arguments are pairs.
func (c *Call) pairs() bool {
	if len(c.Args)%2 == 0 {
		c.Reply.Error(resp.ErrArity(c.Cmd.Name))
		return false
	}
	return true
}

func (c *Call) setPairs() {
	for i := 1; i < len(c.Args); i += 2 {
		c.DB.SetString(c.Args[i], c.Args[i+1], expiry.None)
		c.Changed(EventString, "set", c.Args[i])
	}
}

// MGET key [key ...]
func mgetCommand(c *Call) {
	c.Reply.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		if e, found := c.DB.Get(key); found && e.Kind() == kv.String {
			c.Reply.Bulk(e.Text())
		} else {
			c.Reply.Null()
		}
	}
}
