package commands

import "holdfast/resp"

// LSET key index element
func lsetCommand(c *Call) {
	key := c.Args[1]
	l, ok := c.editList(key)
	switch {
	case !ok:
		return
	case l == nil:
		c.Reply.Error(resp.ErrNoSuchKey)
		return
	}
	i, ok := c.int(2)
	switch {
	case !ok:
	case !l.Set(int(i), c.Args[3]):
		c.Reply.Error(resp.ErrIndexRange)
	default:
		c.listChanged("lset", key, 1)
		c.Reply.OK()
	}
}

// LINSERT key <BEFORE | AFTER> pivot element
func linsertCommand(c *Call) {
	after := c.is(2, "AFTER")
	if !after && !c.is(2, "BEFORE") {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	key := c.Args[1]
	l, ok := c.editList(key)
	switch {
	case !ok:
	case l == nil:
		c.Reply.Int(0)
	case !l.Insert(c.Args[3], c.Args[4], after):
		c.Reply.Int(-1)
	default:
		c.listChanged("linsert", key, 1)
		c.Reply.Int(int64(l.Len()))
	}
}

// LREM key count element
func lremCommand(c *Call) {
	count, ok := c.int(2)
	if !ok {
		return
	}
	key := c.Args[1]
	l, ok := c.editList(key)
	switch {
	case !ok:
		return
	case l == nil:
		c.Reply.Int(0)
		return
	}
	removed := l.Remove(int(count), c.Args[3])
	if removed > 0 {
		c.listChanged("lrem", key, removed)
		c.dropEmpty(key, l)
	}
	c.Reply.Int(int64(removed))
}

// LTRIM key start stop
func ltrimCommand(c *Call) {
	start, stop, ok := c.indexes(2)
	if !ok {
		return
	}
	key := c.Args[1]
	l, ok := c.editList(key)
	switch {
	case !ok:
		return
	case l == nil:
		c.Reply.OK()
		return
	}
	if removed := l.Len() - spanned(start, stop, l.Len()); removed > 0 {
		l.Trim(start, stop)
		c.listChanged("ltrim", key, removed)
		c.dropEmpty(key, l)
	} else {
		c.World.Touch(c.Client.DB, key) // Redis takes it for a change even so
		c.Notify(c.Client.DB, EventList, "ltrim", key)
	}
	c.Reply.OK()
}

// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
func lposCommand(c *Call) {
	o, ok := c.readLposOptions()
	if !ok {
		return
	}
	l, ok := c.list(c.Args[1])
	if !ok {
		return
	}
	var found []int
	if l != nil {
		found = l.Positions(c.Args[2], o.rank, o.count, o.maxlen)
	}
	switch {
	case o.many:
		c.Reply.Array(len(found))
		for _, i := range found {
			c.Reply.Int(int64(i))
		}
	case len(found) > 0:
		c.Reply.Int(int64(found[0]))
	default:
		c.Reply.Null()
	}
}

// lposOptions are what LPOS is asked for, in the terms of lists.List.Positions. Many: COUNT was said, so that the reply
// is an array.
type lposOptions struct {
	rank, count, maxlen int
	many                bool
}

// readLposOptions reads the pairs behind the element; of equal ones the last counts.
func (c *Call) readLposOptions() (o lposOptions, ok bool) {
	o = lposOptions{rank: 1, count: 1}
	for i := 3; i < len(c.Args); i += 2 {
		ok := true
		switch {
		case i+1 == len(c.Args):
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		case c.is(i, "RANK"):
			o.rank, ok = c.rank(i + 1)
		case c.is(i, "COUNT"):
			o.many = true
			o.count, ok = c.atLeast(0, i+1, resp.ErrLposCountNegative)
		case c.is(i, "MAXLEN"):
			o.maxlen, ok = c.atLeast(0, i+1, resp.ErrLposMaxLenNegative)
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
		if !ok {
			return o, false
		}
	}
	return o, true
}

// rank reads LPOS's RANK: any integer but 0.
func (c *Call) rank(i int) (rank int, ok bool) {
	n, ok := c.int(i)
	if ok && n == 0 {
		c.Reply.Error(resp.ErrRankZero)
		return 0, false
	}
	return int(n), ok
}
