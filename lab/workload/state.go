package workload

// kind is what a key holds.
type kind uint8

const (
	none kind = iota
	str
	lst
	set
	zst
	hsh
	jrn
)

// value is what one key may hold at one moment of one serial history.
type value struct {
	kind kind
	str  string
	list list
	// journal is a stream; str tells it apart from others.
	journal *journal
	fields  fields // of a hash; str tells them apart
	// lo and hi are the bounds of its deadline in unix ms, inclusive; both 0 is none. They differ when it was given as a
	// time to live: when exactly the server counted from is not known.
	lo, hi int64
	// lapsed: it is none because it expired. Says why, and makes no difference.
	lapsed bool
}

func (v *value) equal(o *value) bool {
	return v.kind == o.kind && v.lo == o.lo && v.hi == o.hi && v.str == o.str && v.list.equal(o.list)
}

// shows reports whether it would look like what was seen at a time.
func (v *value) shows(seen *sight, at int64) bool {
	if v.kind == none {
		return seen.kind == none
	}
	if v.kind == hsh && (seen.kind == hsh || seen.kind == none) {
		return v.showsFields(seen, at)
	}
	if seen.kind == none {
		return v.hi != 0 && v.lo <= at+lookingMax
	}
	return v.same(seen) && v.due(seen.deadline) && (v.hi == 0 || v.hi+clockSlack >= at)
}

// same reports whether it holds what was seen.
func (v *value) same(seen *sight) bool {
	if v.kind != seen.kind {
		return false
	}
	if v.kind == lst || v.kind == set || v.kind == zst {
		return v.list.shows(seen.elems)
	}
	return v.str == string(seen.str)
}

// due reports whether a deadline is within its bounds; 0 is none.
func (v *value) due(deadline int64) bool {
	if v.hi == 0 || deadline == 0 {
		return v.hi == 0 && deadline == 0
	}
	return v.lo <= deadline && deadline <= v.hi
}

// state is what the keys of one group may hold together. It is immutable once it has a hash.
type state struct {
	vals []value
	hash uint64
}

func (s *state) equal(o *state) bool {
	if s.hash != o.hash {
		return false
	}
	for i := range s.vals {
		if !s.vals[i].equal(&o.vals[i]) {
			return false
		}
	}
	return true
}

// shows reports whether every key of it looks like what was seen.
func (s *state) shows(seen []sight, at int64) bool {
	for i := range s.vals {
		if !s.vals[i].shows(&seen[i], at) {
			return false
		}
	}
	return true
}

func (s *state) clone() *state {
	return &state{vals: append(make([]value, 0, len(s.vals)), s.vals...)}
}

// seal gives a state its hash.
func (m *machine) seal(s *state) *state {
	s.hash = 0
	for i := range s.vals {
		v := &s.vals[i]
		h := uint64(v.kind) + uint64(v.lo)*3 + uint64(v.hi)*5
		switch v.kind {
		case str, jrn, hsh:
			h += m.hash(v.str)
		case lst, set, zst:
			h += v.list.sum
		}
		s.hash = s.hash*0x9E3779B97F4A7C15 + h
	}
	return s
}
