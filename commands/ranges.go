package commands

import (
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
)

// APPEND key value
func appendCommand(c *Call) {
	key, more := c.Args[1], c.Args[2]
	e, found, ok := c.editedString()
	if !ok {
		return
	}
	n := len(more)
	if !found {
		c.DB.SetString(key, more, expiry.None)
	} else {
		old := len(e.Text())
		n += old
		if !c.fits(int64(n)) {
			return
		}
		copy(c.DB.GrowString(key, n)[old:], more)
	}
	c.Changed(EventString, "append", key)
	c.Reply.Int(int64(n))
}

// STRLEN key
func strlenCommand(c *Call) {
	if text, ok := c.readString(); ok {
		c.Reply.Int(int64(len(text)))
	}
}

// GETRANGE key start end
func getRangeCommand(c *Call) {
	start, ok := c.int(2)
	if !ok {
		return
	}
	end, ok := c.int(3)
	if !ok {
		return
	}
	if text, ok := c.readString(); ok {
		c.Reply.Bulk(part(text, start, end))
	}
}

// part is what lies between two inclusive bounds, which count from the end where negative. As in Redis, an end
// before the first byte means the first byte, unless both bounds are negative and the wrong way round.
func part(text []byte, start, end int64) []byte {
	n := int64(len(text))
	if n == 0 || start < 0 && end < 0 && start > end {
		return nil
	}
	start, end = fromEnd(start, n), min(fromEnd(end, n), n-1)
	if start > end {
		return nil
	}
	return text[start : end+1]
}

// fromEnd is the index i of n, a negative one counted from the end, at least 0.
func fromEnd(i, n int64) int64 {
	if i < 0 {
		i += n
	}
	return max(i, 0)
}

// SETRANGE key offset value
func setRangeCommand(c *Call) {
	key, piece := c.Args[1], c.Args[3]
	offset, ok := c.int(2)
	if !ok {
		return
	}
	if offset < 0 {
		c.Reply.Error(resp.ErrOffsetRange)
		return
	}
	e, found, ok := c.editedString()
	if !ok {
		return
	}
	n := 0
	if found {
		n = len(e.Text())
	}
	if len(piece) == 0 {
		c.Reply.Int(int64(n))
		return
	}
	end := offset + int64(len(piece))
	if !c.fits(end) {
		return
	}
	var text []byte
	if found && end <= int64(n) {
		text, _ = c.DB.EditString(key, true)
	} else {
		text = c.DB.GrowString(key, int(end))
	}
	copy(text[offset:], piece)
	c.Changed(EventString, "setrange", key)
	c.Reply.Int(int64(len(text)))
}

// editedString looks up the string that is to be changed in part; where the key holds something else, the reply
// says so.
func (c *Call) editedString() (e kv.Entry, found, ok bool) {
	e, found = c.DB.Peek(c.Args[1])
	if found && e.Kind() != kv.String {
		c.Reply.Error(resp.ErrWrongType)
		return e, true, false
	}
	return e, found, true
}

// readString reads the string under the key, empty for a missing one; where the key holds something else, the
// reply says so.
func (c *Call) readString() ([]byte, bool) {
	e, found := c.DB.Get(c.Args[1])
	switch {
	case !found:
		return nil, true
	case e.Kind() != kv.String:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Text(), true
}

// fits reports whether a string may have n bytes; a sum that overflowed is negative. What once was logged fits.
func (c *Call) fits(n int64) bool {
	if c.Replaying || n >= 0 && n <= c.directives().stringMax.Load() {
		return true
	}
	c.Reply.Error(resp.ErrStringTooLong)
	return false
}
