package commands

import (
	"math"
	"strings"

	"holdfast/resp"
	"holdfast/streams"
)

// XACK XPENDING XCLAIM XAUTOCLAIM

func pendingCommands() []*Command {
	return []*Command{
		{
			Name: "xack", Group: Streams, Since: "5.0.0", Arity: -4, Flags: Write | Fast, Categories: CatStream,
			Keys: Key(1, RW|Update), Syntax: "key group id [id ...]",
			Summary: "Says that entries have been dealt with.", Complexity: "O(log(n)) an entry",
			Run: xackCommand,
		},
		{
			Name: "xpending", Group: Streams, Since: "5.0.0", Arity: -3, Flags: ReadOnly, Categories: CatStream,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RO|Access),
			Syntax:     "key group [[IDLE min-idle-time] start end count [consumer]]",
			Summary:    "Tells which entries were given to consumers and have not been acknowledged.",
			Complexity: "O(log(n)+k): k entries looked at",
			Run:        xpendingCommand,
		},
		{
			Name: "xclaim", Group: Streams, Since: "5.0.0", Arity: -6, Flags: Write | Fast, Categories: CatStream,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RW|Update),
			Syntax: "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] " +
				"[FORCE] [JUSTID] [LASTID id]",
			Summary: "Gives pending entries to another consumer.", Complexity: "O(log(n)) an entry",
			Run: xclaimCommand,
		},
		{
			Name: "xautoclaim", Group: Streams, Since: "6.2.0", Arity: -6, Flags: Write | Fast, Categories: CatStream,
			Tips: []string{"nondeterministic_output"}, Keys: Key(1, RW|Delete),
			Syntax:     "key group consumer min-idle-time start [COUNT count] [JUSTID]",
			Summary:    "Gives entries that have been pending for long to another consumer.",
			Complexity: "O(log(n)) an entry, for up to ten times count of them",
			Run:        xautoclaimCommand,
		},
	}
}

// XACK key group id [id ...]
func xackCommand(c *Call) {
	s, ok := c.readToEdit(c.Args[1])
	if !ok {
		return
	}
	var g *streams.Group
	if s != nil {
		g = s.Group(c.Args[2])
	}
	if g == nil { // before the IDs are looked at, as in Redis
		c.Reply.Int(0)
		return
	}
	ids, ok := c.ids(3)
	if !ok {
		return
	}
	acked := 0
	for _, id := range ids {
		if g.Ack(id) {
			acked++
		}
	}
	if acked > 0 {
		c.ChangedAside(c.Args[1])
		c.Changes += acked - 1
	}
	c.Reply.Int(int64(acked))
}

// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
func xpendingCommand(c *Call) {
	if len(c.Args) != 3 && len(c.Args) < 6 || len(c.Args) > 9 {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	o, ok := c.pendingOptions()
	if !ok {
		return
	}
	s, ok := c.stream(c.Args[1])
	if !ok {
		return
	}
	var g *streams.Group
	if s != nil {
		g = s.Group(c.Args[2])
	}
	switch {
	case g == nil:
		c.Reply.Error(resp.ErrNoKeyOrGroup(c.Args[1], c.Args[2]))
	case len(c.Args) == 3:
		c.summarize(g)
	default:
		c.listPending(g, o)
	}
}

// pendingOptions are which pending entries XPENDING is to tell of.
type pendingOptions struct {
	from, to streams.ID
	idle     int64 // at least so long, ms; 0: no matter
	count    int64
	consumer []byte // nil: all
}

func (c *Call) pendingOptions() (o pendingOptions, ok bool) {
	if len(c.Args) == 3 {
		return o, true
	}
	i := 3
	if c.is(i, "IDLE") {
		if o.idle, ok = c.int(i + 1); !ok {
			return o, false
		}
		if len(c.Args) < 8 {
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
		i += 2
	}
	if o.count, ok = c.int(i + 2); !ok {
		return o, false
	}
	if o.from, o.to, ok = c.interval(i, i+1); !ok {
		return o, false
	}
	if i+3 < len(c.Args) {
		o.consumer = c.Args[i+3]
	}
	return o, true
}

// summarize replies how many entries are pending, between which IDs, and how many for whom.
func (c *Call) summarize(g *streams.Group) {
	c.Reply.Array(4)
	c.Reply.Int(int64(g.Len()))
	if g.Len() == 0 {
		c.Reply.Null()
		c.Reply.Null()
		c.Reply.NullArray()
		return
	}
	first, last := g.Ends()
	writeID(c.Reply, first)
	writeID(c.Reply, last)
	m, n := c.Reply.ArrayLater(), 0
	for _, consumer := range g.Consumers() {
		if consumer.Pending() > 0 {
			n++
			c.Reply.Array(2)
			c.Reply.BulkString(consumer.Name)
			c.Reply.BulkInt(int64(consumer.Pending()))
		}
	}
	c.Reply.ArrayEnd(m, n)
}

func (c *Call) listPending(g *streams.Group, o pendingOptions) {
	var of *streams.Consumer
	if o.consumer != nil {
		if of = g.Consumer(o.consumer); of == nil {
			c.Reply.Array(0)
			return
		}
	}
	m, n := c.Reply.ArrayLater(), int64(0)
	g.Each(o.from, o.to, of, func(p streams.Pending) bool {
		if n >= o.count {
			return false
		}
		if idle := c.Now - p.Delivered; o.idle <= 0 || idle >= o.idle {
			n++
			c.Reply.Array(4)
			writeID(c.Reply, p.ID)
			c.Reply.BulkString(g.Owner(p).Name)
			c.Reply.Int(max(0, idle))
			c.Reply.Int(int64(p.Count))
		}
		return true
	})
	c.Reply.ArrayEnd(m, int(n))
}

// XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count]
// [FORCE] [JUSTID] [LASTID id]
func xclaimCommand(c *Call) {
	s, g, ok := c.groupOf()
	if !ok {
		return
	}
	o, ok := c.claimOptions()
	if !ok {
		return
	}
	d := &delivery{c: c, key: c.Args[1], s: s, g: g, name: c.Args[3]}
	if g.Last.Less(o.last) {
		g.Last, d.moved = o.last, true
	}
	m, n := c.Reply.ArrayLater(), 0
	for _, id := range o.ids {
		p, pending := g.Get(id)
		e, there := s.Get(id)
		switch {
		case !there && pending:
			d.ack(id)
		case !there, !pending && !o.force, pending && o.idle > 0 && c.Now-p.Delivered < o.idle:
		default:
			if !pending {
				p.Count = 1
			}
			d.claim(e, p.Count, &o)
			n++
		}
	}
	c.Reply.ArrayEnd(m, n)
	d.log()
}

// claim gives the consumer an entry that was given count times before, and replies it.
func (d *delivery) claim(e streams.Entry, count uint64, o *claimOptions) {
	switch {
	case o.retries >= 0:
		count = uint64(o.retries)
	case !o.justID:
		count++
	}
	if o.justID {
		writeID(d.c.Reply, e.ID)
	} else {
		writeEntry(d.c.Reply, e)
	}
	d.give(e.ID, o.at, count)
}

// claimOptions are what XCLAIM and XAUTOCLAIM are asked for.
type claimOptions struct {
	idle    int64 // at least so long, ms
	ids     []streams.ID
	at      int64 // unix ms at which the entries are to count as given
	retries int64 // how often they were given, or -1
	force   bool
	justID  bool
	last    streams.ID

	start streams.ID // XAUTOCLAIM's
	count int64
}

func (c *Call) claimOptions() (o claimOptions, ok bool) {
	if o.idle, ok = c.claimNumber(4, "min-idle-time"); !ok {
		return o, false
	}
	o.at, o.retries = -1, -1
	i := 5
	for ; i < len(c.Args); i++ {
		id, ok := streams.ParseID(c.Args[i], 0)
		if !ok {
			break
		}
		o.ids = append(o.ids, id)
	}
	for ; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		ok = true
		switch {
		case c.is(i, "FORCE"):
			o.force = true
		case c.is(i, "JUSTID"):
			o.justID = true
		case more && c.is(i, "IDLE"):
			i++
			o.at, ok = c.claimNumber(i, "IDLE option")
			o.at = c.Now - o.at
		case more && c.is(i, "TIME"):
			i++
			o.at, ok = c.claimNumber(i, "TIME option")
		case more && c.is(i, "RETRYCOUNT"):
			i++
			o.retries, ok = c.claimNumber(i, "RETRYCOUNT option")
		case more && c.is(i, "LASTID"):
			i++
			o.last, ok = c.streamID(i)
		default:
			c.Reply.Error(resp.ErrClaimOption(c.Args[i]))
			return o, false
		}
		if !ok {
			return o, false
		}
	}
	if o.at < 0 || o.at > c.Now && !c.Replaying {
		o.at = c.Now
	}
	return o, true
}

// claimNumber is an argument of XCLAIM or XAUTOCLAIM; where it is no number, the reply says which it was.
func (c *Call) claimNumber(i int, what string) (int64, bool) {
	n, ok := ParseInt(c.Args[i])
	if !ok {
		c.Reply.Error(resp.ErrClaimArgument(what, strings.ToUpper(c.Cmd.Name)))
	}
	return n, ok
}

// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
func xautoclaimCommand(c *Call) {
	o, ok := c.autoClaimOptions()
	if !ok {
		return
	}
	s, g, ok := c.groupOf()
	if !ok {
		return
	}
	d := &delivery{c: c, key: c.Args[1], s: s, g: g, name: c.Args[3]}
	next, found := d.longPending(&o)
	c.Reply.Array(3)
	writeID(c.Reply, next)
	c.Reply.Array(len(found))
	for _, p := range found {
		e, _ := s.Get(p.ID)
		d.claim(e, p.Count, &o)
	}
	c.Reply.Array(len(d.acked))
	for _, id := range d.acked {
		writeID(c.Reply, id)
	}
	d.log()
}

// longPending finds entries that have been pending for long, and forgets those among them that are deleted: so many in
// all as are asked for, among up to ten times as many. next is where to go on, 0-0 at the end.
func (d *delivery) longPending(o *claimOptions) (next streams.ID, found []streams.Pending) {
	const looks = 10
	left, looked := o.count, int64(0)
	p, more := d.g.From(o.start)
	for ; more && left > 0 && looked < looks*o.count; looked++ {
		switch {
		case !d.s.Has(p.ID):
			d.ack(p.ID)
			left--
		case o.idle <= 0 || d.c.Now-p.Delivered >= o.idle:
			found = append(found, p)
			left--
		}
		behind, ok := p.ID.Next()
		if more = ok; ok {
			p, more = d.g.From(behind)
		}
	}
	if !more {
		return streams.ID{}, found
	}
	return p.ID, found
}

func (c *Call) autoClaimOptions() (o claimOptions, ok bool) {
	o.count, o.retries, o.at = 100, -1, c.Now
	if o.idle, ok = c.claimNumber(4, "min-idle-time"); !ok {
		return o, false
	}
	if o.start, ok = c.intervalStart(5); !ok {
		return o, false
	}
	for i := 6; i < len(c.Args); i++ {
		switch {
		case c.is(i, "COUNT") && i+1 < len(c.Args):
			i++
			n, ok := ParseInt(c.Args[i])
			if !ok || n < 1 || n > math.MaxInt64/16 {
				c.Reply.Error(resp.ErrCountAboveZero)
				return o, false
			}
			o.count = n
		case c.is(i, "JUSTID"):
			o.justID = true
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}
