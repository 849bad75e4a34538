package workload

import (
	"hash/maphash"
	"strconv"

	"holdfast/resp"
)

const (
	// clockSlack, in ms, is how far the clocks of lab and server may be apart: both cut to whole milliseconds, and a
	// server may take the time once for several commands.
	clockSlack = 3
	// lookingMax, in ms, is how long the reading of the whole state may take: a key that is due within that time may be
	// there or not.
	lookingMax = 10_000
)

// machine runs commands on states, as a server would, and keeps only what the replies allow. For one goroutine.
type machine struct{ seed maphash.Seed }

// answer is a reply, or nil where it is not known: then anything is right.
type answer struct{ r *resp.Reply }

func (a answer) isInt(n int) bool { return a.r == nil || (a.r.Kind == ':' && a.r.Int == int64(n)) }
func (a answer) isNull() bool     { return a.r == nil || a.r.Null }
func (a answer) isOK() bool       { return a.r == nil || (a.r.Kind == '+' && string(a.r.Str) == "OK") }
func (a answer) isStr(s string) bool {
	return a.r == nil || (a.r.Kind == '$' && !a.r.Null && string(a.r.Str) == s)
}
func (a answer) isError(text string) bool {
	return a.r == nil || (a.r.Err() != nil && string(a.r.Str) == text)
}

// isValue: the string that v holds, or null.
func (a answer) isValue(v *value) bool {
	if v.kind == none {
		return a.isNull()
	}
	return v.kind == str && (a.isStr(v.str) || a.isSketch(v))
}

func (a answer) isElems(elems []string) bool {
	return a.r == nil || (a.r.Kind == '*' && !a.r.Null && sameElems(elems, a.r.Elems))
}

// apply returns the states that s may be in after o.
func (m *machine) apply(s *state, o *operation) []*state {
	states := []*state{s}
	for i := range o.parts {
		var a answer
		if o.known {
			a.r = &o.replies[i]
		}
		if states = m.part(states, o, &o.parts[i], a); len(states) == 0 {
			return nil
		}
	}
	return states
}

// part runs one command on each of some states.
func (m *machine) part(states []*state, o *operation, c *command, a answer) []*state {
	var next []*state
	for _, s := range states {
		for _, settled := range m.settle(s, o, c) {
			if !plausible(&settled.vals[c.keys[0]], c, a) {
				continue
			}
			after := settled
			if !readOnly(c.name) || c.name == "PEXPIRETIME" || c.name == "HPEXPIRETIME" {
				after = settled.clone()
			}
			if !m.run(after, o, c, a) {
				continue
			}
			if after != settled {
				m.seal(after)
			}
			next = append(next, after)
		}
	}
	return next
}

// plausible sees before anything is copied that a reply does not fit: most orders that the search tries fail here.
func plausible(v *value, c *command, a answer) bool {
	if a.r == nil || v.kind == str || v.kind == jrn || v.kind == hsh {
		return true
	}
	left := false
	switch c.name {
	case "RPUSH", "LPUSH":
		return a.isInt(v.list.n + len(c.args))
	case "LPOP":
		left = true
	case "LMOVE":
		left = c.args[0] == "LEFT"
	case "RPOP":
	default:
		return true
	}
	switch {
	case v.kind == none:
		return a.isNull()
	case left:
		return a.isStr(v.list.at(0))
	}
	return a.isStr(v.list.at(v.list.n - 1))
}

// settle decides, for each key of a command that may be due when it runs, whether it is there. Often there are both.
func (m *machine) settle(s *state, o *operation, c *command) []*state {
	if c.name[0] == 'H' {
		return m.settleFields(s, c.keys[0], o, c)
	}
	states := []*state{s}
	for _, k := range c.keys {
		if s.vals[k].hi == 0 {
			continue
		}
		var next []*state
		for _, s := range states {
			v := &s.vals[k]
			if v.hi == 0 { // the same key twice
				next = append(next, s)
				continue
			}
			if v.lo <= o.op.ReturnAt+clockSlack {
				gone := s.clone()
				gone.vals[k] = value{lapsed: true}
				next = append(next, m.seal(gone))
			}
			if since := o.op.CallAt - clockSlack; v.hi >= since {
				if v.lo < since {
					s = s.clone()
					s.vals[k].lo = since
					m.seal(s)
				}
				next = append(next, s)
			}
		}
		states = next
	}
	return states
}

// run runs a command on s, which is its own unless it only reads, and reports whether the reply fits.
func (m *machine) run(s *state, o *operation, c *command, a answer) bool {
	switch c.name {
	case "GET", "SET", "GETSET", "GETDEL", "GETEX", "INCR", "INCRBY", "DECR", "DECRBY":
		return m.runString(&s.vals[c.keys[0]], o, c, a)
	case "PEXPIRE", "PEXPIREAT", "PERSIST", "PEXPIRETIME":
		return m.runDeadline(&s.vals[c.keys[0]], o, c, a)
	case "RPUSH", "LPUSH", "LPOP", "RPOP", "LRANGE", "LLEN", "LINDEX", "LSET":
		v := &s.vals[c.keys[0]]
		if v.kind == str {
			return false
		}
		return m.runList(v, c, a)
	case "SADD", "SREM", "SMOVE", "SPOP", "SCARD", "SMEMBERS", "SUNIONSTORE", "SDIFFSTORE":
		return m.runClub(s, c, a)
	case "ZADD", "ZINCRBY", "ZREM", "ZPOPMIN", "ZCARD", "ZRANGE":
		return m.runRanking(&s.vals[c.keys[0]], c, a)
	case "HSET", "HDEL", "HGETALL", "HMGET", "HINCRBY", "HPEXPIRE", "HPEXPIREAT", "HPEXPIRETIME", "HPERSIST", "HSETEX", "HGETEX", "HGETDEL":
		return m.runRecord(&s.vals[c.keys[0]], o, c, a)
	case "XADD", "XTRIM", "XDEL", "XLEN", "XGROUP", "XREADGROUP", "XACK":
		return m.runJournal(&s.vals[c.keys[0]], c, a)
	case "SETBIT", "GETBIT", "BITCOUNT", "BITFIELD", "BITOP":
		return m.runBits(s, c, a)
	case "PFADD", "PFCOUNT", "PFMERGE":
		return m.runSketch(s, c, a)
	case "GEOADD", "GEOSEARCHSTORE":
		return m.runPlaces(s, c, a)
	case "DUMP", "RESTORE":
		return m.runDump(&s.vals[c.keys[0]], c, a)
	case "LIBRARY-LOAD", "LIBRARY-DELETE", "LIBRARY-VERSION", "LIBRARY-MOVE":
		return m.runLibrary(s, c, a)
	case "EXCHANGE":
		return m.exchange(&s.vals[c.keys[0]], &s.vals[c.keys[1]], a)
	case "LMOVE":
		return m.move(&s.vals[c.keys[0]], &s.vals[c.keys[1]], c, a)
	default:
		return m.runKeys(s, c, a)
	}
}

func (m *machine) runString(v *value, o *operation, c *command, a answer) bool {
	if v.kind == lst {
		if c.name != "SET" {
			return false
		}
		*v = value{}
	}
	switch c.name {
	case "GET":
		return a.isValue(v)
	case "SET":
		old := *v
		*v = value{kind: str, str: c.args[0]}
		switch {
		case len(c.args) == 2: // KEEPTTL
			v.lo, v.hi = old.lo, old.hi
		case len(c.args) == 3:
			v.lo, v.hi = deadlineOf(c.args[1], c.num, o)
		}
		return a.isOK()
	case "GETSET":
		fits := a.isValue(v)
		*v = value{kind: str, str: c.args[0]}
		return fits
	case "GETDEL":
		fits := a.isValue(v)
		*v = value{}
		return fits
	case "GETEX":
		if v.kind == str && len(c.args) == 2 {
			v.lo, v.hi = deadlineOf(c.args[0], c.num, o)
		} else if len(c.args) == 1 { // PERSIST
			v.lo, v.hi = 0, 0
		}
		return a.isValue(v)
	}
	by := c.num
	switch c.name {
	case "INCR":
		by = 1
	case "DECR":
		by = -1
	case "DECRBY":
		by = -by
	}
	n := int64(0)
	if v.kind == str {
		var err error
		if n, err = strconv.ParseInt(v.str, 10, 64); err != nil {
			return a.isError(resp.ErrNotInteger)
		}
	}
	v.kind, v.lapsed, v.str = str, false, strconv.FormatInt(n+by, 10)
	return a.isInt(int(n + by))
}

// deadlineOf is what a time in a request makes: exact if absolute, else between what sending and answering allow.
func deadlineOf(option string, n int64, o *operation) (lo, hi int64) {
	switch option {
	case "PXAT", "PEXPIREAT", "HPEXPIREAT":
		return n, n
	default:
		return o.op.CallAt + n - clockSlack, o.op.ReturnAt + n + clockSlack
	}
}

func (m *machine) runDeadline(v *value, o *operation, c *command, a answer) bool {
	if c.name == "PEXPIRETIME" {
		switch {
		case a.r == nil:
			return true
		case v.kind == none:
			return a.isInt(-2)
		case v.hi == 0:
			return a.isInt(-1)
		}
		if a.r.Kind != ':' || !v.due(a.r.Int) {
			return false
		}
		v.lo, v.hi = a.r.Int, a.r.Int
		return true
	}
	if v.kind == none {
		return a.isInt(0)
	}
	if c.name == "PERSIST" {
		had := v.hi != 0
		v.lo, v.hi = 0, 0
		if had {
			return a.isInt(1)
		}
		return a.isInt(0)
	}
	v.lo, v.hi = deadlineOf(c.name, c.num, o)
	return a.isInt(1)
}

func (m *machine) runList(v *value, c *command, a answer) bool {
	switch c.name {
	case "RPUSH", "LPUSH":
		v.kind, v.lapsed = lst, false
		for _, e := range c.args {
			if c.name == "RPUSH" {
				v.list = m.pushRight(v.list, e)
			} else {
				v.list = m.pushLeft(v.list, e)
			}
		}
		return a.isInt(v.list.n)
	case "LPOP", "RPOP":
		e, ok := m.take(v, c.name == "LPOP")
		if !ok {
			return a.isNull()
		}
		return a.isStr(e)
	case "LLEN":
		return a.isInt(v.list.n)
	case "LRANGE":
		from, _ := strconv.Atoi(c.args[0]) //nolint:errcheck // only workloads of this package come here
		to, _ := strconv.Atoi(c.args[1])   //nolint:errcheck // the same
		from, to = span(v.list.n, from, to)
		return a.isElems(v.list.elems()[from:to])
	}
	i := int(c.num)
	if i < 0 {
		i += v.list.n
	}
	within := i >= 0 && i < v.list.n
	switch {
	case c.name == "LINDEX" && within:
		return a.isStr(v.list.at(i))
	case c.name == "LINDEX":
		return a.isNull()
	case v.kind == none:
		return a.isError(resp.ErrNoSuchKey)
	case !within:
		return a.isError(resp.ErrIndexRange)
	}
	v.list = m.set(v.list, i, c.args[1])
	return a.isOK()
}

// take pops from a list, which is gone when that was its last element.
func (m *machine) take(v *value, left bool) (string, bool) {
	if v.kind == none {
		return "", false
	}
	e, rest := m.pop(v.list, left)
	v.list = rest
	if rest.n == 0 {
		*v = value{}
	}
	return e, true
}

func (m *machine) move(from, to *value, c *command, a answer) bool {
	if from.kind == str || to.kind == str {
		return false
	}
	e, ok := m.take(from, c.args[0] == "LEFT")
	if !ok {
		return a.isNull()
	}
	to.kind, to.lapsed = lst, false
	if c.args[1] == "LEFT" {
		to.list = m.pushLeft(to.list, e)
	} else {
		to.list = m.pushRight(to.list, e)
	}
	return a.isStr(e)
}

// runKeys runs what is about keys whatever they hold, and about several of them.
func (m *machine) runKeys(s *state, c *command, a answer) bool {
	switch c.name {
	case "MSET":
		for i, k := range c.keys {
			s.vals[k] = value{kind: str, str: c.args[i]}
		}
		return a.isOK()
	case "MGET":
		if a.r == nil {
			return true
		}
		if a.r.Kind != '*' || len(a.r.Elems) != len(c.keys) {
			return false
		}
		for i, k := range c.keys {
			if !(answer{&a.r.Elems[i]}).isValue(&s.vals[k]) {
				return false
			}
		}
		return true
	case "DEL", "EXISTS":
		n := 0
		for _, k := range c.keys {
			if s.vals[k].kind != none {
				n++
			}
			if c.name == "DEL" && s.vals[k].kind != none {
				s.vals[k] = value{}
			}
		}
		return a.isInt(n)
	}
	from, to := &s.vals[c.keys[0]], &s.vals[c.keys[1]]
	switch {
	case c.name == "RENAME" && from.kind == none:
		return a.isError(resp.ErrNoSuchKey)
	case c.name == "RENAME":
		*to, *from = *from, value{}
		return a.isOK()
	case from.kind == none || (to.kind != none && len(c.args) == 0): // COPY, without REPLACE
		return a.isInt(0)
	}
	*to = *from
	return a.isInt(1)
}
