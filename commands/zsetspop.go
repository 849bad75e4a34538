package commands

import (
	"holdfast/resp"
	"holdfast/zsets"
)

// ZPOPMIN key [count]
func zpopminCommand(c *Call) { c.zpop(lowest) }

// ZPOPMAX key [count]
func zpopmaxCommand(c *Call) { c.zpop(highest) }

// extreme is an end of a sorted set, by the word of its commands.
type extreme string

const (
	lowest  extreme = "MIN"
	highest extreme = "MAX"
)

func (e extreme) event() string {
	if e == lowest {
		return "zpopmin"
	}
	return "zpopmax"
}

// command is how effects name the end.
func (e extreme) command() []byte { return word("ZPOP" + string(e)) }

func (c *Call) zpop(from extreme) {
	one, count := len(c.Args) == 2, 1
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrSyntax)
		return
	case !one:
		var ok bool
		if count, ok = c.atLeast(0, 2, resp.ErrNotPositive); !ok {
			return
		}
	}
	z, ok := c.editZSet(c.Args[1])
	switch {
	case !ok:
	case z == nil || count == 0:
		c.Reply.Array(0)
	case one: // flat in RESP3 too
		c.Reply.Array(2)
		c.takeScored(c.Args[1], z, from, 1, c.flat)
	default:
		count = min(count, z.Len())
		c.takeScored(c.Args[1], z, from, count, c.scored(count, true))
	}
}

// takeScored moves n elements, at least one, from an end of the key's set into reply, and sees to what follows from
// that.
func (c *Call) takeScored(key []byte, z *zsets.Set, from extreme, n int, reply func(member []byte, score float64)) {
	lo, hi := 0, n
	walk := z.Range
	if from == highest {
		lo, hi = z.Len()-n, z.Len()
		walk = z.Backward
	}
	for member, score := range walk(lo, hi) {
		reply(member, score)
	}
	z.RemoveRange(lo, hi)
	c.zsetChanged(from.event(), key, n)
	c.dropEmptyZSet(key, z)
}

// ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]
func zmpopCommand(c *Call) {
	p, ok := readFirstPop(c, 1, c.extreme)
	if !ok {
		return
	}
	key, z, ok := c.firstZSet(p.keys)
	switch {
	case !ok:
	case z == nil:
		c.Reply.NullArray()
	default:
		c.takeFirstScored(key, z, p)
	}
}

// extreme reads an end of a sorted set.
func (c *Call) extreme(i int) (e extreme, ok bool) {
	switch {
	case c.is(i, string(lowest)):
		return lowest, true
	case c.is(i, string(highest)):
		return highest, true
	}
	c.Reply.Error(resp.ErrSyntax)
	return "", false
}

// takeFirstScored pops from the key's set as p asks, and logs it as a pop from that one key.
func (c *Call) takeFirstScored(key []byte, z *zsets.Set, p firstPop[extreme]) {
	n := min(p.count, z.Len())
	c.Reply.Array(2)
	c.Reply.Bulk(key)
	c.Reply.Array(n)
	c.takeScored(key, z, p.from, n, c.nested)
	c.Effect(p.from.command(), key, decimal(int64(n)))
}

// firstZSet is the first of the keys that holds a sorted set, to be changed; as firstList is for lists.
func (c *Call) firstZSet(keys [][]byte) (key []byte, z *zsets.Set, ok bool) {
	if c.Ready != nil {
		v, _ := c.DB.Edit(c.Ready)
		z, _ := v.(*zsets.Set)
		return c.Ready, z, true
	}
	for _, key := range keys {
		if z, ok := c.editZSet(key); !ok || z != nil {
			return key, z, ok
		}
	}
	return nil, nil, true
}

func blockingZSetCommands() []*Command {
	return []*Command{
		{
			Name: "bzpopmin", Group: SortedSets, Since: "5.0.0", Arity: -3, Flags: Write | NoScript | Blocking | Fast, Categories: CatSortedSet,
			Keys: KeysUntil(1, 1, RW|Access|Delete), Syntax: "key [key ...] timeout",
			Summary: "Takes the member with the lowest score of the first sorted set that is there, or waits for one.", Complexity: "O(k+log n): k keys",
			Run: bzpopminCommand,
		},
		{
			Name: "bzpopmax", Group: SortedSets, Since: "5.0.0", Arity: -3, Flags: Write | NoScript | Blocking | Fast, Categories: CatSortedSet,
			Keys: KeysUntil(1, 1, RW|Access|Delete), Syntax: "key [key ...] timeout",
			Summary: "Takes the member with the highest score of the first sorted set that is there, or waits for one.", Complexity: "O(k+log n): k keys",
			Run: bzpopmaxCommand,
		},
		{
			Name: "bzmpop", Group: SortedSets, Since: "7.0.0", Arity: -5, Flags: Write | Blocking | MovableKeys, Categories: CatSortedSet,
			Keys: CountedKeys(2, RW|Access|Delete), Syntax: "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
			Summary: "Does what ZMPOP does, or waits until it can.", Complexity: "O(k+m log n): k keys, m members taken",
			Run: bzmpopCommand,
		},
	}
}

// BZPOPMIN key [key ...] timeout
func bzpopminCommand(c *Call) { c.blockingZPop(lowest) }

// BZPOPMAX key [key ...] timeout
func bzpopmaxCommand(c *Call) { c.blockingZPop(highest) }

func (c *Call) blockingZPop(from extreme) {
	end := len(c.Args) - 1
	deadline, ok := c.waitUntil(end)
	if !ok {
		return
	}
	key, z, ok := c.firstZSet(c.Args[1:end])
	switch {
	case !ok:
	case z == nil:
		c.Block(c.Args[1:end], deadline, (*resp.Writer).NullArray)
	default:
		c.Reply.Array(3)
		c.Reply.Bulk(key)
		c.takeScored(key, z, from, 1, c.flat)
		c.Effect(from.command(), key)
	}
}

// BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]
func bzmpopCommand(c *Call) {
	p, ok := readFirstPop(c, 2, c.extreme)
	if !ok {
		return
	}
	deadline, ok := c.waitUntil(1)
	if !ok {
		return
	}
	key, z, ok := c.firstZSet(p.keys)
	switch {
	case !ok:
	case z == nil:
		c.Block(p.keys, deadline, (*resp.Writer).NullArray)
	default:
		c.takeFirstScored(key, z, p)
	}
}
