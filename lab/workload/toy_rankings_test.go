package workload

import (
	"fmt"
	"maps"
	"sort"
	"strconv"

	"holdfast/resp"
)

// doRanking runs a command of sorted sets on the toy, which keeps a map of scores.
func (t *toy) doRanking(w []string, num func(int) int64) resp.Reply {
	z := map[string]int64{}
	if v := t.keys[w[1]]; v != nil {
		z = maps.Clone(v.z)
	}
	var order []string
	for member := range z {
		order = append(order, member)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		return z[a] < z[b] || z[a] == z[b] && a < b
	})
	var reply resp.Reply
	switch w[0] {
	case "ZCARD":
		return intReply(int64(len(z)))
	case "ZRANGE":
		var all []string
		for _, member := range order {
			all = append(all, member, strconv.FormatInt(z[member], 10))
		}
		return arrayReply(all)
	case "ZADD":
		n := len(z)
		for i := 2; i < len(w); i += 2 {
			z[w[i+1]] = num(i)
		}
		reply = intReply(int64(len(z) - n))
	case "ZINCRBY":
		z[w[3]] += num(2)
		reply = bulkReply(strconv.FormatInt(z[w[3]], 10))
	case "ZREM":
		n := len(z)
		for _, member := range w[2:] {
			delete(z, member)
		}
		reply = intReply(int64(n - len(z)))
	case "ZPOPMIN":
		if len(order) == 0 {
			return arrayReply(nil)
		}
		reply = arrayReply([]string{order[0], strconv.FormatInt(z[order[0]], 10)})
		delete(z, order[0])
	default:
		panic(fmt.Sprintf("the toy does not know %q", w))
	}
	delete(t.keys, w[1])
	if len(z) > 0 {
		t.keys[w[1]] = &thing{z: z}
	}
	return reply
}
