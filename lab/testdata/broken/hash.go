package main

import (
	"slices"
	"strconv"
	"strings"
)

// field is a field of a hash.
type field struct {
	text     string
	deadline int64 // unix ms; 0: none
}

// fields finds a hash without what has expired in it, an empty one where there is none; nil, and the reply made, where the
// key holds something else.
func (c *call) fields() map[string]field {
	v := c.find(c.args[1])
	switch {
	case v == nil:
		return map[string]field{}
	case v.fields == nil:
		c.reply.Error(wrongType)
		return nil
	}
	for name, f := range v.fields {
		if !c.replays && f.deadline != 0 && f.deadline <= c.now {
			delete(v.fields, name)
			c.log("HDEL", c.args[1], name)
		}
	}
	if len(v.fields) == 0 {
		delete(c.keys, c.args[1])
	}
	return v.fields
}

// hashed keeps a hash that has changed.
func (c *call) hashed(h map[string]field) {
	v := c.keys[c.args[1]]
	switch {
	case len(h) == 0:
		delete(c.keys, c.args[1])
	case v == nil:
		c.keys[c.args[1]] = &value{fields: h}
	}
}

// listed is what stands behind FIELDS and a number; ok is false, and the reply made, where that is not so.
func (c *call) listed() (words []string, ok bool) {
	i := slices.Index(c.args, "FIELDS")
	if i < 0 || i+2 > len(c.args) {
		c.reply.Error(syntax)
		return nil, false
	}
	return c.args[i+2:], true
}

func (c *call) hset() {
	h := c.fields()
	if h == nil {
		return
	}
	before := len(h)
	for i := 2; i+1 < len(c.args); i += 2 {
		h[c.args[i]] = field{text: c.args[i+1]}
	}
	c.hashed(h)
	c.log(c.args...)
	c.reply.Int(int64(len(h) - before))
}

func (c *call) hincrby() {
	h := c.fields()
	if h == nil {
		return
	}
	by, ok := c.integer(c.args[3])
	f, n := h[c.args[2]], int64(0)
	if ok && f.text != "" {
		n, ok = c.integer(f.text)
	}
	if !ok {
		return
	}
	f.text = strconv.FormatInt(n+by, 10)
	h[c.args[2]] = f
	c.hashed(h)
	c.log(c.args...)
	c.reply.Int(n + by)
}

// hdel is HDEL and HGETDEL.
func (c *call) hdel() {
	h, names := c.fields(), c.args[2:]
	if h == nil {
		return
	}
	if c.args[0] == "HGETDEL" {
		var ok bool
		if names, ok = c.listed(); !ok {
			return
		}
		c.values(h, names)
	}
	before := len(h)
	for _, name := range names {
		delete(h, name)
	}
	if len(h) < before {
		c.hashed(h)
		c.log(append([]string{"HDEL", c.args[1]}, names...)...)
	}
	if c.args[0] == "HDEL" {
		c.reply.Int(int64(before - len(h)))
	}
}

func (c *call) hgetall() {
	h := c.fields()
	if h == nil {
		return
	}
	c.reply.Array(2 * len(h))
	for name, f := range h {
		c.reply.BulkString(name)
		c.reply.BulkString(f.text)
	}
}

func (c *call) hmget() {
	if h := c.fields(); h != nil {
		c.values(h, c.args[2:])
	}
}

func (c *call) values(h map[string]field, names []string) {
	c.reply.Array(len(names))
	for _, name := range names {
		if f, there := h[name]; there {
			c.reply.BulkString(f.text)
		} else {
			c.reply.Null()
		}
	}
}

// hsetex is HSETEX key [PX ms | PXAT ms | KEEPTTL] FIELDS n field value …
func (c *call) hsetex() {
	h := c.fields()
	pairs, ok := c.listed()
	if h == nil || !ok {
		return
	}
	keep, deadline := strings.EqualFold(c.args[2], "KEEPTTL"), int64(0)
	if !keep {
		if deadline, ok = c.option(c.args[2:4]); !ok {
			return
		}
	}
	words, names := []string{"HSETEX", c.args[1], "KEEPTTL", "FIELDS", strconv.Itoa(len(pairs) / 2)}, []string(nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		f := field{pairs[i+1], deadline}
		if keep {
			f.deadline = h[pairs[i]].deadline
		}
		h[pairs[i]], names = f, append(names, pairs[i])
	}
	c.hashed(h)
	c.log(append(words, pairs...)...)
	if !keep {
		c.logFields(c.args[1], deadline, names)
	}
	c.reply.Int(1)
}

// hgetex is HGETEX key PX ms | PXAT ms FIELDS n field …
func (c *call) hgetex() {
	h := c.fields()
	names, ok := c.listed()
	if h == nil || !ok {
		return
	}
	deadline, ok := c.option(c.args[2:4])
	if !ok {
		return
	}
	c.values(h, names)
	c.timed(h, names, deadline)
}

// timed gives fields a deadline, and returns what is to be replied of each.
func (c *call) timed(h map[string]field, names []string, deadline int64) (told []int64) {
	var given []string
	for _, name := range names {
		f, there := h[name]
		if !there {
			told = append(told, -2)
			continue
		}
		f.deadline = deadline
		h[name], given, told = f, append(given, name), append(told, 1)
	}
	c.logFields(c.args[1], deadline, given)
	return told
}

// logFields logs the deadline of fields.
func (c *call) logFields(key string, deadline int64, names []string) {
	if len(names) > 0 {
		c.log(fieldExpiry(key, deadline, c.now, c.relative, names...)...)
	}
}

// fieldExpiry is the command that gives fields their deadline.
func fieldExpiry(key string, deadline, now int64, relative bool, names ...string) []string {
	words := []string{"HPEXPIREAT", key, strconv.FormatInt(deadline, 10), "FIELDS", strconv.Itoa(len(names))}
	if relative {
		words[0], words[2] = "HPEXPIRE", strconv.FormatInt(deadline-now, 10)
	}
	return append(words, names...)
}

// hpexpire is HPEXPIRE and HPEXPIREAT.
func (c *call) hpexpire() {
	deadline, ok := c.integer(c.args[2])
	if !ok {
		return
	}
	if c.args[0] == "HPEXPIRE" {
		deadline += c.now
	}
	c.each(func(h map[string]field, names []string) []int64 { return c.timed(h, names, deadline) })
}

// each replies what do tells of the fields that are listed.
func (c *call) each(do func(h map[string]field, names []string) []int64) {
	h := c.fields()
	if h == nil {
		return
	}
	names, ok := c.listed()
	if !ok {
		return
	}
	told := do(h, names)
	c.reply.Array(len(told))
	for _, n := range told {
		c.reply.Int(n)
	}
}

// hpexpiretime is HPEXPIRETIME and HPERSIST.
func (c *call) hpexpiretime() {
	c.each(func(h map[string]field, names []string) (told []int64) {
		for _, name := range names {
			f, there := h[name]
			switch {
			case !there:
				told = append(told, -2)
			case f.deadline == 0:
				told = append(told, -1)
			case c.args[0] == "HPEXPIRETIME":
				told = append(told, f.deadline)
			default:
				told = append(told, 1)
				f.deadline = 0
				h[name] = f
				c.log("HPERSIST", c.args[1], "FIELDS", "1", name)
			}
		}
		return told
	})
}

// hashOf are the commands that make a hash.
func (s *store) hashOf(key string, v *value, now int64) (commands [][]string) {
	words := []string{"HSET", key}
	for name, f := range v.fields {
		words = append(words, name, f.text)
		if f.deadline != 0 && !s.wrong.timelessFields {
			commands = append(commands, fieldExpiry(key, f.deadline, now, s.wrong.relativeTTL, name))
		}
	}
	return append([][]string{words}, commands...)
}
