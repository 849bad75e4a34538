package commands

import (
	"holdfast/expiry"
	"holdfast/hashes"
	"holdfast/resp"
)

// HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields
// field [field ...]
func hgetexCommand(c *Call) {
	key := c.Args[1]
	h, ok := c.hash(key)
	if !ok {
		return
	}
	deadline, change, at := expiry.None, true, 3
	if u, timed := c.fieldUnit(2); timed {
		if deadline, ok = c.fieldDeadline(3, u); !ok {
			return
		}
		at = 4
	} else if !c.is(2, "PERSIST") {
		change, at = false, 2
	}
	fields, ok := c.fields(at, resp.ErrNumFieldsPositive)
	if !ok {
		return
	}
	if change {
		h, _ = c.editHash(key)
	}
	c.Reply.Array(len(fields))
	e := c.editDeadlines(key, h, deadline)
	for _, field := range fields {
		c.replyField(h, field)
		if change {
			e.set(field, expireOptions{xx: deadline == expiry.None})
		}
	}
	e.done()
}

// fieldUnit reads EX, PX, EXAT or PXAT.
func (c *Call) fieldUnit(i int) (u expiry.Unit, ok bool) {
	switch {
	case c.is(i, "EX"):
		return expiry.Unit{Seconds: true}, true
	case c.is(i, "PX"):
		return expiry.Unit{}, true
	case c.is(i, "EXAT"):
		return expiry.Unit{Seconds: true, Absolute: true}, true
	case c.is(i, "PXAT"):
		return expiry.Unit{Absolute: true}, true
	}
	return u, false
}

// HGETDEL key FIELDS numfields field [field ...]
func hgetdelCommand(c *Call) {
	key := c.Args[1]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	fields, ok := c.fields(2, resp.ErrNumFieldsPositive)
	if !ok {
		return
	}
	c.Reply.Array(len(fields))
	deleted := 0
	for _, field := range fields {
		c.replyField(h, field)
		if h != nil && h.Delete(field) {
			deleted++
		}
	}
	if deleted > 0 {
		c.Effect(append([][]byte{word("HDEL"), key}, fields...)...)
		c.hashChanged("hdel", key, deleted)
		c.dropEmptyHash(key, h)
	}
}

// HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS
// numfields field value [field value ...]
func hsetexCommand(c *Call) {
	o, ok := c.hsetexOptions()
	if !ok {
		return
	}
	key := c.Args[1]
	h, ok := c.editHash(key)
	switch {
	case !ok:
	case !o.allow(h):
		c.Reply.Int(0)
	case o.deadline != expiry.None && o.deadline <= c.Now:
		c.setLapsed(key, h, o)
		c.Reply.Int(1)
	default:
		c.setTimed(key, h, o)
		c.Reply.Int(1)
	}
}

// hsetexOptions are HSETEX's arguments.
type hsetexOptions struct {
	fnx, fxx bool // none of the fields is there; all are
	keep     bool
	deadline int64
	pairs    [][]byte // field, value, …
}

func (c *Call) hsetexOptions() (o hsetexOptions, ok bool) {
	said := false // what becomes of the deadlines
	for i := 2; i < len(c.Args); i++ {
		u, timed := c.fieldUnit(i)
		switch {
		case c.is(i, fieldsWord):
			o.pairs, ok = c.fieldPairs(i)
			return o, ok
		case (timed || c.is(i, "KEEPTTL")) && said:
			c.Reply.Error(resp.ErrHsetexDeadlines)
			return o, false
		case timed && i+1 == len(c.Args):
			c.Reply.Error(resp.ErrExpireMissing)
			return o, false
		case timed:
			i++
			if o.deadline, ok = c.fieldDeadline(i, u); !ok {
				return o, false
			}
			said = true
		case c.is(i, "KEEPTTL"):
			o.keep, said = true, true
		case (c.is(i, "FNX") || c.is(i, "FXX")) && (o.fnx || o.fxx):
			c.Reply.Error(resp.ErrHsetexConditions)
			return o, false
		case c.is(i, "FNX"):
			o.fnx = true
		case c.is(i, "FXX"):
			o.fxx = true
		default:
			c.Reply.Error(resp.ErrUnknownArgument(c.Args[i]))
			return o, false
		}
	}
	c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
	return o, false
}

// fieldPairs reads FIELDS, a number, and so many fields with their values, which are the last arguments.
func (c *Call) fieldPairs(i int) (pairs [][]byte, ok bool) {
	if i >= len(c.Args)-3 {
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return nil, false
	}
	n, ok := c.atLeast(1, i+1, resp.ErrNumFieldsInvalid)
	if !ok {
		return nil, false
	}
	if pairs = c.Args[i+2:]; len(pairs)%2 != 0 || n != len(pairs)/2 {
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return nil, false
	}
	return pairs, true
}

// allow looks whether the fields are there, or not, as is wanted.
func (o *hsetexOptions) allow(h *hashes.Hash) bool {
	if !o.fnx && !o.fxx {
		return true
	}
	for i := 0; i < len(o.pairs); i += 2 {
		there := false
		if h != nil {
			_, there = h.Get(o.pairs[i])
		}
		if there != o.fxx {
			return false
		}
	}
	return true
}

// setTimed sets the fields, with the deadline if there is one.
func (c *Call) setTimed(key []byte, h *hashes.Hash, o hsetexOptions) {
	effect := [][]byte{word(hsetexWord), key}
	switch {
	case o.keep:
		effect = append(effect, word(keepTTL))
	case o.deadline != expiry.None:
		effect = append(effect, word("PXAT"), decimal(o.deadline))
	}
	f := c.fill(key, h, o.pairs...)
	for i := 0; i < len(o.pairs); i += 2 {
		field, value := o.pairs[i], o.pairs[i+1]
		if o.keep {
			f.setKeeping(field, value)
			continue
		}
		f.set(field, value)
		if o.deadline != expiry.None {
			f.SetDeadline(field, o.deadline)
		}
	}
	f.done()
	n := len(o.pairs) / 2
	c.Effect(append(append(effect, word(fieldsWord), decimal(int64(n))), o.pairs...)...)
	c.hashChanged("hset", key, n)
	if o.deadline != expiry.None {
		c.Notify(c.Client.DB, EventHash, "hexpire", key)
	}
}

// setLapsed is what becomes of fields that are set with a deadline in the past: they are gone at once, those too that were
// there.
func (c *Call) setLapsed(key []byte, h *hashes.Hash, o hsetexOptions) {
	effect := [][]byte{word("HDEL"), key}
	for i := 0; i < len(o.pairs); i += 2 {
		if h != nil && h.Delete(o.pairs[i]) {
			effect = append(effect, o.pairs[i])
		}
	}
	c.Notify(c.Client.DB, EventHash, "hset", key)
	if n := len(effect) - 2; n > 0 {
		c.Effect(effect...)
		c.hashChanged("hdel", key, n)
		c.dropEmptyHash(key, h)
		return
	}
	c.Notify(c.Client.DB, EventHash, "hdel", key)
	if h == nil {
		c.Notify(c.Client.DB, EventGeneric, "del", key)
	}
}
