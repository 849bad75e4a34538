package commands

import "holdfast/resp"

func clientCommands() []*Command {
	const open = NoScript | Loading | Stale
	return []*Command{{
		Name: "client", Group: Connection, Since: "2.4.0", Arity: -2,
		Summary: "Commands about connections.", Complexity: "That of the subcommand",
		Subs: append(trackingCommands(), []*Command{
			{
				Name: "getname", Since: "2.6.9", Arity: 2, Flags: open, Categories: CatConnection,
				Summary: "Tells the connection's name.", Complexity: "O(1)",
				Run: clientGetName,
			},
			{
				Name: "setname", Since: "2.6.9", Arity: 3, Flags: open, Categories: CatConnection,
				Syntax:  "connection-name",
				Summary: "Names the connection; an empty name takes it away.", Complexity: "O(1)",
				Run: clientSetName,
			},
			{
				Name: "setinfo", Since: "7.2.0", Arity: 4, Flags: open, Categories: CatConnection,
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Syntax:  "<LIB-NAME libname | LIB-VER libver>",
				Summary: "Tells the server which client library speaks.", Complexity: "O(1)",
				Run: clientSetInfo,
			},
			{
				Name: "id", Since: "5.0.0", Arity: 2, Flags: open, Categories: CatConnection,
				Summary: "Tells the connection's ID.", Complexity: "O(1)",
				Run: clientID,
			},
			{
				Name: "info", Since: "6.2.0", Arity: 2, Flags: open, Categories: CatConnection,
				Tips:    []string{"nondeterministic_output"},
				Summary: "Describes the connection.", Complexity: "O(1)",
				Run: clientInfo,
			},
			{
				Name: "list", Since: "2.4.0", Arity: -2, Flags: Admin | open, Categories: CatConnection,
				Tips:    []string{"nondeterministic_output"},
				Syntax:  "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
				Summary: "Describes connections, a line each.", Complexity: "O(n) in the connections",
				Run: clientList,
			},
			{
				Name: "kill", Since: "2.4.0", Arity: -3, Flags: Admin | open, Categories: CatConnection,
				Syntax:  "<ip:port | " + killFilters + " [" + killFilters + " ...]>",
				Summary: "Ends the connections that all the filters fit.", Complexity: "O(n) in the connections",
				Run: clientKill,
			},
			{
				Name: "reply", Since: "3.2.0", Arity: 3, Flags: open, Categories: CatConnection,
				Syntax:  "<ON | OFF | SKIP>",
				Summary: "Says whether the connection wants replies.", Complexity: "O(1)",
				Run: clientReply,
			},
			{
				Name: "pause", Since: "2.9.50", Arity: -3, Flags: Admin | open, Categories: CatConnection,
				Syntax:  "timeout [WRITE | ALL]",
				Summary: "Holds up all commands, or those that write, for so many milliseconds.", Complexity: "O(1)",
				Run: clientPause,
			},
			{
				Name: "unpause", Since: "6.2.0", Arity: 2, Flags: Admin | open, Categories: CatConnection,
				Summary: "Lets go on what CLIENT PAUSE holds up.", Complexity: "O(n) in the connections held up",
				Run: clientUnpause,
			},
			{
				Name: "unblock", Since: "5.0.0", Arity: -3, Flags: Admin | open, Categories: CatConnection,
				Syntax:  "client-id [TIMEOUT | ERROR]",
				Summary: "Ends the wait of a connection in a blocking command.", Complexity: "O(n) in the connections",
				Run: clientUnblock,
			},
			{
				Name: "no-evict", Since: "7.0.0", Arity: 3, Flags: Admin | open, Categories: CatConnection,
				Syntax:  "<ON | OFF>",
				Summary: "Spares the connection when connections are ended to free memory.", Complexity: "O(1)",
				Run: func(c *Call) { c.toggle(&c.Client.NoEvict) },
			},
			{
				Name: "no-touch", Since: "7.2.0", Arity: 3, Flags: open, Categories: CatConnection,
				Syntax:  "<ON | OFF>",
				Summary: "Lets the connection read without keys counting as used.", Complexity: "O(1)",
				Run: func(c *Call) { c.toggle(&c.Client.NoTouch) },
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale, Categories: CatConnection,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		}...),
	}}
}

// CLIENT GETNAME
func clientGetName(c *Call) {
	if c.Client.Name == "" {
		c.Reply.Null()
		return
	}
	c.Reply.BulkString(c.Client.Name)
}

// CLIENT SETNAME connection-name
func clientSetName(c *Call) {
	if c.rename(c.Args[2]) {
		c.Reply.OK()
	}
}

// rename names the client; if CLIENT LIST could not print the name, the reply says so.
func (c *Call) rename(name []byte) bool {
	if !printable(name) {
		c.Reply.Error(resp.ErrClientName)
		return false
	}
	c.Client.Name = string(name)
	return true
}

// printable reports whether a text can stand in a line of CLIENT LIST: no blanks, nothing but visible ASCII.
func printable(text []byte) bool {
	for _, b := range text {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

// CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>
func clientSetInfo(c *Call) {
	var set *string
	switch {
	case c.is(2, "LIB-NAME"):
		set = &c.Client.LibName
	case c.is(2, "LIB-VER"):
		set = &c.Client.LibVersion
	default:
		c.Reply.Error(resp.ErrUnrecognizedOption(c.Args[2]))
		return
	}
	if !printable(c.Args[3]) {
		c.Reply.Error(resp.ErrClientInfo(string(fold(nil, c.Args[2]))))
		return
	}
	*set = string(c.Args[3])
	c.Reply.OK()
}

// CLIENT ID
func clientID(c *Call) { c.Reply.Int(c.Client.ID) }

// CLIENT REPLY <ON | OFF | SKIP>
//
// The dispatcher takes replies back that nobody wants, this one's included.
func clientReply(c *Call) {
	switch {
	case c.is(2, "ON"):
		c.Client.Silence = Talking
	case c.is(2, "OFF"):
		c.Client.Silence = Off
	case c.is(2, "SKIP"):
		if c.Client.Silence != Off {
			c.Client.Silence = SkipNext
		}
	default:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	c.Reply.OK()
}

// CLIENT PAUSE timeout [WRITE | ALL]
func clientPause(c *Call) {
	all := true
	switch {
	case len(c.Args) > 4:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "client"))
		return
	case len(c.Args) == 3, c.is(3, "ALL"):
	case c.is(3, "WRITE"):
		all = false
	default:
		c.Reply.Error(resp.ErrClientPauseMode)
		return
	}
	ms, ok := c.milliseconds(2)
	if !ok {
		return
	}
	c.Keeper.Pause(c.after(ms), all)
	c.Reply.OK()
}

// milliseconds is the i-th argument as a length of time; where it is none, the reply says so.
func (c *Call) milliseconds(i int) (int64, bool) {
	ms, ok := ParseInt(c.Args[i])
	switch {
	case !ok:
		c.Reply.Error(resp.ErrTimeoutNotInt)
		return 0, false
	case ms < 0:
		c.Reply.Error(resp.ErrTimeoutNegative)
		return 0, false
	}
	return ms, true
}

// CLIENT UNPAUSE
func clientUnpause(c *Call) {
	c.Keeper.Unpause()
	c.Reply.OK()
}

// CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
func clientUnblock(c *Call) {
	withError := false
	switch {
	case len(c.Args) > 4:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "client"))
		return
	case len(c.Args) == 3, c.is(3, "TIMEOUT"):
	case c.is(3, "ERROR"):
		withError = true
	default:
		c.Reply.Error(resp.ErrUnblockReason)
		return
	}
	id, ok := c.int(2)
	if !ok {
		return
	}
	done := false
	if o := c.clientByID(id); o != nil {
		done = c.Keeper.Unblock(o, withError)
	}
	c.Reply.Int(int64(flag(done)))
}

// flag is 1 for true, as replies and INFO print it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// toggle is a subcommand's <ON | OFF>.
func (c *Call) toggle(set *bool) {
	switch {
	case c.is(2, "ON"):
		*set = true
	case c.is(2, "OFF"):
		*set = false
	default:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	c.Reply.OK()
}
