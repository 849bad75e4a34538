package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fieldsValue is a hash: its fields, each with a value and a deadline. It is never changed in place.
type fieldsValue map[string]fieldValue

type fieldValue struct {
	text     string
	deadline int64 // unix ms; 0: none
}

// describe is what lookHash makes of the hash; short shortens a text.
func (h fieldsValue) describe(short func(string) string) string {
	var all []string
	for _, field := range slices.Sorted(maps.Keys(h)) {
		text := field + "=" + short(h[field].text)
		if at := h[field].deadline; at != 0 {
			text += fmt.Sprint(" until ", at)
		}
		all = append(all, text)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// lookHash reads a hash.
func (r *rig) lookHash(c *client, db, key string) fieldsValue {
	r.t.Helper()
	h := fieldsValue{}
	for field, reply := range fields(r.ask(c, "SELECT", db, "HGETALL", key)) {
		at := r.ask(c, "SELECT", db, "HPEXPIRETIME", key, "FIELDS", "1", field).Elems[0].Int
		h[field] = fieldValue{string(reply.Str), max(at, 0)}
	}
	return h
}

// alive is what is left of a value at a moment; false when nothing is.
func (v value) alive(now int64) (value, bool) {
	if v.deadline != 0 && v.deadline <= now {
		return v, false
	}
	if v.fields == nil {
		return v, true
	}
	v.fields = maps.Clone(v.fields)
	maps.DeleteFunc(v.fields, func(_ string, f fieldValue) bool { return f.deadline != 0 && f.deadline <= now })
	return v, len(v.fields) > 0
}

// hashes runs the commands of hashes, as hashForms makes them.
func (s *step) hashes(name string) string {
	v, there := s.state[s.at(1)]
	if there && v.fields == nil {
		return wrongType
	}
	v.fields = maps.Clone(v.fields)
	if !there {
		v.fields = fieldsValue{}
	}
	reply := s.onFields(name, v.fields)
	if len(v.fields) > 0 {
		s.state[s.at(1)] = v
	} else {
		delete(s.state, s.at(1))
	}
	return reply
}

func (s *step) onFields(name string, h fieldsValue) string {
	switch name {
	case "HSET":
		before := len(h)
		for i := 2; i < len(s.args); i += 2 {
			h[s.args[i]] = fieldValue{text: s.args[i+1]}
		}
		return fmt.Sprint(":", len(h)-before)
	case "HDEL":
		before := len(h)
		for _, field := range s.args[2:] {
			delete(h, field)
		}
		return fmt.Sprint(":", before-len(h))
	case "HINCRBY":
		return s.hincrby(h)
	case "HSETEX": // key PX ms FIELDS 1 field value
		h[s.args[6]] = fieldValue{s.args[7], s.now + s.number(3)}
		return ":1"
	case "HGETDEL": // key FIELDS 1 field
		f, there := h[s.args[4]]
		delete(h, s.args[4])
		if !there {
			return "*1 " + null
		}
		return "*1 " + bulk(f.text)
	case "HPERSIST": // key FIELDS 1 field
		f, there := h[s.args[4]]
		switch {
		case !there:
			return "*1 :-2"
		case f.deadline == 0:
			return "*1 :-1"
		}
		h[s.args[4]] = fieldValue{text: f.text}
		return "*1 :1"
	}
	return s.hpexpire(h)
}

func (s *step) hincrby(h fieldsValue) string {
	f, there := h[s.args[2]]
	if !there {
		f.text = "0"
	}
	n, err := strconv.ParseInt(f.text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != f.text {
		return "-ERR hash value is not an integer"
	}
	f.text = strconv.FormatInt(n+s.number(3), 10)
	h[s.args[2]] = f
	return ":" + f.text
}

// HPEXPIRE key ms FIELDS n field …
func (s *step) hpexpire(h fieldsValue) string {
	at := s.now + s.number(2)
	reply := "*" + s.args[4]
	for _, field := range s.args[5:] {
		f, there := h[field]
		switch {
		case !there:
			reply += " :-2"
		case at <= s.now:
			delete(h, field)
			reply += " :2"
		default:
			h[field] = fieldValue{f.text, at}
			reply += " :1"
		}
	}
	return reply
}

// hashForms are commands about a hash that the model knows.
func (l *life) hashForms() []string {
	key := "hash" // one of them, so that it comes to have many fields
	if l.rng.IntN(4) == 0 {
		key = l.key()
	}
	field := func() string { return fmt.Sprint("f", l.rng.IntN(40)) }
	n := l.rng.IntN(1000)
	set := fmt.Sprintf("HSET %s %s %d %s v%d", key, field(), n, field(), n)
	timed := fmt.Sprintf("HPEXPIRE %s %d FIELDS 2 %s %s", key, n*7, field(), field())
	if l.rng.IntN(40) == 0 {
		return []string{"DEL " + key, fmt.Sprintf("HPEXPIRE %s 0 FIELDS 2 %s %s", key, field(), field())}
	}
	return []string{
		set, set, set, fmt.Sprintf("HSET %s %s %s", key, field(), strings.Repeat(fmt.Sprint(n, "."), 1500)), timed, timed,
		fmt.Sprintf("HDEL %s %s %s", key, field(), field()), fmt.Sprintf("HINCRBY %s %s %d", key, field(), n),
		fmt.Sprintf("HSETEX %s PX %d FIELDS 1 %s x%d", key, 1+n*3, field(), n), fmt.Sprintf("HGETDEL %s FIELDS 1 %s", key, field()),
		fmt.Sprintf("HPERSIST %s FIELDS 1 %s", key, field()),
	}
}
