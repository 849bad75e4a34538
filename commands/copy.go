package commands

import (
	"bytes"

	"holdfast/kv"
	"holdfast/resp"
)

// COPY source destination [DB destination-db] [REPLACE]
func copyCommand(c *Call) {
	o, ok := c.copyOptions(3)
	if !ok {
		return
	}
	key, as := c.Args[1], c.Args[2]
	if o.db == c.Client.DB && bytes.Equal(key, as) {
		c.Reply.Error(resp.ErrSameObject)
		return
	}
	c.Expire(o.db, as)
	into := c.Keys.DB(o.db)
	e, found := c.DB.Get(key)
	_, taken := into.Peek(as)
	if !found || taken && !o.replace {
		c.Reply.Int(0)
		return
	}
	c.copyTo(into, as, e)
	if taken {
		into.Anew(as)
	}
	c.ChangedIn(o.db, EventGeneric, "copy_to", as)
	c.Reply.Int(1)
}

type copyOptions struct {
	db      int
	replace bool
}

func (c *Call) copyOptions(i int) (o copyOptions, ok bool) {
	o.db = c.Client.DB
	for ; i < len(c.Args); i++ {
		switch {
		case c.is(i, "REPLACE"):
			o.replace = true
		case c.is(i, "DB") && i+1 < len(c.Args):
			i++
			if o.db, ok = c.database(i); !ok {
				return o, false
			}
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// copyTo gives another key the same value and deadline.
func (c *Call) copyTo(into *kv.DB, as []byte, e kv.Entry) {
	deadline, raw := e.Deadline(), false
	if e.Kind() == kv.String {
		raw = e.Raw()
		into.SetString(as, e.Text(), deadline)
	} else {
		into.SetValue(as, e.Kind(), c.Keys.Types[e.Kind()].Clone(e.Value()), deadline)
	}
	if raw {
		into.EditString(as, true)
	}
}
