package workload

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"holdfast/resp"
)

// A set is kept as the list of its members, sorted; SMEMBERS shows them in any order.

// clubs are sets: some members come once and go, others come and go and move.
func clubs() family {
	slots := []slot{{"club:{%d}:a", club}, {"club:{%d}:b", club}, {"club:{%d}:c", club}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		member := func() string { return strconv.Itoa(s.rng.IntN(6)) }
		switch s.rng.IntN(14) {
		case 0, 1, 2:
			return one("SADD", a, s.unique())
		case 3, 4:
			return one("SADD", a, member(), member(), s.unique())
		case 5, 6:
			return one("SREM", a, member(), member())
		case 7, 8:
			return one("SMOVE", a, b, member())
		case 9:
			return one("SUNIONSTORE", g.keys[2], g.keys[0], g.keys[1])
		case 10:
			return one("SDIFFSTORE", a, a, b)
		case 11:
			return one("SPOP", a, "1000") // all of them, so that what is left is known
		case 12:
			return one("SCARD", a)
		default:
			return one("SMEMBERS", a)
		}
	}}
}

// sortedElems are a reply's elements by their bytes.
func sortedElems(elems []resp.Reply) []resp.Reply {
	return slices.SortedFunc(slices.Values(elems), func(a, b resp.Reply) int { return bytes.Compare(a.Str, b.Str) })
}

// setMembers makes v hold the members; nothing, if there are none.
func (m *machine) setMembers(v *value, members []string) {
	if len(members) == 0 {
		*v = value{}
		return
	}
	slices.SortFunc(members, cmp.Compare[string])
	v.kind, v.lapsed, v.list = set, false, m.list(slices.Compact(members))
}

// isMembers: all of them, in any order.
func (a answer) isMembers(members []string) bool {
	return a.r == nil || !a.r.Null && (a.r.Kind == '*' || a.r.Kind == '~') && sameElems(members, sortedElems(a.r.Elems))
}

// runClub runs a command of sets.
func (m *machine) runClub(s *state, c *command, a answer) bool {
	v := &s.vals[c.keys[0]]
	before := v.list.elems()
	n := len(before)
	switch c.name {
	case "SCARD":
		return a.isInt(n)
	case "SMEMBERS":
		return a.isMembers(before)
	case "SPOP":
		*v = value{}
		return a.isMembers(before)
	case "SADD":
		m.setMembers(v, slices.Concat(before, c.args))
		return a.isInt(v.list.n - n)
	case "SREM":
		m.setMembers(v, difference(before, c.args))
		return a.isInt(n - v.list.n)
	case "SMOVE":
		into := &s.vals[c.keys[1]]
		if !slices.Contains(before, c.args[0]) {
			return a.isInt(0)
		}
		if c.keys[0] != c.keys[1] {
			m.setMembers(v, difference(before, c.args))
			m.setMembers(into, slices.Concat(into.list.elems(), c.args))
		}
		return a.isInt(1)
	}
	first, second := s.vals[c.keys[1]].list.elems(), s.vals[c.keys[2]].list.elems()
	if c.name == "SUNIONSTORE" {
		m.setMembers(v, slices.Concat(first, second))
	} else {
		m.setMembers(v, difference(first, second))
	}
	return a.isInt(v.list.n)
}

// difference are the members that are not among others.
func difference(members, others []string) []string {
	var left []string
	for _, member := range members {
		if !slices.Contains(others, member) {
			left = append(left, member)
		}
	}
	return left
}
