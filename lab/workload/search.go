package workload

import (
	"math"
	"math/bits"
)

const (
	// configsMax bounds what a search remembers at once. What needs more is left to porcupine.
	configsMax = 1 << 13
	// openMax is how many operations may be under way at once: one bit each.
	openMax = 64
)

// config is one way in which the operations so far may have happened: a state, and which of the open ones are in it.
type config struct {
	done uint64
	st   *state
}

// pending is an operation that has been called and has not returned, with its bit in config.done.
type pending struct {
	o    *operation
	slot int
}

// search walks through the calls and returns of one group and keeps every configuration that the replies allow. An
// operation is put into a configuration only when one that returns needs it to be there, which keeps them few:
// after quiet moments there is mostly one.
//
// From bound on, which is where the last operation returns that must have survived, each state that it passes is one
// that the crash may have left: the ones after it in that order are lost then.
type search struct {
	m       *machine
	configs []config
	open    []pending
	used    uint64 // the slots of open

	bound  uint64
	active bool // bound has been reached
	goal   func(*state) bool
	found  bool

	overflow bool
	// stuck is the operation whose reply no configuration allows.
	stuck *operation
}

// snapshot is a search after the call of some operation. What a search takes from it is not changed any more.
type snapshot struct {
	configs []config
	open    []pending
	used    uint64
	// settled are the configurations once all that are open have returned, if anybody has wanted to know.
	settled []config
}

func (s *search) snapshot() snapshot {
	return snapshot{configs: s.configs, open: append([]pending(nil), s.open...), used: s.used}
}

func (s *search) restore(from snapshot) {
	s.configs, s.used = from.configs, from.used
	s.open = append(s.open[:0], from.open...)
}

// ended says that nothing more is to be learned.
func (s *search) ended() bool { return s.found || s.overflow || s.stuck != nil }

// call goes on to the call of an operation.
func (s *search) call(o *operation) {
	s.advance(o.op.Call)
	if s.ended() {
		return
	}
	slot := bits.TrailingZeros64(^s.used)
	if slot == openMax {
		s.overflow = true
		return
	}
	s.used |= 1 << slot
	s.open = append(s.open, pending{o: o, slot: slot})
}

// finish goes on to the crash, and sees what those under way may have done.
func (s *search) finish() {
	s.advance(math.MaxUint64)
	if !s.ended() {
		s.expand(nil)
	}
}

// advance lets everything return that returns before a moment.
func (s *search) advance(to uint64) {
	for !s.ended() {
		first := -1
		for i, p := range s.open {
			if p.o.returned && p.o.op.Return < to && (first < 0 || p.o.op.Return < s.open[first].o.op.Return) {
				first = i
			}
		}
		if first < 0 {
			s.activate(to)
			return
		}
		s.activate(s.open[first].o.op.Return)
		if s.found {
			return
		}
		p := s.open[first]
		s.expand(&p)
		s.open[first] = s.open[len(s.open)-1]
		s.open = s.open[:len(s.open)-1]
		s.used &^= 1 << p.slot
	}
}

// activate looks at the states that there are when bound has been passed.
func (s *search) activate(now uint64) {
	if s.active || now <= s.bound || s.goal == nil {
		return
	}
	s.active = true
	for _, c := range s.configs {
		if s.goal(c.st) {
			s.found = true
			return
		}
	}
}

// expand puts open operations into configurations, in every order, until target is in them; nil is until nothing is left.
// The slot of target is free afterwards.
func (s *search) expand(target *pending) {
	var bit uint64
	if target != nil {
		bit = 1 << target.slot
	}
	var out, todo configSet
	for _, c := range s.configs {
		if target != nil && c.done&bit != 0 {
			out.add(config{done: c.done &^ bit, st: c.st})
		} else {
			todo.add(c)
		}
	}
	for i := 0; i < len(todo.list); i++ {
		c := todo.list[i]
		for _, p := range s.open {
			if c.done&(1<<p.slot) != 0 {
				continue
			}
			for _, st := range s.m.apply(c.st, p.o) {
				if s.active && s.goal(st) {
					s.found = true
					return
				}
				if target != nil && p.slot == target.slot {
					out.add(config{done: c.done, st: st})
				} else {
					todo.add(config{done: c.done | 1<<p.slot, st: st})
				}
			}
		}
		if len(todo.list)+len(out.list) > configsMax {
			s.overflow = true
			return
		}
	}
	if target == nil {
		s.configs = todo.list
		return
	}
	if s.configs = out.list; len(out.list) == 0 {
		s.stuck = target.o
	}
}

// configSet is a set of configurations in the order in which they were added.
type configSet struct {
	list  []config
	index map[config0][]int // only of a long list
}

// config0 is what equal configurations have in common.
type config0 struct{ done, hash uint64 }

const configsListed = 12

func (set *configSet) add(c config) {
	if len(set.list) < configsListed {
		for _, have := range set.list {
			if have.done == c.done && have.st.equal(c.st) {
				return
			}
		}
		set.list = append(set.list, c)
		return
	}
	if set.index == nil {
		set.index = make(map[config0][]int)
		for i, have := range set.list {
			key := config0{have.done, have.st.hash}
			set.index[key] = append(set.index[key], i)
		}
	}
	key := config0{c.done, c.st.hash}
	for _, i := range set.index[key] {
		if set.list[i].st.equal(c.st) {
			return
		}
	}
	set.index[key] = append(set.index[key], len(set.list))
	set.list = append(set.list, c)
}
