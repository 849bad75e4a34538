package commands

import (
	"bytes"
	"math"

	"holdfast/resp"
	"holdfast/sets"
)

const (
	// popBatch is how many members one SREM in the log names at most.
	popBatch = 1024
	// pickBelow: where at least that many times as many members are in a set as are wanted of it, they are drawn one by
	// one; otherwise the set is gone through.
	pickBelow = 3
	// renewAbove: when SPOP takes so many times as many members as it leaves, Redis makes a new set of the rest, which
	// may be one of integers then.
	renewAbove = 5
)

// SPOP key [count]
func spopCommand(c *Call) {
	switch len(c.Args) {
	case 2:
		c.popOne()
	case 3:
		if count, ok := c.atLeast(0, 2, resp.ErrNotPositive); ok {
			c.popMany(count)
		}
	default:
		c.Reply.Error(resp.ErrSyntax)
	}
}

func (c *Call) popOne() {
	key := c.Args[1]
	s, ok := c.editSet(key)
	switch {
	case !ok:
		return
	case s == nil:
		c.Reply.Null()
		return
	}
	member := c.popped(s)
	c.setChanged("spop", key, 1)
	c.Effect(c.word("SREM"), key, member)
	c.dropEmptySet(key, s)
	c.Reply.Bulk(member)
}

// popped takes a member out of a set that has some.
func (c *Call) popped(s *sets.Set) (member []byte) {
	scratch, from := &c.Scratch, len(c.Scratch.bytes)
	scratch.bytes = s.Pop(c.Rand, scratch.bytes)
	return scratch.bytes[from:len(scratch.bytes):len(scratch.bytes)]
}

func (c *Call) popMany(count int) {
	key := c.Args[1]
	s, ok := c.editSet(key)
	switch {
	case !ok:
	case s == nil || count == 0:
		c.Reply.Set(0)
	case count >= s.Len():
		c.setChanged("spop", key, s.Len())
		c.replySet(s)
		c.DB.Delete(key)
		c.Notify(c.Client.DB, EventGeneric, "del", key)
		c.Effect(word("DEL"), key)
	default:
		c.popSome(s, count)
	}
}

// popSome takes some of the set's members, but not all.
func (c *Call) popSome(s *sets.Set, count int) {
	key, popped := c.Args[1], make([][]byte, 0, count)
	c.eachRandom(s, count, func(member []byte) { popped = append(popped, bytes.Clone(member)) })
	if !c.loggable(LoggedBytes(popped)) {
		return
	}
	c.Reply.Set(count)
	for _, member := range popped {
		s.Remove(member)
		c.Reply.Bulk(member)
	}
	if s.Len()*renewAbove <= count {
		s.Renew(c.setRules())
	}
	c.setChanged("spop", key, count)
	for len(popped) > 0 {
		n := min(len(popped), popBatch)
		c.Effect(append([][]byte{word("SREM"), key}, popped[:n]...)...)
		popped = popped[n:]
	}
}

// SRANDMEMBER key [count]
func srandmemberCommand(c *Call) {
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrSyntax)
	case len(c.Args) == 3:
		c.replyRandomMembers()
	default:
		s, ok := c.setAt(c.Args[1])
		if ok && s != nil {
			c.Reply.Bulk(s.Random(c.Rand))
		} else if ok {
			c.Reply.Null()
		}
	}
}

// replyRandomMembers replies to SRANDMEMBER with a count: different members, or, when it is negative, some of them
// perhaps more than once. What would not fit into a reply of proto-max-bulk-len bytes is out of range; Redis would try.
func (c *Call) replyRandomMembers() {
	count, ok := c.int(2)
	if !ok {
		return
	}
	if count == math.MinInt64 {
		c.Reply.Error(resp.ErrNotAboveLeast)
		return
	}
	s, ok := c.setAt(c.Args[1])
	switch {
	case !ok:
	case s == nil || count == 0:
		c.Reply.Array(0)
	case count >= 0:
		n := int(min(count, int64(s.Len())))
		c.Reply.Array(n)
		c.eachRandom(s, n, c.Reply.Bulk)
	case -count > c.directives().stringMax.Load()/(s.Bytes()/int64(s.Len())+1):
		c.Reply.Error(resp.ErrOutOfRange)
	default:
		c.Reply.Array(int(-count))
		for range -count {
			c.Reply.Bulk(s.Random(c.Rand))
		}
	}
}

// eachRandom calls fn for n different members of the set, every choice being equally likely.
func (c *Call) eachRandom(s *sets.Set, n int, fn func(member []byte)) {
	if n*pickBelow < s.Len() {
		picked := make(map[string]struct{}, n)
		for len(picked) < n {
			member := s.Random(c.Rand)
			if _, again := picked[string(member)]; !again {
				picked[string(member)] = struct{}{}
				fn(member)
			}
		}
		return
	}
	left := s.Len()
	for member := range s.All() {
		if c.Rand.IntN(left) < n {
			fn(member)
			n--
		}
		left--
	}
}
