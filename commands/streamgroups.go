package commands

import (
	"holdfast/resp"
	"holdfast/streams"
)

// XGROUP CREATE SETID DESTROY CREATECONSUMER DELCONSUMER HELP

func streamGroupCommands() []*Command {
	return []*Command{{
		Name: "xgroup", Group: Streams, Since: "5.0.0", Arity: -2,
		Summary: "The groups of consumers that read a stream.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "create", Since: "5.0.0", Arity: -5, Flags: Write | DenyOOM, Categories: CatStream, Keys: Key(2, RW|Insert),
				Syntax:  "key groupname <id | $> [MKSTREAM] [ENTRIESREAD entries_read]",
				Summary: "Makes a group that reads from behind an ID.", Complexity: "O(g) in the stream's groups",
				Run: xgroupCreate,
			},
			{
				Name: "setid", Since: "5.0.0", Arity: -5, Flags: Write, Categories: CatStream, Keys: Key(2, RW|Update),
				Syntax:  "key groupname <id | $> [ENTRIESREAD entries_read]",
				Summary: "Makes a group go on from behind an ID.", Complexity: "O(log(g)) in the stream's groups",
				Run: xgroupSetID,
			},
			{
				Name: "destroy", Since: "5.0.0", Arity: 4, Flags: Write, Categories: CatStream, Keys: Key(2, RW|Delete),
				Syntax:  "key groupname",
				Summary: "Removes a group with its consumers and what is pending for them.", Complexity: "O(n) in the pending entries",
				Run: xgroupDestroy,
			},
			{
				Name: "createconsumer", Since: "6.2.0", Arity: 5, Flags: Write | DenyOOM, Categories: CatStream, Keys: Key(2, RW|Insert),
				Syntax:  "key groupname consumername",
				Summary: "Makes a consumer of a group.", Complexity: "O(n) in the group's consumers",
				Run: xgroupCreateConsumer,
			},
			{
				Name: "delconsumer", Since: "5.0.0", Arity: 5, Flags: Write, Categories: CatStream, Keys: Key(2, RW|Delete),
				Syntax:  "key groupname consumername",
				Summary: "Removes a consumer with what is pending for it.", Complexity: "O(n) in the group's pending entries",
				Run: xgroupDelConsumer,
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale, Categories: CatStream,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// XGROUP CREATE key groupname <id | $> [MKSTREAM] [ENTRIESREAD entries_read]
func xgroupCreate(c *Call) {
	o, ok := c.groupOptions(true)
	if !ok {
		return
	}
	key := c.Args[2]
	s, ok := c.editStream(key)
	switch {
	case !ok:
		return
	case s == nil && !o.makes:
		c.Reply.Error(resp.ErrGroupKeyMissing)
		return
	case len(c.Args) > 8:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
		return
	}
	id, ok := c.groupID(s, streams.ParseID)
	if !ok {
		return
	}
	made := s == nil
	if made {
		s = c.makeStream(key)
	}
	g := s.CreateGroup(c.Args[3], id, o.read)
	switch {
	case g == nil:
		c.Reply.Error(resp.ErrGroupExists)
		return
	case made:
		c.World.Touch(c.Client.DB, key)
	}
	c.ChangedAside(key)
	c.Notify(c.Client.DB, EventStream, "xgroup-create", key)
	c.Reply.OK()
}

// XGROUP SETID key groupname <id | $> [ENTRIESREAD entries_read]
func xgroupSetID(c *Call) {
	o, ok := c.groupOptions(false)
	if !ok {
		return
	}
	s, g, ok := c.xgroupKey()
	if !ok {
		return
	}
	if g == nil {
		c.Reply.Error(resp.ErrNoGroup(c.Args[3], c.Args[2]))
		return
	}
	if len(c.Args) > 7 {
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
		return
	}
	last, ok := c.groupID(s, parseAnyID)
	if !ok {
		return
	}
	g.Last, g.Read = last, o.read
	c.ChangedAside(c.Args[2])
	c.Notify(c.Client.DB, EventStream, "xgroup-setid", c.Args[2])
	c.Reply.OK()
}

// XGROUP DESTROY key groupname
func xgroupDestroy(c *Call) {
	s, g, ok := c.xgroupKey()
	switch {
	case !ok:
	case g == nil:
		c.Reply.Int(0)
	default:
		s.DestroyGroup(c.Args[3])
		c.ChangedAside(c.Args[2])
		c.Waiters.changed(c.Client.DB, c.Args[2]) // who reads for the group learns that it is gone
		c.Notify(c.Client.DB, EventStream, "xgroup-destroy", c.Args[2])
		c.Reply.Int(1)
	}
}

// XGROUP CREATECONSUMER key groupname consumername
func xgroupCreateConsumer(c *Call) {
	s, g, ok := c.xgroupKey()
	switch {
	case !ok:
	case g == nil:
		c.Reply.Error(resp.ErrNoGroup(c.Args[3], c.Args[2]))
	case g.Consumer(c.Args[4]) != nil:
		c.Reply.Int(0)
	default:
		c.delivery(c.Args[2], s, g, c.Args[4])
		c.ChangedAside(c.Args[2])
		c.Reply.Int(1)
	}
}

// XGROUP DELCONSUMER key groupname consumername
func xgroupDelConsumer(c *Call) {
	_, g, ok := c.xgroupKey()
	if !ok {
		return
	}
	if g == nil {
		c.Reply.Error(resp.ErrNoGroup(c.Args[3], c.Args[2]))
		return
	}
	consumer := g.Consumer(c.Args[4])
	if consumer == nil {
		c.Reply.Int(0)
		return
	}
	c.Reply.Int(int64(consumer.Pending()))
	g.DeleteConsumer(consumer)
	c.ChangedAside(c.Args[2])
	c.Notify(c.Client.DB, EventStream, "xgroup-delconsumer", c.Args[2])
}

// groupOptions are what XGROUP CREATE and SETID are asked for.
type groupOptions struct {
	makes bool  // the stream, where it is missing
	read  int64 // entries read
}

func (c *Call) groupOptions(create bool) (o groupOptions, ok bool) {
	o.read = streams.Unknown
	for i := 5; i < len(c.Args); i++ {
		switch {
		case create && c.is(i, "MKSTREAM"):
			o.makes = true
		case c.is(i, "ENTRIESREAD") && i+1 < len(c.Args):
			i++
			if o.read, ok = c.int(i); !ok {
				return o, false
			}
			if o.read < 0 && o.read != streams.Unknown {
				c.Reply.Error(resp.ErrGroupEntriesRead)
				return o, false
			}
		default:
			c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
			return o, false
		}
	}
	return o, true
}

// groupID reads the ID of XGROUP CREATE and SETID; s is nil where there is no stream yet.
func (c *Call) groupID(s *streams.Stream, parse func([]byte, uint64) (streams.ID, bool)) (id streams.ID, ok bool) {
	switch {
	case string(c.Args[4]) == "$" && s == nil:
		return id, true
	case string(c.Args[4]) == "$":
		return s.LastID(), true
	}
	if id, ok = parse(c.Args[4], 0); !ok {
		c.Reply.Error(resp.ErrStreamID)
	}
	return id, ok
}

// parseAnyID is streams.ParseID that knows the names of the lowest and the highest ID, too.
func parseAnyID(b []byte, missing uint64) (streams.ID, bool) {
	switch string(b) {
	case "-":
		return streams.ID{}, true
	case "+":
		return streams.MaxID(), true
	}
	return streams.ParseID(b, missing)
}

// xgroupKey is the stream that a subcommand of XGROUP is about, for a change, and its group, or nil. Where the stream is
// missing, the reply says so.
func (c *Call) xgroupKey() (s *streams.Stream, g *streams.Group, ok bool) {
	if s, ok = c.editStream(c.Args[2]); !ok {
		return nil, nil, false
	}
	if s == nil {
		c.Reply.Error(resp.ErrGroupKeyMissing)
		return nil, nil, false
	}
	return s, s.Group(c.Args[3]), true
}
