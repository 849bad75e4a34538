package workload

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// command is a request that the judgement understands. Its keys are places within a group.
type command struct {
	name string
	keys []int
	args []string // those that are not keys
	num  int64    // the integer among them, if there is one
}

// operation is an Op as the judgement needs it: the commands of one group that happen as one.
type operation struct {
	op    Op
	group int
	parts []command
	// replies has one for each part. It means something if known; else the effect is certain and the reply is not.
	replies []resp.Reply
	known   bool
	// returned: it was over at Return, if it happened. Else it happened at any time before the crash, or never.
	returned bool
}

// writes reports whether it can have changed anything.
func (o *operation) writes() bool {
	for i := range o.parts {
		if !readOnly(o.parts[i].name) {
			return true
		}
	}
	return false
}

// ReadsOnly reports whether a request certainly leaves nothing in a log, whatever the server: it reads, or is about the
// server and no key. PFCOUNT is not among them: it may keep what it counted.
func ReadsOnly(args [][]byte) bool {
	switch name := strings.ToUpper(string(args[0])); name {
	case "PFCOUNT":
		return false
	case "STRLEN", "XRANGE", "XINFO", "TTL", "PTTL", "EXPIRETIME", "TYPE", "DBSIZE", "KEYS", "PING", "INFO", "WATCH", "UNWATCH", "SAVE",
		"BGSAVE", "BGREWRITEAOF", "SNAPSHOT", "LASTSAVE", "DEBUG", "CONFIG", "SELECT":
		return true
	default:
		return readOnly(name)
	}
}

// ReadsOnly is that of an operation: of each request of a transaction.
func (o *Op) ReadsOnly() bool {
	return !slices.ContainsFunc(o.requests(), func(args [][]byte) bool { return !ReadsOnly(args) })
}

// requests are those of a transaction, or the one that it is.
func (o *Op) requests() [][][]byte {
	if len(o.Body) > 0 {
		return o.Body
	}
	return [][][]byte{o.Args}
}

// Due reports whether some operation that asked for a change must have survived.
func Due(ops []Op) bool {
	return slices.ContainsFunc(ops, func(op Op) bool {
		return op.Acked && op.Fate == Must && !op.ReadsOnly()
	})
}

// Taken counts the answered operations that ask for a change, and those of them that were not wholly refused. refusal is
// the first error that a request for a change was answered with; "" if none was.
func Taken(ops []Op) (asked, taken int, refusal string) {
	for i := range ops {
		op := &ops[i]
		changes, took := false, false
		for k, args := range op.requests() {
			if !op.Acked || ReadsOnly(args) {
				continue
			}
			reply := op.Reply
			if len(op.Body) > 0 && k < len(reply.Elems) {
				reply = reply.Elems[k]
			}
			err := reply.Err()
			if changes, took = true, took || err == nil; err != nil && refusal == "" {
				refusal = err.Error()
			}
		}
		if changes {
			asked++
		}
		if took {
			taken++
		}
	}
	return asked, taken, refusal
}

// readOnly names the requests that change no value.
func readOnly(name string) bool {
	switch name {
	case "GET", "MGET", "EXISTS", "LRANGE", "LLEN", "LINDEX", "PEXPIRETIME", "SMEMBERS", "SCARD", "ZCARD", "ZRANGE", "XLEN",
		"HGETALL", "HMGET", "HPEXPIRETIME", "GETBIT", "BITCOUNT", "PFCOUNT", "DUMP", "LIBRARY-VERSION":
		return true
	}
	return false
}

// keysOf says which arguments of a command are keys: from the first on, every step-th, at most count of them (0: all).
func keysOf(name string) (step, count int) {
	switch name {
	case "GET", "SET", "GETSET", "GETDEL", "GETEX", "INCR", "INCRBY", "DECR", "DECRBY", "RPUSH", "LPUSH", "LPOP", "RPOP",
		"SADD", "SREM", "SPOP", "SCARD", "SMEMBERS",
		"ZADD", "ZINCRBY", "ZREM", "ZPOPMIN", "ZCARD", "ZRANGE",
		"HSET", "HDEL", "HGETALL", "HMGET", "HINCRBY", "HPEXPIRE", "HPEXPIREAT", "HPEXPIRETIME", "HPERSIST", "HSETEX", "HGETEX", "HGETDEL",
		"XADD", "XTRIM", "XDEL", "XLEN", "XGROUP", "XREADGROUP", "XACK",
		"SETBIT", "GETBIT", "BITCOUNT", "BITFIELD", "PFADD", "GEOADD", "DUMP", "RESTORE",
		"LIBRARY-LOAD", "LIBRARY-DELETE", "LIBRARY-VERSION",
		"LRANGE", "LLEN", "LINDEX", "LSET", "PEXPIRE", "PEXPIREAT", "PERSIST", "PEXPIRETIME":
		return 1, 1
	case "LMOVE", "SMOVE", "RENAME", "COPY", "GEOSEARCHSTORE", "EXCHANGE":
		return 1, 2
	case "LIBRARY-MOVE":
		return 1, 3
	case "DEL", "EXISTS", "MGET", "SUNIONSTORE", "SDIFFSTORE", "BITOP", "PFCOUNT", "PFMERGE":
		return 1, 0
	case "MSET":
		return 2, 0
	}
	return 0, 0
}

// firstKey is how many arguments come before the first key.
func firstKey(name string) int {
	switch name {
	case "XGROUP", "BITOP":
		return 1
	case "XREADGROUP": // as streams makes them
		return 6
	}
	return 0
}

// parse understands an Op. It returns nil for one that cannot have changed any key and shows nothing of one.
func (w *standard) parse(op Op) *operation {
	o := &operation{op: op, group: -1, known: op.Acked, returned: op.Acked}
	requests := meaning(op.Args)
	o.replies = []resp.Reply{op.Reply}
	if len(requests) > 1 { // a script
		o.replies = op.Reply.Elems
	}
	if op.Body != nil {
		requests, o.replies = nil, op.Reply.Elems
		for _, args := range op.Body {
			requests = append(requests, meaning(args)...)
		}
		if op.Acked && op.Reply.Null {
			return nil
		}
	}
	if op.Acked && op.Reply.Err() != nil {
		if refused(op.Reply.Str) {
			return nil
		}
		if !telling(op.Reply.Str) {
			o.known, o.returned = false, false // it may have failed half-way: who knows
		}
	}
	if o.known && len(o.replies) != len(requests) {
		o.known = false // an EXEC that answers with something else: the judgement of what is there decides
	}
	for _, args := range requests {
		if !w.part(o, args) && op.Body != nil && o.known {
			return nil
		}
	}
	if o.group < 0 || len(o.parts) == 0 || (!o.known && !o.writes()) {
		return nil
	}
	return o
}

// part adds a request to an operation, if it is about keys of ours.
func (w *standard) part(o *operation, args [][]byte) bool {
	name := strings.ToUpper(string(args[0]))
	step, count := keysOf(name)
	if step == 0 {
		return false
	}
	c := command{name: name}
	for i, arg := range args[1:] {
		i -= firstKey(name)
		isKey := i >= 0 && i%step == 0 && (count == 0 || i < count)
		if !isKey {
			c.args = append(c.args, string(arg))
			continue
		}
		at, ours := w.places[string(arg)]
		if !ours || (o.group >= 0 && at.group != o.group) {
			return false
		}
		o.group = at.group
		c.keys = append(c.keys, at.slot)
	}
	c.num = integerOf(&c)
	o.parts = append(o.parts, c)
	return true
}

func integerOf(c *command) int64 {
	text := ""
	switch c.name {
	case "INCRBY", "DECRBY", "ZINCRBY", "PEXPIRE", "PEXPIREAT", "HPEXPIRE", "HPEXPIREAT", "LINDEX", "LSET", "RESTORE", "LIBRARY-MOVE":
		text = c.args[0]
	case "SET":
		if len(c.args) == 3 {
			text = c.args[2]
		}
	case "GETEX":
		if len(c.args) == 2 {
			text = c.args[1]
		}
	case "XADD", "XTRIM", "HINCRBY", "HSETEX", "HGETEX": // MAXLEN n, n by, PX ms, PXAT ms
		text = c.args[1]
	case "XREADGROUP":
		text = c.args[4]
	}
	n, _ := strconv.ParseInt(text, 10, 64) //nolint:errcheck // only workloads of this package come here
	return n
}

// telling reports whether an error is an answer that depends on what the keys held.
func telling(text []byte) bool {
	for _, start := range []string{"WRONGTYPE", "NOGROUP", "BUSYGROUP", resp.ErrNotInteger, resp.ErrNoSuchKey, resp.ErrIndexRange,
		resp.ErrBusyKey, resp.ErrNoLibrary, resp.ErrNoFunction} {
		if bytes.HasPrefix(text, []byte(start)) {
			return true
		}
	}
	return false
}

// refused reports whether an error says that nothing was done.
func refused(text []byte) bool {
	for _, code := range []string{
		"MISCONF", "LOADING", "OOM", "READONLY", "NOAUTH", "EXECABORT", "BUSY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN",
		"ERR unknown command", "ERR syntax error", "ERR wrong number",
	} {
		if bytes.HasPrefix(text, []byte(code)) {
			return true
		}
	}
	return false
}
