package workload

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// fields are what a hash holds, in the order of their names. They are immutable: set and without return others.
type fields []field

// field is one of a hash's. Its deadline lies in bounds, as a key's does.
type field struct {
	name, text string // the text without its padding
	lo, hi     int64
	lapsed     bool // it is not there because it expired. Says why, and makes no difference.
}

// String tells fields apart.
func (f fields) String() string {
	out := make([]byte, 0, 32*len(f))
	for i := range f {
		e := &f[i]
		if e.lapsed {
			continue
		}
		out = append(append(append(append(out, e.name...), '='), e.text...), ' ')
		if e.hi != 0 {
			out = append(strconv.AppendInt(append(strconv.AppendInt(out, e.lo, 10), '-'), e.hi, 10), ' ')
		}
	}
	return string(out)
}

func (f fields) search(name string) (int, bool) {
	return slices.BinarySearchFunc(f, name, func(e field, name string) int { return strings.Compare(e.name, name) })
}

// at finds a field that is there; nil if there is none.
func (f fields) at(name string) *field {
	if i, found := f.search(name); found && !f[i].lapsed {
		return &f[i]
	}
	return nil
}

func (f fields) len() (n int) {
	for i := range f {
		if !f[i].lapsed {
			n++
		}
	}
	return n
}

func (f fields) set(e field) fields {
	i, found := f.search(e.name)
	if found {
		own := slices.Clone(f)
		own[i] = e
		return own
	}
	return slices.Insert(slices.Clone(f), i, e)
}

func (f fields) without(name string) fields {
	i, found := f.search(name)
	if !found {
		return f
	}
	return slices.Delete(slices.Clone(f), i, i+1)
}

// holdFields makes a value a hash of these fields, or nothing where there are none: then it keeps those that have lapsed.
func (v *value) holdFields(f fields) {
	*v = value{kind: hsh, fields: f, str: f.String()}
	if f.len() == 0 {
		*v = value{fields: f, lapsed: len(f) > 0}
	}
}

// settleFields decides, for each field that a command sees and that may be due when it runs, whether it is there.
func (m *machine) settleFields(s *state, k int, o *operation, c *command) []*state {
	if s.vals[k].kind != hsh {
		return []*state{s}
	}
	since, until := o.op.CallAt-clockSlack, o.op.ReturnAt+clockSlack
	states := []*state{s}
	for i := range s.vals[k].fields {
		e := s.vals[k].fields[i]
		gone := e.hi < since
		if e.lapsed || e.hi == 0 || !gone && (e.lo > until || !c.sees(e.name)) {
			continue
		}
		var next []*state
		for _, s := range states {
			lapsed := e
			lapsed.lapsed = true
			next = append(next, m.withField(s, k, lapsed))
			if gone {
				continue
			}
			if e.lo < since {
				later := e
				later.lo = since
				s = m.withField(s, k, later)
			}
			next = append(next, s)
		}
		states = next
	}
	return states
}

func (m *machine) withField(s *state, k int, e field) *state {
	own := s.clone()
	if v := &own.vals[k]; v.kind == hsh {
		v.holdFields(v.fields.set(e))
	}
	return m.seal(own)
}

// sees reports whether a command's reply or effect depends on whether a field of its hash is there.
func (c *command) sees(name string) bool {
	return c.name == "HGETALL" || c.name[0] == 'H' && slices.Contains(c.args, name)
}

// runRecord runs a command on a hash, and reports whether the reply fits.
func (m *machine) runRecord(v *value, o *operation, c *command, a answer) bool {
	if v.kind != none && v.kind != hsh {
		return false
	}
	switch c.name {
	case "HGETALL":
		same := func(x, y field) bool { return x.name == y.name && x.text == y.text }
		return a.r == nil || slices.EqualFunc(v.fields.there(), seenFields(a.r), same)
	case "HMGET":
		return a.isFields(v.fields, c.args)
	case "HSET":
		return a.isInt(v.put(c.args, func(*field) (lo, hi int64) { return 0, 0 }))
	case "HSETEX":
		lo, hi := deadlineOf(c.args[0], c.num, o)
		keep := c.args[0] == "KEEPTTL"
		v.put(c.listed(), func(old *field) (int64, int64) {
			switch {
			case !keep:
				return lo, hi
			case old == nil:
				return 0, 0
			}
			return old.lo, old.hi
		})
		return a.isInt(1)
	case "HDEL":
		return a.isInt(v.take(c.args))
	case "HGETDEL":
		fits := a.isFields(v.fields, c.listed())
		v.take(c.listed())
		return fits
	case "HINCRBY": // n by
		n := c.num
		if e := v.fields.at(countField); e != nil {
			n += number(e.text)
		}
		v.holdFields(v.fields.set(field{name: countField, text: strconv.FormatInt(n, 10)}))
		return a.isInt(int(n))
	}
	return m.runFieldDeadlines(v, o, c, a)
}

// listed is what stands behind FIELDS and the number.
func (c *command) listed() []string { return c.args[slices.Index(c.args, "FIELDS")+2:] }

// there are the fields that have not lapsed.
func (f fields) there() (all fields) {
	for i := range f {
		if !f[i].lapsed {
			all = append(all, f[i])
		}
	}
	return all
}

// put sets fields to values, with the deadline that is told for the field that was there, or nil. It returns how many are new.
func (v *value) put(pairs []string, deadline func(old *field) (lo, hi int64)) (added int) {
	f := v.fields
	for i := 0; i+1 < len(pairs); i += 2 {
		old := f.at(pairs[i])
		if old == nil {
			added++
		}
		lo, hi := deadline(old)
		f = f.set(field{name: pairs[i], text: unpadded(pairs[i+1]), lo: lo, hi: hi})
	}
	v.holdFields(f)
	return added
}

// take removes fields, and returns how many there were.
func (v *value) take(names []string) int {
	f := v.fields
	for _, name := range names {
		f = f.without(name)
	}
	n := v.fields.len() - f.len()
	if n > 0 {
		v.holdFields(f)
	}
	return n
}

// runFieldDeadlines runs a command that gives fields a deadline, takes it away, or tells it.
func (m *machine) runFieldDeadlines(v *value, o *operation, c *command, a answer) bool {
	names, f := c.listed(), v.fields
	if a.r != nil && len(a.r.Elems) != len(names) {
		return false
	}
	if c.name == "HGETEX" && !a.isFields(f, names) {
		return false
	}
	for i, name := range names {
		var told answer
		if a.r != nil && c.name != "HGETEX" {
			told.r = &a.r.Elems[i]
		}
		e := f.at(name)
		if e == nil {
			if !told.isInt(-2) {
				return false
			}
			continue
		}
		own := *e
		switch c.name {
		case "HPEXPIRETIME":
			if !tells(&own, told) {
				return false
			}
		case "HPERSIST":
			want := 1
			if own.hi == 0 {
				want = -1
			}
			own.lo, own.hi = 0, 0
			if !told.isInt(want) {
				return false
			}
		case "HGETEX":
			own.lo, own.hi = deadlineOf(c.args[0], c.num, o)
		default:
			own.lo, own.hi = deadlineOf(c.name, c.num, o)
			if !told.isInt(1) {
				return false
			}
		}
		f = f.set(own)
	}
	if v.kind == hsh {
		v.holdFields(f)
	}
	return true
}

// tells reports whether an answer can be a field's deadline, and makes it that.
func tells(e *field, told answer) bool {
	switch {
	case told.r == nil:
		return true
	case e.hi == 0:
		return told.isInt(-1)
	case told.r.Kind != ':' || told.r.Int < e.lo || told.r.Int > e.hi:
		return false
	}
	e.lo, e.hi = told.r.Int, told.r.Int
	return true
}

// isFields: the values of these fields, or null where one is missing.
func (a answer) isFields(f fields, names []string) bool {
	if a.r == nil {
		return true
	}
	if a.r.Kind != '*' || len(a.r.Elems) != len(names) {
		return false
	}
	for i, name := range names {
		e, r := f.at(name), &a.r.Elems[i]
		if (e == nil) != r.Null || e != nil && unpadded(string(r.Str)) != e.text {
			return false
		}
	}
	return true
}

// seenFields are those of a reply with names and values in turn.
func seenFields(r *resp.Reply) (f fields) {
	for i := 0; i+1 < len(r.Elems); i += 2 {
		f = append(f, field{name: string(r.Elems[i].Str), text: unpadded(string(r.Elems[i+1].Str))})
	}
	slices.SortFunc(f, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f
}

// seeRecord makes a sight of the replies to HGETALL, and to HPEXPIRETIME of all fields that there may be; or says why that
// is not possible.
func seeRecord(read, deadlines *resp.Reply) (s sight, problem string) {
	if read.Null || read.Kind != '*' && read.Kind != '%' {
		if unknown(read) {
			return s, ""
		}
		return s, "reading it is answered with " + printed(*read)
	}
	f := seenFields(read)
	if len(f) == 0 || unknown(deadlines) {
		return recordSight(f), ""
	}
	names := recordNames()
	if deadlines.Kind != '*' || len(deadlines.Elems) != len(names) {
		return s, "HPEXPIRETIME is answered with " + printed(*deadlines)
	}
	for i, name := range names {
		e, told := f.at(name), deadlines.Elems[i]
		switch {
		case told.Kind != ':' || told.Int < -2:
			return s, "HPEXPIRETIME is answered with " + printed(told)
		case told.Int == -2: // it may have lapsed between the two
			f = f.without(name)
		case e == nil:
			return s, fmt.Sprintf("its field %s is not there, and yet has the deadline %d", name, told.Int)
		case told.Int >= 0:
			e.lo, e.hi = told.Int, told.Int
		}
	}
	return recordSight(f), ""
}

func recordSight(f fields) sight {
	if len(f) == 0 {
		return sight{}
	}
	return sight{kind: hsh, fields: f}
}

// unknown reports whether a server does not know a command: then there is nothing that it could have made.
func unknown(r *resp.Reply) bool {
	return r.Err() != nil && strings.HasPrefix(string(r.Str), "ERR unknown command")
}

// showsFields reports whether a hash would look like what was seen at a time.
func (v *value) showsFields(seen *sight, at int64) bool {
	shown := 0
	for i := range v.fields {
		e := &v.fields[i]
		if e.lapsed {
			continue
		}
		there := seen.fields.at(e.name)
		if there == nil {
			if e.hi == 0 || e.lo > at+lookingMax {
				return false
			}
			continue
		}
		if !e.shows(there, at) {
			return false
		}
		shown++
	}
	return shown == len(seen.fields)
}

// shows reports whether a field that is there would look like what was seen.
func (e *field) shows(seen *field, at int64) bool {
	return e.text == seen.text && e.due(seen.hi) && (e.hi == 0 || e.hi+clockSlack >= at)
}

// due reports whether a deadline is within its bounds; 0 is none.
func (e *field) due(deadline int64) bool {
	return (e.hi == 0) == (deadline == 0) && e.lo <= deadline && deadline <= e.hi
}
