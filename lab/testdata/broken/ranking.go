package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// scored is a member of a sorted set; scores are integers here.
type scored struct {
	member string
	score  int64
}

// order are the members by score and name.
func (v *value) order() []scored {
	var all []scored
	for member, score := range v.scores {
		all = append(all, scored{member, score})
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.member, b.member))
	})
	return all
}

// ranking finds a sorted set, a new one where there is none; nil, and the reply made, where the key holds something else.
func (c *call) ranking() *value {
	v := c.find(c.args[1])
	switch {
	case v == nil:
		return &value{scores: map[string]int64{}}
	case v.scores == nil:
		c.reply.Error(wrongType)
		return nil
	}
	return v
}

// ranked keeps a sorted set that has changed, and logs the call.
func (c *call) ranked(v *value) {
	if c.keys[c.args[1]] = v; len(v.scores) == 0 {
		delete(c.keys, c.args[1])
	}
	c.log(c.args...)
}

func (c *call) zadd() {
	v := c.ranking()
	if v == nil {
		return
	}
	before := len(v.scores)
	for i := 2; i+1 < len(c.args); i += 2 {
		score, ok := c.integer(c.args[i])
		if !ok {
			return
		}
		v.scores[c.args[i+1]] = score
	}
	c.ranked(v)
	c.reply.Int(int64(len(v.scores) - before))
}

func (c *call) zincrby() {
	v := c.ranking()
	if v == nil {
		return
	}
	by, ok := c.integer(c.args[2])
	if !ok {
		return
	}
	v.scores[c.args[3]] += by
	c.ranked(v)
	c.reply.BulkString(strconv.FormatInt(v.scores[c.args[3]], 10))
}

func (c *call) zrem() {
	v := c.ranking()
	if v == nil {
		return
	}
	before := len(v.scores)
	for _, member := range c.args[2:] {
		delete(v.scores, member)
	}
	if len(v.scores) < before {
		c.ranked(v)
	}
	c.reply.Int(int64(before - len(v.scores)))
}

func (c *call) zpopmin() {
	v := c.ranking()
	switch {
	case v == nil:
	case len(v.scores) == 0:
		c.reply.Array(0)
	default:
		least := v.order()[0]
		delete(v.scores, least.member)
		c.ranked(v)
		c.reply.Array(2)
		c.reply.BulkString(least.member)
		c.reply.BulkString(strconv.FormatInt(least.score, 10))
	}
}

func (c *call) zcard() {
	if v := c.ranking(); v != nil {
		c.reply.Int(int64(len(v.scores)))
	}
}

// zrange is ZRANGE key 0 -1 WITHSCORES.
func (c *call) zrange() {
	v := c.ranking()
	if v == nil {
		return
	}
	if c.args[2] != "0" || c.args[3] != "-1" || !strings.EqualFold(c.args[4], "WITHSCORES") {
		c.reply.Error(syntax)
		return
	}
	c.reply.Array(2 * len(v.scores))
	for _, e := range v.order() {
		c.reply.BulkString(e.member)
		c.reply.BulkString(strconv.FormatInt(e.score, 10))
	}
}

// zaddOf is the command that makes a sorted set.
func zaddOf(key string, v *value) []string {
	words := []string{"ZADD", key}
	for _, e := range v.order() {
		words = append(words, strconv.FormatInt(e.score, 10), e.member)
	}
	return words
}
