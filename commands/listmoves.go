package commands

import (
	"bytes"

	"holdfast/lists"
)

// LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>
func lmoveCommand(c *Call) {
	if from, to, ok := c.sides(3); ok {
		c.moveNow(from, to)
	}
}

// RPOPLPUSH source destination
func rpoplpushCommand(c *Call) { c.moveNow(right, left) }

// moveNow moves an element between the lists of the first two arguments, if the first has one.
func (c *Call) moveNow(from, to side) {
	l, ok := c.editList(c.Args[1])
	switch {
	case !ok:
	case l == nil: // whatever the destination holds
		c.Reply.Null()
	default:
		c.move(l, from, to)
	}
}

// move moves an element from list l, that of the first argument, to that of the second, which may be the same. It
// reports false, and has replied so, if the second is no list.
func (c *Call) move(l *lists.List, from, to side) bool {
	source, destination := c.Args[1], c.Args[2]
	into := l
	if !bytes.Equal(source, destination) {
		var ok bool
		if into, ok = c.editList(destination); !ok {
			return false
		}
	}
	b := from.pop(l)
	c.Reply.Bulk(b)
	c.add(destination, into, to, b)
	c.listChanged(to.pushed(), destination, 1)
	c.listChanged(from.popped(), source, 0) // a move counts as one change
	c.dropEmpty(source, l)
	return true
}

// LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]
func lmpopCommand(c *Call) {
	p, ok := readFirstPop(c, 1, c.side)
	if !ok {
		return
	}
	key, l, ok := c.firstList(p.keys)
	switch {
	case !ok:
	case l == nil:
		c.Reply.NullArray()
	default:
		c.takeFirst(key, l, p)
	}
}

// takeFirst pops from the key's list as p asks, and logs it as a pop from that one key.
func (c *Call) takeFirst(key []byte, l *lists.List, p firstPop[side]) {
	n := min(p.count, l.Len())
	c.Reply.Array(2)
	c.Reply.Bulk(key)
	c.Reply.Array(n)
	c.take(key, l, p.from, n)
	c.Effect(p.from.popCommand(), key, decimal(int64(n)))
}

// firstList is the first of the keys that holds a list, to be changed; l is nil when all are missing. A key that holds
// something else ends the search: the reply says so and ok is false.
//
// A blocked call that runs again gets no list but that of the key that changed, if there is one now.
func (c *Call) firstList(keys [][]byte) (key []byte, l *lists.List, ok bool) {
	if c.Ready != nil {
		v, _ := c.DB.Edit(c.Ready)
		l, _ := v.(*lists.List)
		return c.Ready, l, true
	}
	for _, key := range keys {
		if l, ok := c.editList(key); !ok || l != nil {
			return key, l, ok
		}
	}
	return nil, nil, true
}

// sides reads where a move takes from and where it puts.
func (c *Call) sides(i int) (from, to side, ok bool) {
	if from, ok = c.side(i); !ok {
		return 0, 0, false
	}
	to, ok = c.side(i + 1)
	return from, to, ok
}
