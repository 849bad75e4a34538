package commands

import (
	"holdfast/resp"
	"holdfast/streams"
)

// XINFO STREAM GROUPS CONSUMERS HELP

func streamInfoCommands() []*Command {
	return []*Command{{
		Name: "xinfo", Group: Streams, Since: "5.0.0", Arity: -2,
		Summary: "What is known of a stream.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "stream", Since: "5.0.0", Arity: -3, Flags: ReadOnly, Categories: CatStream, Keys: Key(2, RO|Access),
				Syntax:     "key [FULL [COUNT count]]",
				Summary:    "Tells of a stream; FULL, of its entries, its groups and what is pending, too.",
				Complexity: "O(1), FULL: O(n) in what is told",
				Run:        xinfoStream,
			},
			{
				Name: "groups", Since: "5.0.0", Arity: 3, Flags: ReadOnly, Categories: CatStream, Keys: Key(2, RO|Access),
				Syntax:  "key",
				Summary: "Tells of a stream's groups.", Complexity: "O(g) in the groups",
				Run: xinfoGroups,
			},
			{
				Name: "consumers", Since: "5.0.0", Arity: 4, Flags: ReadOnly, Categories: CatStream,
				Tips: []string{"nondeterministic_output"}, Keys: Key(2, RO|Access),
				Syntax:  "key groupname",
				Summary: "Tells of a group's consumers.", Complexity: "O(n) in the consumers",
				Run: xinfoConsumers,
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale, Categories: CatStream,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// XINFO STREAM key [FULL [COUNT count]]
func xinfoStream(c *Call) {
	s, ok := c.streamToTell()
	if !ok {
		return
	}
	count, full := int64(10), len(c.Args) > 3
	switch {
	case !full:
	case !c.is(3, "FULL"), len(c.Args) > 4 && (len(c.Args) != 6 || !c.is(4, "COUNT")):
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], c.Cmd.Parent.Name))
		return
	case len(c.Args) == 6:
		if count, ok = c.int(5); !ok {
			return
		}
		if count < 0 {
			count = 10
		}
	}
	if full {
		c.tellFull(s, count)
	} else {
		c.tell(s)
	}
}

// tell replies what XINFO STREAM does without FULL.
func (c *Call) tell(s *streams.Stream) {
	w := c.Reply
	w.Map(10)
	tellHead(w, s)
	w.BulkString("groups")
	w.Int(int64(len(s.Groups())))
	w.BulkString("first-entry")
	writeEntryOrNull(w, s, s.First())
	w.BulkString("last-entry")
	writeEntryOrNull(w, s, s.Top())
}

func writeEntryOrNull(w *resp.Writer, s *streams.Stream, id streams.ID) {
	if e, ok := s.Get(id); ok {
		writeEntry(w, e)
	} else {
		w.Null()
	}
}

// tellHead writes the seven fields that both forms of XINFO STREAM begin with. Nodes are what Redis has in a radix tree,
// as keys; its tree's own nodes are at least one more.
func tellHead(w *resp.Writer, s *streams.Stream) {
	for _, field := range []struct {
		name string
		n    int64
	}{{"length", int64(s.Len())}, {"radix-tree-keys", int64(s.Nodes())}, {"radix-tree-nodes", int64(s.Nodes()) + 1}} {
		w.BulkString(field.name)
		w.Int(field.n)
	}
	w.BulkString("last-generated-id")
	writeID(w, s.LastID())
	w.BulkString("max-deleted-entry-id")
	writeID(w, s.MaxDeleted())
	w.BulkString("entries-added")
	w.Int(int64(s.Added()))
	w.BulkString("recorded-first-entry-id")
	writeID(w, s.First())
}

// tellFull replies what XINFO STREAM FULL does: up to count of the entries, and of what is pending; 0: all.
func (c *Call) tellFull(s *streams.Stream, count int64) {
	w := c.Reply
	w.Map(9)
	tellHead(w, s)
	w.BulkString("entries")
	c.writeEntries(count, func(fn func(streams.Entry) bool) { s.Range(streams.ID{}, streams.MaxID(), fn) })
	w.BulkString("groups")
	w.Array(len(s.Groups()))
	for _, g := range s.Groups() {
		w.Map(7)
		w.BulkString("name")
		w.BulkString(g.Name)
		tellGroup(w, g)
		w.BulkString("pel-count")
		w.Int(int64(g.Len()))
		w.BulkString("pending")
		tellPending(w, g, nil, count)
		w.BulkString("consumers")
		w.Array(len(g.Consumers()))
		for _, consumer := range g.Consumers() {
			c.tellConsumer(g, consumer, count)
		}
	}
}

// tellGroup writes how far a group has read.
func tellGroup(w *resp.Writer, g *streams.Group) {
	w.BulkString("last-delivered-id")
	writeID(w, g.Last)
	w.BulkString("entries-read")
	writeCount(w, g.Read, g.Read != streams.Unknown)
	w.BulkString("lag")
	lag, known := g.Lag()
	writeCount(w, lag, known)
}

func writeCount(w *resp.Writer, n int64, known bool) {
	if known {
		w.Int(n)
	} else {
		w.Null()
	}
}

func (c *Call) tellConsumer(g *streams.Group, consumer *streams.Consumer, count int64) {
	w := c.Reply
	w.Map(4)
	w.BulkString("name")
	w.BulkString(consumer.Name)
	w.BulkString("seen-time")
	w.Int(c.seen(consumer))
	w.BulkString("pel-count")
	w.Int(int64(consumer.Pending()))
	w.BulkString("pending")
	tellPending(w, g, consumer, count)
}

// tellPending replies pending entries: of a consumer, or of all with the consumer's name.
func tellPending(w *resp.Writer, g *streams.Group, of *streams.Consumer, count int64) {
	m, n := w.ArrayLater(), int64(0)
	g.Each(streams.ID{}, streams.MaxID(), of, func(p streams.Pending) bool {
		n++
		w.Array(3 + flag(of == nil))
		writeID(w, p.ID)
		if of == nil {
			w.BulkString(g.Owner(p).Name)
		}
		w.Int(p.Delivered)
		w.Int(int64(p.Count))
		return n != count
	})
	w.ArrayEnd(m, int(n))
}

// seen is the unix millisecond at which a consumer last came by. That is not kept on disk: where it is not known, the
// consumer counts as seen now, so that nobody takes it for one that has long been idle.
func (c *Call) seen(consumer *streams.Consumer) int64 {
	if consumer.Seen == 0 {
		consumer.Seen = c.Now
	}
	return consumer.Seen
}

// XINFO GROUPS key
func xinfoGroups(c *Call) {
	s, ok := c.streamToTell()
	if !ok {
		return
	}
	w := c.Reply
	w.Array(len(s.Groups()))
	for _, g := range s.Groups() {
		w.Map(6)
		w.BulkString("name")
		w.BulkString(g.Name)
		w.BulkString("consumers")
		w.Int(int64(len(g.Consumers())))
		w.BulkString("pending")
		w.Int(int64(g.Len()))
		tellGroup(w, g)
	}
}

// XINFO CONSUMERS key groupname
func xinfoConsumers(c *Call) {
	s, ok := c.streamToTell()
	if !ok {
		return
	}
	g := s.Group(c.Args[3])
	if g == nil {
		c.Reply.Error(resp.ErrNoGroup(c.Args[3], c.Args[2]))
		return
	}
	w := c.Reply
	w.Array(len(g.Consumers()))
	for _, consumer := range g.Consumers() {
		w.Map(3)
		w.BulkString("name")
		w.BulkString(consumer.Name)
		w.BulkString("pending")
		w.Int(int64(consumer.Pending()))
		w.BulkString("idle")
		w.Int(max(0, c.Now-c.seen(consumer)))
	}
}

// streamToTell is the stream that XINFO is about; where it is missing, the reply says so.
func (c *Call) streamToTell() (s *streams.Stream, ok bool) {
	s, ok = c.stream(c.Args[2])
	if ok && s == nil {
		c.Reply.Error(resp.ErrNoSuchKey)
		return nil, false
	}
	return s, ok
}
