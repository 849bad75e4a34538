package commands

import (
	"holdfast/resp"
)

func transactionCommands() []*Command {
	return []*Command{
		{
			Name: "multi", Group: Transactions, Since: "1.2.0", Arity: 1,
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Categories: CatTransaction,
			Summary: "Begins a transaction: what follows is queued until EXEC.", Complexity: "O(1)",
			Run: multiCommand,
		},
		{
			Name: "exec", Group: Transactions, Since: "1.2.0", Arity: 1,
			Flags: NoScript | Loading | Stale | SkipSlowlog, Categories: CatTransaction,
			Summary: "Runs the queued commands as one.", Complexity: "That of the queued commands",
			Run: execCommand,
		},
		{
			Name: "discard", Group: Transactions, Since: "2.0.0", Arity: 1,
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Categories: CatTransaction,
			Summary: "Gives up the transaction.", Complexity: "O(n) in the queued commands",
			Run: discardCommand,
		},
		{
			Name: "watch", Group: Transactions, Since: "2.2.0", Arity: -2,
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Categories: CatTransaction,
			Keys: KeysFrom(1, 1, RO), Syntax: "key [key ...]",
			Summary: "Makes the next EXEC fail if one of the keys changes before it.", Complexity: "O(1) a key",
			Run: watchCommand,
		},
		{
			Name: "unwatch", Group: Transactions, Since: "2.2.0", Arity: 1,
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Categories: CatTransaction,
			Summary: "Forgets the watched keys.", Complexity: "O(1) a key",
			Run: unwatchCommand,
		},
	}
}

// MULTI
func multiCommand(c *Call) {
	if c.Client.Multi != nil {
		c.Reply.Error(resp.ErrMultiNested)
		return
	}
	c.Client.Multi = &Multi{}
	c.Reply.OK()
}

// DISCARD
func discardCommand(c *Call) {
	if c.Client.Multi == nil {
		c.Reply.Error(resp.ErrDiscardNoMulti)
		return
	}
	c.endTransaction()
	c.Reply.OK()
}

// EXEC
func execCommand(c *Call) {
	multi := c.Client.Multi
	if multi == nil {
		c.Reply.Error(resp.ErrExecWithoutMulti)
		return
	}
	dirty := c.Client.Dirty || c.watchedExpired()
	c.endTransaction()
	switch {
	case multi.Failed:
		c.Reply.Error(resp.ErrExecAbort)
		return
	case dirty:
		c.Reply.NullArray()
		return
	}
	c.Reply.Array(len(multi.Queue))
	for _, q := range multi.Queue {
		if refusal := c.PermittedInExec(c.Client, q.Cmd, q.Args); refusal != "" {
			c.Reply.Error(refusal)
			continue
		}
		if q.Cmd.Flags&Write != 0 && !c.loggable(LoggedBytes(q.Args)) {
			continue
		}
		c.Run(c, q.Cmd, q.Args)
	}
}

func (c *Call) endTransaction() {
	c.Client.Multi = nil
	c.Watches.Forget(c.Client)
}

// watchedExpired reports whether a watched key, or something in it, is due that was not yet when it was watched. Nobody need have
// deleted it for the transaction to be stale.
func (c *Call) watchedExpired() bool {
	for _, w := range c.Client.Watched {
		if e, ok := c.Keys.DB(w.db).Peek([]byte(w.key)); ok && !w.expired && (due(e, c.Now) || lapsed(e, c.Now)) {
			return true
		}
	}
	return false
}

// WATCH key [key ...]
func watchCommand(c *Call) {
	if c.Client.Multi != nil {
		c.Reply.Error(resp.ErrWatchInMulti)
		return
	}
	for _, key := range c.Args[1:] {
		if c.Client.Dirty {
			break // EXEC fails anyway
		}
		e, ok := c.DB.Peek(key)
		c.Watches.Add(c.Client, c.Client.DB, key, ok && due(e, c.Now))
	}
	c.Reply.OK()
}

// UNWATCH
func unwatchCommand(c *Call) {
	c.Watches.Forget(c.Client)
	c.Reply.OK()
}
