package main

import (
	"maps"
	"slices"
)

// members finds a set, an empty one where there is none; nil, and the reply made, where the key holds something else.
func (c *call) members(key string) map[string]bool {
	v := c.find(key)
	switch {
	case v == nil:
		return map[string]bool{}
	case v.members == nil:
		c.reply.Error(wrongType)
		return nil
	}
	return v.members
}

// keepMembers makes a key hold a set.
func (c *call) keepMembers(key string, m map[string]bool) {
	switch v := c.keys[key]; {
	case len(m) == 0:
		delete(c.keys, key)
	case v == nil || v.members == nil:
		c.keys[key] = &value{members: m}
	default:
		v.members = m
	}
}

// sadd is SADD and SREM.
func (c *call) sadd() {
	m := c.members(c.args[1])
	if m == nil {
		return
	}
	before := len(m)
	for _, member := range c.args[2:] {
		if c.args[0] == "SADD" {
			m[member] = true
		} else {
			delete(m, member)
		}
	}
	if len(m) != before {
		c.keepMembers(c.args[1], m)
		c.log(c.args...)
	}
	c.reply.Int(int64(max(len(m)-before, before-len(m))))
}

func (c *call) smove() {
	from, to := c.members(c.args[1]), c.members(c.args[2])
	if from == nil || to == nil {
		return
	}
	member := c.args[3]
	there := from[member]
	if there && c.args[1] != c.args[2] {
		delete(from, member)
		to[member] = true
		c.keepMembers(c.args[1], from)
		c.keepMembers(c.args[2], to)
		c.log(c.args...)
	}
	c.bool(there)
}

// spop is SPOP key count, of no less than there are.
func (c *call) spop() {
	m := c.members(c.args[1])
	if m == nil {
		return
	}
	if n, ok := c.integer(c.args[2]); !ok || n < int64(len(m)) {
		c.reply.Error(syntax)
		return
	}
	c.replyMembers(m)
	if len(m) > 0 {
		delete(c.keys, c.args[1])
		c.log("DEL", c.args[1])
	}
}

func (c *call) smembers() {
	if m := c.members(c.args[1]); m != nil {
		c.replyMembers(m)
	}
}

func (c *call) replyMembers(m map[string]bool) {
	c.reply.Array(len(m))
	for member := range m {
		c.reply.BulkString(member)
	}
}

func (c *call) scard() {
	if m := c.members(c.args[1]); m != nil {
		c.reply.Int(int64(len(m)))
	}
}

// sstore is SUNIONSTORE and SDIFFSTORE of two sets.
func (c *call) sstore() {
	first, second := c.members(c.args[2]), c.members(c.args[3])
	if first == nil || second == nil {
		return
	}
	result := maps.Clone(first)
	for member := range second {
		if c.args[0] == "SUNIONSTORE" {
			result[member] = true
		} else {
			delete(result, member)
		}
	}
	delete(c.keys, c.args[1])
	c.keepMembers(c.args[1], result)
	c.log(c.args...)
	c.reply.Int(int64(len(result)))
}

// saddOf is the command that makes a set.
func saddOf(key string, v *value) []string {
	return append([]string{"SADD", key}, slices.Sorted(maps.Keys(v.members))...)
}
