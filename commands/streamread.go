package commands

import (
	"bytes"
	"slices"

	"holdfast/kv"
	"holdfast/resp"
	"holdfast/streams"
)

// XREAD XREADGROUP

func streamReadCommands() []*Command {
	return []*Command{
		{
			Name: "xread", Group: Streams, Since: "5.0.0", Arity: -4, Flags: ReadOnly | Blocking | MovableKeys, Categories: CatStream,
			Keys:       []KeySpec{{Flags: RO | Access, Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2}},
			Syntax:     "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
			Summary:    "Returns the entries of streams behind given IDs, or waits for some.",
			Complexity: "O(log(n)+k) a stream: k entries returned",
			Run:        xreadCommand,
		},
		{
			Name: "xreadgroup", Group: Streams, Since: "5.0.0", Arity: -7, Flags: Write | Blocking | MovableKeys, Categories: CatStream,
			Keys:       []KeySpec{{Flags: RO | Access, Keyword: "STREAMS", From: 4, Last: -1, Step: 1, Limit: 2}},
			Syntax:     "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
			Summary:    "Returns entries that are new to the group, or waits for some, or those that a consumer has not acknowledged.",
			Complexity: "O(log(n)+k) a stream: k entries returned; O(p) for a consumer's own, in the group's pending entries",
			Run:        xreadgroupCommand,
		},
	}
}

// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]
func xreadCommand(c *Call) {
	r, ok := c.readOptions(false)
	if !ok {
		return
	}
	if c.Ready != nil {
		c.readAgain(&r)
		return
	}
	if !c.readFrom(&r) {
		return
	}
	out := streamsReply{w: c.Reply}
	for i, key := range r.keys {
		if s := r.streams[i]; s != nil && r.after[i].Less(s.Top()) {
			out.begin(key)
			c.readEntries(s, r.after[i], r.count)
		}
	}
	c.endStreams(&out, &r)
}

// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]
func xreadgroupCommand(c *Call) {
	r, ok := c.readOptions(true)
	if !ok {
		return
	}
	if c.Ready != nil {
		c.readAgain(&r)
		return
	}
	if !c.readFrom(&r) {
		return
	}
	out := streamsReply{w: c.Reply}
	for i, key := range r.keys {
		v, _ := c.DB.Edit(key)
		s := v.(*streams.Stream)
		g := s.Group(r.group)
		if r.fresh[i] && !g.Last.Less(s.Top()) {
			continue
		}
		out.begin(key)
		d := c.delivery(key, s, g, r.consumer)
		if r.fresh[i] {
			d.fresh(r.count, r.noAck)
		} else {
			d.history(r.after[i], r.count)
		}
		d.log()
	}
	c.endStreams(&out, &r)
}

// streamRead is what XREAD and XREADGROUP are asked for.
type streamRead struct {
	grouped         bool
	group, consumer []byte
	noAck           bool
	count           int64 // 0: all
	blocks          bool
	deadline        int64
	keys            [][]byte
	at              int // where the IDs stand

	// By readFrom, for each key:
	streams []*streams.Stream // nil where the key is missing
	after   []streams.ID      // entries behind this are wanted,
	fresh   []bool            // or those that are new to the group
}

// readOptions reads the arguments up to the IDs.
func (c *Call) readOptions(grouped bool) (r streamRead, ok bool) {
	r.grouped = grouped
	for i := 1; i < len(c.Args); i++ {
		switch more := len(c.Args) - i - 1; {
		case c.is(i, "BLOCK") && more > 0 && c.inScript():
			c.Reply.Error(resp.ErrBlockInScript(c.Args[0]))
			return r, false
		case c.is(i, "BLOCK") && more > 0:
			i++
			r.blocks = true
			if r.deadline, ok = c.waitMillis(i); !ok {
				return r, false
			}
		case c.is(i, "COUNT") && more > 0:
			i++
			if r.count, ok = c.int(i); !ok {
				return r, false
			}
			r.count = max(0, r.count)
		case c.is(i, "STREAMS") && more > 0:
			if more%2 != 0 {
				c.Reply.Error(resp.ErrReadUnbalanced)
				return r, false
			}
			r.at = i + 1 + more/2
			r.keys = c.Args[i+1 : r.at]
			return r, c.readGroupGiven(&r)
		case c.is(i, "GROUP") && more > 1:
			if !grouped {
				c.Reply.Error(resp.ErrReadGroupOption)
				return r, false
			}
			r.group, r.consumer = c.Args[i+1], c.Args[i+2]
			i += 2
		case c.is(i, "NOACK"):
			if !grouped {
				c.Reply.Error(resp.ErrReadNoAckOption)
				return r, false
			}
			r.noAck = true
		default:
			c.Reply.Error(resp.ErrSyntax)
			return r, false
		}
	}
	c.Reply.Error(resp.ErrSyntax)
	return r, false
}

func (c *Call) readGroupGiven(r *streamRead) bool {
	if r.grouped && r.group == nil {
		c.Reply.Error(resp.ErrReadGroupMissing)
		return false
	}
	return true
}

// waitMillis is waitUntil for a timeout in milliseconds.
func (c *Call) waitMillis(i int) (deadline int64, ok bool) {
	if c.Ready != nil {
		return 0, true
	}
	ms, ok := ParseInt(c.Args[i])
	if !ok {
		c.Reply.Error(resp.ErrTimeoutNotInt)
		return 0, false
	}
	return c.timeout(ms)
}

// readFrom looks the keys up, and reads the IDs.
func (c *Call) readFrom(r *streamRead) bool {
	n := len(r.keys)
	r.streams, r.after, r.fresh = make([]*streams.Stream, n), make([]streams.ID, n), make([]bool, n)
	for i, key := range r.keys {
		s, ok := c.stream(key)
		switch {
		case !ok:
			return false
		case r.grouped && (s == nil || s.Group(r.group) == nil):
			c.Reply.Error(resp.ErrReadNoGroup(key, r.group))
			return false
		}
		r.streams[i] = s
		if r.after[i], r.fresh[i], ok = c.readID(r.at+i, s, r.grouped); !ok {
			return false
		}
	}
	return true
}

// readID reads an ID: "$" stands for the last of the stream at this moment, "+" for the one before its last entry, as in
// Redis 7.4, and ">" for the last that the group was given (fresh).
func (c *Call) readID(i int, s *streams.Stream, grouped bool) (id streams.ID, fresh, ok bool) {
	switch text := string(c.Args[i]); {
	case text == "$" && grouped:
		c.Reply.Error(resp.ErrReadDollarInGroup)
		return id, false, false
	case text == ">" && !grouped:
		c.Reply.Error(resp.ErrReadNewOutsideGroup)
		return id, false, false
	case text == ">":
		return id, true, true
	case (text == "$" || text == "+" && !grouped) && s == nil:
		return id, false, true
	case text == "+" && !grouped && s.Len() > 0:
		id, _ = s.Top().Prev()
		return id, false, true
	case text == "$", text == "+" && !grouped:
		return s.LastID(), false, true
	}
	id, ok = c.streamID(i)
	return id, grouped && id == streams.MaxID(), ok // as if it were ">", in Redis
}

// streamsReply is the reply of several streams, whose number is known at the end: a map, or in RESP2 an array of pairs.
type streamsReply struct {
	w  *resp.Writer
	n  int
	at resp.Mark
}

// begin opens the reply of a stream.
func (r *streamsReply) begin(key []byte) {
	resp2 := r.w.Proto() == 2
	switch {
	case r.n == 0 && resp2:
		r.at = r.w.ArrayLater()
	case r.n == 0:
		r.at = r.w.MapLater()
	}
	r.n++
	if resp2 {
		r.w.Array(2)
	}
	r.w.Bulk(key)
}

func (r *streamsReply) end() {
	if r.w.Proto() == 2 {
		r.w.ArrayEnd(r.at, r.n)
	} else {
		r.w.MapEnd(r.at, r.n)
	}
}

// endStreams ends the reply; where there is none, the call waits if it may.
func (c *Call) endStreams(out *streamsReply, r *streamRead) {
	switch {
	case out.n > 0:
		out.end()
	case !r.blocks:
		c.Reply.NullArray()
	default:
		c.Block(r.keys, r.deadline, (*resp.Writer).NullArray)
		if c.Wait != nil {
			c.Wait.Args = r.frozen(c.Args)
		}
	}
}

// frozen are the arguments with the IDs that they stand for now.
func (r *streamRead) frozen(args [][]byte) [][]byte {
	args = slices.Clone(args)
	for i, id := range r.after {
		if !r.fresh[i] {
			args[r.at+i] = id.AppendText(nil)
		}
	}
	return args
}

// readEntries replies entries behind an ID.
func (c *Call) readEntries(s *streams.Stream, after streams.ID, count int64) {
	from, ok := after.Next()
	if !ok {
		c.Reply.Array(0)
		return
	}
	c.writeEntries(count, func(fn func(streams.Entry) bool) { s.Range(from, streams.MaxID(), fn) })
}

// readAgain serves a blocked call from the key that changed, if there is something for it now. That is judged by the
// stream's last ID: an entry that is gone again ends the wait all the same, as in Redis.
func (c *Call) readAgain(r *streamRead) {
	if r.grouped {
		c.readGroupAgain(r)
		return
	}
	e, there := c.DB.Peek(c.Ready)
	if !there || e.Kind() != kv.Stream {
		return
	}
	i := slices.IndexFunc(r.keys, func(key []byte) bool { return bytes.Equal(key, c.Ready) })
	after, ok := streams.ParseID(c.Args[r.at+i], 0)
	if !ok {
		return
	}
	if s := e.Value().(*streams.Stream); after.Less(s.LastID()) {
		out := streamsReply{w: c.Reply}
		out.begin(c.Ready)
		c.readEntries(s, after, r.count)
		out.end()
	}
}

func (c *Call) readGroupAgain(r *streamRead) {
	v, _ := c.DB.Edit(c.Ready)
	s, there := v.(*streams.Stream)
	if !there {
		c.Reply.Error(resp.ErrReadStreamGone)
		return
	}
	g := s.Group(r.group)
	switch {
	case g == nil:
		c.Reply.Error(resp.ErrReadGroupGone)
	case g.Last.Less(s.LastID()):
		d := c.delivery(c.Ready, s, g, r.consumer)
		out := streamsReply{w: c.Reply}
		out.begin(c.Ready)
		d.fresh(r.count, r.noAck)
		out.end()
		d.log()
	}
}
