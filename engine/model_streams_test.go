package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"holdfast/resp"
)

// streamValue is a stream all of whose entries have the millisecond 7 and one field. It is never changed in place.
type streamValue struct {
	entries []streamEntry
	next    int // the sequence number of the next entry; the last one's and 1
	groups  map[string]streamGroup
}

type streamEntry struct {
	seq  int
	text string
}

// streamGroup is a group: up to which entry it has read, and what is pending.
type streamGroup struct {
	next      int
	consumers string // their names, in order
	pending   []streamPending
}

type streamPending struct {
	seq   int
	of    string
	at    int64
	count int
}

// String is what lookStream makes of the stream that it describes.
func (v *streamValue) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "stream up to %s:", entryID(v.next-1))
	for _, e := range v.entries {
		fmt.Fprintf(&out, " %s=%s", entryID(e.seq), e.text)
	}
	for _, name := range slices.Sorted(maps.Keys(v.groups)) {
		g := v.groups[name]
		fmt.Fprintf(&out, "; %s of %s up to %s:", name, g.consumers, entryID(g.next-1))
		for _, p := range g.pending {
			fmt.Fprintf(&out, " %s of %s at %d, %d times", entryID(p.seq), p.of, p.at, p.count)
		}
	}
	return out.String()
}

// entryID is the ID with a sequence number; before the first is none.
func entryID(seq int) string {
	if seq < 0 {
		return "0-0"
	}
	return fmt.Sprint("7-", seq)
}

// lookStream describes a stream as String does.
func (r *rig) lookStream(c *client, db, key string) string {
	r.t.Helper()
	info := fields(r.ask(c, "SELECT", db, "XINFO", "STREAM", key, "FULL", "COUNT", "0"))
	var out strings.Builder
	fmt.Fprintf(&out, "stream up to %s:", info["last-generated-id"].Str)
	for _, e := range info["entries"].Elems {
		fmt.Fprintf(&out, " %s=%s", e.Elems[0].Str, e.Elems[1].Elems[1].Str)
	}
	for _, reply := range info["groups"].Elems {
		g := fields(reply)
		var consumers []string
		for _, c := range g["consumers"].Elems {
			consumers = append(consumers, string(fields(c)["name"].Str))
		}
		fmt.Fprintf(&out, "; %s of %s up to %s:", g["name"].Str, strings.Join(consumers, ","), g["last-delivered-id"].Str)
		for _, p := range g["pending"].Elems {
			fmt.Fprintf(&out, " %s of %s at %d, %d times", p.Elems[0].Str, p.Elems[1].Str, p.Elems[2].Int, p.Elems[3].Int)
		}
	}
	return out.String()
}

// fields are the pairs of a flat reply.
func fields(r resp.Reply) map[string]resp.Reply {
	all := map[string]resp.Reply{}
	for i := 0; i+1 < len(r.Elems); i += 2 {
		all[string(r.Elems[i].Str)] = r.Elems[i+1]
	}
	return all
}

// streams runs the commands of streams, as streamForms makes them.
func (s *step) streams(name string) string {
	at := s.at(1)
	switch name {
	case "XREADGROUP":
		at = s.at(7)
	case "XGROUP":
		at = s.at(2)
	}
	v, there := s.state[at]
	if there && v.stream == nil {
		return wrongType
	}
	stream := &streamValue{groups: map[string]streamGroup{}}
	if there {
		*stream = *v.stream
		stream.entries, stream.groups = slices.Clone(stream.entries), maps.Clone(stream.groups)
	}
	reply, changed := s.stream(name, stream, there)
	if changed {
		v.stream = stream
		s.state[at] = v
	}
	return reply
}

// stream runs a command on a stream of its own, which may be a new one.
func (s *step) stream(name string, v *streamValue, there bool) (reply string, changed bool) {
	switch name {
	case "XADD": // key 7-* f text
		v.entries = append(v.entries, streamEntry{v.next, s.args[4]})
		v.next++
		return bulk(entryID(v.next - 1)), true
	case "XDEL", "XTRIM": // key id | key MAXLEN n
		before := len(v.entries)
		if name == "XTRIM" {
			v.entries = v.entries[max(0, before-int(s.number(3))):]
		} else {
			v.entries = slices.DeleteFunc(v.entries, func(e streamEntry) bool { return entryID(e.seq) == s.args[2] })
		}
		return fmt.Sprint(":", before-len(v.entries)), there
	case "XGROUP": // CREATE key group 0 MKSTREAM | DESTROY key group
		_, taken := v.groups[s.args[3]]
		switch {
		case s.args[1] == "DESTROY" && !there:
			return "-" + resp.ErrGroupKeyMissing, false
		case s.args[1] == "DESTROY":
			delete(v.groups, s.args[3])
			return fmt.Sprint(":", map[bool]int{true: 1}[taken]), true
		case taken:
			return "-" + resp.ErrGroupExists, false
		}
		v.groups[s.args[3]] = streamGroup{}
		return "+OK", true
	}
	return s.group(name, v, there)
}

// group runs what is about a group: the commands name the one group that there may be.
func (s *step) group(name string, v *streamValue, there bool) (reply string, changed bool) {
	const group = "g"
	g, known := v.groups[group]
	g.pending = slices.Clone(g.pending)
	switch name {
	case "XACK": // key g id
		n := len(g.pending)
		g.pending = slices.DeleteFunc(g.pending, func(p streamPending) bool { return entryID(p.seq) == s.args[3] })
		reply = fmt.Sprint(":", n-len(g.pending))
	case "XREADGROUP": // GROUP g consumer COUNT 2 STREAMS key >
		if !known {
			return "-" + resp.ErrReadNoGroup([]byte(s.args[7]), []byte(group)), false
		}
		reply = s.readGroup(v, &g)
	case "XCLAIM": // key g consumer 0 id JUSTID
		if !known {
			return "-" + resp.ErrNoKeyOrGroup([]byte(s.args[1]), []byte(group)), false
		}
		reply = s.claim(v, &g)
	}
	if known {
		v.groups[group] = g
	}
	return reply, there
}

func (s *step) readGroup(v *streamValue, g *streamGroup) string {
	var found []string
	for _, e := range v.entries {
		if e.seq < g.next || len(found) == 2 {
			continue
		}
		found = append(found, "*2 "+bulk(entryID(e.seq))+" *2 "+bulk("f")+" "+bulk(e.text))
		g.give(streamPending{e.seq, s.args[3], s.now, 1})
		g.next = e.seq + 1
	}
	if len(found) == 0 {
		return "*-1"
	}
	return fmt.Sprintf("*1 *2 %s *%d %s", bulk(s.args[7]), len(found), strings.Join(found, " "))
}

func (s *step) claim(v *streamValue, g *streamGroup) string {
	i := slices.IndexFunc(g.pending, func(p streamPending) bool { return entryID(p.seq) == s.args[5] })
	if i < 0 {
		return "*0"
	}
	p := g.pending[i]
	if !slices.ContainsFunc(v.entries, func(e streamEntry) bool { return e.seq == p.seq }) {
		g.pending = slices.Delete(g.pending, i, i+1)
		return "*0"
	}
	g.give(streamPending{p.seq, s.args[3], s.now, p.count})
	return "*1 " + bulk(entryID(p.seq))
}

func (g *streamGroup) give(p streamPending) {
	names := strings.FieldsFunc(g.consumers, func(r rune) bool { return r == ',' })
	if i, known := slices.BinarySearch(names, p.of); !known {
		g.consumers = strings.Join(slices.Insert(names, i, p.of), ",")
	}
	i, known := slices.BinarySearchFunc(g.pending, p, func(a, b streamPending) int { return a.seq - b.seq })
	if known {
		g.pending[i] = p
	} else {
		g.pending = slices.Insert(g.pending, i, p)
	}
}

// sequence is a number that an entry under the key may have, in one of the databases: perhaps one that is pending.
func (l *life) sequence(key string) int {
	var numbers []int
	for db := range databases {
		v := l.last()[place{db, key}].stream
		if v == nil {
			continue
		}
		numbers = append(numbers, v.next-1-l.rng.IntN(8))
		for _, p := range v.groups["g"].pending {
			numbers = append(numbers, p.seq)
		}
	}
	if len(numbers) == 0 {
		return 0
	}
	return numbers[l.rng.IntN(len(numbers))]
}

// streamForms are commands about a stream that the model knows.
func (l *life) streamForms() []string {
	key := "stream" // one of them, so that its group comes to have something pending
	if l.rng.IntN(4) == 0 {
		key = l.key()
	}
	id, n := entryID(l.sequence(key)), l.rng.IntN(1000)
	who := []string{"alice", "bob", "carol"}[l.rng.IntN(3)]
	add := fmt.Sprintf("XADD %s 7-* f %d", key, n)
	read := fmt.Sprintf("XREADGROUP GROUP g %s COUNT 2 STREAMS %s >", who, key)
	if l.rng.IntN(30) == 0 {
		return []string{"XGROUP DESTROY " + key + " g"}
	}
	return []string{
		add, add, add, read, read, read, fmt.Sprintf("XDEL %s %s", key, id), fmt.Sprintf("XTRIM %s MAXLEN %d", key, n%16),
		"XGROUP CREATE " + key + " g 0 MKSTREAM", fmt.Sprintf("XACK %s g %s", key, id), fmt.Sprintf("XACK %s g %s", key, id),
		fmt.Sprintf("XCLAIM %s g %s 0 %s JUSTID", key, who, id),
	}
}
