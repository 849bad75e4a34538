package engine_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// scores is a sorted set whose scores are small integers. It is never changed in place.
type scores map[string]int

// order is the members by score and name.
func (z scores) order() []string {
	return slices.SortedFunc(maps.Keys(z), func(a, b string) int {
		return cmp.Or(cmp.Compare(z[a], z[b]), strings.Compare(a, b))
	})
}

// describe is the set's text, with members as short makes them.
func (z scores) describe(short func(string) string) string {
	var elements []string
	for _, member := range z.order() {
		elements = append(elements, fmt.Sprint(short(member), "=", z[member]))
	}
	return "{" + strings.Join(elements, " ") + "}"
}

// zsetOf reads a set with its scores.
func (r *rig) zsetOf(c *client, db, key string) scores {
	r.t.Helper()
	z := scores{}
	elems := r.ask(c, "SELECT", db, "ZRANGE", key, "0", "-1", "WITHSCORES").Elems
	for i := 0; i+1 < len(elems); i += 2 {
		score, err := strconv.Atoi(string(elems[i+1].Str))
		if err != nil {
			r.t.Errorf("%s: a score %q", key, elems[i+1].Str)
		}
		z[string(elems[i].Str)] = score
	}
	return z
}

// zsets runs the commands of sorted sets, as zsetForms makes them.
func (s *step) zsets(name string) string {
	if name == "ZUNIONSTORE" {
		return s.zunionstore()
	}
	v, ok := s.state[s.at(1)]
	if ok && v.scores == nil {
		return wrongType
	}
	v.scores = maps.Clone(v.scores)
	if v.scores == nil {
		v.scores = scores{}
	}
	reply := s.zset(name, v.scores)
	if len(v.scores) == 0 {
		delete(s.state, s.at(1))
	} else {
		s.state[s.at(1)] = v
	}
	return reply
}

// zset runs a command on a set of its own.
func (s *step) zset(name string, z scores) string {
	before := len(z)
	switch name {
	case "ZADD": // key score member …
		for i := 2; i < len(s.args); i += 2 {
			z[s.args[i+1]] = int(s.number(i))
		}
		return fmt.Sprint(":", len(z)-before)
	case "ZINCRBY": // key by member
		z[s.args[3]] += int(s.number(2))
		return bulk(strconv.Itoa(z[s.args[3]]))
	case "ZREM":
		for _, member := range s.args[2:] {
			delete(z, member)
		}
		return fmt.Sprint(":", before-len(z))
	case "ZPOPMIN": // key count
		popped := z.order()
		popped = popped[:min(len(popped), int(s.number(2)))]
		reply := fmt.Sprint("*", 2*len(popped))
		for _, member := range popped {
			reply += " " + bulk(member) + " " + bulk(strconv.Itoa(z[member]))
			delete(z, member)
		}
		return reply
	}
	order, lo, hi := z.order(), int(s.number(2)), int(s.number(3)) // ZREMRANGEBYRANK, from the front
	for _, member := range order[min(lo, before):min(hi+1, before)] {
		delete(z, member)
	}
	return fmt.Sprint(":", before-len(z))
}

// ZUNIONSTORE destination 2 key key
func (s *step) zunionstore() string {
	sum := scores{}
	for _, i := range []int{3, 4} {
		v, ok := s.state[s.at(i)]
		if ok && v.scores == nil && v.members == nil {
			return wrongType
		}
		for member, score := range v.scores {
			sum[member] += score
		}
		for member := range v.members { // of a set, which counts 1 for each
			sum[member]++
		}
	}
	if len(sum) == 0 {
		delete(s.state, s.at(1))
	} else {
		s.state[s.at(1)] = value{scores: sum}
	}
	return fmt.Sprint(":", len(sum))
}

// zsetForms are commands of sorted sets that the model knows. The keys that they make are few enough for something to be
// in them, and others find a wrong type.
func (l *life) zsetForms() []string {
	key := func() string { return fmt.Sprint("key", l.rng.IntN(4)) }
	member := func() string { return fmt.Sprint("m", l.rng.IntN(40)) }
	score := func() int { return l.rng.IntN(20) - 10 }
	return []string{
		fmt.Sprintf("ZADD %s %d %s", key(), score(), member()),
		fmt.Sprintf("ZADD %s %d %s %d %s %d %s", key(), score(), member(), score(), member(), score(), member()),
		fmt.Sprintf("ZINCRBY %s %d %s", key(), score(), member()),
		fmt.Sprintf("ZREM %s %s %s", key(), member(), member()),
		fmt.Sprintf("ZPOPMIN %s %d", key(), l.rng.IntN(3)),
		fmt.Sprintf("ZREMRANGEBYRANK %s %d %d", key(), l.rng.IntN(4), 4+l.rng.IntN(4)),
		fmt.Sprintf("ZUNIONSTORE %s 2 %s %s", key(), key(), key()),
		l.bigZSet(key()),
	}
}

// bigZSet adds so many long members that the set lies in parts.
func (l *life) bigZSet(key string) string {
	words := []string{"ZADD", key}
	for range 150 {
		words = append(words, strconv.Itoa(l.rng.IntN(50)), fmt.Sprint(strings.Repeat("long", 150), l.rng.IntN(200)))
	}
	return strings.Join(words, " ")
}
