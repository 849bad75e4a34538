package engine_test

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// databases is how many a rig has.
const databases = 4

// place is where a key is.
type place struct {
	db  int
	key string
}

// value is what a key holds: a string, a list, a hash, a stream, a set or a sorted set.
type value struct {
	text     string
	list     []string // never changed in place
	isList   bool
	stream   *streamValue
	members  members
	scores   scores
	fields   fieldsValue
	deadline int64 // unix ms; 0: none
}

// String tells values apart; long ones by their checksum.
func (v value) String() string {
	short := func(s string) string {
		if len(s) < 100 {
			return strconv.Quote(s)
		}
		return fmt.Sprintf("%d bytes with CRC %08x", len(s), crc32.ChecksumIEEE([]byte(s)))
	}
	out := short(v.text)
	if v.isList {
		elements := make([]string, len(v.list))
		for i, e := range v.list {
			elements[i] = short(e)
		}
		out = "[" + strings.Join(elements, " ") + "]"
	}
	if v.stream != nil {
		out = v.stream.String()
	}
	if v.members != nil {
		out = v.members.describe(short)
	}
	if v.scores != nil {
		out = v.scores.describe(short)
	}
	if v.fields != nil {
		out = v.fields.describe(short)
	}
	if v.deadline != 0 {
		out += fmt.Sprint(" @", v.deadline)
	}
	return out
}

// isText: it is a string, or nothing.
func (v value) isText() bool {
	return !v.isList && v.stream == nil && v.members == nil && v.scores == nil && v.fields == nil
}

// state is what a keyspace holds at one moment. It is never changed in place. A key that is due is not there, nor is a
// field, whether or not anybody has deleted it.
type state map[place]value

// dump is what a rig's dump is to be.
func (s state) dump(now int64) map[place]string {
	all := map[place]string{}
	for at, v := range s {
		if v, ok := v.alive(now); ok {
			all[at] = v.String()
		}
	}
	return all
}

const (
	wrongType  = "-WRONGTYPE Operation against a key holding the wrong kind of value"
	notInteger = "-ERR value is not an integer or out of range"
	noSuchKey  = "-ERR no such key"
	null       = "$-1"
)

// after is the state that a command leads to, and its reply. This is a second, naive reading of the commands that it
// knows; those that it does not know panic.
func (s state) after(now int64, db int, args ...string) (state, string) {
	next := step{state: state{}, now: now, db: db, args: args}
	for at, v := range s {
		if v, ok := v.alive(now); ok {
			next.state[at] = v
		}
	}
	reply := next.reply(strings.ToUpper(args[0]))
	return next.state, reply
}

// step is one command on its way.
type step struct {
	state state
	now   int64
	db    int
	args  []string
}

func (s *step) at(i int) place { return place{s.db, s.args[i]} }

func (s *step) number(i int) int64 {
	n, err := strconv.ParseInt(s.args[i], 10, 64)
	if err != nil {
		panic(fmt.Sprintf("BUG: %q: %v", s.args, err))
	}
	return n
}

func (s *step) reply(name string) string {
	switch name {
	case "SET":
		return s.set()
	case "DEL":
		return s.del()
	case "INCR":
		return s.incr()
	case "APPEND":
		v := s.state[s.at(1)]
		if !v.isText() {
			return wrongType
		}
		v.text += s.args[2]
		s.state[s.at(1)] = v
		return fmt.Sprint(":", len(v.text))
	case "SETBIT":
		return s.setBit()
	case "GET":
		v, ok := s.state[s.at(1)]
		return s.text(v, ok)
	case "RPUSH", "LPUSH", "LPOP", "RPOP", "LMOVE", "LTRIM", "LREM":
		return s.lists(name)
	case "PEXPIRE", "PEXPIREAT", "PERSIST":
		return s.expire(name)
	case "RENAME", "COPY", "MOVE":
		return s.moves(name)
	case "FLUSHDB", "FLUSHALL", "SWAPDB":
		return s.whole(name)
	case "XADD", "XDEL", "XTRIM", "XGROUP", "XREADGROUP", "XACK", "XCLAIM":
		return s.streams(name)
	case "HSET", "HDEL", "HINCRBY", "HPEXPIRE", "HPERSIST", "HSETEX", "HGETDEL":
		return s.hashes(name)
	case "ZADD", "ZINCRBY", "ZREM", "ZPOPMIN", "ZREMRANGEBYRANK", "ZUNIONSTORE":
		return s.zsets(name)
	case "SADD", "SREM", "SCARD", "SMOVE", "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE":
		return s.sets(name)
	}
	panic("BUG: the model does not know " + name)
}

func (s *step) text(v value, ok bool) string {
	switch {
	case !ok:
		return null
	case !v.isText():
		return wrongType
	}
	return bulk(v.text)
}

func bulk(text string) string { return fmt.Sprintf("$%d %s", len(text), text) }

// SET key value [NX] [KEEPTTL | PX ms | PXAT unix-ms]
func (s *step) set() string {
	old, there := s.state[s.at(1)]
	v := value{text: s.args[2]}
	for i := 3; i < len(s.args); i++ {
		switch s.args[i] {
		case "NX":
			if there {
				return null
			}
		case "KEEPTTL":
			v.deadline = old.deadline
		case "PX":
			i++
			v.deadline = s.now + s.number(i)
		case "PXAT":
			i++
			v.deadline = s.number(i)
		}
	}
	s.state[s.at(1)] = v
	return "+OK"
}

func (s *step) del() string {
	n := 0
	for i := 1; i < len(s.args); i++ {
		if _, ok := s.state[s.at(i)]; ok {
			n++
			delete(s.state, s.at(i))
		}
	}
	return fmt.Sprint(":", n)
}

func (s *step) incr() string {
	v, ok := s.state[s.at(1)]
	if !v.isText() {
		return wrongType
	}
	if !ok {
		v.text = "0"
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != v.text { // as after APPEND k 0, APPEND k 7
		return notInteger
	}
	v.text = strconv.FormatInt(n+1, 10)
	s.state[s.at(1)] = v
	return ":" + v.text
}

func (s *step) setBit() string {
	v := s.state[s.at(1)]
	if !v.isText() {
		return wrongType
	}
	at, shift := int(s.number(2)/8), 7-s.number(2)%8
	text := append([]byte(v.text), make([]byte, max(0, at+1-len(v.text)))...)
	old := text[at] >> shift & 1
	text[at] = text[at]&^(1<<shift) | byte(s.number(3))<<shift
	v.text = string(text)
	s.state[s.at(1)] = v
	return fmt.Sprint(":", old)
}

func (s *step) lists(name string) string {
	v, ok := s.state[s.at(1)]
	if ok && !v.isList {
		return wrongType
	}
	switch name {
	case "RPUSH", "LPUSH":
		for _, e := range s.args[2:] {
			v = pushed(v, e, name == "LPUSH")
		}
		s.put(s.at(1), v)
		return fmt.Sprint(":", len(v.list))
	case "LMOVE":
		to := s.state[s.at(2)]
		if !ok {
			return null
		}
		if to.text != "" || to.stream != nil || to.members != nil || to.scores != nil || to.fields != nil {
			return wrongType
		}
		moved, rest := popped(v, s.args[3] == "LEFT")
		s.put(s.at(1), rest)
		to = s.state[s.at(2)] // which may be the very same, and then keeps its deadline
		if s.args[1] == s.args[2] {
			to = rest
		}
		s.put(s.at(2), pushed(to, moved, s.args[4] == "LEFT"))
		return bulk(moved)
	case "LTRIM":
		from, to := s.number(2), s.number(3)
		v.list = slices.Clone(v.list[min(from, int64(len(v.list))):min(to+1, int64(len(v.list)))])
		s.put(s.at(1), v)
		return "+OK"
	case "LREM": // count 0 only
		left := slices.DeleteFunc(slices.Clone(v.list), func(e string) bool { return e == s.args[3] })
		n := len(v.list) - len(left)
		v.list = left
		s.put(s.at(1), v)
		return fmt.Sprint(":", n)
	}
	if !ok {
		return null
	}
	element, rest := popped(v, name == "LPOP")
	s.put(s.at(1), rest)
	return bulk(element)
}

// put stores a list, or forgets the key of an empty one.
func (s *step) put(at place, v value) {
	if len(v.list) == 0 {
		delete(s.state, at)
		return
	}
	s.state[at] = v
}

func pushed(v value, element string, left bool) value {
	v.isList = true
	if left {
		v.list = append([]string{element}, v.list...)
	} else {
		v.list = append(slices.Clone(v.list), element)
	}
	return v
}

func popped(v value, left bool) (string, value) {
	last := len(v.list) - 1
	if left {
		element := v.list[0]
		v.list = v.list[1:]
		return element, v
	}
	element := v.list[last]
	v.list = v.list[:last:last]
	return element, v
}

func (s *step) expire(name string) string {
	v, ok := s.state[s.at(1)]
	switch {
	case !ok, name == "PERSIST" && v.deadline == 0:
		return ":0"
	case name == "PERSIST":
		v.deadline = 0
	case name == "PEXPIRE":
		v.deadline = s.now + s.number(2)
	default:
		v.deadline = s.number(2)
	}
	s.state[s.at(1)] = v
	if v.deadline != 0 && v.deadline <= s.now {
		delete(s.state, s.at(1))
	}
	return ":1"
}

func (s *step) moves(name string) string {
	v, ok := s.state[s.at(1)]
	to := place{s.db, s.args[2]}
	if name == "MOVE" {
		to = place{int(s.number(2)), s.args[1]}
	}
	_, taken := s.state[to]
	switch {
	case name == "RENAME" && !ok:
		return noSuchKey
	case !ok, name != "RENAME" && taken:
		return ":0"
	}
	if name != "COPY" {
		delete(s.state, s.at(1))
	}
	s.state[to] = v
	if name == "RENAME" {
		return "+OK"
	}
	return ":1"
}

func (s *step) whole(name string) string {
	before := s.state
	s.state = state{}
	for at, v := range before {
		switch {
		case name == "FLUSHALL", name == "FLUSHDB" && at.db == s.db:
			continue
		case name == "SWAPDB" && at.db == int(s.number(1)):
			at.db = int(s.number(2))
		case name == "SWAPDB" && at.db == int(s.number(2)):
			at.db = int(s.number(1))
		}
		s.state[at] = v
	}
	return "+OK"
}
