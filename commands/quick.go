package commands

// quickNames are commands that take microseconds at most, whatever they work on: of these only some calls are timed, since to
// look at the clock costs a tenth of one.
func quickNames() []string {
	return []string{
		"append", "decr", "decrby", "del", "echo", "exists", "expire", "get", "getdel", "getset", "hdel", "hexists", "hget", "hincrby", "hlen",
		"hmget", "hmset", "hset", "hsetnx", "incr", "incrby", "incrbyfloat", "llen", "lpop", "lpush", "mget", "mset", "persist", "pexpire",
		"ping", "psetex", "pttl", "publish", "rpop", "rpoplpush", "rpush", "sadd", "scard", "select", "set", "setex", "setnx", "sismember",
		"spop", "srem", "strlen", "ttl", "type", "unlink", "xadd", "zadd", "zcard", "zincrby", "zpopmax", "zpopmin", "zrank", "zrem", "zscore",
	}
}

const (
	// quickArguments and quickBytes bound what a quick command is given: how many arguments, and bytes of the last one.
	quickArguments = 24
	quickBytes     = 16 << 10
)

// Quick reports whether the command takes microseconds at most, unless it is given much.
func (c *Command) Quick() bool { return c.quick }

// QuickCall reports whether a call need not be timed.
func (c *Command) QuickCall(args [][]byte) bool {
	return c.quick && len(args) <= quickArguments && len(args[len(args)-1]) <= quickBytes
}
