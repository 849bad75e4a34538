package main

import (
	"slices"
	"strings"
)

// push is LPUSH and RPUSH.
func (c *call) push() {
	v, ok := c.list(c.args[1])
	if !ok {
		return
	}
	if v == nil {
		v = &value{}
		c.keys[c.args[1]] = v
	}
	for _, elem := range c.args[2:] {
		v.put(c.args[0] == "LPUSH", elem)
	}
	c.log(c.args...)
	c.reply.Int(int64(len(v.list)))
}

func (v *value) put(left bool, elem string) {
	if left {
		v.list = slices.Insert(v.list, 0, elem)
		return
	}
	v.list = append(v.list, elem)
}

// take removes an element, and with the last one the key.
func (c *call) take(key string, v *value, left bool) (elem string) {
	if left {
		elem, v.list = v.list[0], v.list[1:]
	} else {
		elem, v.list = v.list[len(v.list)-1], v.list[:len(v.list)-1]
	}
	if len(v.list) == 0 {
		delete(c.keys, key)
	}
	return elem
}

// pop is LPOP and RPOP.
func (c *call) pop() {
	v, ok := c.list(c.args[1])
	switch {
	case !ok:
	case v == nil:
		c.reply.Null()
	default:
		c.reply.BulkString(c.take(c.args[1], v, c.args[0] == "LPOP"))
		c.log(c.args...)
	}
}

func (c *call) lmove() {
	from, ok := c.list(c.args[1])
	if !ok {
		return
	}
	if from == nil {
		c.reply.Null()
		return
	}
	if _, ok := c.list(c.args[2]); !ok {
		return
	}
	elem := c.take(c.args[1], from, strings.EqualFold(c.args[3], "LEFT"))
	to := c.keys[c.args[2]]
	if to == nil {
		to = &value{}
		c.keys[c.args[2]] = to
	}
	to.put(strings.EqualFold(c.args[4], "LEFT"), elem)
	c.log(c.args...)
	c.reply.BulkString(elem)
}

func (c *call) lrange() {
	v, ok := c.list(c.args[1])
	if !ok {
		return
	}
	first, ok1 := c.integer(c.args[2])
	if !ok1 {
		return
	}
	last, ok2 := c.integer(c.args[3])
	if !ok2 {
		return
	}
	if v == nil {
		c.reply.Array(0)
		return
	}
	n := int64(len(v.list))
	if first < 0 {
		first = max(0, first+n)
	}
	if last < 0 {
		last += n
	}
	last = min(last, n-1)
	if first > last {
		c.reply.Array(0)
		return
	}
	c.reply.Array(int(last - first + 1))
	for _, elem := range v.list[first : last+1] {
		c.reply.BulkString(elem)
	}
}

func (c *call) llen() {
	v, ok := c.list(c.args[1])
	if !ok {
		return
	}
	n := 0
	if v != nil {
		n = len(v.list)
	}
	c.reply.Int(int64(n))
}

// at is the place that an index means, -1 if it is outside.
func (v *value) at(index int64) int64 {
	n := int64(len(v.list))
	if index < 0 {
		index += n
	}
	if index < 0 || index >= n {
		return -1
	}
	return index
}

func (c *call) lindex() {
	v, ok := c.list(c.args[1])
	if !ok {
		return
	}
	index, ok := c.integer(c.args[2])
	if !ok {
		return
	}
	if v == nil || v.at(index) < 0 {
		c.reply.Null()
		return
	}
	c.reply.BulkString(v.list[v.at(index)])
}

func (c *call) lset() {
	v, ok := c.list(c.args[1])
	if !ok {
		return
	}
	if v == nil {
		c.reply.Error(noKey)
		return
	}
	index, ok := c.integer(c.args[2])
	if !ok {
		return
	}
	if v.at(index) < 0 {
		c.reply.Error("ERR index out of range")
		return
	}
	v.list[v.at(index)] = c.args[3]
	c.log(c.args...)
	c.reply.OK()
}
