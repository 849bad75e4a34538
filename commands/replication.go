package commands

import "holdfast/resp"

// There is one node here: it follows nobody, and nobody follows it. What asks it to is refused plainly.

func replicationCommands() []*Command {
	const follow = Admin | NoScript | Stale | NoAsyncLoading
	return []*Command{
		{
			Name: "replicaof", Group: Server, Since: "5.0.0", Arity: 3, Flags: follow,
			Syntax:  "<host port | NO ONE>",
			Summary: "Replies OK to NO ONE, as the server follows nobody; anything else is refused.", Complexity: "O(1)",
			Run: replicaofCommand,
		},
		{
			Name: "slaveof", Group: Server, Since: "1.0.0", Arity: 3, Flags: follow,
			Deprecated: "5.0.0", Instead: "`REPLICAOF`",
			Syntax:  "<host port | NO ONE>",
			Summary: "Does what REPLICAOF does.", Complexity: "O(1)",
			Run: replicaofCommand,
		},
		{
			Name: "failover", Group: Server, Since: "6.2.0", Arity: -1, Flags: Admin | NoScript | Stale,
			Syntax:  "[TO <host port [FORCE]>] [ABORT] [TIMEOUT milliseconds]",
			Summary: "Is refused: there are no replicas to hand over to.", Complexity: "O(1)",
			Run: failoverCommand,
		},
		{
			Name: "replconf", Group: Server, Since: "3.0.0", Arity: -1, Flags: Admin | NoScript | Loading | Stale | AllowBusy,
			System:  true,
			Summary: "Is refused: this server has no replicas.", Complexity: "O(1)",
			Run: noReplicas,
		},
		{
			Name: "psync", Group: Server, Since: "2.8.0", Arity: -3, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
			Syntax:  "replicationid offset",
			Summary: "Is refused: this server has no replicas.", Complexity: "O(1)",
			Run: noReplicas,
		},
		{
			Name: "sync", Group: Server, Since: "1.0.0", Arity: 1, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
			Summary: "Is refused: this server has no replicas.", Complexity: "O(1)",
			Run: noReplicas,
		},
	}
}

// portMax is the greatest TCP port.
const portMax = 65535

// REPLICAOF <host port | NO ONE>
func replicaofCommand(c *Call) {
	port, ok := ParseInt(c.Args[2])
	switch {
	case c.is(1, "NO") && c.is(2, "ONE"):
		c.Reply.OK()
	case !ok || port < 0 || port > portMax:
		c.Reply.Error(resp.ErrMasterPort)
	default:
		c.Reply.Error(resp.ErrOneNode)
	}
}

// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]
func failoverCommand(c *Call) {
	var abort, force, timeout, to bool
	for i := 1; i < len(c.Args); i++ {
		left := len(c.Args) - i - 1
		switch {
		case c.is(i, "TIMEOUT") && left >= 1 && !timeout:
			ms, ok := c.int(i + 1)
			if !ok {
				return
			}
			if ms <= 0 {
				c.Reply.Error(resp.ErrFailoverTimeout)
				return
			}
			timeout = true
			i++
		case c.is(i, "ABORT") && !abort:
			abort = true
		case c.is(i, "TO") && left >= 2 && !to:
			if _, ok := c.int(i + 2); !ok {
				return
			}
			to = true
			i += 2
		case c.is(i, "FORCE") && !force:
			force = true
		default:
			c.Reply.Error(resp.ErrSyntax)
			return
		}
	}
	if abort {
		c.Reply.Error(resp.ErrNoFailover)
		return
	}
	c.Reply.Error(resp.ErrNoReplicas)
}

// REPLCONF, PSYNC, SYNC
func noReplicas(c *Call) { c.Reply.Error(resp.ErrOneNode) }
