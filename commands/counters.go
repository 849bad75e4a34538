package commands

import (
	"math"
	"strconv"

	"holdfast/expiry"
	"holdfast/resp"
)

// INCR key
func incrCommand(c *Call) { c.increment(1) }

// DECR key
func decrCommand(c *Call) { c.increment(-1) }

// INCRBY key increment
func incrByCommand(c *Call) {
	if by, ok := c.int(2); ok {
		c.increment(by)
	}
}

// DECRBY key decrement
func decrByCommand(c *Call) {
	by, ok := c.int(2)
	switch {
	case !ok:
	case by == math.MinInt64:
		c.Reply.Error(resp.ErrDecrOverflow)
	default:
		c.increment(-by)
	}
}

// increment adds to the integer under the key, which begins at 0 and keeps its deadline.
func (c *Call) increment(by int64) {
	e, found, ok := c.editedString()
	if !ok {
		return
	}
	n, deadline := int64(0), expiry.None
	if found {
		deadline = e.Deadline()
		if n, ok = ParseInt(e.Text()); !ok {
			c.Reply.Error(resp.ErrNotInteger)
			return
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		c.Reply.Error(resp.ErrIncrOverflow)
		return
	}
	n += by
	var room [20]byte
	c.DB.SetString(c.Args[1], strconv.AppendInt(room[:0], n, 10), deadline)
	c.Changed(EventString, "incrby", c.Args[1])
	c.Reply.Int(n)
}

// INCRBYFLOAT key increment
func incrByFloatCommand(c *Call) {
	e, found, ok := c.editedString()
	if !ok {
		return
	}
	text, deadline := []byte("0"), expiry.None
	if found {
		text, deadline = e.Text(), e.Deadline()
	}
	value, ok := parseLongDouble(text)
	by, okBy := parseLongDouble(c.Args[2])
	if !ok || !okBy {
		c.Reply.Error(resp.ErrNotFloat)
		return
	}
	sum, ok := addLongDoubles(value, by)
	if !ok {
		c.Reply.Error(resp.ErrIncrNotFinite)
		return
	}
	text = appendLongDouble(nil, sum)
	c.DB.SetString(c.Args[1], text, deadline)
	c.Changed(EventString, "incrbyfloat", c.Args[1])
	c.Effect(word("SET"), c.Args[1], text, word(keepTTL)) // the sum, whatever arithmetic a later version has
	c.Reply.Bulk(text)
}
