package workload

import (
	"fmt"
	"maps"
	"slices"

	"holdfast/resp"
)

// doSet runs a command of sets on the toy, which keeps a map of members and replies them in the order of chance.
func (t *toy) doSet(w []string) resp.Reply {
	of := func(k string) map[string]bool {
		if v := t.keys[k]; v != nil {
			return maps.Clone(v.m)
		}
		return map[string]bool{}
	}
	keep := func(k string, m map[string]bool) {
		if delete(t.keys, k); len(m) > 0 {
			t.keys[k] = &thing{m: m}
		}
	}
	m := of(w[1])
	n := len(m)
	switch w[0] {
	case "SCARD":
		return intReply(int64(n))
	case "SMEMBERS":
		return arrayReply(slices.Collect(maps.Keys(m)))
	case "SPOP":
		keep(w[1], nil)
		return arrayReply(slices.Collect(maps.Keys(m)))
	case "SADD":
		for _, member := range w[2:] {
			m[member] = true
		}
		keep(w[1], m)
		return intReply(int64(len(m) - n))
	case "SREM":
		for _, member := range w[2:] {
			delete(m, member)
		}
		keep(w[1], m)
		return intReply(int64(n - len(m)))
	case "SMOVE":
		if !m[w[3]] {
			return intReply(0)
		}
		delete(m, w[3])
		keep(w[1], m)
		into := of(w[2])
		into[w[3]] = true
		keep(w[2], into)
		return intReply(1)
	case "SUNIONSTORE", "SDIFFSTORE":
		result, second := of(w[2]), of(w[3])
		for member := range second {
			if w[0] == "SUNIONSTORE" {
				result[member] = true
			} else {
				delete(result, member)
			}
		}
		keep(w[1], result)
		return intReply(int64(len(result)))
	}
	panic(fmt.Sprintf("the toy does not know %q", w))
}
