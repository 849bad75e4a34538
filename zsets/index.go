package zsets

import (
	"fmt"

	"holdfast/dict"
)

// index finds the score of a member. It keeps scores as the pages do.
type index struct {
	*dict.Dict
	seed dict.Seed
}

func newIndex(seed dict.Seed) index { return index{dict.New(seed), seed} }

func (x *index) get(member []byte) (float64, bool) {
	score, ok := x.Dict.Get(member)
	if !ok {
		return 0, false
	}
	return page(score).score(), true
}

// set gives a member a score, and tells whether it is new.
func (x *index) set(member []byte, score float64) (added bool) {
	var room [9]byte
	return x.Dict.Set(member, room[:page(room[:]).putScore(score)])
}

func (x *index) remove(member []byte) {
	if !x.Delete(member) {
		panic(fmt.Sprintf("BUG: zsets: member %.40q is in the tree and not in the index", member))
	}
}

func (x *index) scan(cursor uint64, fn func(member []byte, score float64)) (next uint64) {
	return x.Scan(cursor, func(member, score []byte) { fn(member, page(score).score()) })
}

func (x *index) clone() index { return index{x.Clone(), x.seed} }
