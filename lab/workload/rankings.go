package workload

import (
	"slices"
	"strconv"
)

// A sorted set is kept as the list that ZRANGE … WITHSCORES shows: members and scores in turn, in order.

// rankings are sorted sets: some members come once and go, the scores of others are counted up and down.
func rankings() family {
	slots := []slot{{"ranking:{%d}:a", ranking}, {"ranking:{%d}:b", ranking}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		k, member, n := s.of(g.keys), "member"+strconv.Itoa(s.rng.IntN(4)), strconv.Itoa(1+s.rng.IntN(9))
		switch s.rng.IntN(12) {
		case 0, 1:
			return one("ZADD", k, n, s.unique())
		case 2:
			return one("ZADD", k, n, s.unique(), "-"+n, s.unique())
		case 3:
			return one("ZADD", k, n, member)
		case 4, 5, 6:
			return one("ZINCRBY", k, n, member)
		case 7:
			return one("ZPOPMIN", k)
		case 8:
			return one("ZREM", k, member, "member0")
		case 9:
			return one("ZCARD", k)
		case 10:
			return [][][]byte{request("MULTI"), request("ZINCRBY", g.keys[0], n, member),
				request("ZINCRBY", g.keys[1], "-"+n, member), request("EXEC")}
		default:
			return one("ZRANGE", k, "0", "-1", "WITHSCORES")
		}
	}}
}

// pair is a member of a sorted set.
type pair struct {
	member string
	score  int
}

// pairs are the members of a sorted set in order.
func (v *value) pairs() []pair {
	elems := v.list.elems()
	all := make([]pair, 0, len(elems)/2+2)
	for i := 0; i+1 < len(elems); i += 2 {
		score, _ := strconv.Atoi(elems[i+1]) //nolint:errcheck // only what setPairs wrote, or a server that is wrong anyway
		all = append(all, pair{elems[i], score})
	}
	return all
}

// setPairs puts the pairs in order and makes v hold them; nothing, if there are none.
func (m *machine) setPairs(v *value, all []pair) {
	slices.SortFunc(all, func(a, b pair) int {
		switch {
		case a.score != b.score:
			return a.score - b.score
		case a.member < b.member:
			return -1
		}
		return 1
	})
	elems := make([]string, 0, 2*len(all))
	for _, p := range all {
		elems = append(elems, p.member, strconv.Itoa(p.score))
	}
	if len(all) == 0 {
		*v = value{}
		return
	}
	v.kind, v.lapsed, v.list = zst, false, m.list(elems)
}

// runRanking runs a command of sorted sets.
func (m *machine) runRanking(v *value, c *command, a answer) bool {
	switch c.name {
	case "ZCARD":
		return a.isInt(v.list.n / 2)
	case "ZRANGE":
		return a.isElems(v.list.elems())
	}
	all := v.pairs()
	at := func(member string) int { return slices.IndexFunc(all, func(p pair) bool { return p.member == member }) }
	fits, before := false, len(all)
	switch c.name {
	case "ZADD":
		for i := 0; i+1 < len(c.args); i += 2 {
			score, _ := strconv.Atoi(c.args[i]) //nolint:errcheck // only workloads of this package come here
			if k := at(c.args[i+1]); k >= 0 {
				all[k].score = score
			} else {
				all = append(all, pair{c.args[i+1], score})
			}
		}
		fits = a.isInt(len(all) - before)
	case "ZINCRBY":
		k := at(c.args[1])
		if k < 0 {
			k, all = before, append(all, pair{member: c.args[1]})
		}
		all[k].score += int(c.num)
		fits = a.isStr(strconv.Itoa(all[k].score))
	case "ZREM":
		all = slices.DeleteFunc(all, func(p pair) bool { return slices.Contains(c.args, p.member) })
		fits = a.isInt(before - len(all))
	case "ZPOPMIN":
		if before == 0 {
			return a.isElems(nil)
		}
		fits = a.isElems(v.list.elems()[:2])
		all = all[1:]
	}
	if fits {
		m.setPairs(v, all)
	}
	return fits
}
