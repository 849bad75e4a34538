package commands

import (
	"bytes"
	"strconv"

	"holdfast/glob"
	"holdfast/kv"
	"holdfast/resp"
)

// KEYS pattern
func keysCommand(c *Call) {
	opened, n := c.Reply.ArrayLater(), 0
	c.DB.Each(func(e kv.Entry) bool {
		if !due(e, c.Now) && glob.Match(c.Args[1], e.Key()) {
			c.Reply.Bulk(e.Key())
			n++
		}
		return true
	})
	c.Reply.ArrayEnd(opened, n)
}

// RANDOMKEY
func randomKeyCommand(c *Call) {
	for {
		e, found := c.DB.Random(c.Rand)
		switch {
		case !found:
			c.Reply.Null()
			return
		case !due(e, c.Now):
			c.Reply.Bulk(e.Key())
			return
		}
		c.Expire(c.Client.DB, bytes.Clone(e.Key())) // or there might be no end to it
	}
}

const (
	// scanCount is how many keys a call of SCAN looks at unless it is told.
	scanCount = 10
	// scanSteps bounds the walk through a table that has become sparse, beside ten steps for each key asked for.
	scanSteps = 4096
)

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
func scanCommand(c *Call) {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		c.Reply.Error(resp.ErrInvalidCursor)
		return
	}
	o, ok := c.scanOptions(2)
	if !ok {
		return
	}
	var found [][]byte
	seen := int64(0)
	for steps := max(scanSteps, 10*min(o.count, 1<<32)); ; steps-- {
		cursor = c.DB.Scan(cursor, func(e kv.Entry) {
			seen++
			if !due(e, c.Now) && o.wants(c.Keys.Types[e.Kind()].Name, e.Key()) {
				found = append(found, e.Key())
			}
		})
		if cursor == 0 || seen >= o.count || steps == 0 {
			break
		}
	}
	c.Reply.Array(2)
	c.Reply.BulkString(strconv.FormatUint(cursor, 10))
	c.Reply.Array(len(found))
	for _, key := range found {
		c.Reply.Bulk(key)
	}
}

// parseCursor reads a cursor as C's strtoul does, which even takes nothing, or a sign, and goes no further than a zero byte.
func parseCursor(b []byte) (uint64, bool) {
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(b) == 0 {
		return 0, true
	}
	digits := b
	if b[0] == '-' || b[0] == '+' {
		digits = b[1:]
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if b[0] == '-' {
		n = -n
	}
	return n, err == nil
}

// scanOptions are SCAN's; a zero pattern or type means any.
type scanOptions struct {
	pattern []byte
	kind    []byte // in lower case
	count   int64
}

func (c *Call) scanOptions(i int) (o scanOptions, ok bool) {
	o.count = scanCount
	for ; i < len(c.Args); i += 2 {
		switch more := i+1 < len(c.Args); {
		case more && c.is(i, "COUNT"):
			if o.count, ok = c.int(i + 1); !ok {
				return o, false
			}
			if o.count < 1 {
				c.Reply.Error(resp.ErrSyntax)
				return o, false
			}
		case more && c.is(i, "MATCH"):
			o.pattern = c.Args[i+1]
		case more && c.is(i, "TYPE"):
			o.kind = fold([]byte{}, c.Args[i+1]) // not nil where it is empty: no key is of that type
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

func (o *scanOptions) wants(kind string, key []byte) bool {
	return (o.kind == nil || string(o.kind) == kind) && (o.pattern == nil || glob.Match(o.pattern, key))
}
