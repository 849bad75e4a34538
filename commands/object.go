package commands

import (
	"math"

	"holdfast/kv"
	"holdfast/resp"
)

const (
	// embeddedMax is the longest string that Redis keeps in one piece with its header, in bytes.
	embeddedMax = 44
	// sharedIntegers: Redis has one object for each integer from 0 up to here.
	sharedIntegers = 10000
)

// OBJECT IDLETIME key
func objectIdleTime(c *Call) {
	e, found := c.object()
	switch {
	case !found:
	case c.directives().lfu():
		c.Reply.Error(resp.ErrNotLRU)
	default:
		c.Reply.Int(e.Idle())
	}
}

// OBJECT FREQ key
func objectFreq(c *Call) {
	e, found := c.object()
	switch {
	case !found:
	case !c.directives().lfu():
		c.Reply.Error(resp.ErrNotLFU)
	default:
		c.Reply.Int(e.Frequency())
	}
}

// OBJECT ENCODING key
func objectEncoding(c *Call) {
	if e, found := c.object(); found {
		c.Reply.BulkString(c.encoding(e))
	}
}

// OBJECT REFCOUNT key
func objectRefCount(c *Call) {
	e, found := c.object()
	switch {
	case !found:
	case c.shared(e):
		c.Reply.Int(math.MaxInt32)
	default:
		c.Reply.Int(1)
	}
}

// object looks up the key that OBJECT is about; where it is missing, the reply is null.
func (c *Call) object() (kv.Entry, bool) {
	e, found := c.DB.Peek(c.Args[2])
	if !found {
		c.Keys.Misses++ // without the event of a miss, as in Redis
		c.Reply.Null()
		return e, false
	}
	c.Keys.Hits++
	return e, true
}

// encoding names what Redis would keep the value in.
func (c *Call) encoding(e kv.Entry) string {
	if e.Kind() != kv.String {
		return c.Keys.Types[e.Kind()].Encoding(e.Value())
	}
	_, integer := ParseInt(e.Text())
	switch {
	case e.Raw():
		return "raw"
	case integer:
		return "int"
	case len(e.Text()) <= embeddedMax:
		return "embstr"
	}
	return "raw"
}

// shared reports whether Redis would keep the value in an object that many keys share. It does so unless each key
// needs its own date or count of accesses.
func (c *Call) shared(e kv.Entry) bool {
	if e.Kind() != kv.String || c.encoding(e) != "int" {
		return false
	}
	s := c.directives()
	if s.maxmemory.Load() > 0 && (s.lru() || s.lfu()) {
		return false
	}
	n, _ := ParseInt(e.Text())
	return 0 <= n && n < sharedIntegers
}
