package commands

import (
	"bytes"
	"cmp"
	"iter"
	"math"
	"slices"

	"holdfast/kv"
	"holdfast/resp"
	"holdfast/zsets"
)

func zsetCombinations() []*Command {
	return []*Command{
		{
			Name: "zunion", Group: SortedSets, Since: "6.2.0", Arity: -3, Flags: ReadOnly | MovableKeys, Categories: CatSortedSet,
			Keys:    CountedKeys(1, RO|Access),
			Syntax:  "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
			Summary: "Returns the members that any of several sorted sets has.", Complexity: "O(n log n): n members in all",
			Run: zunionCommand,
		},
		{
			Name: "zunionstore", Group: SortedSets, Since: "2.0.0", Arity: -4, Flags: Write | DenyOOM | MovableKeys, Categories: CatSortedSet,
			Keys:    storedFrom(),
			Syntax:  "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
			Summary: "Stores the members that any of several sorted sets has.", Complexity: "O(n log n): n members in all",
			Run: zunionstoreCommand,
		},
		{
			Name: "zinter", Group: SortedSets, Since: "6.2.0", Arity: -3, Flags: ReadOnly | MovableKeys, Categories: CatSortedSet,
			Keys:    CountedKeys(1, RO|Access),
			Syntax:  "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
			Summary: "Returns the members that all of several sorted sets have.", Complexity: "O(nk+m log m): n members of the smallest of k sets, m returned",
			Run: zinterCommand,
		},
		{
			Name: "zinterstore", Group: SortedSets, Since: "2.0.0", Arity: -4, Flags: Write | DenyOOM | MovableKeys, Categories: CatSortedSet,
			Keys:    storedFrom(),
			Syntax:  "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
			Summary: "Stores the members that all of several sorted sets have.", Complexity: "O(nk+m log m): n members of the smallest of k sets, m stored",
			Run: zinterstoreCommand,
		},
		{
			Name: "zintercard", Group: SortedSets, Since: "7.0.0", Arity: -3, Flags: ReadOnly | MovableKeys, Categories: CatSortedSet,
			Keys: CountedKeys(1, RO|Access), Syntax: "numkeys key [key ...] [LIMIT limit]",
			Summary: "Counts the members that all of several sorted sets have.", Complexity: "O(nk): n members of the smallest of k sets",
			Run: zintercardCommand,
		},
		{
			Name: "zdiff", Group: SortedSets, Since: "6.2.0", Arity: -3, Flags: ReadOnly | MovableKeys, Categories: CatSortedSet,
			Keys: CountedKeys(1, RO|Access), Syntax: "numkeys key [key ...] [WITHSCORES]",
			Summary: "Returns the members of a sorted set that others do not have.", Complexity: "O(nk+m log m): n members of the first of k sets, m returned",
			Run: zdiffCommand,
		},
		{
			Name: "zdiffstore", Group: SortedSets, Since: "6.2.0", Arity: -4, Flags: Write | DenyOOM | MovableKeys, Categories: CatSortedSet,
			Keys: storedFrom(), Syntax: "destination numkeys key [key ...]",
			Summary: "Stores the members of a sorted set that others do not have.", Complexity: "O(nk+m log m): n members of the first of k sets, m stored",
			Run: zdiffstoreCommand,
		},
	}
}

// storedFrom is the keys of a command that stores what it makes of other keys, which come with their number.
func storedFrom() []KeySpec {
	return append(Key(1, OW|Update), CountedKeys(2, RO|Access)...)
}

// ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]
func zunionCommand(c *Call) { c.replyCombined((*combination).union, true) }

// ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]
func zinterCommand(c *Call) { c.replyCombined((*combination).inter, true) }

// ZDIFF numkeys key [key ...] [WITHSCORES]
func zdiffCommand(c *Call) { c.replyCombined((*combination).diff, false) }

// ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]
func zunionstoreCommand(c *Call) { c.storeCombined("zunionstore", (*combination).union, true) }

// ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]
func zinterstoreCommand(c *Call) { c.storeCombined("zinterstore", (*combination).inter, true) }

// ZDIFFSTORE destination numkeys key [key ...]
func zdiffstoreCommand(c *Call) { c.storeCombined("zdiffstore", (*combination).diff, false) }

func (c *Call) replyCombined(combine func(*combination), weighs bool) {
	m, ok := c.readCombination(1, combinationOptions{weighs: weighs, scores: true})
	if !ok {
		return
	}
	combine(m)
	m.sort()
	reply := c.scored(len(m.result), m.withScores)
	for _, e := range m.result {
		reply(e.member, e.score)
	}
}

func (c *Call) storeCombined(event string, combine func(*combination), weighs bool) {
	m, ok := c.readCombination(2, combinationOptions{weighs: weighs})
	if !ok {
		return
	}
	combine(m)
	m.sort()
	z, limits := zsets.New(), c.zsetLimits()
	for _, e := range m.result {
		z.Put(e.member, e.score, limits)
	}
	c.storeZSet(event, c.Args[1], z)
}

// ZINTERCARD numkeys key [key ...] [LIMIT limit]
func zintercardCommand(c *Call) {
	if m, ok := c.readCombination(1, combinationOptions{limits: true}); ok {
		m.inter()
		c.Reply.Int(int64(len(m.result)))
	}
}

// combination is a ZUNION, ZINTER or ZDIFF at work.
type combination struct {
	sources    []source
	aggregate  func(a, b float64) float64
	withScores bool
	limit      int // of the result, 0 for none
	result     []scoredMember
}

// scoredMember is an element of a result; the member is a source's own memory.
type scoredMember struct {
	member []byte
	score  float64
}

// source is an input: a sorted set, or a set, whose members all have the score 1, or nothing.
type source struct {
	scored *zsets.Set
	plain  kv.Value
	// elements yields the members of plain.
	elements func(kv.Value) iter.Seq[[]byte]
	weight   float64
}

func (s *source) len() int {
	switch {
	case s.scored != nil:
		return s.scored.Len()
	case s.plain != nil:
		return s.plain.Len()
	}
	return 0
}

// score returns a member's weighted score; false where it is not there.
func (s *source) score(member []byte) (score float64, ok bool) {
	switch {
	case s.scored != nil:
		score, ok = s.scored.Score(member)
	case s.plain != nil:
		score, ok = 1, s.contains(member)
	}
	return score * s.weight, ok
}

func (s *source) contains(member []byte) bool {
	if set, ok := s.plain.(interface{ Has(member []byte) bool }); ok {
		return set.Has(member)
	}
	for e := range s.elements(s.plain) {
		if bytes.Equal(e, member) {
			return true
		}
	}
	return false
}

// all yields the elements with their weighted scores, 0 where infinity was weighted with 0.
func (s *source) all() iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) {
		switch {
		case s.scored != nil:
			for member, score := range s.scored.All() {
				if !yield(member, orZero(score*s.weight)) {
					return
				}
			}
		case s.plain != nil:
			for member := range s.elements(s.plain) {
				if !yield(member, s.weight) {
					return
				}
			}
		}
	}
}

func orZero(score float64) float64 {
	if math.IsNaN(score) {
		return 0
	}
	return score
}

// The ways to make one score of two. Where the second is no number, so weighted, Redis's comparisons keep the first.
func sumOf(a, b float64) float64 { return orZero(a + b) }

func lowerOf(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func higherOf(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// union gathers every member, with its scores from the smallest source on put together.
func (m *combination) union() {
	m.bySize()
	at := map[string]int{}
	for i := range m.sources {
		for member, score := range m.sources[i].all() {
			k, known := at[string(member)]
			if known {
				m.result[k].score = m.aggregate(m.result[k].score, score)
				continue
			}
			if i+1 < len(m.sources) {
				at[string(member)] = len(m.result)
			}
			m.result = append(m.result, scoredMember{member, score})
		}
	}
}

// inter gathers the members that every source has.
func (m *combination) inter() {
	m.bySize()
members:
	for member, score := range m.sources[0].all() {
		for i := range m.sources[1:] {
			more, ok := m.sources[1+i].score(member)
			if !ok {
				continue members
			}
			score = m.aggregate(score, more)
		}
		m.result = append(m.result, scoredMember{member, score})
		if len(m.result) == m.limit {
			return
		}
	}
}

// diff gathers the members of the first source that no other has.
func (m *combination) diff() {
members:
	for member, score := range m.sources[0].all() {
		for i := range m.sources[1:] {
			if _, ok := m.sources[1+i].score(member); ok {
				continue members
			}
		}
		m.result = append(m.result, scoredMember{member, score})
	}
}

// bySize puts the sources in the order of their sizes: sums of doubles depend on it.
func (m *combination) bySize() {
	slices.SortStableFunc(m.sources, func(a, b source) int { return cmp.Compare(a.len(), b.len()) })
}

// sort puts the result in the order of a sorted set.
func (m *combination) sort() {
	slices.SortFunc(m.result, func(a, b scoredMember) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		}
		return bytes.Compare(a.member, b.member)
	})
}

// combinationOptions say which options a command has.
type combinationOptions struct {
	weighs bool // WEIGHTS and AGGREGATE
	scores bool // WITHSCORES
	limits bool // LIMIT
}

// readCombination reads "numkeys key [key ...]" from the i-th argument on, finds the keys, and reads options to the end.
func (c *Call) readCombination(i int, o combinationOptions) (m *combination, ok bool) {
	n, ok := c.int(i)
	switch {
	case !ok:
		return nil, false
	case n < 1:
		c.Reply.Error(resp.ErrNoInputKeys(c.Cmd.FullName()))
		return nil, false
	case n > int64(len(c.Args)-i-1):
		c.Reply.Error(resp.ErrSyntax)
		return nil, false
	}
	m = &combination{aggregate: sumOf}
	i++
	for _, key := range c.Args[i : i+int(n)] {
		s, ok := c.source(key)
		if !ok {
			return nil, false
		}
		m.sources = append(m.sources, s)
	}
	return m, c.combinationOptions(m, i+int(n), o)
}

// source is what the key holds as an input; where it is neither set nor sorted set, the reply says so.
func (c *Call) source(key []byte) (s source, ok bool) {
	s.weight = 1
	e, there := c.DB.Get(key)
	switch {
	case !there:
	case e.Kind() == kv.ZSet:
		s.scored = e.Value().(*zsets.Set)
	case e.Kind() == kv.Set:
		s.plain, s.elements = e.Value(), c.Keys.Types[kv.Set].Elements
	default:
		c.Reply.Error(resp.ErrWrongType)
		return s, false
	}
	return s, true
}

func (c *Call) combinationOptions(m *combination, i int, o combinationOptions) bool {
	for i < len(c.Args) {
		left := len(c.Args) - i
		switch {
		case o.weighs && left > len(m.sources) && c.is(i, "WEIGHTS"):
			for k := range m.sources {
				weight, ok := c.double(i+1+k, resp.ErrWeight)
				if !ok {
					return false
				}
				m.sources[k].weight = weight
			}
			i += 1 + len(m.sources)
		case o.weighs && left > 1 && c.is(i, "AGGREGATE"):
			if m.aggregate = c.aggregate(i + 1); m.aggregate == nil {
				return false
			}
			i += 2
		case o.scores && c.is(i, "WITHSCORES"):
			m.withScores = true
			i++
		case o.limits && left > 1 && c.is(i, "LIMIT"):
			var ok bool
			if m.limit, ok = c.atLeast(0, i+1, resp.ErrLimitNegative); !ok {
				return false
			}
			i += 2
		default:
			c.Reply.Error(resp.ErrSyntax)
			return false
		}
	}
	return true
}

// aggregate reads SUM, MIN or MAX; anything else is a syntax error, and nil.
func (c *Call) aggregate(i int) func(a, b float64) float64 {
	switch {
	case c.is(i, "SUM"):
		return sumOf
	case c.is(i, "MIN"):
		return lowerOf
	case c.is(i, "MAX"):
		return higherOf
	}
	c.Reply.Error(resp.ErrSyntax)
	return nil
}
