package commands

import (
	"iter"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
	"holdfast/streams"
)

// XADD XTRIM XLEN XRANGE XREVRANGE XDEL XSETID

func streamCommands() []*Command {
	const trim = "<MAXLEN | MINID> [= | ~] threshold [LIMIT count]"
	return []*Command{
		{
			Name: "xadd", Group: Streams, Since: "5.0.0", Arity: -5, Flags: Write | DenyOOM | Fast, Categories: CatStream,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RW|Update),
			Syntax:     "key [NOMKSTREAM] [" + trim + "] <* | id> field value [field value ...]",
			Summary:    "Puts an entry behind a stream's last, making the stream if need be.",
			Complexity: "O(1), and O(n) in the entries trimmed",
			Run:        xaddCommand,
		},
		{
			Name: "xtrim", Group: Streams, Since: "5.0.0", Arity: -4, Flags: Write, Categories: CatStream,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RW|Delete),
			Syntax:  "key <" + trim + ">",
			Summary: "Removes a stream's first entries.", Complexity: "O(n) in the entries removed",
			Run: xtrimCommand,
		},
		{
			Name: "xlen", Group: Streams, Since: "5.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatStream,
			Keys: Key(1, RO), Syntax: "key",
			Summary: "Tells how many entries a stream has.", Complexity: "O(1)",
			Run: xlenCommand,
		},
		{
			Name: "xrange", Group: Streams, Since: "5.0.0", Arity: -4, Flags: ReadOnly, Categories: CatStream,
			Keys: Key(1, RO|Access), Syntax: "key start end [COUNT count]",
			Summary: "Returns the entries between two IDs.", Complexity: "O(log(n)+k): k entries returned",
			Run: xrangeCommand,
		},
		{
			Name: "xrevrange", Group: Streams, Since: "5.0.0", Arity: -4, Flags: ReadOnly, Categories: CatStream,
			Keys: Key(1, RO|Access), Syntax: "key end start [COUNT count]",
			Summary: "Returns the entries between two IDs, the last first.", Complexity: "O(log(n)+k): k entries returned",
			Run: xrevrangeCommand,
		},
		{
			Name: "xdel", Group: Streams, Since: "5.0.0", Arity: -3, Flags: Write | Fast, Categories: CatStream,
			Keys: Key(1, RW|Delete), Syntax: "key id [id ...]",
			Summary: "Removes entries by their IDs.", Complexity: "O(log(n)) an entry",
			Run: xdelCommand,
		},
		{
			Name: "xsetid", Group: Streams, Since: "5.0.0", Arity: -3, Flags: Write | DenyOOM | Fast, Categories: CatStream,
			Keys: Key(1, RW|Update), Syntax: "key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]",
			Summary: "Sets what a stream remembers of entries that there have been.", Complexity: "O(1)",
			Run: xsetidCommand,
		},
	}
}

func streamType() kv.Type {
	return kv.Type{
		Kind:   kv.Stream,
		Name:   "stream",
		Decode: func(b []byte) (kv.Value, error) { return streams.Decode(b) },
		FromParts: func(head []byte, next func() (uint64, []byte, bool, error)) (kv.Value, error) {
			return streams.FromParts(head, next)
		},
		Clone:     func(v kv.Value) kv.Value { return v.(*streams.Stream).Clone() },
		Encoding:  func(kv.Value) string { return "stream" },
		Elements:  func(v kv.Value) iter.Seq[[]byte] { return streamElements(v.(*streams.Stream)) },
		Survey:    streams.Survey,
		Walk:      streams.Walk,
		Assembly:  streams.Assembly(),
		Checker:   streams.Checker,
		Remake:    remakeStream,
		Rewritten: rewrittenStream(),
	}
}

// streamElements yields for each entry its ID, then its fields and values.
func streamElements(s *streams.Stream) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s.Range(streams.ID{}, streams.MaxID(), func(e streams.Entry) bool {
			if !yield(e.ID.AppendText(nil)) {
				return false
			}
			for field, value := range e.Pairs() {
				if !yield(field) || !yield(value) {
					return false
				}
			}
			return true
		})
	}
}

// XLEN key
func xlenCommand(c *Call) {
	if s, ok := c.stream(c.Args[1]); ok && s != nil {
		c.Reply.Int(int64(s.Len()))
	} else if ok {
		c.Reply.Int(0)
	}
}

// XRANGE key start end [COUNT count]
func xrangeCommand(c *Call) { c.entriesBetween(2, 3, (*streams.Stream).Range) }

// XREVRANGE key end start [COUNT count]
func xrevrangeCommand(c *Call) { c.entriesBetween(3, 2, (*streams.Stream).Reverse) }

// entriesBetween replies the entries between the IDs in two arguments, in the order of walk.
func (c *Call) entriesBetween(start, end int, walk func(s *streams.Stream, from, to streams.ID, fn func(streams.Entry) bool)) {
	from, to, ok := c.interval(start, end)
	if !ok {
		return
	}
	count := int64(-1)
	for i := 4; i < len(c.Args); i += 2 {
		if !c.is(i, "COUNT") || i+1 == len(c.Args) {
			c.Reply.Error(resp.ErrSyntax)
			return
		}
		if count, ok = c.int(i + 1); !ok {
			return
		}
		count = max(0, count)
	}
	s, ok := c.stream(c.Args[1])
	switch {
	case !ok:
	case s == nil:
		c.Reply.Array(0)
	case count == 0:
		c.Reply.NullArray()
	default:
		c.writeEntries(count, func(fn func(streams.Entry) bool) { walk(s, from, to, fn) })
	}
}

// writeEntries replies up to count entries of a walk, all where it is not above zero.
func (c *Call) writeEntries(count int64, walk func(fn func(streams.Entry) bool)) {
	m, n := c.Reply.ArrayLater(), int64(0)
	walk(func(e streams.Entry) bool {
		writeEntry(c.Reply, e)
		n++
		return n != count
	})
	c.Reply.ArrayEnd(m, int(n))
}

func writeEntry(w *resp.Writer, e streams.Entry) {
	w.Array(2)
	writeID(w, e.ID)
	w.Array(2 * e.Len())
	for field, value := range e.Pairs() {
		w.Bulk(field)
		w.Bulk(value)
	}
}

func writeID(w *resp.Writer, id streams.ID) {
	var room [streams.IDText]byte
	w.Bulk(id.AppendText(room[:0]))
}

// XDEL key id [id ...]
func xdelCommand(c *Call) {
	s, ok := c.editStream(c.Args[1])
	if !ok {
		return
	}
	if s == nil { // before the IDs are looked at, as in Redis
		c.Reply.Int(0)
		return
	}
	ids, ok := c.ids(2)
	if !ok {
		return
	}
	deleted := 0
	for _, id := range ids {
		if s.Delete(id) {
			deleted++
		}
	}
	if deleted > 0 {
		c.Changed(EventStream, "xdel", c.Args[1])
		c.Changes += deleted - 1
	}
	c.Reply.Int(int64(deleted))
}

// XSETID key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]
func xsetidCommand(c *Call) {
	last, ok := c.streamID(2)
	if !ok {
		return
	}
	added, deleted := int64(-1), streams.ID{}
	for i := 3; i < len(c.Args); i += 2 {
		switch {
		case c.is(i, "ENTRIESADDED") && i+1 < len(c.Args):
			if added, ok = c.int(i + 1); ok && added < 0 {
				c.Reply.Error(resp.ErrSetIDAdded)
				return
			}
		case c.is(i, "MAXDELETEDID") && i+1 < len(c.Args):
			if deleted, ok = c.streamID(i + 1); ok && last.Less(deleted) {
				c.Reply.Error(resp.ErrSetIDBelowGiven)
				return
			}
		default:
			c.Reply.Error(resp.ErrSyntax)
			return
		}
		if !ok {
			return
		}
	}
	s, ok := c.editStream(c.Args[1])
	if !ok {
		return
	}
	if refusal := refuseLastID(s, last, added); refusal != "" {
		c.Reply.Error(refusal)
		return
	}
	s.SetLast(last)
	if added >= 0 {
		s.SetAdded(uint64(added))
	}
	if deleted != (streams.ID{}) {
		s.SetMaxDeleted(deleted)
	}
	c.ChangedAside(c.Args[1])
	c.Notify(c.Client.DB, EventStream, "xsetid", c.Args[1])
	c.Reply.OK()
}

// refuseLastID says why a stream cannot have a last ID, and so many entries added, if that is not negative.
func refuseLastID(s *streams.Stream, last streams.ID, added int64) string {
	switch {
	case s == nil:
		return resp.ErrNoSuchKey
	case last.Less(s.Top()):
		return resp.ErrSetIDBelowTop
	case added >= 0 && int64(s.Len()) > added:
		return resp.ErrSetIDAddedBelow
	}
	return ""
}

// stream is the stream under the key, to be read; nil when the key is missing. Where the key holds something else, the
// reply says so and ok is false.
func (c *Call) stream(key []byte) (s *streams.Stream, ok bool) {
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, true
	case e.Kind() != kv.Stream:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Value().(*streams.Stream), true
}

// editStream is stream for a change. The usual case, a stream that is there, costs one lookup.
func (c *Call) editStream(key []byte) (s *streams.Stream, ok bool) {
	v, _ := c.DB.Edit(key)
	if s, ok := v.(*streams.Stream); ok {
		return s, true
	}
	if _, there := c.DB.Peek(key); there {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return nil, true
}

// readToEdit is editStream of a command whose lookup is one for reading in Redis: it counts for keyspace_hits and
// keyspace_misses, and a missing stream has its event.
func (c *Call) readToEdit(key []byte) (s *streams.Stream, ok bool) {
	if s, ok = c.editStream(key); s == nil && ok {
		c.DB.Miss(key)
	} else {
		c.Keys.Hits++
	}
	return s, ok
}

// makeStream puts an empty stream under a key that is missing.
func (c *Call) makeStream(key []byte) *streams.Stream {
	c.DB.SetValue(key, kv.Stream, streams.New(), expiry.None)
	s, _ := c.editStream(key) // so that its bytes are counted again
	return s
}

// streamID is the i-th argument as an ID; where it is none, the reply says so.
func (c *Call) streamID(i int) (streams.ID, bool) {
	id, ok := streams.ParseID(c.Args[i], 0)
	if !ok {
		c.Reply.Error(resp.ErrStreamID)
	}
	return id, ok
}

// ids are the arguments from the i-th on as IDs.
func (c *Call) ids(i int) (ids []streams.ID, ok bool) {
	ids = make([]streams.ID, 0, len(c.Args)-i)
	for ; i < len(c.Args); i++ {
		id, ok := c.streamID(i)
		if !ok {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

// interval reads the ends of an interval of IDs: "-" and "+" for the lowest and the highest there are, a parenthesis in
// front of one that is not in it.
func (c *Call) interval(start, end int) (from, to streams.ID, ok bool) {
	if from, ok = c.intervalStart(start); !ok {
		return from, to, false
	}
	to, open, ok := c.intervalEnd(end, streams.MaxID().Seq)
	if ok && open {
		if to, ok = to.Prev(); !ok {
			c.Reply.Error(resp.ErrStreamEnd)
		}
	}
	return from, to, ok
}

// intervalStart is the lower end of an interval.
func (c *Call) intervalStart(i int) (streams.ID, bool) {
	from, open, ok := c.intervalEnd(i, 0)
	if ok && open {
		if from, ok = from.Next(); !ok {
			c.Reply.Error(resp.ErrStreamStart)
		}
	}
	return from, ok
}

// intervalEnd reads an end of an interval; open tells that the ID itself is not in it.
func (c *Call) intervalEnd(i int, missing uint64) (id streams.ID, open, ok bool) {
	text := c.Args[i]
	if len(text) > 1 && text[0] == '(' {
		text, open = text[1:], true
	}
	switch {
	case string(text) == "-" && !open:
		return streams.ID{}, false, true
	case string(text) == "+" && !open:
		return streams.MaxID(), false, true
	}
	if id, ok = streams.ParseID(text, missing); !ok {
		c.Reply.Error(resp.ErrStreamID)
	}
	return id, open, ok
}
