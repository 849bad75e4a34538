package commands

import (
	"math"
	"strconv"

	"holdfast/glob"
	"holdfast/hashes"
	"holdfast/resp"
)

// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
func hscanCommand(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Reply.Error(resp.ErrInvalidCursor)
		return
	}
	h, ok := c.hash(c.Args[1])
	switch {
	case !ok:
		return
	case h == nil:
		c.replyScan(0, nil)
		return
	}
	o, ok := c.hscanOptions(3)
	if !ok {
		return
	}
	var found [][]byte
	seen := int64(0)
	for steps := max(scanSteps, 10*min(o.count, 1<<32)); ; steps-- {
		cursor = h.Scan(cursor, func(field, value []byte) {
			seen++
			switch {
			case o.pattern != nil && !glob.Match(o.pattern, field):
			case o.names:
				found = append(found, field)
			default:
				found = append(found, field, value)
			}
		})
		if cursor == 0 || seen >= o.count || steps == 0 {
			break
		}
	}
	c.replyScan(cursor, found)
}

func (c *Call) replyScan(cursor uint64, found [][]byte) {
	c.Reply.Array(2)
	c.Reply.BulkString(strconv.FormatUint(cursor, 10))
	c.Reply.Array(len(found))
	for _, b := range found {
		c.Reply.Bulk(b)
	}
}

// hscanOptions are HSCAN's; no pattern means any, names that no values are wanted.
type hscanOptions struct {
	pattern []byte
	count   int64
	names   bool
}

func (c *Call) hscanOptions(i int) (o hscanOptions, ok bool) {
	o.count = scanCount
	for ; i < len(c.Args); i++ {
		switch more := i+1 < len(c.Args); {
		case c.is(i, "NOVALUES"):
			o.names = true
		case more && c.is(i, "COUNT"):
			i++
			if o.count, ok = c.int(i); !ok {
				return o, false
			}
			if o.count < 1 {
				c.Reply.Error(resp.ErrSyntax)
				return o, false
			}
		case more && c.is(i, "MATCH"):
			i++
			o.pattern = c.Args[i]
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// HRANDFIELD key [count [WITHVALUES]]
func hrandfieldCommand(c *Call) {
	if len(c.Args) == 2 {
		h, ok := c.hash(c.Args[1])
		switch {
		case !ok:
		case h == nil:
			c.Reply.Null()
		default:
			field, _ := h.Random(c.Rand)
			c.Reply.Bulk(field)
		}
		return
	}
	count, values, ok := c.randomOptions()
	if !ok {
		return
	}
	h, ok := c.hash(c.Args[1])
	switch {
	case !ok:
	case h == nil || count == 0:
		c.Reply.Array(0)
	case count < 0:
		c.replyRepeated(h, -count, values)
	default:
		c.replyDistinct(h, int(min(count, int64(h.Len()))), values)
	}
}

// randomOptions reads HRANDFIELD's count and what follows it.
func (c *Call) randomOptions() (count int64, values, ok bool) {
	if count, ok = c.int(2); !ok {
		return 0, false, false
	}
	values = len(c.Args) > 3
	switch {
	case count == math.MinInt64:
		c.Reply.Error(resp.ErrNotAboveLeast)
		return 0, false, false
	case len(c.Args) > 4 || values && !c.is(3, "WITHVALUES"):
		c.Reply.Error(resp.ErrSyntax)
		return 0, false, false
	case values && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		c.Reply.Error(resp.ErrOutOfRange)
		return 0, false, false
	}
	return count, values, true
}

// replyRepeated replies so many random fields, each out of all of them. What would not fit into a reply of
// proto-max-bulk-len bytes is out of range; Redis would try.
func (c *Call) replyRepeated(h *hashes.Hash, count int64, values bool) {
	perField := h.Bytes()/int64(h.Len()) + 1
	if count > c.directives().stringMax.Load()/perField {
		c.Reply.Error(resp.ErrOutOfRange)
		return
	}
	reply := c.randomFields(int(count), values)
	for range count {
		reply(h.Random(c.Rand))
	}
}

// replyDistinct replies so many fields of a hash, none twice, each choice equally likely.
func (c *Call) replyDistinct(h *hashes.Hash, count int, values bool) {
	reply := c.randomFields(count, values)
	if h.Large() && count < h.Len()/3 {
		c.pick(h, count, reply)
		return
	}
	left, want := h.Len(), count
	for field, value := range h.All() {
		if c.Rand.IntN(left) < want {
			reply(field, value)
			want--
		}
		left--
	}
}

// pick draws until it has so many different fields, which must be few of the hash's.
func (c *Call) pick(h *hashes.Hash, count int, reply func(field, value []byte)) {
	picked := make(map[string]struct{}, count)
	for len(picked) < count {
		field, value := h.Random(c.Rand)
		if _, again := picked[string(field)]; !again {
			picked[string(field)] = struct{}{}
			reply(field, value)
		}
	}
}

// randomFields begins a reply of so many fields and returns what writes one: with its value, in RESP3 as an array of the
// two.
func (c *Call) randomFields(count int, values bool) func(field, value []byte) {
	nested := values && c.Reply.Proto() >= 3
	if values && !nested {
		count *= 2
	}
	c.Reply.Array(count)
	return func(field, value []byte) {
		if nested {
			c.Reply.Array(2)
		}
		c.Reply.Bulk(field)
		if values {
			c.Reply.Bulk(value)
		}
	}
}
