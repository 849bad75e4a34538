package commands

import (
	"iter"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/resp"
	"holdfast/sets"
)

// SADD SREM SISMEMBER SMISMEMBER SMEMBERS SCARD SMOVE SSCAN; the others are in setrandom.go and setalgebra.go.

func setCommands() []*Command {
	return []*Command{
		{
			Name: "sadd", Group: Sets, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatSet,
			Keys: Key(1, RW|Insert), Syntax: "key member [member ...]",
			Summary: "Adds members to a set, making the set if need be.", Complexity: "O(1) a member",
			Run: saddCommand,
		},
		{
			Name: "srem", Group: Sets, Since: "1.0.0", Arity: -3, Flags: Write | Fast, Categories: CatSet,
			Keys: Key(1, RW|Delete), Syntax: "key member [member ...]",
			Summary: "Removes members from a set.", Complexity: "O(1) a member",
			Run: sremCommand,
		},
		{
			Name: "smove", Group: Sets, Since: "1.0.0", Arity: 4, Flags: Write | Fast, Categories: CatSet,
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, RW|Insert)},
			Syntax:  "source destination member",
			Summary: "Moves a member from one set to another.", Complexity: "O(1)",
			Run: smoveCommand,
		},
		{
			Name: "sismember", Group: Sets, Since: "1.0.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatSet,
			Keys: Key(1, RO), Syntax: "key member",
			Summary: "Tells whether something is a member of a set.", Complexity: "O(1)",
			Run: sismemberCommand,
		},
		{
			Name: "smismember", Group: Sets, Since: "6.2.0", Arity: -3, Flags: ReadOnly | Fast, Categories: CatSet,
			Keys: Key(1, RO|Access), Syntax: "key member [member ...]",
			Summary: "Tells of each of several things whether it is a member of a set.", Complexity: "O(1) each",
			Run: smismemberCommand,
		},
		{
			Name: "scard", Group: Sets, Since: "1.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatSet,
			Keys: Key(1, RO), Syntax: "key",
			Summary: "Tells how many members a set has.", Complexity: "O(1)",
			Run: scardCommand,
		},
		{
			Name: "smembers", Group: Sets, Since: "1.0.0", Arity: 2, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output_order"}, Keys: Key(1, RO|Access), Syntax: "key",
			Summary: "Returns all members of a set.", Complexity: "O(n) in the set's size",
			Run: smembersCommand,
		},
		{
			Name: "sscan", Group: Sets, Since: "2.8.0", Arity: -3, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RO|Access),
			Syntax:  "key cursor [MATCH pattern] [COUNT count]",
			Summary: "Goes through the members of a set in small steps.", Complexity: "O(n) in COUNT a call",
			Run: sscanCommand,
		},
		{
			Name: "spop", Group: Sets, Since: "1.0.0", Arity: -2, Flags: Write | Fast, Categories: CatSet,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RW|Access|Delete), Syntax: "key [count]",
			Summary: "Takes members from a set at random.", Complexity: "O(1) a member",
			Run: spopCommand,
		},
		{
			Name: "srandmember", Group: Sets, Since: "1.0.0", Arity: -2, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RO|Access), Syntax: "key [count]",
			Summary: "Returns members of a set at random.", Complexity: "O(1) a member",
			Run: srandmemberCommand,
		},
		{
			Name: "sinter", Group: Sets, Since: "1.0.0", Arity: -2, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output_order"}, Keys: KeysFrom(1, 1, RO|Access), Syntax: "key [key ...]",
			Summary: "Returns what is a member of every one of several sets.", Complexity: "O(n*m): n members in the smallest of m sets",
			Run: sinterCommand,
		},
		{
			Name: "sintercard", Group: Sets, Since: "7.0.0", Arity: -3, Flags: ReadOnly | MovableKeys, Categories: CatSet,
			Keys: CountedKeys(1, RO|Access), Syntax: "numkeys key [key ...] [LIMIT limit]",
			Summary: "Tells how many members several sets have in common.", Complexity: "O(n*m): n members in the smallest of m sets",
			Run: sintercardCommand,
		},
		{
			Name: "sinterstore", Group: Sets, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM, Categories: CatSet,
			Keys:    append(Key(1, RW|Update), KeysFrom(2, 1, RO|Access)...),
			Syntax:  "destination key [key ...]",
			Summary: "Makes a set of what is a member of every one of several sets.", Complexity: "O(n*m): n members in the smallest of m sets",
			Run: sinterstoreCommand,
		},
		{
			Name: "sunion", Group: Sets, Since: "1.0.0", Arity: -2, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output_order"}, Keys: KeysFrom(1, 1, RO|Access), Syntax: "key [key ...]",
			Summary: "Returns what is a member of any of several sets.", Complexity: "O(n) in the members of all sets",
			Run: sunionCommand,
		},
		{
			Name: "sunionstore", Group: Sets, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM, Categories: CatSet,
			Keys:    append(Key(1, OW|Update), KeysFrom(2, 1, RO|Access)...),
			Syntax:  "destination key [key ...]",
			Summary: "Makes a set of what is a member of any of several sets.", Complexity: "O(n) in the members of all sets",
			Run: sunionstoreCommand,
		},
		{
			Name: "sdiff", Group: Sets, Since: "1.0.0", Arity: -2, Flags: ReadOnly, Categories: CatSet,
			Tips: []string{"nondeterministic_output_order"}, Keys: KeysFrom(1, 1, RO|Access), Syntax: "key [key ...]",
			Summary: "Returns the members of a set that none of the others has.", Complexity: "O(n*m): n members in the first of m sets",
			Run: sdiffCommand,
		},
		{
			Name: "sdiffstore", Group: Sets, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM, Categories: CatSet,
			Keys:    append(Key(1, OW|Update), KeysFrom(2, 1, RO|Access)...),
			Syntax:  "destination key [key ...]",
			Summary: "Makes a set of the members of a set that none of the others has.", Complexity: "O(n*m): n members in the first of m sets",
			Run: sdiffstoreCommand,
		},
	}
}

func setType() kv.Type {
	return kv.Type{
		Kind:   kv.Set,
		Name:   "set",
		Decode: func(b []byte) (kv.Value, error) { return sets.Decode(b) },
		FromParts: func(head []byte, next func() (uint64, []byte, bool, error)) (kv.Value, error) {
			return sets.FromParts(head, next)
		},
		Unpack:    func(b []byte) kv.Value { return sets.Unpack(b) },
		Clone:     func(v kv.Value) kv.Value { return v.(*sets.Set).Clone() },
		Encoding:  func(v kv.Value) string { return v.(*sets.Set).Encoding() },
		Elements:  func(v kv.Value) iter.Seq[[]byte] { return v.(*sets.Set).All() },
		Survey:    sets.Survey,
		Walk:      sets.Walk,
		Assembly:  sets.Assembly(),
		Checker:   checker(sets.Check),
		Remake:    remakeRun("SADD"),
		Rewritten: rewrittenRun(outline.Member, "SADD"),
	}
}

// SADD key member [member ...]
func saddCommand(c *Call) {
	key := c.Args[1]
	s, ok := c.editSet(key)
	if !ok {
		return
	}
	missing := s == nil
	if missing {
		s = sets.New()
	}
	added, rules := 0, c.setRules()
	for _, member := range c.Args[2:] {
		if s.Add(member, rules) {
			added++
		}
	}
	if missing {
		c.DB.SetValue(key, kv.Set, s, expiry.None)
	}
	if added > 0 {
		c.setChanged("sadd", key, added)
	}
	c.Reply.Int(int64(added))
}

// SREM key member [member ...]
func sremCommand(c *Call) {
	key := c.Args[1]
	s, ok := c.editSet(key)
	if !ok {
		return
	}
	removed := 0
	if s != nil {
		for _, member := range c.Args[2:] {
			if s.Remove(member) {
				removed++
			}
		}
	}
	if removed > 0 {
		c.setChanged("srem", key, removed)
		c.dropEmptySet(key, s)
	}
	c.Reply.Int(int64(removed))
}

// SMOVE source destination member
func smoveCommand(c *Call) {
	source, destination, member := c.Args[1], c.Args[2], c.Args[3]
	from, ok := c.editSet(source)
	switch {
	case !ok:
		return
	case from == nil: // whatever the destination holds
		c.Reply.Int(0)
		return
	}
	into, ok := c.editSet(destination)
	switch {
	case !ok:
		return
	case from == into:
		c.Reply.Int(truth(from.Has(member)))
		return
	case !from.Remove(member):
		c.Reply.Int(0)
		return
	}
	c.setChanged("srem", source, 1)
	c.dropEmptySet(source, from)
	missing := into == nil
	if missing {
		into = sets.New()
	}
	added := into.Add(member, c.setRules())
	if missing {
		c.DB.SetValue(destination, kv.Set, into, expiry.None)
	}
	if added {
		c.setChanged("sadd", destination, 1)
	}
	c.Reply.Int(1)
}

// SISMEMBER key member
func sismemberCommand(c *Call) {
	if s, ok := c.setAt(c.Args[1]); ok {
		c.Reply.Int(truth(s != nil && s.Has(c.Args[2])))
	}
}

// SMISMEMBER key member [member ...]
func smismemberCommand(c *Call) {
	s, ok := c.setAt(c.Args[1])
	if !ok {
		return
	}
	members := c.Args[2:]
	c.Reply.Array(len(members))
	for _, member := range members {
		c.Reply.Int(truth(s != nil && s.Has(member)))
	}
}

// SCARD key
func scardCommand(c *Call) {
	if s, ok := c.setAt(c.Args[1]); ok && s != nil {
		c.Reply.Int(int64(s.Len()))
	} else if ok {
		c.Reply.Int(0)
	}
}

// SMEMBERS key
func smembersCommand(c *Call) {
	if s, ok := c.setAt(c.Args[1]); ok {
		c.replySet(s)
	}
}

// replySet replies all members of a set; nil has none.
func (c *Call) replySet(s *sets.Set) {
	if s == nil {
		c.Reply.Set(0)
		return
	}
	c.Reply.Set(s.Len())
	for member := range s.All() {
		c.Reply.Bulk(member)
	}
}

// truth is how a reply says yes or no.
func truth(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// setAt is the set under the key, to be read; nil when the key is missing. Where the key holds something else, the reply
// says so and ok is false.
func (c *Call) setAt(key []byte) (s *sets.Set, ok bool) {
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, true
	case e.Kind() != kv.Set:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Value().(*sets.Set), true
}

// editSet is setAt for a change. The usual case, a set that is there, costs one lookup.
func (c *Call) editSet(key []byte) (s *sets.Set, ok bool) {
	v, _ := c.DB.Edit(key)
	if s, ok := v.(*sets.Set); ok {
		return s, true
	}
	if _, there := c.DB.Peek(key); there {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return nil, true
}

// setIntegersMost is as many integers as a set is kept for in order, whatever the directive says; as in Redis.
const setIntegersMost = 1 << 30

// setRules are the rules for sets that grow.
func (c *Call) setRules() sets.Rules {
	return sets.Rules{
		MaxIntegers: min(c.directives().setIntegers.Load(), setIntegersMost),
		Seed:        c.directives().seed,
	}
}

// setChanged says that a key changed in n members. That many changes count, as in Redis.
func (c *Call) setChanged(event string, key []byte, n int) {
	c.Changed(EventSet, event, key)
	c.Changes += n - 1
}

// dropEmptySet deletes the key if its set has no members left.
func (c *Call) dropEmptySet(key []byte, s *sets.Set) {
	if s.Len() == 0 {
		c.DB.Delete(key)
		c.Notify(c.Client.DB, EventGeneric, "del", key)
	}
}
