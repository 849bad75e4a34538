package commands

import (
	"math"

	"holdfast/glob"
	"holdfast/resp"
	"holdfast/zsets"
)

// ZCARD key
func zcardCommand(c *Call) {
	if z, ok := c.zset(c.Args[1]); ok && z != nil {
		c.Reply.Int(int64(z.Len()))
	} else if ok {
		c.Reply.Int(0)
	}
}

// ZSCORE key member
func zscoreCommand(c *Call) {
	if z, ok := c.zset(c.Args[1]); ok {
		c.replyScore(z, c.Args[2])
	}
}

// ZMSCORE key member [member ...]
func zmscoreCommand(c *Call) {
	z, ok := c.zset(c.Args[1])
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		c.replyScore(z, member)
	}
}

// replyScore replies with a member's score, or null; z is nil where there is no set.
func (c *Call) replyScore(z *zsets.Set, member []byte) {
	if z != nil {
		if score, there := z.Score(member); there {
			c.Reply.Double(score)
			return
		}
	}
	c.Reply.Null()
}

// ZRANK key member [WITHSCORE]
func zrankCommand(c *Call) { c.zrank(false) }

// ZREVRANK key member [WITHSCORE]
func zrevrankCommand(c *Call) { c.zrank(true) }

func (c *Call) zrank(rev bool) {
	withScore := len(c.Args) == 4
	switch {
	case len(c.Args) > 4:
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return
	case withScore && !c.is(3, "WITHSCORE"):
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	z, ok := c.zset(c.Args[1])
	if !ok {
		return
	}
	rank, score, there := 0, 0.0, false
	if z != nil {
		rank, score, there = z.Rank(c.Args[2])
	}
	if rev && there {
		rank = z.Len() - 1 - rank
	}
	switch {
	case !there && withScore:
		c.Reply.NullArray()
	case !there:
		c.Reply.Null()
	case withScore:
		c.Reply.Array(2)
		c.Reply.Int(int64(rank))
		c.Reply.Double(score)
	default:
		c.Reply.Int(int64(rank))
	}
}

// ZSCAN key cursor [MATCH pattern] [COUNT count]
func zscanCommand(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Reply.Error(resp.ErrInvalidCursor)
		return
	}
	z, ok := c.zset(c.Args[1])
	switch {
	case !ok:
		return
	case z == nil: // before the options are looked at, as in Redis
		c.replyScan(0, nil)
		return
	}
	o, ok := c.scanOptions(3)
	if !ok {
		return
	}
	if o.kind != nil {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	var found [][]byte
	seen := int64(0)
	for steps := max(scanSteps, 10*min(o.count, 1<<32)); ; steps-- {
		cursor = z.Scan(cursor, func(member []byte, score float64) {
			seen++
			if o.pattern == nil || glob.Match(o.pattern, member) {
				found = append(found, member, scannedScore(z, score))
			}
		})
		if cursor == 0 || seen >= o.count || steps == 0 {
			break
		}
	}
	c.replyScan(cursor, found)
}

// scannedScore is a score's text in ZSCAN's reply. In a small set Redis has integers as such, and shows them so.
func scannedScore(z *zsets.Set, score float64) []byte {
	if whole := int64(score); !z.Large() && math.Abs(score) <= math.MaxInt64/2 && float64(whole) == score {
		return decimal(whole)
	}
	return zsets.AppendScore(nil, score)
}

// ZRANDMEMBER key [count [WITHSCORES]]
func zrandmemberCommand(c *Call) {
	if len(c.Args) == 2 {
		z, ok := c.zset(c.Args[1])
		switch {
		case !ok:
		case z == nil:
			c.Reply.Null()
		default:
			member, _ := z.At(c.Rand.IntN(z.Len()))
			c.Reply.Bulk(member)
		}
		return
	}
	count, scores, ok := c.randomScored()
	if !ok {
		return
	}
	z, ok := c.zset(c.Args[1])
	switch {
	case !ok:
	case z == nil || count == 0:
		c.Reply.Array(0)
	case count < 0:
		c.repeatedMembers(z, -count, scores)
	default:
		c.distinctMembers(z, int(min(count, int64(z.Len()))), scores)
	}
}

// randomScored reads ZRANDMEMBER's count and what follows it.
func (c *Call) randomScored() (count int64, scores, ok bool) {
	if count, ok = c.int(2); !ok {
		return 0, false, false
	}
	scores = len(c.Args) > 3
	switch {
	case count == math.MinInt64:
		c.Reply.Error(resp.ErrNotAboveLeast)
		return 0, false, false
	case len(c.Args) > 4 || scores && !c.is(3, "WITHSCORES"):
		c.Reply.Error(resp.ErrSyntax)
		return 0, false, false
	case scores && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		c.Reply.Error(resp.ErrOutOfRange)
		return 0, false, false
	}
	return count, scores, true
}

// repeatedMembers replies with so many random members, each out of all of them. What would not fit into a reply of
// proto-max-bulk-len bytes is out of range; Redis would try.
func (c *Call) repeatedMembers(z *zsets.Set, count int64, scores bool) {
	perMember := z.Bytes()/int64(z.Len()) + 1
	if count > c.directives().stringMax.Load()/perMember {
		c.Reply.Error(resp.ErrOutOfRange)
		return
	}
	reply := c.scored(int(count), scores)
	for range count {
		reply(z.At(c.Rand.IntN(z.Len())))
	}
}

// distinctMembers replies with so many members, none twice, each choice equally likely; with all of them from the
// highest down.
func (c *Call) distinctMembers(z *zsets.Set, count int, scores bool) {
	reply := c.scored(count, scores)
	if count < z.Len()/10 { // walking would pass over most
		picked := make(map[int]struct{}, count)
		for len(picked) < count {
			rank := c.Rand.IntN(z.Len())
			if _, again := picked[rank]; !again {
				picked[rank] = struct{}{}
				reply(z.At(rank))
			}
		}
		return
	}
	left := z.Len()
	for member, score := range z.Backward(0, left) {
		if c.Rand.IntN(left) < count {
			reply(member, score)
			count--
		}
		left--
	}
}
