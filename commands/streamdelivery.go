package commands

import (
	"cmp"
	"math"
	"slices"

	"holdfast/resp"
	"holdfast/streams"
)

// delivery is what one call gives to one consumer of a group, or takes from the group. It goes into the log as what
// became of the group: who has which entries since when and for which time, and how far the group has read.
type delivery struct {
	c        *Call
	key      []byte
	s        *streams.Stream
	g        *streams.Group
	name     []byte
	consumer *streams.Consumer

	created bool // the consumer
	moved   bool // the group's last ID
	given   []givenEntry
	acked   []streams.ID
}

// givenEntry is an entry that the consumer has, and how often somebody was given it.
type givenEntry struct {
	id    streams.ID
	count uint64
	at    int64 // unix ms
}

// delivery begins one to a consumer, which is made if it is missing. The stream is there for a change.
func (c *Call) delivery(key []byte, s *streams.Stream, g *streams.Group, consumer []byte) *delivery {
	d := &delivery{c: c, key: key, s: s, g: g, name: consumer}
	d.to()
	return d
}

// to is the consumer; it has just been seen.
func (d *delivery) to() *streams.Consumer {
	if d.consumer == nil {
		if d.consumer = d.g.Consumer(d.name); d.consumer == nil {
			d.created = true
			d.consumer = d.g.CreateConsumer(d.name)
			d.c.Notify(d.c.Client.DB, EventStream, "xgroup-createconsumer", d.key)
		}
		d.consumer.Seen = d.c.Now
	}
	return d.consumer
}

// give makes an entry the consumer's.
func (d *delivery) give(id streams.ID, at int64, count uint64) {
	count = min(count, math.MaxInt64) // the log could not tell of more
	d.g.Give(id, d.to(), at, count)
	d.given = append(d.given, givenEntry{id, count, at})
}

// ack forgets a pending entry.
func (d *delivery) ack(id streams.ID) {
	d.g.Ack(id)
	d.acked = append(d.acked, id)
}

// fresh replies entries that are new to the group, and gives them to the consumer unless it will not acknowledge them.
func (d *delivery) fresh(count int64, noAck bool) {
	from, ok := d.g.Last.Next()
	if !ok {
		d.c.Reply.Array(0)
		return
	}
	d.c.writeEntries(count, func(fn func(streams.Entry) bool) {
		d.s.Range(from, streams.MaxID(), func(e streams.Entry) bool {
			d.moved = true
			d.g.Advance(e.ID)
			if !noAck {
				d.give(e.ID, d.c.Now, 1)
			}
			return fn(e)
		})
	})
}

// history replies what the consumer has not acknowledged, behind an ID, and counts that as given once more. Of an entry
// that is deleted only the ID is left.
func (d *delivery) history(after streams.ID, count int64) {
	var own []streams.Pending
	if from, ok := after.Next(); ok {
		d.g.Each(from, streams.MaxID(), d.consumer, func(p streams.Pending) bool {
			own = append(own, p)
			return int64(len(own)) != count
		})
	}
	w := d.c.Reply
	w.Array(len(own))
	for _, p := range own {
		if e, ok := d.s.Get(p.ID); ok {
			writeEntry(w, e)
			d.give(p.ID, d.c.Now, p.Count+1)
			continue
		}
		w.Array(2)
		writeID(w, p.ID)
		w.NullArray()
	}
}

// log says what changed, if anything did.
func (d *delivery) log() {
	if !d.created && !d.moved && len(d.given) == 0 && len(d.acked) == 0 {
		return
	}
	c, group := d.c, []byte(d.g.Name)
	c.ChangedAside(d.key)
	if d.created {
		c.Effect(word("XGROUP"), word("CREATECONSUMER"), d.key, group, d.name)
	}
	if len(d.acked) > 0 {
		args := [][]byte{word("XACK"), d.key, group}
		for _, id := range d.acked {
			args = append(args, id.AppendText(nil))
		}
		c.Effect(args...)
	}
	d.logGiven(group)
	if d.moved {
		c.Effect(word("XGROUP"), word("SETID"), d.key, group, d.g.Last.AppendText(nil), word("ENTRIESREAD"), decimal(d.g.Read))
	}
}

// claimBatch bounds the words of one XCLAIM in the log, beside its options.
const claimBatch = 1 << 16

// logGiven logs one XCLAIM for the entries that were given as often and at the same time, which are usually all.
func (d *delivery) logGiven(group []byte) {
	slices.SortStableFunc(d.given, func(a, b givenEntry) int {
		return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(a.at, b.at))
	})
	for left := d.given; len(left) > 0; {
		first := left[0]
		args := [][]byte{word("XCLAIM"), d.key, group, d.name, word("0")}
		for len(left) > 0 && left[0].count == first.count && left[0].at == first.at && len(args) < claimBatch {
			args = append(args, left[0].id.AppendText(nil))
			left = left[1:]
		}
		d.c.Effect(append(args, word("TIME"), decimal(first.at), word("RETRYCOUNT"), decimal(int64(first.count)),
			word("FORCE"), word("JUSTID"))...)
	}
}

// groupOf is the stream and the group that the first two arguments name, for a change; where either is missing, the
// reply says so.
func (c *Call) groupOf() (s *streams.Stream, g *streams.Group, ok bool) {
	if s, ok = c.readToEdit(c.Args[1]); !ok {
		return nil, nil, false
	}
	if s != nil {
		g = s.Group(c.Args[2])
	}
	if g == nil {
		c.Reply.Error(resp.ErrNoKeyOrGroup(c.Args[1], c.Args[2]))
		return nil, nil, false
	}
	return s, g, true
}
