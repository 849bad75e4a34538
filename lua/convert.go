package lua

import (
	"bytes"
	"math"
	"strconv"

	glua "github.com/yuin/gopher-lua"

	"holdfast/resp"
)

// converter makes Lua values of replies, as Redis does:
//
//	:  number                     $  string; the null is false     +  {ok = …}     -  {err = …}
//	*  table; the null is false   %  {map = {…}}                   ~  {set = {… = true}}
//	_  nil                        #  boolean                       ,  {double = …}
//	(  {big_number = …}           =  {verbatim_string = {format = …, string = …}}
//
// The replies are our own, and taken to be well-formed.
type converter struct {
	b []byte
	m *Machine
	l *glua.LState
}

// line takes the next line off, without its first byte.
func (c *converter) line() (kind byte, rest []byte) {
	end := bytes.IndexByte(c.b, '\r')
	if end < 1 {
		panic("BUG: lua: a reply that is none")
	}
	kind, rest = c.b[0], c.b[1:end]
	c.b = c.b[end+2:]
	return kind, rest
}

// count is a length.
func count(b []byte) int {
	if b[0] == '-' {
		return -1
	}
	n := 0
	for _, d := range b {
		n = n*10 + int(d-'0')
	}
	return n
}

func (c *converter) bulk(n int) glua.LString {
	s := glua.LString(c.b[:n])
	c.b = c.b[n+2:]
	return s
}

func single(field string, v glua.LValue) *glua.LTable {
	t := &glua.LTable{Metatable: glua.LNil}
	t.RawSetString(field, v)
	return t
}

func (c *converter) value(depth int) glua.LValue {
	kind, rest := c.line()
	switch kind {
	case ':':
		n, _ := strconv.ParseInt(string(rest), 10, 64)
		return glua.LNumber(n)
	case '$':
		n := count(rest)
		if n < 0 {
			return glua.LFalse
		}
		return c.bulk(n)
	case '+':
		return single("ok", glua.LString(rest))
	case '-':
		t := errorTable(string(rest))
		t.RawSetString(countedField, glua.LTrue)
		return t
	case '*':
		n := count(rest)
		if n < 0 {
			return glua.LFalse
		}
		c.m.pay(c.l, int64(c.m.index(c.l, n))*24+128)
		t := c.l.CreateTable(n, 0)
		for i := range n {
			t.RawSetInt(i+1, c.value(depth+1))
		}
		return t
	}
	return c.value3(kind, rest, depth)
}

// value3 is a value of a type that RESP3 brought.
func (c *converter) value3(kind byte, rest []byte, depth int) glua.LValue {
	switch kind {
	case '#':
		return glua.LBool(rest[0] == 't')
	case ',':
		f, _ := strconv.ParseFloat(string(rest), 64)
		return single("double", glua.LNumber(f))
	case '(':
		return single("big_number", glua.LString(rest))
	case '=':
		s := c.bulk(count(rest))
		t := &glua.LTable{Metatable: glua.LNil}
		t.RawSetString("format", s[:3])
		t.RawSetString("string", s[4:])
		return single("verbatim_string", t)
	case '%':
		c.m.pay(c.l, int64(count(rest))*64+hashBytes)
		t := &glua.LTable{Metatable: glua.LNil}
		for range count(rest) {
			key := c.value(depth + 1)
			if v := c.value(depth + 1); key != glua.LNil {
				t.RawSet(key, v)
			}
		}
		return single("map", t)
	case '~':
		c.m.pay(c.l, int64(count(rest))*64+hashBytes)
		t := &glua.LTable{Metatable: glua.LNil}
		for range count(rest) {
			if key := c.value(depth + 1); key != glua.LNil {
				t.RawSet(key, glua.LTrue)
			}
		}
		return single("set", t)
	case '|': // attributes: nobody wants them here
		for range 2 * count(rest) {
			c.value(depth + 1)
		}
		return c.value(depth)
	}
	return glua.LNil // '_'
}

// hashBytes is what a table with names takes before there is anything in it, roughly.
const hashBytes = 2 << 10

// replier writes what a script returns. A few tables that lie in each other many times make a reply without end, so that it is
// watched as the script was.
type replier struct {
	m      *Machine
	w      *resp.Writer
	failed error // why there is to be no reply
}

// replyDepthMax is how deep tables may lie in tables.
const replyDepthMax = 1000

const stackLimit = "ERR reached lua stack limit"

func (r *replier) value(v glua.LValue, depth int) {
	s, _ := v.(glua.LString)
	if r.failed == nil {
		r.failed = r.m.wantsMore(2*int64(len(s)) + 8)
	}
	if r.failed != nil {
		return
	}
	switch v := v.(type) {
	case glua.LString:
		r.w.BulkString(string(v))
	case glua.LNumber:
		r.w.Int(integer(float64(v)))
	case glua.LBool:
		switch {
		case r.m.proto == 3:
			r.w.Bool(bool(v))
		case bool(v):
			r.w.Int(1)
		default:
			r.w.Null()
		}
	case *glua.LTable:
		if depth >= replyDepthMax {
			r.w.Error(stackLimit)
			return
		}
		r.table(r.m.view(v), depth+1)
	default:
		r.w.Null()
	}
}

// integer is a number as a reply: without what is behind its point, and as a processor makes an integer of it.
func integer(f float64) int64 {
	if f >= -(1<<63) && f < 1<<63 {
		return int64(f)
	}
	return math.MinInt64
}

// table writes a table: a reply that it stands for, by a field of its that has the very type, or an array that ends at the first nil.
func (r *replier) table(t *glua.LTable, depth int) {
	if s, ok := t.RawGetString("err").(glua.LString); ok {
		r.w.Error(string(s))
		r.m.counted = depth == 1 && counted(t)
		return
	}
	if s, ok := t.RawGetString("ok").(glua.LString); ok {
		r.w.Status(string(s))
		return
	}
	if f, ok := t.RawGetString("double").(glua.LNumber); ok {
		r.w.Double(float64(f))
		return
	}
	if entries, ok := t.RawGetString("map").(*glua.LTable); ok {
		mark, n := r.w.MapLater(), 0
		r.each(entries, func(key, value glua.LValue) {
			r.value(key, depth)
			r.value(value, depth)
			n++
		})
		r.w.MapEnd(mark, n)
		return
	}
	if members, ok := t.RawGetString("set").(*glua.LTable); ok {
		mark, n := r.w.SetLater(), 0
		r.each(members, func(key, _ glua.LValue) {
			r.value(key, depth)
			n++
		})
		r.w.SetEnd(mark, n)
		return
	}
	if s, ok := t.RawGetString("big_number").(glua.LString); ok {
		r.w.BigNumber(oneLine(string(s)))
		return
	}
	if verbatim, ok := t.RawGetString("verbatim_string").(*glua.LTable); ok {
		s, isText := verbatim.RawGetString("string").(glua.LString)
		format, isFormat := verbatim.RawGetString("format").(glua.LString)
		if isText && isFormat {
			r.w.Verbatim((string(format) + "   ")[:3], string(s))
			return
		}
	}
	r.array(t, depth)
}

func (r *replier) each(t *glua.LTable, fn func(key, value glua.LValue)) {
	t = r.m.view(t)
	for key, value := t.Next(glua.LNil); key != glua.LNil; key, value = t.Next(key) {
		fn(key, value)
	}
}

func (r *replier) array(t *glua.LTable, depth int) {
	n := 0
	for t.RawGetInt(n+1) != glua.LNil {
		n++
	}
	r.w.Array(n)
	for i := 1; i <= n; i++ {
		r.value(t.RawGetInt(i), depth)
	}
}

// oneLine is s with blanks for what would end a line.
func oneLine(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}
