package commands

import (
	"errors"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/rdb"
	"holdfast/resp"
)

func dumpCommands() []*Command {
	return []*Command{
		{
			Name: "dump", Group: Generic, Since: "2.6.0", Arity: 2, Flags: ReadOnly, Categories: CatKeyspace,
			Tips:    []string{"nondeterministic_output"},
			Keys:    Key(1, RO|Access),
			Syntax:  "key",
			Summary: "Returns what a key holds, in the form that RESTORE takes.", Complexity: "O(n) in the size of the value",
			Run: dumpCommand,
		},
		{
			Name: "restore", Group: Generic, Since: "2.6.0", Arity: -4, Flags: Write | DenyOOM, Categories: CatKeyspace | CatDangerous,
			Keys:    Key(1, OW|Update),
			Syntax:  "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
			Summary: "Makes a key of what DUMP returned.", Complexity: "O(n) in the size of the value; O(n log(n)) for a sorted set",
			Run: restoreCommand,
		},
		{
			Name: "restore-asking", Group: Server, Since: "3.0.0", Arity: -4, Flags: Write | DenyOOM | Asking, Categories: CatKeyspace | CatDangerous,
			System:  true,
			Keys:    Key(1, OW|Update),
			Syntax:  "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
			Summary: "Does what RESTORE does; nodes of a cluster say it.", Complexity: "That of RESTORE",
			Run: restoreCommand,
		},
	}
}

// DUMP key
func dumpCommand(c *Call) {
	e, found := c.DB.Get(c.Args[1])
	if !found {
		c.Reply.Null()
		return
	}
	c.Reply.Bulk(rdb.Encode(object(e)))
}

func object(e kv.Entry) rdb.Object {
	if e.Kind() == kv.String {
		return rdb.Object{Kind: kv.String, Text: e.Text()}
	}
	return rdb.Object{Kind: e.Kind(), Value: e.Value()}
}

// restoreOptions are RESTORE's; idle and frequency are -1 where they are not given.
type restoreOptions struct {
	replace, absolute bool
	idle, frequency   int64
}

// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
func restoreCommand(c *Call) {
	o, ok := c.restoreOptions(4)
	if !ok {
		return
	}
	key := c.Args[1]
	_, taken := c.DB.Peek(key)
	if taken && !o.replace {
		c.Reply.Error(resp.ErrBusyKey)
		return
	}
	deadline, ok := c.int(2)
	switch {
	case !ok:
		return
	case deadline < 0:
		c.Reply.Error(resp.ErrRestoreTTL)
		return
	}
	value, err := rdb.Decode(c.Args[3], c.rdbRules())
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		c.Reply.Error(resp.ErrRestorePayload)
		return
	case err != nil:
		c.Reply.Error(resp.ErrRestoreData)
		return
	}
	if deadline != 0 && !o.absolute {
		deadline += c.Now // what is beyond 64 bits is in the past, as in Redis
	}
	if deadline != 0 && deadline <= c.Now && !c.Replaying {
		if taken {
			c.deleteKey(key)
			c.Effect(word("DEL"), key)
		}
		c.Reply.OK()
		return
	}
	c.restore(key, value, deadline, taken)
	c.DB.SetUse(key, o.idle, o.frequency)
	c.Effect(word("RESTORE"), key, decimal(deadline), c.Args[3], word("REPLACE"), word("ABSTTL"))
	c.Reply.OK()
}

// restore makes the key hold the value, whatever it held.
func (c *Call) restore(key []byte, value rdb.Object, deadline int64, taken bool) {
	if deadline == 0 {
		deadline = expiry.None
	}
	if value.Kind == kv.String {
		c.DB.SetString(key, value.Text, deadline)
	} else {
		c.DB.SetValue(key, value.Kind, value.Value, deadline)
	}
	if taken {
		c.DB.Anew(key)
	}
	c.Changed(EventGeneric, "restore", key)
}

func (c *Call) restoreOptions(i int) (o restoreOptions, ok bool) {
	o.idle, o.frequency = -1, -1
	for ; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.is(i, "REPLACE"):
			o.replace = true
		case c.is(i, "ABSTTL"):
			o.absolute = true
		case c.is(i, "IDLETIME") && more && o.frequency < 0:
			i++
			if o.idle, ok = c.int(i); !ok {
				return o, false
			}
			if o.idle < 0 {
				c.Reply.Error(resp.ErrRestoreIdleTime)
				return o, false
			}
		case c.is(i, "FREQ") && more && o.idle < 0:
			i++
			if o.frequency, ok = c.int(i); !ok {
				return o, false
			}
			if o.frequency < 0 || o.frequency > 255 {
				c.Reply.Error(resp.ErrRestoreFreq)
				return o, false
			}
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// rdbRules are the rules for values that come from elsewhere.
func (c *Call) rdbRules() rdb.Rules {
	s := c.directives()
	return rdb.Rules{
		StringMax:   s.stringMax.Load(),
		Known:       c.Replaying,
		HashEntries: s.hashEntries.Load(),
		HashValue:   s.hashValue.Load(),
		Sets:        c.setRules(),
		ZSets:       c.zsetLimits(),
		Streams:     c.nodeLimits(),
		Seed:        c.directives().seed,
	}
}
