package commands

import (
	"holdfast/resp"
	"holdfast/zsets"
)

// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
func zrangeCommand(c *Call) { c.zrange(zsetRange{by: byOption, revOption: true}) }

// ZREVRANGE key start stop [WITHSCORES]
func zrevrangeCommand(c *Call) { c.zrange(zsetRange{by: byRank, rev: true}) }

// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
func zrangebyscoreCommand(c *Call) { c.zrange(zsetRange{by: byScore}) }

// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
func zrevrangebyscoreCommand(c *Call) { c.zrange(zsetRange{by: byScore, rev: true}) }

// ZRANGEBYLEX key min max [LIMIT offset count]
func zrangebylexCommand(c *Call) { c.zrange(zsetRange{by: byLex}) }

// ZREVRANGEBYLEX key max min [LIMIT offset count]
func zrevrangebylexCommand(c *Call) { c.zrange(zsetRange{by: byLex, rev: true}) }

// zrange replies with a range of the first argument's set.
func (c *Call) zrange(q zsetRange) {
	if !c.readRange(&q, 1, true) {
		return
	}
	z, ok := c.zset(c.Args[1])
	switch {
	case !ok:
		return
	case z == nil:
		c.Reply.Array(0)
		return
	}
	lo, hi := q.ranks(z)
	reply := c.scored(hi-lo, q.scores)
	walk := z.Range
	if q.rev {
		walk = z.Backward
	}
	for member, score := range walk(lo, hi) {
		reply(member, score)
	}
}

// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
func zrangestoreCommand(c *Call) {
	q := zsetRange{by: byOption, revOption: true}
	if !c.readRange(&q, 2, false) {
		return
	}
	z, ok := c.zset(c.Args[2])
	if !ok {
		return
	}
	result, limits := zsets.New(), c.zsetLimits()
	if z != nil {
		lo, hi := q.ranks(z)
		for member, score := range z.Range(lo, hi) {
			result.Put(member, score, limits)
		}
	}
	c.storeZSet("zrangestore", c.Args[1], result)
}

// ZCOUNT key min max
func zcountCommand(c *Call) { c.countRange(byScore) }

// ZLEXCOUNT key min max
func zlexcountCommand(c *Call) { c.countRange(byLex) }

func (c *Call) countRange(by rangeBy) {
	q := zsetRange{by: by, limit: -1}
	if !c.rangeEnds(&q, 2, 3) {
		return
	}
	z, ok := c.zset(c.Args[1])
	switch {
	case !ok:
	case z == nil:
		c.Reply.Int(0)
	default:
		lo, hi := q.ranks(z)
		c.Reply.Int(int64(hi - lo))
	}
}

// rangeBy is what the ends of a range are.
type rangeBy uint8

const (
	byOption rangeBy = iota // BYSCORE or BYLEX say it; else byRank
	byRank
	byScore
	byLex
)

// zsetRange is what ZRANGE and its like are asked for.
type zsetRange struct {
	by             rangeBy
	rev, revOption bool // from the highest down; REV may say so
	scores         bool
	offset, limit  int64 // a negative limit is none, a negative offset leaves nothing
	start, stop    int64
	score          zsets.ScoreRange
	lex            zsets.LexRange
}

// readRange reads "key start stop" and options, the key being the i-th argument.
func (c *Call) readRange(q *zsetRange, i int, scores bool) bool {
	q.limit = -1
	if !c.rangeOptions(q, i+3, scores) {
		return false
	}
	if q.by == byOption {
		q.by = byRank
	}
	switch {
	case q.limit != -1 && q.by == byRank:
		c.Reply.Error(resp.ErrRankLimit)
		return false
	case q.scores && q.by == byLex:
		c.Reply.Error(resp.ErrLexScores)
		return false
	case q.rev && q.by != byRank:
		return c.rangeEnds(q, i+2, i+1)
	}
	return c.rangeEnds(q, i+1, i+2)
}

func (c *Call) rangeOptions(q *zsetRange, i int, scores bool) (ok bool) {
	for ; i < len(c.Args); i++ {
		switch {
		case scores && c.is(i, "WITHSCORES"):
			q.scores = true
		case c.is(i, "LIMIT") && i+2 < len(c.Args):
			if q.offset, ok = c.int(i + 1); !ok {
				return false
			}
			if q.limit, ok = c.int(i + 2); !ok {
				return false
			}
			i += 2
		case q.revOption && c.is(i, "REV"):
			q.rev, q.revOption = true, false
		case q.by == byOption && c.is(i, "BYLEX"):
			q.by = byLex
		case q.by == byOption && c.is(i, "BYSCORE"):
			q.by = byScore
		default:
			c.Reply.Error(resp.ErrSyntax)
			return false
		}
	}
	return true
}

// rangeEnds reads the ends of a range from the arguments min and max.
func (c *Call) rangeEnds(q *zsetRange, min, max int) (ok bool) {
	switch q.by {
	case byScore:
		q.score, ok = c.scoreRange(min, max)
	case byLex:
		q.lex, ok = c.lexRange(min, max)
	default:
		if q.start, ok = c.int(min); ok {
			q.stop, ok = c.int(max)
		}
	}
	return ok
}

// ranks are the ranks in z of what is asked for, from lo up to but not including hi.
func (q *zsetRange) ranks(z *zsets.Set) (lo, hi int) {
	switch q.by {
	case byScore:
		lo, hi = z.ByScore(q.score)
	case byLex:
		lo, hi = z.ByLex(q.lex, q.rev)
	default:
		n := int64(z.Len())
		start, stop := fromEnd(q.start, n), q.stop
		if stop < 0 {
			stop += n
		}
		if stop = min(stop, n-1); start > stop {
			return 0, 0
		}
		if q.rev {
			return int(n - 1 - stop), int(n - start)
		}
		return int(start), int(stop + 1)
	}
	return q.limited(lo, hi)
}

// limited applies LIMIT to ranks.
func (q *zsetRange) limited(lo, hi int) (int, int) {
	n := int64(hi - lo)
	if q.offset < 0 || q.offset > n {
		return lo, lo
	}
	count := n - q.offset
	if q.limit >= 0 {
		count = min(count, q.limit)
	}
	if q.rev {
		hi -= int(q.offset)
		return hi - int(count), hi
	}
	lo += int(q.offset)
	return lo, lo + int(count)
}
