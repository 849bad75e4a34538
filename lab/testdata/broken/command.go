package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// value is what a key holds. A list is never empty.
type value struct {
	text     string
	list     []string         // nil: a string, or
	members  map[string]bool  // a set, or
	scores   map[string]int64 // a sorted set, or
	fields   map[string]field // a hash
	deadline int64            // unix ms; 0: none
}

type keyspace map[string]*value

// call is one command that is being done.
type call struct {
	keys     keyspace
	args     []string
	now      int64
	replays  bool // from a log: nothing expires, nobody is told
	relative bool // deadlines are logged as they were sent
	reply    resp.Writer
	effects  [][]string // what to log
}

// command is a row of the table. arity is as in Redis: with the name, and negative for "at least".
type command struct {
	arity int
	do    func(*call)
}

// takes reports whether there are as many words as the command wants.
func (c command) takes(words []string) bool {
	return len(words) == c.arity || c.arity < 0 && len(words) >= -c.arity
}

var table = map[string]command{
	"GET": {2, (*call).get}, "SET": {-3, (*call).set}, "GETSET": {3, (*call).getset}, "GETDEL": {2, (*call).getdel},
	"GETEX": {-2, (*call).getex}, "MGET": {-2, (*call).mget}, "MSET": {-3, (*call).mset}, "DEL": {-2, (*call).del},
	"EXISTS": {-2, (*call).exists}, "INCR": {2, (*call).incr}, "DECR": {2, (*call).incr}, "INCRBY": {3, (*call).incr},
	"DECRBY": {3, (*call).incr}, "LPUSH": {-3, (*call).push}, "RPUSH": {-3, (*call).push}, "LPOP": {2, (*call).pop},
	"RPOP": {2, (*call).pop}, "LMOVE": {5, (*call).lmove}, "LRANGE": {4, (*call).lrange}, "LLEN": {2, (*call).llen},
	"LINDEX": {3, (*call).lindex}, "LSET": {4, (*call).lset}, "PEXPIRE": {3, (*call).pexpire},
	"PEXPIREAT": {3, (*call).pexpire}, "PERSIST": {2, (*call).persist}, "PEXPIRETIME": {2, (*call).pexpiretime},
	"RENAME": {3, (*call).rename}, "COPY": {-3, (*call).copy}, "TYPE": {2, (*call).kind},
	"ZADD": {-4, (*call).zadd}, "ZINCRBY": {4, (*call).zincrby}, "ZREM": {-3, (*call).zrem}, "ZPOPMIN": {2, (*call).zpopmin},
	"ZCARD": {2, (*call).zcard}, "ZRANGE": {5, (*call).zrange},
	"SADD": {-3, (*call).sadd}, "SREM": {-3, (*call).sadd}, "SMOVE": {4, (*call).smove}, "SPOP": {3, (*call).spop},
	"SMEMBERS": {2, (*call).smembers}, "SCARD": {2, (*call).scard}, "SUNIONSTORE": {4, (*call).sstore}, "SDIFFSTORE": {4, (*call).sstore},
	"HSET": {-4, (*call).hset}, "HINCRBY": {4, (*call).hincrby}, "HDEL": {-3, (*call).hdel}, "HGETDEL": {-5, (*call).hdel},
	"HGETALL": {2, (*call).hgetall}, "HMGET": {-3, (*call).hmget}, "HSETEX": {-7, (*call).hsetex},
	"HGETEX": {-7, (*call).hgetex}, "HPEXPIRE": {-6, (*call).hpexpire}, "HPEXPIREAT": {-6, (*call).hpexpire},
	"HPEXPIRETIME": {-5, (*call).hpexpiretime}, "HPERSIST": {-5, (*call).hpexpiretime},
	"KEYS": {2, (*call).all},
}

const (
	wrongType  = "WRONGTYPE Operation against a key holding the wrong kind of value"
	notInteger = "ERR value is not an integer or out of range"
	noKey      = "ERR no such key"
	syntax     = "ERR syntax error"
)

func (c *call) log(words ...string) { c.effects = append(c.effects, words) }

// find returns a key's value, nil if it has none. One that has expired is deleted, which is logged.
func (c *call) find(key string) *value {
	v := c.keys[key]
	if v != nil && !c.replays && v.deadline != 0 && v.deadline <= c.now {
		delete(c.keys, key)
		c.log("DEL", key)
		return nil
	}
	return v
}

// text finds a string, and list a list; ok is false, and the reply made, where the key holds the other.
func (c *call) text(key string) (v *value, ok bool) { return c.typed(key, false) }
func (c *call) list(key string) (v *value, ok bool) { return c.typed(key, true) }

func (c *call) typed(key string, list bool) (v *value, ok bool) {
	v = c.find(key)
	if v != nil && (v.list != nil) != list {
		c.reply.Error(wrongType)
		return nil, false
	}
	return v, true
}

func (c *call) bulk(v *value) {
	if v == nil {
		c.reply.Null()
		return
	}
	c.reply.BulkString(v.text)
}

func (c *call) bool(b bool) {
	if b {
		c.reply.Int(1)
		return
	}
	c.reply.Int(0)
}

// integer is an argument; ok is false, and the reply made, if it is none.
func (c *call) integer(arg string) (n int64, ok bool) {
	n, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		c.reply.Error(notInteger)
	}
	return n, err == nil
}

// Strings.

func (c *call) get() {
	if v, ok := c.text(c.args[1]); ok {
		c.bulk(v)
	}
}

// set is SET key value [PX ms | PXAT ms | KEEPTTL].
func (c *call) set() {
	old, made := c.find(c.args[1]), &value{text: c.args[2]}
	switch option := c.args[3:]; {
	case len(option) == 0:
		c.log(c.args...)
	case len(option) == 1 && strings.EqualFold(option[0], "KEEPTTL"):
		if old != nil {
			made.deadline = old.deadline
		}
		c.log(c.args...)
	default:
		deadline, ok := c.option(option)
		if !ok {
			return
		}
		made.deadline = deadline
		c.log("SET", c.args[1], c.args[2])
		c.logDeadline(c.args[1], deadline)
	}
	c.keys[c.args[1]] = made
	c.reply.OK()
}

// option is a deadline as PX or PXAT.
func (c *call) option(words []string) (deadline int64, ok bool) {
	if len(words) != 2 || !strings.EqualFold(words[0], "PX") && !strings.EqualFold(words[0], "PXAT") {
		c.reply.Error(syntax)
		return 0, false
	}
	deadline, ok = c.integer(words[1])
	if strings.EqualFold(words[0], "PX") {
		deadline += c.now
	}
	return deadline, ok
}

func (c *call) logDeadline(key string, deadline int64) {
	if c.relative {
		c.log("PEXPIRE", key, strconv.FormatInt(deadline-c.now, 10))
		return
	}
	c.log("PEXPIREAT", key, strconv.FormatInt(deadline, 10))
}

func (c *call) getset() {
	v, ok := c.text(c.args[1])
	if !ok {
		return
	}
	c.bulk(v)
	c.keys[c.args[1]] = &value{text: c.args[2]}
	c.log("SET", c.args[1], c.args[2])
}

func (c *call) getdel() {
	v, ok := c.text(c.args[1])
	if !ok {
		return
	}
	if c.bulk(v); v != nil {
		delete(c.keys, c.args[1])
		c.log("DEL", c.args[1])
	}
}

// getex is GETEX key [PX ms | PXAT ms | PERSIST].
func (c *call) getex() {
	key, option := c.args[1], c.args[2:]
	v, ok := c.text(key)
	if !ok {
		return
	}
	deadline := int64(0)
	persists := len(option) == 1 && strings.EqualFold(option[0], "PERSIST")
	if len(option) > 0 && !persists {
		if deadline, ok = c.option(option); !ok {
			return
		}
	}
	c.bulk(v)
	switch {
	case v == nil || len(option) == 0:
	case persists:
		v.deadline = 0
		c.log("PERSIST", key)
	default:
		v.deadline = deadline
		c.logDeadline(key, deadline)
	}
}

func (c *call) mget() {
	c.reply.Array(len(c.args) - 1)
	for _, key := range c.args[1:] {
		if v := c.find(key); v != nil && v.list == nil {
			c.reply.BulkString(v.text)
		} else {
			c.reply.Null()
		}
	}
}

func (c *call) mset() {
	if len(c.args)%2 == 0 {
		c.reply.Error("ERR wrong number of arguments for 'mset' command")
		return
	}
	for i := 1; i < len(c.args); i += 2 {
		c.keys[c.args[i]] = &value{text: c.args[i+1]}
	}
	c.log(c.args...)
	c.reply.OK()
}

// incr is INCR, DECR, INCRBY and DECRBY.
func (c *call) incr() {
	by, ok := int64(1), true
	if len(c.args) == 3 {
		if by, ok = c.integer(c.args[2]); !ok {
			return
		}
	}
	if c.args[0][0] == 'D' {
		by = -by
	}
	v, ok := c.text(c.args[1])
	if !ok {
		return
	}
	n := int64(0)
	if v == nil {
		v = &value{}
	} else if n, ok = c.integer(v.text); !ok {
		return
	}
	v.text = strconv.FormatInt(n+by, 10)
	c.keys[c.args[1]] = v
	c.log(c.args...)
	c.reply.Int(n + by)
}

// Keys.

func (c *call) del() {
	n := int64(0)
	for _, key := range c.args[1:] {
		if c.find(key) != nil {
			delete(c.keys, key)
			c.log("DEL", key)
			n++
		}
	}
	c.reply.Int(n)
}

func (c *call) exists() {
	n := int64(0)
	for _, key := range c.args[1:] {
		if c.find(key) != nil {
			n++
		}
	}
	c.reply.Int(n)
}

// pexpire is PEXPIRE and PEXPIREAT.
func (c *call) pexpire() {
	deadline, ok := c.integer(c.args[2])
	if !ok {
		return
	}
	if c.args[0] == "PEXPIRE" {
		deadline += c.now
	}
	v := c.find(c.args[1])
	if v != nil {
		v.deadline = deadline
		c.logDeadline(c.args[1], deadline)
	}
	c.bool(v != nil)
}

func (c *call) persist() {
	v := c.find(c.args[1])
	had := v != nil && v.deadline != 0
	if had {
		v.deadline = 0
		c.log(c.args...)
	}
	c.bool(had)
}

func (c *call) pexpiretime() {
	switch v := c.find(c.args[1]); {
	case v == nil:
		c.reply.Int(-2)
	case v.deadline == 0:
		c.reply.Int(-1)
	default:
		c.reply.Int(v.deadline)
	}
}

func (c *call) kind() {
	switch v := c.find(c.args[1]); {
	case v == nil:
		c.reply.Status("none")
	case v.members != nil:
		c.reply.Status("set")
	case v.scores != nil:
		c.reply.Status("zset")
	case v.fields != nil:
		c.reply.Status("hash")
	case v.list == nil:
		c.reply.Status("string")
	default:
		c.reply.Status("list")
	}
}

// all is KEYS *; other patterns are not known.
func (c *call) all() {
	var keys []string
	for key := range c.keys {
		if c.find(key) != nil {
			keys = append(keys, key)
		}
	}
	if c.args[1] != "*" {
		c.reply.Error(syntax)
		return
	}
	c.reply.Array(len(keys))
	for _, key := range keys {
		c.reply.BulkString(key)
	}
}

func (c *call) rename() {
	v := c.find(c.args[1])
	if v == nil {
		c.reply.Error(noKey)
		return
	}
	delete(c.keys, c.args[1])
	c.keys[c.args[2]] = v
	c.log(c.args...)
	c.reply.OK()
}

// copy is COPY source destination [REPLACE].
func (c *call) copy() {
	v, there := c.find(c.args[1]), c.find(c.args[2])
	may := v != nil && (there == nil || len(c.args) == 4 && strings.EqualFold(c.args[3], "REPLACE"))
	if may {
		c.keys[c.args[2]] = &value{text: v.text, list: slices.Clone(v.list), members: maps.Clone(v.members),
			scores: maps.Clone(v.scores), fields: maps.Clone(v.fields), deadline: v.deadline}
		c.log("COPY", c.args[1], c.args[2], "REPLACE")
	}
	c.bool(may)
}
