package commands

import (
	"math"

	"holdfast/resp"
)

// redisVersion is the version that clients are told: they choose by it what they may use.
const redisVersion = "7.2.4"

func serverCommands() []*Command {
	return []*Command{
		{
			Name: "info", Group: Server, Since: "1.0.0", Arity: -1, Flags: Loading | Stale, Categories: CatDangerous,
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Syntax:  "[section [section ...]]",
			Summary: "Tells figures and facts about the server.", Complexity: "O(n) in the clients and commands",
			Run: infoCommand,
		},
		{
			Name: "time", Group: Server, Since: "2.6.0", Arity: 1, Flags: Loading | Stale | Fast,
			Tips:    []string{"nondeterministic_output"},
			Summary: "Tells the time in seconds and microseconds.", Complexity: "O(1)",
			Run: timeCommand,
		},
		{
			Name: "save", Group: Server, Since: "1.0.0", Arity: 1, Flags: Admin | NoScript | NoAsyncLoading | NoMulti,
			Summary: "Writes a checkpoint, and replies when it is on disk.", Complexity: "O(n) in the keys changed since the last one",
			Run: saveCommand,
		},
		{
			Name: "bgsave", Group: Server, Since: "1.0.0", Arity: -1, Flags: Admin | NoScript | NoAsyncLoading,
			Syntax:  "[SCHEDULE]",
			Summary: "Starts a checkpoint.", Complexity: "O(1); the checkpoint as in SAVE",
			Run: bgsaveCommand,
		},
		{
			Name: "bgrewriteaof", Group: Server, Since: "1.0.0", Arity: 1, Flags: Admin | NoScript | NoAsyncLoading,
			Summary: "Makes the log short, which a checkpoint does.", Complexity: "O(1); the checkpoint as in SAVE",
			Run: bgrewriteaofCommand,
		},
		{
			Name: "lastsave", Group: Server, Since: "1.0.0", Arity: 1, Flags: Loading | Stale | Fast,
			Categories: CatAdmin | CatDangerous,
			Tips:       []string{"nondeterministic_output"},
			Summary:    "Tells the unix time of the last checkpoint.", Complexity: "O(1)",
			Run: lastsaveCommand,
		},
		{
			Name: "shutdown", Group: Server, Since: "1.0.0", Arity: -1,
			Flags:   Admin | NoScript | Loading | Stale | NoMulti | AllowBusy,
			Syntax:  "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
			Summary: "Ends the server, with everything on disk.", Complexity: "O(n) in the keys changed, if it is to save",
			Run: shutdownCommand,
		},
		{
			Name: "wait", Group: Generic, Since: "3.0.0", Arity: 3, Flags: NoScript, Categories: CatConnection,
			Tips:    []string{"request_policy:all_shards", "response_policy:agg_min"},
			Syntax:  "numreplicas timeout",
			Summary: "Waits until so many replicas have the connection's writes. There are none here.", Complexity: "O(1)",
			Run: waitCommand,
		},
		{
			Name: "waitaof", Group: Generic, Since: "7.2.0", Arity: 4, Flags: NoScript, Categories: CatConnection,
			Tips:    []string{"request_policy:all_shards", "response_policy:agg_min"},
			Syntax:  "numlocal numreplicas timeout",
			Summary: "Waits until the connection's writes are on disk, here and on replicas.", Complexity: "O(1)",
			Run: waitaofCommand,
		},
		{
			Name: "role", Group: Server, Since: "2.8.12", Arity: 1, Flags: NoScript | Loading | Stale | Fast,
			Categories: CatAdmin | CatDangerous,
			Summary:    "Tells the server's part in a replication.", Complexity: "O(1)",
			Run: roleCommand,
		},
		{
			Name: "lolwut", Group: Server, Since: "5.0.0", Arity: -1, Flags: ReadOnly | Fast,
			Syntax:  "[VERSION version]",
			Summary: "Shows something useless, and the version.", Complexity: "O(1)",
			Run: lolwutCommand,
		},
	}
}

// TIME
func timeCommand(c *Call) {
	now := c.Clock()
	c.Reply.Array(2)
	c.Reply.BulkInt(now.Unix())
	c.Reply.BulkInt(int64(now.Nanosecond() / 1000))
}

// SAVE
func saveCommand(c *Call) {
	var finish func(func(*resp.Writer))
	started := c.Keeper.Checkpoint(func(err error) {
		finish(func(w *resp.Writer) {
			if err != nil {
				w.Error(resp.ErrSaveFailed(err.Error()))
				return
			}
			w.OK()
		})
	})
	if !started {
		c.Reply.Error(resp.ErrSaveInProgress)
		return
	}
	finish = c.later(0, nil)
}

// later makes the client wait for something that is no key, and returns what ends this wait, and no other, with a
// reply. A wait without a timeout's reply is not for CLIENT UNBLOCK to end.
func (c *Call) later(deadline int64, timeout func(*resp.Writer)) (finish func(write func(*resp.Writer))) {
	c.Block(nil, deadline, timeout)
	keeper, client, wait := c.Keeper, c.Client, c.Wait
	return func(write func(*resp.Writer)) {
		if wait != nil && client.Blocked == wait {
			keeper.Finish(client, write)
		}
	}
}

// BGSAVE [SCHEDULE]
//
// SCHEDULE is for a time when nothing else is being written; here nothing else ever is.
func bgsaveCommand(c *Call) {
	switch {
	case len(c.Args) > 2 || len(c.Args) == 2 && !c.is(1, "SCHEDULE"):
		c.Reply.Error(resp.ErrSyntax)
	case c.Keeper.Checkpoint(nil):
		c.Reply.Status("Background saving started")
	default:
		c.Reply.Error(resp.ErrSaveInProgress)
	}
}

// BGREWRITEAOF
func bgrewriteaofCommand(c *Call) {
	if !c.Keeper.Checkpoint(nil) {
		c.Reply.Error(resp.ErrRewriteActive)
		return
	}
	c.Reply.Status("Background append only file rewriting started")
}

// LASTSAVE
func lastsaveCommand(c *Call) { c.Reply.Int(c.Keeper.LastSave() / 1000) }

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
//
// The caller gets no reply: its connection ends with the server.
func shutdownCommand(c *Call) {
	var o ShutdownOptions
	for i := 1; i < len(c.Args); i++ {
		switch {
		case c.is(i, "NOSAVE"):
			o.NoSave = true
		case c.is(i, "SAVE"):
			o.Save = true
		case c.is(i, "NOW"):
			o.Now = true
		case c.is(i, "FORCE"):
			o.Force = true
		case c.is(i, "ABORT"):
			o.Abort = true
		default:
			c.Reply.Error(resp.ErrSyntax)
			return
		}
	}
	if o.Save && o.NoSave || o.Abort && (o != ShutdownOptions{Abort: true}) {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	var finish func(func(*resp.Writer))
	failed := func(error) { finish(func(w *resp.Writer) { w.Error(resp.ErrShutdownFailed) }) }
	if err := c.Keeper.Shutdown(o, failed); err != nil {
		c.Reply.Err(err)
		return
	}
	if o.Abort {
		c.Reply.OK()
		return
	}
	finish = c.later(0, nil)
}

// WAIT numreplicas timeout
func waitCommand(c *Call) {
	replicas, ok := c.int(1)
	if !ok {
		return
	}
	ms, ok := c.milliseconds(2)
	if !ok {
		return
	}
	none := func(w *resp.Writer) { w.Int(0) }
	if replicas <= 0 {
		none(c.Reply)
		return
	}
	c.Block(nil, c.endOfWait(ms), none)
}

// endOfWait is when a wait of so many milliseconds ends: 0 for one without end.
func (c *Call) endOfWait(ms int64) int64 {
	if ms == 0 {
		return 0
	}
	return c.after(ms)
}

// after is the moment so many milliseconds from now, or as late as there is one.
func (c *Call) after(ms int64) int64 {
	if ms > math.MaxInt64-c.Now {
		return math.MaxInt64
	}
	return c.Now + ms
}

// WAITAOF numlocal numreplicas timeout
//
// The reply is how many logs have everything written so far on disk: 1 or 0 of this server, and 0 of its replicas.
func waitaofCommand(c *Call) {
	local, replicas, ms, ok := c.waitaofArguments()
	if !ok {
		return
	}
	keeper := c.Keeper
	lsn, _, _ := keeper.LogEnds()
	durable := func() bool {
		_, through, kept := keeper.LogEnds()
		return kept && through >= lsn
	}
	reply := func(w *resp.Writer) {
		w.Array(2)
		w.Int(int64(flag(durable())))
		w.Int(0)
	}
	if replicas == 0 && (local == 0 || durable()) {
		reply(c.Reply)
		return
	}
	finish := c.later(c.endOfWait(ms), reply)
	if local > 0 && c.Wait != nil {
		keeper.Await(c.Client, func() {
			if replicas == 0 {
				finish(reply)
			}
		})
	}
}

func (c *Call) waitaofArguments() (local, replicas, ms int64, ok bool) {
	if local, ok = c.int(1); !ok {
		return
	}
	if local < 0 || local > 1 {
		c.Reply.Error(resp.ErrWaitLocal)
		return local, 0, 0, false
	}
	if replicas, ok = c.int(2); !ok {
		return
	}
	if replicas < 0 {
		c.Reply.Error(resp.ErrNotPositive)
		return local, replicas, 0, false
	}
	if ms, ok = c.milliseconds(3); !ok {
		return
	}
	if _, _, kept := c.Keeper.LogEnds(); local > 0 && !kept {
		c.Reply.Error(resp.ErrWaitNoLog)
		return local, replicas, ms, false
	}
	return local, replicas, ms, true
}

// ROLE
func roleCommand(c *Call) {
	c.Reply.Array(3)
	c.Reply.BulkString("master")
	c.Reply.Int(0)
	c.Reply.Array(0)
}

// picture is LOLWUT's, whatever version is asked for.
const picture = `
      )   (   )   (
     (  )  ) (  )  )
      \ \ | | | / /
       \ \| | |/ /
    ~ ~ ~\_|_|_/~ ~ ~
      __/ / | \ \__
   __/ /_/  |  \_\ \__
  /__/__/__/|\__\__\__\
 :::::::::::::::::::::::

A holdfast is how kelp keeps to its rock, whatever the sea does.

`

// LOLWUT [VERSION version]
func lolwutCommand(c *Call) {
	if len(c.Args) > 2 && c.is(1, "VERSION") {
		if _, ok := c.int(2); !ok {
			return
		}
	}
	c.Reply.Verbatim("txt", picture+"Redis ver. "+redisVersion+"\n")
}
