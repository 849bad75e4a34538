package commands

import "holdfast/resp"

func connectionCommands() []*Command {
	return []*Command{
		{
			Name: "auth", Group: Connection, Since: "1.0.0", Arity: -2,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Syntax:  "[username] password",
			Summary: "Logs the connection in.", Complexity: "O(1)",
			Run: authCommand,
		},
		{
			Name: "echo", Group: Connection, Since: "1.0.0", Arity: 2,
			Flags: Loading | Stale | Fast, Categories: CatConnection,
			Syntax:  "message",
			Summary: "Replies what it was told.", Complexity: "O(1)",
			Run: echoCommand,
		},
		{
			Name: "hello", Group: Connection, Since: "6.0.0", Arity: -1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Syntax:  "[protover [AUTH username password] [SETNAME clientname]]",
			Summary: "Chooses the protocol version, logs in and names the connection, all in one.", Complexity: "O(1)",
			Run: helloCommand,
		},
		{
			Name: "ping", Group: Connection, Since: "1.0.0", Arity: -1,
			Flags: Fast, Categories: CatConnection,
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Syntax:  "[message]",
			Summary: "Tells whether the server answers.", Complexity: "O(1)",
			Run: pingCommand,
		},
		{
			Name: "quit", Group: Connection, Since: "1.0.0", Arity: -1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Summary: "Ends the connection after the replies under way.", Complexity: "O(1)",
			Run: quitCommand,
		},
		{
			Name: "reset", Group: Connection, Since: "6.2.0", Arity: 1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Summary: "Makes the connection as good as new.", Complexity: "O(1)",
			Run: resetCommand,
		},
		{
			Name: "select", Group: Connection, Since: "1.0.0", Arity: 2,
			Flags: Loading | Stale | Fast, Categories: CatConnection,
			Syntax:  "index",
			Summary: "Chooses the database that the connection works in.", Complexity: "O(1)",
			Run: selectCommand,
		},
	}
}

// ECHO message
func echoCommand(c *Call) { c.Reply.Bulk(c.Args[1]) }

// PING [message]
//
// A RESP2 client with subscriptions gets a reply that looks like a message.
func pingCommand(c *Call) {
	hears := c.Client.hears() && len(c.Args) <= 2
	if hears {
		c.Reply.Array(2)
		c.Reply.BulkString("pong")
	}
	switch len(c.Args) {
	case 1:
		if hears {
			c.Reply.Bulk(nil)
			return
		}
		c.Reply.Status("PONG")
	case 2:
		c.Reply.Bulk(c.Args[1])
	default:
		c.Reply.Error(resp.ErrArity("ping"))
	}
}

// QUIT
func quitCommand(c *Call) {
	c.Client.CloseAfterReply = true
	c.Reply.OK()
}

// RESET
func resetCommand(c *Call) {
	o := c.Client
	c.endTransaction()
	c.Unsubscribe(o)
	c.Monitors.Remove(o)
	c.LeaveCaches(o)
	o.DB, o.Proto, o.Name = 0, 2, ""
	o.NoEvict, o.NoTouch = false, false
	if o.Silence == Off { // CLIENT REPLY SKIP before it is about its reply
		o.Silence = Talking
	}
	o.User, o.Authenticated = c.Users.Default, c.Users.Open()
	c.Reply.SetProto(o.Proto)
	c.Reply.Status("RESET")
}

// SELECT index
func selectCommand(c *Call) {
	if n, ok := c.database(1); ok {
		c.Client.DB = n
		c.Reply.OK()
	}
}
