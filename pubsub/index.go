// Package pubsub knows who has subscribed to which channels and patterns. It has no sockets and no messages: who publishes
// asks it who is to hear of it.
//
//	topic:       name ──► members, in the order in which they came
//	subscriber:  topic ──► its place among the members
//
// Each side knows where it stands at the other, so that a subscription is made, found and ended in the same time whether
// there are few or a million. Who leaves a topic leaves a hole; a topic closes its holes when they are half of it.
//
// Rejected: a subscriber's subscriptions in the order in which they were made. It would cost 16 bytes for each, and Redis
// keeps none either.
package pubsub

import (
	"slices"

	"holdfast/glob"
)

// Kind says what a subscription is to.
type Kind uint8

// The kinds. A channel and a shard channel of one name have nothing to do with each other.
const (
	Channel Kind = iota
	Pattern
	Shard
	kinds
)

// Index is all subscriptions. T is what the owner of the index knows a subscriber by. The zero Index is empty. It is guarded by
// whatever guards its owner.
type Index[T any] struct {
	byName  [kinds]map[string]*topic[T]
	all     [kinds][]*topic[T] // the same, so that they can be gone through in an order that does not hang on chance
	globs   [][]byte           // the names of all[Pattern], to be matched
	leaving []*Subscriber[T]   // gone; what they had is still among the topics' members
}

// topic is a channel, or a pattern, that somebody has subscribed to.
type topic[T any] struct {
	name    string
	members []*Subscriber[T] // nil: a hole
	holes   int
	at      int // its place in Index.all
}

// Subscriber is one side of subscriptions.
type Subscriber[T any] struct {
	Owner  T
	topics [kinds]subscriptions[T]
	gone   bool
}

// subscriptions are those of one kind, in a list too, so that they can be taken away bit by bit: to go through a map that is
// being emptied takes longer and longer.
type subscriptions[T any] struct {
	list   []*topic[T]
	places map[*topic[T]]place
}

type place struct{ member, list int32 } // among the topic's members, and in the list

// Count is how many subscriptions of a kind there are.
func (s *Subscriber[T]) Count(k Kind) int {
	if s == nil {
		return 0
	}
	return len(s.topics[k].list)
}

// Total is how many subscriptions of all kinds there are.
func (s *Subscriber[T]) Total() int { return s.Count(Channel) + s.Count(Pattern) + s.Count(Shard) }

// Names returns what the subscriber has subscribed to, sorted.
func (s *Subscriber[T]) Names(k Kind) []string {
	if s == nil {
		return nil
	}
	names := make([]string, 0, s.Count(k))
	for _, t := range s.topics[k].list {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return names
}

// Add subscribes, and reports whether that is new.
func (x *Index[T]) Add(s *Subscriber[T], k Kind, name []byte) bool {
	t := x.byName[k][string(name)]
	if t == nil {
		t = x.open(k, string(name))
	} else if _, have := s.topics[k].places[t]; have {
		return false
	}
	own := &s.topics[k]
	if own.places == nil {
		own.places = map[*topic[T]]place{}
	}
	own.places[t] = place{int32(len(t.members)), int32(len(own.list))}
	own.list = append(own.list, t)
	t.members = append(t.members, s)
	return true
}

func (x *Index[T]) open(k Kind, name string) *topic[T] {
	t := &topic[T]{name: name, at: len(x.all[k])}
	if x.byName[k] == nil {
		x.byName[k] = map[string]*topic[T]{}
	}
	x.byName[k][name] = t
	x.all[k] = append(x.all[k], t)
	if k == Pattern {
		x.globs = append(x.globs, []byte(name))
	}
	return t
}

// Remove ends a subscription, and reports whether there was one.
func (x *Index[T]) Remove(s *Subscriber[T], k Kind, name []byte) bool {
	t := x.byName[k][string(name)]
	if t == nil || s == nil {
		return false
	}
	if _, have := s.topics[k].places[t]; !have {
		return false
	}
	x.remove(s, k, t)
	return true
}

func (x *Index[T]) remove(s *Subscriber[T], k Kind, t *topic[T]) {
	own := &s.topics[k]
	at := own.places[t]
	delete(own.places, t)
	last := len(own.list) - 1
	if moved := own.list[last]; moved != t {
		own.list[at.list] = moved
		own.places[moved] = place{own.places[moved].member, at.list}
	}
	own.list[last] = nil
	own.list = own.list[:last]
	t.members[at.member] = nil
	t.holes++
	switch {
	case t.holes == len(t.members):
		x.close(k, t)
	case t.holes > len(t.members)/2:
		t.compact(k)
	}
}

// close forgets a topic that nobody has.
func (x *Index[T]) close(k Kind, t *topic[T]) {
	last := len(x.all[k]) - 1
	x.all[k][t.at] = x.all[k][last]
	x.all[k][t.at].at = t.at
	x.all[k][last] = nil
	x.all[k] = x.all[k][:last]
	if k == Pattern {
		x.globs[t.at] = x.globs[last]
		x.globs[last] = nil
		x.globs = x.globs[:last]
	}
	delete(x.byName[k], t.name)
	if last == 0 {
		x.byName[k], x.all[k] = nil, nil // a map does not shrink
	}
}

// compact closes the holes.
func (t *topic[T]) compact(k Kind) {
	left := make([]*Subscriber[T], 0, len(t.members)-t.holes)
	for _, s := range t.members {
		if s != nil {
			s.topics[k].places[t] = place{int32(len(left)), s.topics[k].places[t].list}
			left = append(left, s)
		}
	}
	t.members, t.holes = left, 0
}

// leaveAtOnce is how many subscriptions may end in one go.
const leaveAtOnce = 64

// Leave ends all subscriptions of somebody who must not be used any more. Nobody sees him from now on; where he had many
// subscriptions it is for Sweep to take them away.
func (x *Index[T]) Leave(s *Subscriber[T]) {
	if s == nil || s.gone {
		return
	}
	s.gone = true
	x.leaving = append(x.leaving, s)
	if s.Total() <= leaveAtOnce && len(x.leaving) == 1 {
		x.Sweep(leaveAtOnce)
	}
}

// Sweep takes away up to n subscriptions of those who have left, and reports whether there may be more.
func (x *Index[T]) Sweep(n int) (more bool) {
	for len(x.leaving) > 0 {
		s := x.leaving[0]
		for k := range kinds {
			for list := &s.topics[k].list; len(*list) > 0; n-- {
				if n == 0 {
					return true
				}
				x.remove(s, k, (*list)[len(*list)-1])
			}
			s.topics[k] = subscriptions[T]{}
		}
		x.leaving[0] = nil
		x.leaving = x.leaving[1:]
	}
	x.leaving = nil
	return false
}

// Leaving reports whether there is something for Sweep.
func (x *Index[T]) Leaving() bool { return len(x.leaving) > 0 }

// Topics is how many channels or patterns somebody has subscribed to.
func (x *Index[T]) Topics(k Kind) int {
	if len(x.leaving) == 0 {
		return len(x.all[k])
	}
	n := 0
	for _, t := range x.all[k] {
		if x.live(t) > 0 {
			n++
		}
	}
	return n
}

// Any reports whether a message to a channel, or to a shard channel, could have a hearer.
func (x *Index[T]) Any(k Kind) bool { return len(x.all[k])+len(x.all[Pattern]) > 0 }

// EachTopic calls fn for every channel, or pattern, that somebody has subscribed to.
func (x *Index[T]) EachTopic(k Kind, fn func(name string)) {
	for _, t := range x.all[k] {
		if x.live(t) > 0 {
			fn(t.name)
		}
	}
}

// Members is how many have subscribed to a channel or pattern.
func (x *Index[T]) Members(k Kind, name []byte) int {
	t := x.byName[k][string(name)]
	if t == nil {
		return 0
	}
	return x.live(t)
}

// live is how many members a topic has, those who have left not counted.
func (x *Index[T]) live(t *topic[T]) int {
	n := len(t.members) - t.holes
	if len(x.leaving) == 0 {
		return n
	}
	n = 0
	for _, s := range t.members {
		if s != nil && !s.gone {
			n++
		}
	}
	return n
}

// Hearers calls fn for everybody who is to hear of a message: first those who have subscribed to the channel, in the order
// in which they did, then those whose patterns fit it. Patterns do not hear of shard channels. fn must not subscribe.
func (x *Index[T]) Hearers(k Kind, channel []byte, fn func(s *Subscriber[T], pattern string)) {
	if t := x.byName[k][string(channel)]; t != nil {
		t.each("", fn)
	}
	if k != Channel {
		return
	}
	for i, t := range x.all[Pattern] {
		if glob.Match(x.globs[i], channel) {
			t.each(t.name, fn)
		}
	}
}

func (t *topic[T]) each(pattern string, fn func(s *Subscriber[T], pattern string)) {
	for _, s := range t.members {
		if s != nil && !s.gone {
			fn(s, pattern)
		}
	}
}
