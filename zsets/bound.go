package zsets

import "bytes"

// ScoreRange is a range of scores, as ZRANGEBYSCORE takes it. An open end leaves out the scores that equal it.
type ScoreRange struct {
	Min, Max         float64
	MinOpen, MaxOpen bool
}

// LexRange is a range of members, in the order of their bytes, of a set whose scores are all the same, as ZRANGEBYLEX
// takes it. An open end leaves out the member that equals it.
type LexRange struct {
	Min, Max LexEnd
}

// LexEnd is an end of a LexRange: a member, or beyond them all, below or above.
type LexEnd struct {
	Member       []byte
	Open         bool
	Below, Above bool
}

type boundKind uint8

const (
	boundEntry boundKind = iota // the place of an element
	boundScore                  // scores below it, and equal ones where it is after them
	boundLex                    // members, likewise
)

// bound divides the elements of a set into those below it and the others.
type bound struct {
	kind   boundKind
	score  float64
	member []byte
	after  bool // boundScore, boundLex: what equals it lies below
	all    bool // boundLex: everything lies below
	none   bool // boundLex: nothing does
}

// placeOf is the bound right before an element.
func placeOf(score float64, member []byte) bound {
	return bound{kind: boundEntry, score: score, member: member}
}

// above reports whether an element lies below the bound.
func (b *bound) above(score float64, member []byte) bool {
	if b.kind != boundLex && score != b.score {
		return score < b.score
	}
	if b.kind == boundScore {
		return b.after
	}
	switch {
	case b.all:
		return true
	case b.none:
		return false
	}
	c := bytes.Compare(member, b.member)
	return c < 0 || c == 0 && b.after
}

// lower and upper are the bounds around what a range holds.
func (r ScoreRange) lower() bound { return bound{kind: boundScore, score: r.Min, after: r.MinOpen} }
func (r ScoreRange) upper() bound { return bound{kind: boundScore, score: r.Max, after: !r.MaxOpen} }
func (r LexRange) lower() bound   { return r.Min.bound(r.Min.Open) }
func (r LexRange) upper() bound   { return r.Max.bound(!r.Max.Open) }

func (e LexEnd) bound(after bool) bound {
	return bound{kind: boundLex, member: e.Member, after: after, all: e.Above, none: e.Below}
}
