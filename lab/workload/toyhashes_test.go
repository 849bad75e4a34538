package workload

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"holdfast/resp"
)

// toyField is a field of a hash of the toy.
type toyField struct {
	text     string
	deadline int64
}

// lapse removes the fields that are due, of some keys.
func (t *toy) lapse(keys iter.Seq[string], now int64) {
	for k := range keys {
		v := t.keys[k]
		if v == nil || v.h == nil {
			continue
		}
		maps.DeleteFunc(v.h, func(_ string, f toyField) bool { return f.deadline != 0 && f.deadline <= now })
		if len(v.h) == 0 {
			delete(t.keys, k)
		}
	}
}

// doHash runs a command of hashes on the toy.
func (t *toy) doHash(w []string, num func(int) int64, now int64) resp.Reply {
	h := map[string]toyField{}
	if v := t.keys[w[1]]; v != nil {
		h = v.h
	}
	var rest []string
	if i := slices.Index(w, "FIELDS"); i >= 0 {
		rest = w[i+2:]
	}
	var reply resp.Reply
	switch w[0] {
	case "HGETALL":
		var all []string
		for _, name := range slices.Sorted(maps.Keys(h)) {
			all = append(all, name, h[name].text)
		}
		return arrayReply(all)
	case "HMGET":
		return toyValues(h, w[2:])
	case "HSET":
		n := len(h)
		for i := 2; i < len(w); i += 2 {
			h[w[i]] = toyField{text: w[i+1]}
		}
		reply = intReply(int64(len(h) - n))
	case "HDEL", "HGETDEL":
		if reply = toyValues(h, rest); w[0] == "HDEL" {
			rest = w[2:]
		}
		n := len(h)
		for _, name := range rest {
			delete(h, name)
		}
		if w[0] == "HDEL" {
			reply = intReply(int64(n - len(h)))
		}
	case "HINCRBY":
		n, _ := strconv.ParseInt(h[w[2]].text, 10, 64) //nolint:errcheck // nothing counts as zero
		h[w[2]] = toyField{text: strconv.FormatInt(n+num(3), 10)}
		reply = intReply(n + num(3))
	case "HSETEX":
		for i := 0; i < len(rest); i += 2 {
			f := toyField{rest[i+1], h[rest[i]].deadline}
			if w[2] != "KEEPTTL" {
				f.deadline = when(w[2], num(3), now)
			}
			h[rest[i]] = f
		}
		reply = intReply(1)
	default:
		reply = toyDeadlines(h, w, rest, num, now)
	}
	if delete(t.keys, w[1]); len(h) > 0 {
		t.keys[w[1]] = &thing{h: h}
	}
	return reply
}

func toyValues(h map[string]toyField, names []string) resp.Reply {
	r := resp.Reply{Kind: '*'}
	for _, name := range names {
		if f, there := h[name]; there {
			r.Elems = append(r.Elems, bulkReply(f.text))
		} else {
			r.Elems = append(r.Elems, nullReply)
		}
	}
	return r
}

func toyDeadlines(h map[string]toyField, w, names []string, num func(int) int64, now int64) resp.Reply {
	values, r := toyValues(h, names), resp.Reply{Kind: '*'}
	for _, name := range names {
		f, there := h[name]
		if !there {
			r.Elems = append(r.Elems, intReply(-2))
			continue
		}
		told := int64(1)
		switch w[0] {
		case "HPEXPIRETIME", "HPERSIST":
			if told = f.deadline; told == 0 {
				told = -1
			} else if w[0] == "HPERSIST" {
				f.deadline, told = 0, 1
			}
		case "HPEXPIRE", "HPEXPIREAT":
			f.deadline = when(w[0], num(2), now)
		case "HGETEX":
			f.deadline = when(w[2], num(3), now)
		default:
			panic(fmt.Sprintf("the toy does not know %q", w))
		}
		h[name] = f
		r.Elems = append(r.Elems, intReply(told))
	}
	if w[0] == "HGETEX" {
		return values
	}
	return r
}
