package commands

import (
	"math"
	"strconv"

	"holdfast/expiry"
	"holdfast/resp"
)

// HINCRBY key field increment
func hincrByCommand(c *Call) {
	by, ok := c.int(3)
	if !ok {
		return
	}
	key, field := c.Args[1], c.Args[2]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	n := int64(0)
	if h != nil {
		if text, there := h.Get(field); there {
			if n, ok = ParseInt(text); !ok {
				c.Reply.Error(resp.ErrHashNotInteger)
				return
			}
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		c.Reply.Error(resp.ErrIncrOverflow)
		return
	}
	n += by
	var room [20]byte
	text := strconv.AppendInt(room[:0], n, 10)
	f := c.fill(key, h, field, text)
	f.setKeeping(field, text)
	f.done()
	c.hashChanged("hincrby", key, 1)
	c.Reply.Int(n)
}

// HINCRBYFLOAT key field increment
func hincrByFloatCommand(c *Call) {
	by, ok := parseLongDouble(c.Args[3])
	switch {
	case !ok:
		c.Reply.Error(resp.ErrNotFloat)
		return
	case by.IsInf():
		c.Reply.Error(resp.ErrNotFinite)
		return
	}
	key, field := c.Args[1], c.Args[2]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	text, deadline := []byte("0"), expiry.None
	if h != nil {
		if value, at, there := h.Field(field); there {
			text, deadline = value, at
		}
	}
	value, ok := parseLongDouble(text)
	if !ok {
		c.Reply.Error(resp.ErrHashNotFloat)
		return
	}
	sum, ok := addLongDoubles(value, by)
	if !ok {
		c.Reply.Error(resp.ErrIncrNotFinite)
		return
	}
	text = appendLongDouble(nil, sum)
	f := c.fill(key, h, field, text)
	f.setKeeping(field, text)
	f.done()
	c.hashChanged("hincrbyfloat", key, 1)
	if deadline == expiry.None { // the sum, whatever arithmetic a later version has
		c.Effect(word("HSET"), key, field, text)
	} else {
		c.Effect(word(hsetexWord), key, word(keepTTL), word(fieldsWord), word("1"), field, text)
	}
	c.Reply.Bulk(text)
}
