package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// members is a set. It is never changed in place.
type members map[string]bool

// describe is the set's text, with members as short makes them.
func (m members) describe(short func(string) string) string {
	var all []string
	for _, member := range slices.Sorted(maps.Keys(m)) {
		all = append(all, short(member))
	}
	return "(" + strings.Join(all, " ") + ")"
}

// membersOf reads a set.
func (r *rig) membersOf(c *client, db, key string) members {
	r.t.Helper()
	m := members{}
	for _, e := range r.ask(c, "SELECT", db, "SMEMBERS", key).Elems {
		m[string(e.Str)] = true
	}
	return m
}

// sets runs the commands of sets, as setForms makes them.
func (s *step) sets(name string) string {
	switch name {
	case "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE":
		return s.setAlgebra(name)
	case "SMOVE":
		return s.smove()
	}
	v, ok := s.state[s.at(1)]
	if ok && v.members == nil {
		return wrongType
	}
	before := len(v.members)
	v.members = maps.Clone(v.members)
	if v.members == nil {
		v.members = members{}
	}
	switch name {
	case "SADD":
		for _, member := range s.args[2:] {
			v.members[member] = true
		}
	case "SREM":
		for _, member := range s.args[2:] {
			delete(v.members, member)
		}
	case "SCARD":
		return fmt.Sprint(":", before)
	}
	s.putSet(1, v)
	return fmt.Sprint(":", max(before-len(v.members), len(v.members)-before))
}

// putSet puts a set under the i-th argument, unless it is empty.
func (s *step) putSet(i int, v value) {
	if len(v.members) == 0 {
		delete(s.state, s.at(i))
	} else {
		s.state[s.at(i)] = v
	}
}

// SMOVE source destination member
func (s *step) smove() string {
	from, ok := s.state[s.at(1)]
	into, there := s.state[s.at(2)]
	member := s.args[3]
	switch {
	case !ok:
		return ":0"
	case from.members == nil, there && into.members == nil:
		return wrongType
	case !from.members[member]:
		return ":0"
	case s.args[1] == s.args[2]:
		return ":1"
	}
	from.members, into.members = maps.Clone(from.members), maps.Clone(into.members)
	delete(from.members, member)
	if into.members == nil {
		into.members = members{}
	}
	into.members[member] = true
	s.putSet(1, from)
	s.putSet(2, into)
	return ":1"
}

// S…STORE destination key key
func (s *step) setAlgebra(name string) string {
	var of [2]members
	for i := range of {
		v, ok := s.state[s.at(2+i)]
		if ok && v.members == nil {
			return wrongType
		}
		of[i] = v.members
	}
	result := members{}
	for member := range of[0] {
		if other := of[1][member]; name == "SUNIONSTORE" || other == (name == "SINTERSTORE") {
			result[member] = true
		}
	}
	if name == "SUNIONSTORE" {
		maps.Copy(result, of[1])
	}
	s.putSet(1, value{members: result})
	return fmt.Sprint(":", len(result))
}

// setForms are commands of sets that the model knows, of numbers, of few members and of many. The keys that they make
// are few enough for something to be in them, and others find a wrong type.
func (l *life) setForms() []string {
	key := func() string { return fmt.Sprint("key", l.rng.IntN(4)) }
	member := func() string { return fmt.Sprint([]string{"", "", "m"}[l.rng.IntN(3)], l.rng.IntN(30)) }
	return []string{
		fmt.Sprintf("SADD %s %s %s %s", key(), member(), member(), member()),
		fmt.Sprintf("SADD %s %s", key(), member()),
		fmt.Sprintf("SREM %s %s %s", key(), member(), member()),
		fmt.Sprintf("SMOVE %s %s %s", key(), key(), member()),
		fmt.Sprintf("SUNIONSTORE %s %s %s", key(), key(), key()),
		fmt.Sprintf("SINTERSTORE %s %s %s", key(), key(), key()),
		fmt.Sprintf("SDIFFSTORE %s %s %s", key(), key(), key()),
		"SCARD " + key(),
		l.bigSet("SADD", key()),
		l.bigSet("SREM", key()),
	}
}

// bigSet adds so many long members that the set lies in parts, or removes as many.
func (l *life) bigSet(command, key string) string {
	words := []string{command, key}
	for range 150 {
		words = append(words, fmt.Sprint(strings.Repeat("long", 150), l.rng.IntN(200)))
	}
	return strings.Join(words, " ")
}
