package commands

import (
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/resp"
)

func listCommands() []*Command {
	return []*Command{
		{
			Name: "lpush", Group: Lists, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatList,
			Keys: Key(1, RW|Insert), Syntax: "key element [element ...]",
			Summary: "Puts elements before a list's first, making the list if need be.", Complexity: "O(1) an element",
			Run: lpushCommand,
		},
		{
			Name: "rpush", Group: Lists, Since: "1.0.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatList,
			Keys: Key(1, RW|Insert), Syntax: "key element [element ...]",
			Summary: "Puts elements behind a list's last, making the list if need be.", Complexity: "O(1) an element",
			Run: rpushCommand,
		},
		{
			Name: "lpushx", Group: Lists, Since: "2.2.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatList,
			Keys: Key(1, RW|Insert), Syntax: "key element [element ...]",
			Summary: "Puts elements before the first of a list that is there.", Complexity: "O(1) an element",
			Run: lpushxCommand,
		},
		{
			Name: "rpushx", Group: Lists, Since: "2.2.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatList,
			Keys: Key(1, RW|Insert), Syntax: "key element [element ...]",
			Summary: "Puts elements behind the last of a list that is there.", Complexity: "O(1) an element",
			Run: rpushxCommand,
		},
		{
			Name: "lpop", Group: Lists, Since: "1.0.0", Arity: -2, Flags: Write | Fast, Categories: CatList,
			Keys: Key(1, RW|Access|Delete), Syntax: "key [count]",
			Summary: "Takes elements from the front of a list.", Complexity: "O(1) an element",
			Run: lpopCommand,
		},
		{
			Name: "rpop", Group: Lists, Since: "1.0.0", Arity: -2, Flags: Write | Fast, Categories: CatList,
			Keys: Key(1, RW|Access|Delete), Syntax: "key [count]",
			Summary: "Takes elements from the back of a list.", Complexity: "O(1) an element",
			Run: rpopCommand,
		},
		{
			Name: "llen", Group: Lists, Since: "1.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatList,
			Keys: Key(1, RO), Syntax: "key",
			Summary: "Tells how many elements a list has.", Complexity: "O(1)",
			Run: llenCommand,
		},
		{
			Name: "lrange", Group: Lists, Since: "1.0.0", Arity: 4, Flags: ReadOnly, Categories: CatList,
			Keys: Key(1, RO|Access), Syntax: "key start stop",
			Summary: "Returns the elements between two indexes.", Complexity: "O(d+n): d to the first from the nearer end, n returned",
			Run: lrangeCommand,
		},
		{
			Name: "lindex", Group: Lists, Since: "1.0.0", Arity: 3, Flags: ReadOnly, Categories: CatList,
			Keys: Key(1, RO|Access), Syntax: "key index",
			Summary: "Returns the element at an index.", Complexity: "O(n) in the elements to the nearer end",
			Run: lindexCommand,
		},
		{
			Name: "lset", Group: Lists, Since: "1.0.0", Arity: 4, Flags: Write | DenyOOM, Categories: CatList,
			Keys: Key(1, RW|Update), Syntax: "key index element",
			Summary: "Replaces the element at an index.", Complexity: "O(n) in the elements to the nearer end",
			Run: lsetCommand,
		},
		{
			Name: "linsert", Group: Lists, Since: "2.2.0", Arity: 5, Flags: Write | DenyOOM, Categories: CatList,
			Keys: Key(1, RW|Insert), Syntax: "key <BEFORE | AFTER> pivot element",
			Summary: "Puts an element next to the first one that equals another.", Complexity: "O(n) in the elements before the pivot",
			Run: linsertCommand,
		},
		{
			Name: "lrem", Group: Lists, Since: "1.0.0", Arity: 4, Flags: Write, Categories: CatList,
			Keys: Key(1, RW|Delete), Syntax: "key count element",
			Summary: "Removes elements that equal a given one.", Complexity: "O(n) in the list's length",
			Run: lremCommand,
		},
		{
			Name: "ltrim", Group: Lists, Since: "1.0.0", Arity: 4, Flags: Write, Categories: CatList,
			Keys: Key(1, RW|Delete), Syntax: "key start stop",
			Summary: "Removes the elements outside two indexes.", Complexity: "O(n) in the elements removed",
			Run: ltrimCommand,
		},
		{
			Name: "lpos", Group: Lists, Since: "6.0.6", Arity: -3, Flags: ReadOnly, Categories: CatList,
			Keys: Key(1, RO|Access), Syntax: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
			Summary: "Returns the indexes of elements that equal a given one.", Complexity: "O(n) in the elements compared",
			Run: lposCommand,
		},
		{
			Name: "lmove", Group: Lists, Since: "6.2.0", Arity: 5, Flags: Write | DenyOOM, Categories: CatList,
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, RW|Insert)},
			Syntax:  "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
			Summary: "Moves an element from an end of one list to an end of another, or of the same.", Complexity: "O(1)",
			Run: lmoveCommand,
		},
		{
			Name: "rpoplpush", Group: Lists, Since: "1.2.0", Arity: 3, Flags: Write | DenyOOM, Categories: CatList,
			Deprecated: "6.2.0", Instead: "`LMOVE` from `RIGHT` to `LEFT`",
			Keys:    []KeySpec{keyAt(1, RW|Access|Delete), keyAt(2, RW|Insert)},
			Syntax:  "source destination",
			Summary: "Moves a list's last element to the front of another list, or of the same.", Complexity: "O(1)",
			Run: rpoplpushCommand,
		},
		{
			Name: "lmpop", Group: Lists, Since: "7.0.0", Arity: -4, Flags: Write | MovableKeys, Categories: CatList,
			Keys: CountedKeys(1, RW|Access|Delete), Syntax: "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
			Summary: "Takes elements from the first of several lists that is there.", Complexity: "O(k+n): k keys, n elements taken",
			Run: lmpopCommand,
		},
	}
}

// LPUSH key element [element ...]
func lpushCommand(c *Call) { c.push(left, true) }

// RPUSH key element [element ...]
func rpushCommand(c *Call) { c.push(right, true) }

// LPUSHX key element [element ...]
func lpushxCommand(c *Call) { c.push(left, false) }

// RPUSHX key element [element ...]
func rpushxCommand(c *Call) { c.push(right, false) }

func (c *Call) push(to side, create bool) {
	key, elements := c.Args[1], c.Args[2:]
	l, ok := c.editList(key)
	if !ok {
		return
	}
	if l == nil && !create {
		c.Reply.Int(0)
		return
	}
	l = c.add(key, l, to, elements...)
	c.listChanged(to.pushed(), key, len(elements))
	c.Reply.Int(int64(l.Len()))
}

// LPOP key [count]
func lpopCommand(c *Call) { c.pop(left) }

// RPOP key [count]
func rpopCommand(c *Call) { c.pop(right) }

func (c *Call) pop(from side) {
	one, count := len(c.Args) == 2, 1
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return
	case !one:
		var ok bool
		if count, ok = c.atLeast(0, 2, resp.ErrNotPositive); !ok {
			return
		}
	}
	l, ok := c.editList(c.Args[1])
	switch {
	case !ok:
	case l == nil && one:
		c.Reply.Null()
	case l == nil:
		c.Reply.NullArray()
	case one:
		c.take(c.Args[1], l, from, 1)
	default:
		count = min(count, l.Len())
		c.Reply.Array(count)
		c.take(c.Args[1], l, from, count)
	}
}

// LLEN key
func llenCommand(c *Call) {
	if l, ok := c.list(c.Args[1]); ok && l != nil {
		c.Reply.Int(int64(l.Len()))
	} else if ok {
		c.Reply.Int(0)
	}
}

// LRANGE key start stop
func lrangeCommand(c *Call) {
	start, stop, ok := c.indexes(2)
	if !ok {
		return
	}
	l, ok := c.list(c.Args[1])
	switch {
	case !ok:
		return
	case l == nil:
		c.Reply.Array(0)
		return
	}
	n := spanned(start, stop, l.Len())
	c.Reply.Array(n)
	if n > 0 {
		l.Range(start, stop, func(b []byte) bool {
			c.Reply.Bulk(b)
			return true
		})
	}
}

// LINDEX key index
func lindexCommand(c *Call) {
	l, ok := c.list(c.Args[1])
	switch {
	case !ok:
		return
	case l == nil: // before the index is looked at, as in Redis
		c.Reply.Null()
		return
	}
	i, ok := c.int(2)
	if !ok {
		return
	}
	if b, there := l.Index(int(i)); there {
		c.Reply.Bulk(b)
	} else {
		c.Reply.Null()
	}
}

// side is an end of a list, by the letter of its commands.
type side byte

const (
	left  side = 'l'
	right side = 'r'
)

// pushed and popped are the events of the side.
func (s side) pushed() string {
	if s == left {
		return "lpush"
	}
	return "rpush"
}

func (s side) popped() string {
	if s == left {
		return "lpop"
	}
	return "rpop"
}

// word and popCommand are how effects name the side.
func (s side) word() []byte {
	if s == left {
		return word("LEFT")
	}
	return word("RIGHT")
}

func (s side) popCommand() []byte {
	if s == left {
		return word("LPOP")
	}
	return word("RPOP")
}

func (s side) push(l *lists.List, b []byte) {
	if s == left {
		l.PushFront(b)
	} else {
		l.PushBack(b)
	}
}

// pop takes an element from a list that has one.
func (s side) pop(l *lists.List) []byte {
	take := l.PopBack
	if s == left {
		take = l.PopFront
	}
	b, ok := take()
	if !ok {
		panic("BUG: an empty list under a key")
	}
	return b
}

// list is the list under the key, to be read; nil when the key is missing. Where the key holds something else, the
// reply says so and ok is false.
func (c *Call) list(key []byte) (l *lists.List, ok bool) {
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, true
	case e.Kind() != kv.List:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Value().(*lists.List), true
}

// editList is list for a change. The usual case, a list that is there, costs one lookup.
func (c *Call) editList(key []byte) (l *lists.List, ok bool) {
	v, _ := c.DB.Edit(key)
	if l, ok := v.(*lists.List); ok {
		return l, true
	}
	if _, there := c.DB.Peek(key); there {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return nil, true
}

// add pushes elements to a list, the one under the key or, where that is nil, a new one, and returns it. What
// changed is the caller's to say.
func (c *Call) add(key []byte, l *lists.List, to side, elements ...[]byte) *lists.List {
	missing := l == nil
	if missing {
		l = lists.New()
	}
	for _, b := range elements {
		to.push(l, b)
	}
	if missing {
		c.DB.SetValue(key, kv.List, l, expiry.None)
	}
	return l
}

// take moves n elements of the key's list into the reply, one by one, and sees to what follows from that.
func (c *Call) take(key []byte, l *lists.List, from side, n int) {
	if n == 0 {
		return
	}
	for range n {
		c.Reply.Bulk(from.pop(l))
	}
	c.listChanged(from.popped(), key, n)
	c.dropEmpty(key, l)
}

// listChanged says that a key changed in n elements. That many changes count, as in Redis.
func (c *Call) listChanged(event string, key []byte, n int) {
	c.Changed(EventList, event, key)
	c.Changes += n - 1
}

// dropEmpty deletes the key if its list has no elements left.
func (c *Call) dropEmpty(key []byte, l *lists.List) {
	if l.Len() == 0 {
		c.DB.Delete(key)
		c.Notify(c.Client.DB, EventGeneric, "del", key)
	}
}

// side reads LEFT or RIGHT; anything else is a syntax error.
func (c *Call) side(i int) (s side, ok bool) {
	switch {
	case c.is(i, "LEFT"):
		return left, true
	case c.is(i, "RIGHT"):
		return right, true
	}
	c.Reply.Error(resp.ErrSyntax)
	return 0, false
}

// indexes reads the two indexes of LRANGE and LTRIM.
func (c *Call) indexes(i int) (start, stop int, ok bool) {
	from, ok := c.int(i)
	if !ok {
		return 0, 0, false
	}
	to, ok := c.int(i + 1)
	return int(from), int(to), ok
}

// spanned is how many of n elements lie between two indexes, both inclusive, from the end when negative.
func spanned(start, stop, n int) int {
	if start < 0 {
		start = max(start+n, 0)
	}
	if stop < 0 {
		stop += n
	}
	if stop = min(stop, n-1); start > stop { // compared, not subtracted: stop may be the least number
		return 0
	}
	return stop - start + 1
}

// atLeast is the i-th argument as an integer that is not below low; where it is none, refusal is the reply.
func (c *Call) atLeast(low int64, i int, refusal string) (n int, ok bool) {
	v, ok := ParseInt(c.Args[i])
	if !ok || v < low {
		c.Reply.Error(refusal)
		return 0, false
	}
	return int(v), true
}
