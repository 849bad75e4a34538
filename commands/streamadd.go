package commands

import (
	"math"

	"holdfast/resp"
	"holdfast/streams"
)

// entryMax bounds the fields and values of an entry together, in bytes, as in Redis.
const entryMax = 1 << 30

// XADD key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]
func xaddCommand(c *Call) {
	o, ok := c.trimOptions(true)
	if !ok {
		return
	}
	pairs := c.Args[min(o.at+1, len(c.Args)):]
	if len(pairs) == 0 || len(pairs)%2 == 1 {
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return
	}
	if !o.auto && o.seqGiven && o.id == (streams.ID{}) {
		c.Reply.Error(resp.ErrStreamIDZero)
		return
	}
	key := c.Args[1]
	s, ok := c.editStream(key)
	if !ok {
		return
	}
	if s == nil && o.noMake {
		c.Reply.Null()
		return
	}
	last := streams.ID{}
	if s != nil {
		last = s.LastID()
	}
	id, refusal := o.newID(last, uint64(c.Now))
	if refusal == "" && tooLarge(pairs) {
		refusal = resp.ErrStreamEntryTooLarge
	}
	if refusal != "" {
		c.Reply.Error(refusal)
		return
	}
	if s == nil {
		s = c.makeStream(key)
	}
	s.Append(id, pairs, c.nodeLimits())
	c.Changed(EventStream, "xadd", key)
	var room [streams.IDText]byte
	text := c.own(id.AppendText(room[:0]))
	c.Reply.Bulk(text)
	trimmed := o.trims && s.Trim(o.trim) > 0
	if trimmed {
		c.Notify(c.Client.DB, EventStream, "xtrim", key)
	}
	if o.auto || !o.seqGiven || o.trim.WholeNodes {
		c.logAdd(s, text, pairs, trimmed)
	}
}

// logAdd logs an entry with the ID that it got, and the trimming as what it came to.
func (c *Call) logAdd(s *streams.Stream, id []byte, pairs [][]byte, trimmed bool) {
	var room [16][]byte // for the usual entry
	args := append(room[:0], c.Args[0], c.Args[1])
	if trimmed {
		args = append(args, c.word("MAXLEN"), c.word("="), c.decimal(int64(s.Len())))
	}
	c.Effect(append(append(args, id), pairs...)...)
}

// XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]
func xtrimCommand(c *Call) {
	o, ok := c.trimOptions(false)
	if !ok {
		return
	}
	s, ok := c.editStream(c.Args[1])
	if !ok {
		return
	}
	if s == nil {
		c.Reply.Int(0)
		return
	}
	removed := s.Trim(o.trim)
	c.Reply.Int(int64(removed))
	if removed == 0 {
		return
	}
	c.Changed(EventStream, "xtrim", c.Args[1])
	c.Changes += removed - 1
	if o.trim.WholeNodes {
		c.Effect(c.Args[0], c.Args[1], word("MAXLEN"), word("="), decimal(int64(s.Len())))
	}
}

// nodeLimits are the directives for nodes of streams.
func (c *Call) nodeLimits() streams.Limits {
	d := c.directives()
	return streams.Limits{Bytes: d.streamNodeBytes.Load(), Entries: d.streamNodeEntries.Load()}
}

func tooLarge(pairs [][]byte) bool {
	size := 0
	for _, b := range pairs {
		size += len(b)
	}
	return size > entryMax
}

// addOptions are what XADD and XTRIM are asked for.
type addOptions struct {
	noMake bool
	trims  bool
	trim   streams.Trim

	limit      int64
	limitGiven bool

	at       int // where the ID stands
	auto     bool
	id       streams.ID
	seqGiven bool
}

// newID is the ID of the entry that is to be added, or why there is none.
func (o *addOptions) newID(last streams.ID, now uint64) (id streams.ID, refusal string) {
	if last == streams.MaxID() {
		return id, resp.ErrStreamExhausted
	}
	id = o.id
	switch {
	case o.auto && now > last.MS:
		id = streams.ID{MS: now}
	case o.auto:
		id, _ = last.Next()
	case !o.seqGiven && id.MS == last.MS:
		if last.Seq == math.MaxUint64 {
			return id, resp.ErrStreamIDSmall
		}
		id.Seq = last.Seq + 1
	}
	if !last.Less(id) {
		return id, resp.ErrStreamIDSmall
	}
	return id, ""
}

// trimOptions reads what stands between the key and the fields of XADD, or behind the key of XTRIM.
func (c *Call) trimOptions(add bool) (o addOptions, ok bool) {
	i := 2
	for ; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case add && string(c.Args[i]) == "*":
			o.auto = true
		case more && (c.is(i, "MAXLEN") || c.is(i, "MINID")):
			if i, ok = c.trimStrategy(&o, i); !ok {
				return o, false
			}
			continue
		case more && c.is(i, "LIMIT"):
			i++
			if o.limit, ok = c.int(i); !ok {
				return o, false
			}
			if o.limit < 0 {
				c.Reply.Error(resp.ErrTrimLimitNegative)
				return o, false
			}
			o.limitGiven = true
			continue
		case add && c.is(i, "NOMKSTREAM"):
			o.noMake = true
			continue
		case add:
			if o.id, o.seqGiven, ok = streams.ParseAuto(c.Args[i]); !ok {
				c.Reply.Error(resp.ErrStreamID)
				return o, false
			}
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
		break
	}
	o.at = i
	return o, c.trimLimit(&o, add)
}

// trimStrategy reads MAXLEN or MINID at i, and returns where its threshold stands.
func (c *Call) trimStrategy(o *addOptions, i int) (at int, ok bool) {
	if o.trims {
		c.Reply.Error(resp.ErrTrimTwice)
		return i, false
	}
	o.trims, o.trim = true, streams.Trim{ByID: c.is(i, "MINID")}
	i++
	if sign := string(c.Args[i]); i+1 < len(c.Args) && (sign == "~" || sign == "=") {
		o.trim.WholeNodes = sign == "~"
		i++
	}
	if o.trim.ByID {
		o.trim.From, ok = c.streamID(i)
		return i, ok
	}
	n, ok := c.int(i)
	if ok && n < 0 {
		c.Reply.Error(resp.ErrTrimMaxLen)
		return i, false
	}
	o.trim.Keep = int(n)
	return i, ok
}

// trimLimit checks LIMIT against the other options, and sets the one that there is without it.
func (c *Call) trimLimit(o *addOptions, add bool) bool {
	refusal := ""
	switch {
	case o.limit > 0 && !o.trims:
		refusal = resp.ErrTrimLimitAlone
	case !add && !o.trims:
		refusal = resp.ErrTrimMissing
	case o.limitGiven && !o.trim.WholeNodes:
		refusal = resp.ErrTrimLimitExact
	case o.limitGiven:
		o.trim.Limit = int(o.limit)
	case o.trim.WholeNodes:
		const limitDefault, limitMax = 10_000, 1_000_000
		o.trim.Limit = limitDefault
		if n := c.directives().streamNodeEntries.Load(); n > 0 {
			o.trim.Limit = int(min(n, limitMax/100) * 100)
		}
	}
	if refusal != "" {
		c.Reply.Error(refusal)
		return false
	}
	return true
}
