package commands

import "holdfast/resp"

// The blocking commands run once when they are sent, and again for each of their keys that changes while they wait
// (Call.Ready), until they have a reply. They are logged as what they came to: a plain pop or move.

func blockingCommands() []*Command {
	return []*Command{
		{
			Name: "blpop", Group: Lists, Since: "2.0.0", Arity: -3, Flags: Write | NoScript | Blocking, Categories: CatList,
			Keys: KeysUntil(1, 1, RW|Access|Delete), Syntax: "key [key ...] timeout",
			Summary: "Takes the first element of the first list that is there, or waits for one.", Complexity: "O(k) in the keys",
			Run: blpopCommand,
		},
		{
			Name: "brpop", Group: Lists, Since: "2.0.0", Arity: -3, Flags: Write | NoScript | Blocking, Categories: CatList,
			Keys: KeysUntil(1, 1, RW|Access|Delete), Syntax: "key [key ...] timeout",
			Summary: "Takes the last element of the first list that is there, or waits for one.", Complexity: "O(k) in the keys",
			Run: brpopCommand,
		},
		{
			Name: "blmove", Group: Lists, Since: "6.2.0", Arity: 6, Flags: Write | DenyOOM | NoScript | Blocking, Categories: CatList,
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, RW|Insert)},
			Syntax:  "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
			Summary: "Does what LMOVE does, or waits until it can.", Complexity: "O(1)",
			Run: blmoveCommand,
		},
		{
			Name: "brpoplpush", Group: Lists, Since: "2.2.0", Arity: 4, Flags: Write | DenyOOM | NoScript | Blocking, Categories: CatList,
			Deprecated: "6.2.0", Instead: "`BLMOVE` from `RIGHT` to `LEFT`",
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, RW|Insert)},
			Syntax:  "source destination timeout",
			Summary: "Does what RPOPLPUSH does, or waits until it can.", Complexity: "O(1)",
			Run: brpoplpushCommand,
		},
		{
			Name: "blmpop", Group: Lists, Since: "7.0.0", Arity: -5, Flags: Write | Blocking | MovableKeys, Categories: CatList,
			Keys: CountedKeys(2, RW|Access|Delete), Syntax: "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
			Summary: "Does what LMPOP does, or waits until it can.", Complexity: "O(k+n): k keys, n elements taken",
			Run: blmpopCommand,
		},
	}
}

// BLPOP key [key ...] timeout
func blpopCommand(c *Call) { c.blockingPop(left) }

// BRPOP key [key ...] timeout
func brpopCommand(c *Call) { c.blockingPop(right) }

func (c *Call) blockingPop(from side) {
	end := len(c.Args) - 1
	deadline, ok := c.waitUntil(end)
	if !ok {
		return
	}
	key, l, ok := c.firstList(c.Args[1:end])
	switch {
	case !ok:
	case l == nil:
		c.Block(c.Args[1:end], deadline, (*resp.Writer).NullArray)
	default:
		c.Reply.Array(2)
		c.Reply.Bulk(key)
		c.take(key, l, from, 1)
		c.Effect(from.popCommand(), key)
	}
}

// BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout
func blmoveCommand(c *Call) {
	if from, to, ok := c.sides(3); ok {
		c.blockingMove(from, to, 5)
	}
}

// BRPOPLPUSH source destination timeout
func brpoplpushCommand(c *Call) { c.blockingMove(right, left, 3) }

// blockingMove is BLMOVE whose timeout is the i-th argument. A destination of the wrong type is an error when there is
// an element to move, not before, and the element stays.
func (c *Call) blockingMove(from, to side, i int) {
	deadline, ok := c.waitUntil(i)
	if !ok {
		return
	}
	_, l, ok := c.firstList(c.Args[1:2])
	switch {
	case !ok:
	case l == nil && (c.Nested || c.Client.DenyBlocking):
		c.Reply.Null() // as LMOVE replies; a timeout is told by a null array
	case l == nil:
		c.Block(c.Args[1:2], deadline, (*resp.Writer).NullArray)
	case c.move(l, from, to):
		c.Effect(word("LMOVE"), c.Args[1], c.Args[2], from.word(), to.word())
	}
}

// BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]
func blmpopCommand(c *Call) {
	p, ok := readFirstPop(c, 2, c.side)
	if !ok {
		return
	}
	deadline, ok := c.waitUntil(1)
	if !ok {
		return
	}
	key, l, ok := c.firstList(p.keys)
	switch {
	case !ok:
	case l == nil:
		c.Block(p.keys, deadline, (*resp.Writer).NullArray)
	default:
		c.takeFirst(key, l, p)
	}
}

// waitUntil is the deadline that the timeout in the i-th argument sets. It was set when the call first ran: a blocked
// call that runs again has none to read.
func (c *Call) waitUntil(i int) (deadline int64, ok bool) {
	if c.Ready != nil {
		return 0, true
	}
	return c.timeoutSeconds(i)
}
