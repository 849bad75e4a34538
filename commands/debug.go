package commands

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"holdfast/kv"
	"holdfast/resp"
)

func debugCommands() []*Command {
	return []*Command{{
		Name: "debug", Group: Server, Since: "1.0.0", Arity: -2,
		System:  true,
		Flags:   Admin | NoScript | Loading | Stale | Protected | WholeKeyspace,
		Summary: "Commands for tests of the server.", Complexity: "That of the subcommand",
		Run: debugCommand,
	}}
}

// debugSubcommands are no rows of the table: as in Redis, DEBUG is one command, that looks at its words itself.
func debugSubcommands() []*Command {
	return []*Command{
		{
			Name: "digest", Arity: 2, Run: debugDigest,
			Summary: "Fingerprint of the keyspace, the same as Redis has for the same data.",
		},
		{
			Name: "digest-value", Arity: -2, Syntax: "[key ...]", Run: debugDigestValue,
			Summary: "Fingerprints of the values of keys.",
		},
		{
			Name: "loadaof", Arity: 2, Run: debugLoadAOF,
			Summary: "Forgets what is in memory, and reads it from the disk as it is.",
		},
		{
			Name: "object", Arity: 3, Syntax: "key", Run: debugObject,
			Summary: "What a key holds, and how.",
		},
		{
			Name: "reload", Arity: -2, Syntax: "[NOSAVE] [NOFLUSH] [MERGE]", Run: debugReload,
			Summary: "Writes a checkpoint (not with NOSAVE), forgets what is in memory, and reads it from the disk.",
		},
		{
			Name: "set-active-expire", Arity: 3, Syntax: "<0 | 1>", Run: debugSetActiveExpire,
			Summary: "Whether keys that are due are deleted before somebody asks for them.",
		},
		{
			Name: "sleep", Arity: 3, Syntax: "seconds", Run: debugSleep,
			Summary: "Holds up everybody.",
		},
		{
			Name: "help", Arity: 2, Run: debugHelp,
			Summary: "Lists the subcommands.",
		},
	}
}

// DEBUG subcommand [argument ...]
func debugCommand(c *Call) {
	name := string(fold(nil, c.Args[1]))
	for _, sub := range debugSubcommands() {
		if sub.Name == name && sub.ArityOK(len(c.Args)) {
			sub.Run(c)
			return
		}
	}
	c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "debug"))
}

// Forbidden is the reply to a client that may not use a Protected command, or "": enable-debug-command decides.
func (w *World) Forbidden(client *Client) string {
	const option = "enable-debug-command"
	switch w.Config.String(option).Load() {
	case "yes":
		return ""
	case "local":
		if client.local() {
			return ""
		}
	}
	return resp.ErrProtected("DEBUG", option)
}

// local reports whether the client is on this machine: on a unix socket, or on the loopback interface.
func (o *Client) local() bool {
	if o.unix() {
		return true
	}
	addr, err := netip.ParseAddrPort(o.Addr)
	return err == nil && addr.Addr().Unmap().IsLoopback()
}

// DEBUG DIGEST
func debugDigest(c *Call) {
	d := c.digestAll()
	c.Reply.Status(d.String())
}

// DEBUG DIGEST-VALUE [key ...]
func debugDigestValue(c *Call) {
	c.Reply.Array(len(c.Args) - 2)
	for _, key := range c.Args[2:] {
		d := c.digestKey(key)
		c.Reply.Status(d.String())
	}
}

// DEBUG LOADAOF
func debugLoadAOF(c *Call) { c.reload(true) }

// DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]
//
// NOFLUSH and MERGE are for a dump that lacks some of the keys. What is read here lacks none, so they mean nothing.
func debugReload(c *Call) {
	fromLog := false
	for i := 2; i < len(c.Args); i++ {
		switch {
		case c.is(i, "NOSAVE"):
			fromLog = true
		case c.is(i, "NOFLUSH"), c.is(i, "MERGE"):
		default:
			c.Reply.Error(resp.ErrDebugReload)
			return
		}
	}
	c.reload(fromLog)
}

// reload must not run within a transaction: what that has changed so far is not in the log yet.
func (c *Call) reload(fromLog bool) {
	if c.Nested {
		c.Reply.Error(resp.ErrNotInMulti)
		return
	}
	if err := c.Keeper.Reload(fromLog); err != nil {
		c.Reply.Error(resp.ErrReloadFailed(err.Error()))
		return
	}
	c.Reply.OK()
}

// lruClockBits is how many bits of a time in seconds Redis keeps with a key.
const lruClockBits = 24

// DEBUG OBJECT key
//
// The line is Redis's. There is no object with an address and references here; the address is the key's hash.
func debugObject(c *Call) {
	key := c.Args[2]
	c.Expire(c.Client.DB, key)
	e, ok := c.DB.Peek(key)
	if !ok {
		c.Reply.Error(resp.ErrNoSuchKey)
		return
	}
	size := 0
	if e.Kind() == kv.String {
		size = len(e.Text())
	} else {
		size = len(e.Value().AppendBinary(nil))
	}
	c.Reply.Status(fmt.Sprintf("Value at:0x%012x refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		c.Keys.Hash(key)>>16, c.encoding(e), size, e.Accessed()&(1<<lruClockBits-1),
		max(0, c.Now/1000-int64(e.Accessed()))))
}

// DEBUG SET-ACTIVE-EXPIRE <0 | 1>
func debugSetActiveExpire(c *Call) {
	n, _ := ParseInt(c.Args[2]) // what is no number is 0, as in Redis
	c.Keeper.SetActiveExpire(n != 0)
	c.Reply.OK()
}

// DEBUG SLEEP seconds
func debugSleep(c *Call) {
	seconds, err := strconv.ParseFloat(string(c.Args[2]), 64)
	if err == nil && seconds > 0 { // what is no number is 0, as in Redis
		c.Sleep(time.Duration(min(seconds*float64(time.Second), float64(1<<62))))
	}
	c.Reply.OK()
}

// DEBUG HELP
func debugHelp(c *Call) { c.help("debug", debugSubcommands()) }
