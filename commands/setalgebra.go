package commands

import (
	"slices"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
	"holdfast/sets"
)

// algebra calls fn for each member of what comes of several sets, once, until fn returns false. A nil set has no members.
type algebra func(c *Call, of []*sets.Set, fn func(member []byte) bool)

// SINTER key [key ...]
func sinterCommand(c *Call) { c.replyAlgebra(intersection) }

// SUNION key [key ...]
func sunionCommand(c *Call) { c.replyAlgebra(union) }

// SDIFF key [key ...]
func sdiffCommand(c *Call) { c.replyAlgebra(difference) }

// SINTERSTORE destination key [key ...]
func sinterstoreCommand(c *Call) { c.storeAlgebra(intersection, "sinterstore") }

// SUNIONSTORE destination key [key ...]
func sunionstoreCommand(c *Call) { c.storeAlgebra(union, "sunionstore") }

// SDIFFSTORE destination key [key ...]
func sdiffstoreCommand(c *Call) { c.storeAlgebra(difference, "sdiffstore") }

// SINTERCARD numkeys key [key ...] [LIMIT limit]
func sintercardCommand(c *Call) {
	n, ok := c.atLeast(1, 1, resp.ErrNumKeys)
	switch {
	case !ok:
		return
	case n > len(c.Args)-2:
		c.Reply.Error(resp.ErrNumKeysTooMany)
		return
	}
	limit := 0
	for i := 2 + n; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) || !c.is(i, "LIMIT") {
			c.Reply.Error(resp.ErrSyntax)
			return
		}
		if limit, ok = c.atLeast(0, i+1, resp.ErrLimitNegative); !ok {
			return
		}
	}
	of, ok := c.setsOf(c.Args[2 : 2+n])
	if !ok {
		return
	}
	found := 0
	intersection(c, of, func([]byte) bool {
		found++
		return found != limit
	})
	c.Reply.Int(int64(found))
}

// setsOf are the sets under the keys, nil for each that is missing. Where one holds something else, the reply says so and
// ok is false.
func (c *Call) setsOf(keys [][]byte) (of []*sets.Set, ok bool) {
	of = make([]*sets.Set, len(keys))
	for i, key := range keys {
		if of[i], ok = c.setAt(key); !ok {
			return nil, false
		}
	}
	return of, true
}

// replyAlgebra replies what comes of the sets that the arguments name.
func (c *Call) replyAlgebra(a algebra) {
	of, ok := c.setsOf(c.Args[1:])
	if !ok {
		return
	}
	opened, n := c.Reply.SetLater(), 0
	a(c, of, func(member []byte) bool {
		c.Reply.Bulk(member)
		n++
		return true
	})
	c.Reply.SetEnd(opened, n)
}

// storeAlgebra puts what comes of the sets under the first key, or deletes that where nothing does.
func (c *Call) storeAlgebra(a algebra, event string) {
	of, ok := c.setsOf(c.Args[2:])
	if !ok {
		return
	}
	result, rules, key := sets.New(), c.setRules(), c.Args[1]
	a(c, of, func(member []byte) bool {
		result.Add(member, rules)
		return true
	})
	switch {
	case result.Len() > 0:
		c.DB.SetValue(key, kv.Set, result, expiry.None)
		c.setChanged(event, key, 1)
	case c.DB.Delete(key):
		c.Changed(EventGeneric, "del", key)
	}
	c.Reply.Int(int64(result.Len()))
}

// intersection goes through the smallest set and looks into the others, small ones first.
func intersection(_ *Call, of []*sets.Set, fn func(member []byte) bool) {
	if slices.Contains(of, nil) {
		return
	}
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b *sets.Set) int { return a.Len() - b.Len() })
	smallest, others := of[0], slices.DeleteFunc(of[1:], func(s *sets.Set) bool { return s == of[0] })
	for member := range smallest.All() {
		if all(others, member) && !fn(member) {
			return
		}
	}
}

// all reports whether b is a member of every one.
func all(of []*sets.Set, b []byte) bool {
	for _, s := range of {
		if !s.Has(b) {
			return false
		}
	}
	return true
}

// union remembers what it has met, unless there is but one set.
func union(c *Call, of []*sets.Set, fn func(member []byte) bool) {
	met, rules := sets.New(), c.setRules()
	for _, s := range of {
		if s == nil {
			continue
		}
		for member := range s.All() {
			if (len(of) == 1 || met.Add(member, rules)) && !fn(member) {
				return
			}
		}
	}
}

// difference goes through the first set and looks into the others.
func difference(_ *Call, of []*sets.Set, fn func(member []byte) bool) {
	others := slices.DeleteFunc(slices.Clone(of[1:]), func(s *sets.Set) bool { return s == nil })
	if of[0] == nil || slices.Contains(others, of[0]) {
		return
	}
	for member := range of[0].All() {
		if !slices.ContainsFunc(others, func(s *sets.Set) bool { return s.Has(member) }) && !fn(member) {
			return
		}
	}
}
