package commands

import (
	"math"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
	"holdfast/zsets"
)

// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
func zaddCommand(c *Call) { c.zadd(scoreOptions{}) }

// ZINCRBY key increment member
func zincrbyCommand(c *Call) { c.zadd(scoreOptions{incr: true}) }

// scoreOptions are ZADD's: which members it may touch, and how.
type scoreOptions struct {
	nx, xx bool // only new members, only those that are there
	gt, lt bool // only to a higher, only to a lower score
	ch     bool // count the changed ones
	incr   bool
}

// zadd reads options from the second argument on, then pairs of score and member, and gives the members the scores.
func (c *Call) zadd(o scoreOptions) {
	pairs, ok := c.scoreOptions(&o)
	if !ok {
		return
	}
	var room [16]float64
	scores := room[:0]
	for i := 0; i < len(pairs); i += 2 {
		score, fits, ok := parseDouble(pairs[i])
		if !ok || !fits {
			c.Reply.Error(resp.ErrNotFloat)
			return
		}
		scores = append(scores, score)
	}
	key := c.Args[1]
	z, ok := c.editZSet(key)
	if !ok {
		return
	}
	missing := z == nil
	if missing {
		z = zsets.New()
	}
	s := scoring{c: c, z: z, scoreOptions: o, limits: c.zsetLimits()}
	for i, score := range scores {
		if !s.put(pairs[2*i+1], score) {
			c.Reply.Error(resp.ErrScoreNotANumber)
			return
		}
	}
	if missing && z.Len() > 0 {
		c.DB.SetValue(key, kv.ZSet, z, expiry.None)
	}
	s.finish(key)
}

// scoreOptions reads ZADD's options and returns what follows them: pairs of score and member.
func (c *Call) scoreOptions(o *scoreOptions) (pairs [][]byte, ok bool) {
	i := 2
options:
	for ; i < len(c.Args); i++ {
		switch {
		case c.is(i, "NX"):
			o.nx = true
		case c.is(i, "XX"):
			o.xx = true
		case c.is(i, "CH"):
			o.ch = true
		case c.is(i, "INCR"):
			o.incr = true
		case c.is(i, "GT"):
			o.gt = true
		case c.is(i, "LT"):
			o.lt = true
		default:
			break options
		}
	}
	pairs = c.Args[i:]
	refusal := ""
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		refusal = resp.ErrSyntax
	case o.nx && o.xx:
		refusal = resp.ErrNXAndXX
	case o.gt && o.nx, o.lt && o.nx, o.gt && o.lt:
		refusal = resp.ErrGTLTAndNX
	case o.incr && len(pairs) > 2:
		refusal = resp.ErrIncrPairs
	default:
		return pairs, true
	}
	c.Reply.Error(refusal)
	return nil, false
}

// scoring is a ZADD at work.
type scoring struct {
	scoreOptions
	c              *Call
	z              *zsets.Set
	limits         zsets.Limits
	added, updated int
	refused        bool    // the options let the last member be
	score          float64 // of the last member
}

// put gives a member a score, or adds to its score, if the options let it; false when the sum is no number.
func (s *scoring) put(member []byte, score float64) bool {
	old, there := s.z.Score(member)
	s.refused = s.nx && there || s.xx && !there
	if s.refused {
		return true
	}
	if there && s.incr {
		if score += old; math.IsNaN(score) {
			return false
		}
	}
	s.score = score
	if there && (s.lt && score >= old || s.gt && score <= old) {
		s.refused = true
		return true
	}
	switch {
	case !there:
		s.added++
	case score != old:
		s.updated++
	default:
		return true
	}
	s.z.Put(member, score, s.limits)
	return true
}

// finish tells of the changes and replies.
func (s *scoring) finish(key []byte) {
	c, n := s.c, s.added+s.updated
	if n > 0 {
		event := "zadd"
		if s.incr {
			event = "zincr"
		}
		c.zsetChanged(event, key, n)
	}
	switch {
	case s.incr && s.refused:
		c.Reply.Null()
	case s.incr:
		c.Reply.Double(s.score)
	case s.ch:
		c.Reply.Int(int64(n))
	default:
		c.Reply.Int(int64(s.added))
	}
}

// ZREM key member [member ...]
func zremCommand(c *Call) {
	key := c.Args[1]
	z, ok := c.editZSet(key)
	if !ok {
		return
	}
	n := 0
	if z != nil {
		for _, member := range c.Args[2:] {
			if z.Remove(member) {
				n++
			}
		}
	}
	c.removed("zrem", key, z, n)
}

// removed replies that n elements of the key's set are gone, and sees to what follows from that.
func (c *Call) removed(event string, key []byte, z *zsets.Set, n int) {
	if n > 0 {
		c.zsetChanged(event, key, n)
		c.dropEmptyZSet(key, z)
	}
	c.Reply.Int(int64(n))
}

// ZREMRANGEBYRANK key start stop
func zremrangebyrankCommand(c *Call) { c.removeRange(byRank, "zremrangebyrank") }

// ZREMRANGEBYSCORE key min max
func zremrangebyscoreCommand(c *Call) { c.removeRange(byScore, "zremrangebyscore") }

// ZREMRANGEBYLEX key min max
func zremrangebylexCommand(c *Call) { c.removeRange(byLex, "zremrangebylex") }

func (c *Call) removeRange(by rangeBy, event string) {
	q := zsetRange{by: by, limit: -1}
	if !c.rangeEnds(&q, 2, 3) {
		return
	}
	z, ok := c.editZSet(c.Args[1])
	if !ok {
		return
	}
	lo, hi := 0, 0
	if z != nil {
		lo, hi = q.ranks(z)
		z.RemoveRange(lo, hi)
	}
	c.removed(event, c.Args[1], z, hi-lo)
}
