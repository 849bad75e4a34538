package zsets

import "maps"

// index finds the score of a member.
type index struct {
	scores map[string]float64
	held   int64 // bytes of the members
}

// indexEntry is about what a map takes for an element beside the member's bytes.
const indexEntry = 40

func newIndex() index { return index{scores: map[string]float64{}} }

func (x *index) bytes() int64 { return x.held + int64(len(x.scores))*indexEntry }

func (x *index) get(member []byte) (float64, bool) {
	score, ok := x.scores[string(member)]
	return score, ok
}

// set gives a member a score, and tells whether it is new.
func (x *index) set(member []byte, score float64) (added bool) {
	if _, ok := x.scores[string(member)]; !ok {
		x.held += int64(len(member))
		added = true
	}
	x.scores[string(member)] = score
	return added
}

func (x *index) remove(member []byte) {
	x.held -= int64(len(member))
	delete(x.scores, string(member))
}

func (x *index) scan(_ uint64, fn func(member []byte, score float64)) (next uint64) {
	for member, score := range x.scores {
		fn([]byte(member), score)
	}
	return 0
}

func (x *index) clone() index { return index{scores: maps.Clone(x.scores), held: x.held} }
