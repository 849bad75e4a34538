package commands

import (
	"bytes"

	"holdfast/kv"
	"holdfast/resp"
)

func genericCommands() []*Command {
	return []*Command{
		{
			Name: "del", Group: Generic, Since: "1.0.0", Arity: -2, Flags: Write, Categories: CatKeyspace,
			Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:    KeysFrom(1, 1, RM|Delete),
			Syntax:  "key [key ...]",
			Summary: "Deletes keys.", Complexity: "O(n) in the keys",
			Run: delCommand,
		},
		{
			Name: "unlink", Group: Generic, Since: "4.0.0", Arity: -2, Flags: Write | Fast, Categories: CatKeyspace,
			Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:    KeysFrom(1, 1, RM|Delete),
			Syntax:  "key [key ...]",
			Summary: "Deletes keys; here the same as DEL, which frees a value in O(1) too.", Complexity: "O(n) in the keys",
			Run: delCommand,
		},
		{
			Name: "exists", Group: Generic, Since: "1.0.0", Arity: -2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:    KeysFrom(1, 1, RO),
			Syntax:  "key [key ...]",
			Summary: "Counts how many of the keys are there.", Complexity: "O(n) in the keys",
			Run: existsCommand,
		},
		{
			Name: "type", Group: Generic, Since: "1.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RO),
			Syntax:  "key",
			Summary: "Tells the type of what a key holds.", Complexity: "O(1)",
			Run: typeCommand,
		},
		{
			Name: "keys", Group: Generic, Since: "1.0.0", Arity: 2, Flags: WholeKeyspace | ReadOnly,
			Categories: CatKeyspace | CatDangerous,
			Tips:       []string{"request_policy:all_shards", "nondeterministic_output_order"},
			Syntax:     "pattern",
			Summary:    "Returns all keys whose names match a pattern.", Complexity: "O(n) in the keys of the database",
			Run: keysCommand,
		},
		{
			Name: "scan", Group: Generic, Since: "2.8.0", Arity: -2, Flags: WholeKeyspace | ReadOnly, Categories: CatKeyspace,
			Tips:    []string{"nondeterministic_output", "request_policy:special"},
			Syntax:  "cursor [MATCH pattern] [COUNT count] [TYPE type]",
			Summary: "Goes through the keys of the database in small steps.", Complexity: "O(n) in COUNT a call",
			Run: scanCommand,
		},
		{
			Name: "randomkey", Group: Generic, Since: "1.0.0", Arity: 1, Flags: WholeKeyspace | ReadOnly, Categories: CatKeyspace,
			Tips:    []string{"request_policy:all_shards", "nondeterministic_output"},
			Summary: "Returns a key at random.", Complexity: "O(1)",
			Run: randomKeyCommand,
		},
		{
			Name: "rename", Group: Generic, Since: "1.0.0", Arity: 3, Flags: Write, Categories: CatKeyspace,
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, OW|Update)},
			Syntax:  "key newkey",
			Summary: "Renames a key, replacing what has the new name.", Complexity: "O(1), and the length of a string",
			Run: renameCommand,
		},
		{
			Name: "renamenx", Group: Generic, Since: "1.0.0", Arity: 3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, OW|Insert)},
			Syntax:  "key newkey",
			Summary: "Renames a key unless the new name is taken.", Complexity: "O(1), and the length of a string",
			Run: renameNXCommand,
		},
		{
			Name: "copy", Group: Generic, Since: "6.2.0", Arity: -3, Flags: Write | DenyOOM, Categories: CatKeyspace,
			Keys:    []KeySpec{keyAt(1, RO|Access), keyAt(2, OW|Update)},
			Syntax:  "source destination [DB destination-db] [REPLACE]",
			Summary: "Copies what a key holds to another key.", Complexity: "O(n) in the size of the value",
			Run: copyCommand,
		},
		{
			Name: "move", Group: Generic, Since: "1.0.0", Arity: 3, Flags: Write | Fast, Categories: CatKeyspace,
			Keys:    Key(1, RW|Access|Update),
			Syntax:  "key db",
			Summary: "Moves a key to another database.", Complexity: "O(1), and the length of a string",
			Run: moveCommand,
		},
		{
			Name: "touch", Group: Generic, Since: "3.2.1", Arity: -2, Flags: ReadOnly | Fast, Categories: CatKeyspace,
			Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
			Keys:    KeysFrom(1, 1, RO),
			Syntax:  "key [key ...]",
			Summary: "Notes an access to keys, and counts those that are there.", Complexity: "O(n) in the keys",
			Run: touchCommand,
		},
		{
			Name: "object", Group: Generic, Since: "2.2.3", Arity: -2,
			Summary: "What the server knows of a value besides its contents.", Complexity: "That of the subcommand",
			Subs: []*Command{
				{
					Name: "idletime", Since: "2.2.3", Arity: 3, Flags: ReadOnly, Categories: CatKeyspace,
					Tips:    []string{"nondeterministic_output"},
					Keys:    Key(2, RO),
					Syntax:  "key",
					Summary: "Tells the seconds since a key was last accessed.", Complexity: "O(1)",
					Run: objectIdleTime,
				},
				{
					Name: "freq", Since: "4.0.0", Arity: 3, Flags: ReadOnly, Categories: CatKeyspace,
					Tips:    []string{"nondeterministic_output"},
					Keys:    Key(2, RO),
					Syntax:  "key",
					Summary: "Tells how often a key is accessed, where an LFU policy counts it.", Complexity: "O(1)",
					Run: objectFreq,
				},
				{
					Name: "help", Since: "6.2.0", Arity: 2, Flags: Loading | Stale, Categories: CatKeyspace,
					Summary: "Lists the subcommands.", Complexity: "O(1)",
					Run: containerHelp,
				},
				{
					Name: "encoding", Since: "2.2.3", Arity: 3, Flags: ReadOnly, Categories: CatKeyspace,
					Tips:    []string{"nondeterministic_output"},
					Keys:    Key(2, RO),
					Syntax:  "key",
					Summary: "Tells how a value is kept, in Redis's terms.", Complexity: "O(1)",
					Run: objectEncoding,
				},
				{
					Name: "refcount", Since: "2.2.3", Arity: 3, Flags: ReadOnly, Categories: CatKeyspace,
					Tips:    []string{"nondeterministic_output"},
					Keys:    Key(2, RO),
					Syntax:  "key",
					Summary: "Tells how many references to a value Redis would have.", Complexity: "O(1)",
					Run: objectRefCount,
				},
			},
		},
		{
			Name: "dbsize", Group: Server, Since: "1.0.0", Arity: 1, Flags: WholeKeyspace | ReadOnly | Fast, Categories: CatKeyspace,
			Tips:    []string{"request_policy:all_shards", "response_policy:agg_sum"},
			Summary: "Tells how many keys the database has.", Complexity: "O(1)",
			Run: dbSizeCommand,
		},
		{
			Name: "flushdb", Group: Server, Since: "1.0.0", Arity: -1, Flags: Write, Categories: CatKeyspace | CatDangerous,
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Syntax:  "[ASYNC | SYNC]",
			Summary: "Deletes all keys of the database.", Complexity: "O(1)",
			Run: flushDBCommand,
		},
		{
			Name: "flushall", Group: Server, Since: "1.0.0", Arity: -1, Flags: Write, Categories: CatKeyspace | CatDangerous,
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Syntax:  "[ASYNC | SYNC]",
			Summary: "Deletes all keys of all databases.", Complexity: "O(n) in the databases",
			Run: flushAllCommand,
		},
		{
			Name: "swapdb", Group: Server, Since: "4.0.0", Arity: 3, Flags: Write | Fast, Categories: CatKeyspace | CatDangerous,
			Syntax:  "index1 index2",
			Summary: "Exchanges two databases.", Complexity: "O(n) in the clients that watch or wait for keys of the two",
			Run: swapDBCommand,
		},
	}
}

// DEL key [key ...]
func delCommand(c *Call) {
	for _, key := range c.Args[1:] {
		if _, found := c.DB.Peek(key); found {
			c.deleteKey(key)
		}
	}
	c.Reply.Int(int64(c.Changes))
}

// deleteKey deletes a key that is there.
func (c *Call) deleteKey(key []byte) {
	c.DB.Delete(key)
	c.Changed(EventGeneric, "del", key)
}

// look looks a key up without noting an access, as commands do that do not care about the value. It counts for
// keyspace_hits and keyspace_misses.
func (c *Call) look(key []byte) (kv.Entry, bool) {
	e, found := c.DB.Peek(key)
	if found {
		c.Keys.Hits++
	} else {
		c.DB.Miss(key)
	}
	return e, found
}

// EXISTS key [key ...]
func existsCommand(c *Call) { c.replyCount(c.look) }

// TOUCH key [key ...]
//
// It notes the access for a client too that has said CLIENT NO-TOUCH ON.
func touchCommand(c *Call) {
	c.Keys.SetUnnoticed(false)
	c.replyCount(c.DB.Get)
	c.Keys.SetUnnoticed(c.Client.NoTouch)
}

// replyCount replies how many of the arguments find a key.
func (c *Call) replyCount(find func(key []byte) (kv.Entry, bool)) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if _, found := find(key); found {
			n++
		}
	}
	c.Reply.Int(n)
}

// TYPE key
func typeCommand(c *Call) {
	if e, found := c.look(c.Args[1]); found {
		c.Reply.Status(c.Keys.Types[e.Kind()].Name)
	} else {
		c.Reply.Status("none")
	}
}

// RENAME key newkey
func renameCommand(c *Call) {
	if _, ok := c.renameKey(true); ok {
		c.Reply.OK()
	}
}

// RENAMENX key newkey
func renameNXCommand(c *Call) {
	renamed, ok := c.renameKey(false)
	switch {
	case renamed:
		c.Reply.Int(1)
	case ok:
		c.Reply.Int(0)
	}
}

// renameKey renames a key, replacing another one or not; not ok where there is no key to rename. To rename a key to
// itself changes nothing.
func (c *Call) renameKey(replace bool) (renamed, ok bool) {
	from, to := c.Args[1], c.Args[2]
	if _, found := c.DB.Peek(from); !found {
		c.Reply.Error(resp.ErrNoSuchKey)
		return false, false
	}
	if bytes.Equal(from, to) {
		return false, true
	}
	_, taken := c.DB.Peek(to)
	if taken && !replace {
		return false, true
	}
	c.DB.Rename(from, to)
	if taken {
		c.DB.Anew(to)
	}
	c.moved(c.Client.DB, "rename_from", from, c.Client.DB, "rename_to", to)
	return true, true
}

// moved says that what one key held is now under another. It counts as one change, as in Redis.
func (c *Call) moved(db int, event string, key []byte, intoDB int, eventThere string, as []byte) {
	c.ChangedIn(db, EventGeneric, event, key)
	c.ChangedIn(intoDB, EventGeneric, eventThere, as)
	c.Changes--
}

// MOVE key db
func moveCommand(c *Call) {
	key := c.Args[1]
	db, ok := c.database(2)
	if !ok {
		return
	}
	if db == c.Client.DB {
		c.Reply.Error(resp.ErrSameObject)
		return
	}
	c.Expire(db, key)
	into := c.Keys.DB(db)
	_, found := c.DB.Peek(key)
	if _, taken := into.Peek(key); !found || taken {
		c.Reply.Int(0)
		return
	}
	c.DB.Move(key, into, key)
	c.moved(c.Client.DB, "move_from", key, db, "move_to", key)
	c.Reply.Int(1)
}

// database is the i-th argument as the number of a database.
func (c *Call) database(i int) (int, bool) {
	n, ok := c.int32(i)
	if ok && (n < 0 || n >= c.Keys.Databases()) {
		c.Reply.Error(resp.ErrDBIndex)
		return 0, false
	}
	return n, ok
}

// int32 is the i-th argument as a number that fits into 32 bits.
func (c *Call) int32(i int) (int, bool) {
	n, ok := c.int(i)
	if ok && n != int64(int32(n)) {
		c.Reply.Error(resp.ErrNotInt32)
		return 0, false
	}
	return int(n), ok
}
