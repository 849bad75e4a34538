package commands

import (
	"iter"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
	"holdfast/zsets"
)

func zsetCommands() []*Command {
	return []*Command{
		{
			Name: "zadd", Group: SortedSets, Since: "1.2.0", Arity: -4, Flags: Write | DenyOOM | Fast, Categories: CatSortedSet,
			Keys:    Key(1, RW|Update),
			Syntax:  "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
			Summary: "Gives members their scores, making the sorted set if need be.", Complexity: "O(log n) a member",
			Run: zaddCommand,
		},
		{
			Name: "zincrby", Group: SortedSets, Since: "1.2.0", Arity: 4, Flags: Write | DenyOOM | Fast, Categories: CatSortedSet,
			Keys: Key(1, RW|Access|Update), Syntax: "key increment member",
			Summary: "Adds to a member's score, which begins at 0.", Complexity: "O(log n)",
			Run: zincrbyCommand,
		},
		{
			Name: "zrem", Group: SortedSets, Since: "1.2.0", Arity: -3, Flags: Write | Fast, Categories: CatSortedSet,
			Keys: Key(1, RW|Delete), Syntax: "key member [member ...]",
			Summary: "Removes members.", Complexity: "O(log n) a member",
			Run: zremCommand,
		},
		{
			Name: "zremrangebyrank", Group: SortedSets, Since: "2.0.0", Arity: 4, Flags: Write, Categories: CatSortedSet,
			Keys: Key(1, RW|Delete), Syntax: "key start stop",
			Summary: "Removes the members between two places in the order.", Complexity: "O(log n+m): m removed",
			Run: zremrangebyrankCommand,
		},
		{
			Name: "zremrangebyscore", Group: SortedSets, Since: "1.2.0", Arity: 4, Flags: Write, Categories: CatSortedSet,
			Keys: Key(1, RW|Delete), Syntax: "key min max",
			Summary: "Removes the members whose scores lie between two.", Complexity: "O(log n+m): m removed",
			Run: zremrangebyscoreCommand,
		},
		{
			Name: "zremrangebylex", Group: SortedSets, Since: "2.8.9", Arity: 4, Flags: Write, Categories: CatSortedSet,
			Keys: Key(1, RW|Delete), Syntax: "key min max",
			Summary: "Removes the members that lie between two, where all scores are the same.", Complexity: "O(log n+m): m removed",
			Run: zremrangebylexCommand,
		},
		{
			Name: "zcard", Group: SortedSets, Since: "1.2.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO), Syntax: "key",
			Summary: "Tells how many members a sorted set has.", Complexity: "O(1)",
			Run: zcardCommand,
		},
		{
			Name: "zscore", Group: SortedSets, Since: "1.2.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key member",
			Summary: "Returns a member's score.", Complexity: "O(1)",
			Run: zscoreCommand,
		},
		{
			Name: "zmscore", Group: SortedSets, Since: "6.2.0", Arity: -3, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key member [member ...]",
			Summary: "Returns the scores of members.", Complexity: "O(1) a member",
			Run: zmscoreCommand,
		},
		{
			Name: "zrank", Group: SortedSets, Since: "2.0.0", Arity: -3, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key member [WITHSCORE]",
			Summary: "Tells a member's place in the order, from the lowest score up.", Complexity: "O(log n)",
			Run: zrankCommand,
		},
		{
			Name: "zrevrank", Group: SortedSets, Since: "2.0.0", Arity: -3, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key member [WITHSCORE]",
			Summary: "Tells a member's place in the order, from the highest score down.", Complexity: "O(log n)",
			Run: zrevrankCommand,
		},
		{
			Name: "zcount", Group: SortedSets, Since: "2.0.0", Arity: 4, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key min max",
			Summary: "Counts the members whose scores lie between two.", Complexity: "O(log n)",
			Run: zcountCommand,
		},
		{
			Name: "zlexcount", Group: SortedSets, Since: "2.8.9", Arity: 4, Flags: ReadOnly | Fast, Categories: CatSortedSet,
			Keys: Key(1, RO|Access), Syntax: "key min max",
			Summary: "Counts the members that lie between two, where all scores are the same.", Complexity: "O(log n)",
			Run: zlexcountCommand,
		},
		{
			Name: "zrange", Group: SortedSets, Since: "1.2.0", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Keys:    Key(1, RO|Access),
			Syntax:  "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
			Summary: "Returns the members between two places, scores or members.", Complexity: "O(log n+m): m returned",
			Run: zrangeCommand,
		},
		{
			Name: "zrevrange", Group: SortedSets, Since: "1.2.0", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Deprecated: "6.2.0", Instead: "`ZRANGE` with `REV`",
			Keys: Key(1, RO|Access), Syntax: "key start stop [WITHSCORES]",
			Summary: "Returns the members between two places, from the highest score down.", Complexity: "O(log n+m): m returned",
			Run: zrevrangeCommand,
		},
		{
			Name: "zrangebyscore", Group: SortedSets, Since: "1.0.5", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Deprecated: "6.2.0", Instead: "`ZRANGE` with `BYSCORE`",
			Keys: Key(1, RO|Access), Syntax: "key min max [WITHSCORES] [LIMIT offset count]",
			Summary: "Returns the members whose scores lie between two.", Complexity: "O(log n+m): m returned",
			Run: zrangebyscoreCommand,
		},
		{
			Name: "zrevrangebyscore", Group: SortedSets, Since: "2.2.0", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Deprecated: "6.2.0", Instead: "`ZRANGE` with `REV` and `BYSCORE`",
			Keys: Key(1, RO|Access), Syntax: "key max min [WITHSCORES] [LIMIT offset count]",
			Summary: "Returns the members whose scores lie between two, from the highest score down.", Complexity: "O(log n+m): m returned",
			Run: zrevrangebyscoreCommand,
		},
		{
			Name: "zrangebylex", Group: SortedSets, Since: "2.8.9", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Deprecated: "6.2.0", Instead: "`ZRANGE` with `BYLEX`",
			Keys: Key(1, RO|Access), Syntax: "key min max [LIMIT offset count]",
			Summary: "Returns the members that lie between two, where all scores are the same.", Complexity: "O(log n+m): m returned",
			Run: zrangebylexCommand,
		},
		{
			Name: "zrevrangebylex", Group: SortedSets, Since: "2.8.9", Arity: -4, Flags: ReadOnly, Categories: CatSortedSet,
			Deprecated: "6.2.0", Instead: "`ZRANGE` with `REV` and `BYLEX`",
			Keys: Key(1, RO|Access), Syntax: "key max min [LIMIT offset count]",
			Summary: "Returns the members that lie between two, where all scores are the same, last first.", Complexity: "O(log n+m): m returned",
			Run: zrevrangebylexCommand,
		},
		{
			Name: "zrangestore", Group: SortedSets, Since: "6.2.0", Arity: -5, Flags: Write | DenyOOM, Categories: CatSortedSet,
			Keys:    []KeySpec{keyAt(1, OW|Update), keyAt(2, RO|Access)},
			Syntax:  "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
			Summary: "Stores a range of a sorted set in another key.", Complexity: "O(log n+m log m): m stored",
			Run: zrangestoreCommand,
		},
		{
			Name: "zpopmin", Group: SortedSets, Since: "5.0.0", Arity: -2, Flags: Write | Fast, Categories: CatSortedSet,
			Keys: Key(1, RW|Access|Delete), Syntax: "key [count]",
			Summary: "Takes the members with the lowest scores.", Complexity: "O(log n) a member",
			Run: zpopminCommand,
		},
		{
			Name: "zpopmax", Group: SortedSets, Since: "5.0.0", Arity: -2, Flags: Write | Fast, Categories: CatSortedSet,
			Keys: Key(1, RW|Access|Delete), Syntax: "key [count]",
			Summary: "Takes the members with the highest scores.", Complexity: "O(log n) a member",
			Run: zpopmaxCommand,
		},
		{
			Name: "zmpop", Group: SortedSets, Since: "7.0.0", Arity: -4, Flags: Write | MovableKeys, Categories: CatSortedSet,
			Keys: CountedKeys(1, RW|Access|Delete), Syntax: "numkeys key [key ...] <MIN | MAX> [COUNT count]",
			Summary: "Takes members from the first of several sorted sets that is there.", Complexity: "O(k+m log n): k keys, m members taken",
			Run: zmpopCommand,
		},
		{
			Name: "zrandmember", Group: SortedSets, Since: "6.2.0", Arity: -2, Flags: ReadOnly, Categories: CatSortedSet,
			Tips: []string{"nondeterministic_output"},
			Keys: Key(1, RO|Access), Syntax: "key [count [WITHSCORES]]",
			Summary: "Returns members at random.", Complexity: "O(log n) a member",
			Run: zrandmemberCommand,
		},
		{
			Name: "zscan", Group: SortedSets, Since: "2.8.0", Arity: -3, Flags: ReadOnly, Categories: CatSortedSet,
			Tips: []string{"nondeterministic_output"},
			Keys: Key(1, RO|Access), Syntax: "key cursor [MATCH pattern] [COUNT count]",
			Summary: "Goes through the members of a sorted set, with their scores, in small steps.", Complexity: "O(n) in COUNT a call",
			Run: zscanCommand,
		},
	}
}

func zsetType() kv.Type {
	return kv.Type{
		Kind:   kv.ZSet,
		Name:   "zset",
		Decode: func(b []byte) (kv.Value, error) { return zsets.Decode(b) },
		FromParts: func(head []byte, next func() (uint64, []byte, bool, error)) (kv.Value, error) {
			return zsets.FromParts(head, next)
		},
		Unpack: func(b []byte) kv.Value { return zsets.Unpack(b) },
		Clone:  func(v kv.Value) kv.Value { return v.(*zsets.Set).Clone() },
		Encoding: func(v kv.Value) string {
			if v.(*zsets.Set).Large() {
				return "skiplist"
			}
			return "listpack"
		},
		Elements:  func(v kv.Value) iter.Seq[[]byte] { return zsetElements(v.(*zsets.Set)) },
		Survey:    zsets.Survey,
		Walk:      zsets.Walk,
		Assembly:  zsets.Assembly(),
		Checker:   checker(zsets.Check),
		Remake:    remakeZSet,
		Rewritten: rewrittenZSet(),
	}
}

// zsetElements yields members and scores in turn, as ZRANGE … WITHSCORES replies them.
func zsetElements(z *zsets.Set) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for member, score := range z.All() {
			if !yield(member) || !yield(zsets.AppendScore(nil, score)) {
				return
			}
		}
	}
}

// zset is the sorted set under the key, to be read; nil when the key is missing. Where the key holds something else, the
// reply says so and ok is false.
func (c *Call) zset(key []byte) (z *zsets.Set, ok bool) {
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, true
	case e.Kind() != kv.ZSet:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Value().(*zsets.Set), true
}

// editZSet is zset for a change. The usual case, a set that is there, costs one lookup.
func (c *Call) editZSet(key []byte) (z *zsets.Set, ok bool) {
	v, _ := c.DB.Edit(key)
	if z, ok := v.(*zsets.Set); ok {
		return z, true
	}
	if _, there := c.DB.Peek(key); there {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return nil, true
}

// zsetLimits is up to what size a sorted set is one page.
func (c *Call) zsetLimits() zsets.Limits {
	s := c.directives()
	return zsets.Limits{Entries: int(s.zsetEntries.Load()), Value: int(s.zsetValue.Load()), Seed: c.seed}
}

// storeZSet replies with the size of a result and puts it under the key, whatever that held; an empty one is none, and the
// key is deleted.
func (c *Call) storeZSet(event string, key []byte, z *zsets.Set) {
	c.Reply.Int(int64(z.Len()))
	switch {
	case z.Len() > 0:
		c.DB.SetValue(key, kv.ZSet, z, expiry.None)
		c.Changed(EventZSet, event, key)
	case c.DB.Delete(key):
		c.Changed(EventGeneric, "del", key)
	}
}

// zsetChanged says that a key changed in n elements. That many changes count, as in Redis.
func (c *Call) zsetChanged(event string, key []byte, n int) {
	c.Changed(EventZSet, event, key)
	c.Changes += n - 1
}

// dropEmptyZSet deletes the key if its set has no members left.
func (c *Call) dropEmptyZSet(key []byte, z *zsets.Set) {
	if z.Len() == 0 {
		c.DB.Delete(key)
		c.Notify(c.Client.DB, EventGeneric, "del", key)
	}
}

// scored begins a reply of n members and returns what writes one: alone, or with its score; then in RESP3 as an array of
// the two.
func (c *Call) scored(n int, scores bool) func(member []byte, score float64) {
	switch {
	case !scores:
		c.Reply.Array(n)
		return func(member []byte, _ float64) { c.Reply.Bulk(member) }
	case c.Reply.Proto() < 3:
		c.Reply.Array(2 * n)
		return c.flat
	}
	c.Reply.Array(n)
	return c.nested
}

// flat writes a member and its score, nested an array of them.
func (c *Call) flat(member []byte, score float64) {
	c.Reply.Bulk(member)
	c.Reply.Double(score)
}

func (c *Call) nested(member []byte, score float64) {
	c.Reply.Array(2)
	c.flat(member, score)
}
