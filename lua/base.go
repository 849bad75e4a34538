package lua

import (
	"slices"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// baseFunctions are Lua's own, without those that reach files, other environments or the program's output.
func (m *Machine) baseFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"assert": assert, "error": m.raise, "pcall": m.pcall, "xpcall": m.xpcall,
		"type": typeOf, "tostring": m.tostring, "tonumber": tonumber,
		"next": m.next, "pairs": m.pairs, "ipairs": m.ipairs, "select": selectFrom, "unpack": unpack,
		"rawget": m.rawget, "rawset": m.rawset, "rawequal": rawequal,
		"getmetatable": m.getmetatable, "setmetatable": m.setmetatable,
		"load": m.load, "loadstring": m.loadstring,
		"collectgarbage": m.collectgarbage, "gcinfo": m.gcinfo,
	}
}

func sortedNames(functions map[string]glua.LGFunction) []string {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// assert(v [, message])
func assert(l *glua.LState) int {
	if l.GetTop() == 0 {
		noValue(l, 1)
	}
	if glua.LVAsBool(l.Get(1)) {
		return l.GetTop()
	}
	message, ok := text(l.Get(2))
	switch {
	case l.Get(2) == glua.LNil:
		message = "assertion failed!"
	case !ok:
		badType(l, 2, "string")
	}
	fail(l, "%s", message)
	return 0
}

// error([message [, level]])
func (m *Machine) raise(l *glua.LState) int {
	message, level := l.Get(1), optInt(l, 2, 1)
	if s, ok := text(message); ok && level > 0 {
		m.pay(l, int64(len(s)))
		message = glua.LString(place(l, level) + s)
	}
	l.Error(message, 0)
	return 0
}

// place is where the caller at a level is, as a message begins: "user_script:1: ".
func place(l *glua.LState, level int) string {
	where := strings.TrimSpace(l.Where(level))
	if where == "" || strings.HasPrefix(where, "[G]") {
		return ""
	}
	return where + " "
}

// pcall(f, ...)
func (m *Machine) pcall(l *glua.LState) int {
	if l.GetTop() == 0 {
		noValue(l, 1)
	}
	return m.protect(l, nil)
}

// xpcall(f, handler)
func (m *Machine) xpcall(l *glua.LState) int {
	if l.GetTop() < 2 {
		noValue(l, 2)
	}
	handler := checkFunction(l, 2)
	l.SetTop(1)
	return m.protect(l, handler)
}

// protect calls what lies at the bottom of the stack with what lies above it.
func (m *Machine) protect(l *glua.LState, handler *glua.LFunction) int {
	if _, ok := l.Get(1).(*glua.LFunction); !ok && l.GetMetaField(l.Get(1), "__call") == glua.LNil {
		problem := glua.LString("attempt to call a " + l.Get(1).Type().String() + " value")
		l.SetTop(0)
		l.Push(glua.LFalse)
		l.Push(problem)
		return 2
	}
	resumes := m.resumes
	calls := m.enter(l)
	quietly := handler
	if handler == nil {
		quietly = m.identity // without one, each error would write down all that is on the stack
	}
	err := l.PCall(l.GetTop()-1, glua.MultRet, quietly)
	m.keepUpvalues(l)
	m.calls, m.resumes = calls, resumes
	if err == nil {
		l.Insert(glua.LTrue, 1)
		return l.GetTop()
	}
	var value glua.LValue
	if raised, ok := err.(*glua.ApiError); ok && raised.Object != nil {
		value = inLuasWords(raised.Object)
	} else {
		value = glua.LString(err.Error())
	}
	if t, ok := value.(*glua.LTable); ok && handler == nil {
		if s, ok := t.RawGetString("err").(glua.LString); ok {
			value = s // as Redis's own pcall has it
		}
	}
	l.SetTop(0)
	l.Push(m.nothing) // its return closes what the failed functions have left open
	l.Call(0, 0)
	l.Push(glua.LFalse)
	l.Push(value)
	return 2
}

// identity is the handler of those who want none.
func identity(l *glua.LState) int { return 1 }

// enter notes that Go calls Lua; the caller puts m.calls back to what it returns.
func (m *Machine) enter(l *glua.LState) (calls int) {
	if m.calls >= callsMax {
		fail(l, "C stack overflow")
	}
	m.calls++
	return m.calls - 1
}

// call calls a function of the script's, with n results.
func (m *Machine) call(l *glua.LState, f glua.LValue, n int, args ...glua.LValue) {
	calls := m.enter(l)
	l.Push(f)
	for _, arg := range args {
		l.Push(arg)
	}
	l.Call(len(args), n)
	m.calls = calls
}

// type(v)
func typeOf(l *glua.LState) int {
	if l.GetTop() == 0 {
		noValue(l, 1)
	}
	l.Push(glua.LString(l.Get(1).Type().String()))
	return 1
}

// tostring(v)
func (m *Machine) tostring(l *glua.LState) int {
	if l.GetTop() == 0 {
		noValue(l, 1)
	}
	v := l.Get(1)
	if f, ok := l.GetMetaField(v, "__tostring").(*glua.LFunction); ok {
		m.call(l, f, 1, v)
		return 1
	}
	l.Push(glua.LString(display(v)))
	return 1
}

// tonumber(v [, base])
func tonumber(l *glua.LState) int {
	base := optInt(l, 2, 10)
	if base == 10 {
		if l.GetTop() == 0 {
			noValue(l, 1)
		}
		if f, ok := number(l.Get(1)); ok {
			l.Push(glua.LNumber(f))
			return 1
		}
		l.Push(glua.LNil)
		return 1
	}
	s := checkText(l, 1)
	if base < 2 || base > 36 {
		badArgument(l, 2, "base out of range")
	}
	if f, ok := digits(s, base); ok {
		l.Push(glua.LNumber(f))
		return 1
	}
	l.Push(glua.LNil)
	return 1
}

// digits reads an unsigned integer in a base, as C's strtoul does.
func digits(s string, base int) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if base == 16 {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	}
	if s == "" {
		return 0, false
	}
	n := uint64(0)
	for _, c := range []byte(strings.ToLower(s)) {
		d := 99
		switch {
		case '0' <= c && c <= '9':
			d = int(c - '0')
		case 'a' <= c && c <= 'z':
			d = int(c-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		n = n*uint64(base) + uint64(d)
	}
	if negative {
		n = -n
	}
	return float64(n), true
}

// next(table [, key])
func (m *Machine) next(l *glua.LState) int {
	t := m.view(checkTable(l, 1))
	key, value := t.Next(l.Get(2))
	if key == glua.LNil {
		l.Push(glua.LNil)
		return 1
	}
	l.Push(key)
	l.Push(value)
	return 2
}

// pairs(table)
func (m *Machine) pairs(l *glua.LState) int {
	t := checkTable(l, 1)
	l.Push(m.globals.RawGetString("next"))
	l.Push(t)
	l.Push(glua.LNil)
	return 3
}

// ipairs(table)
func (m *Machine) ipairs(l *glua.LState) int {
	t := m.view(checkTable(l, 1))
	l.Push(m.step)
	l.Push(t)
	l.Push(glua.LNumber(0))
	return 3
}

// ipairsStep is what ipairs iterates with.
func ipairsStep(l *glua.LState) int {
	t, i := checkTable(l, 1), int(l.CheckNumber(2))+1
	v := t.RawGetInt(i)
	if v == glua.LNil {
		l.Push(glua.LNil)
		return 1
	}
	l.Push(glua.LNumber(i))
	l.Push(v)
	return 2
}

// select(n, ...)
func selectFrom(l *glua.LState) int {
	top := l.GetTop()
	if s, ok := l.Get(1).(glua.LString); ok && s == "#" {
		l.Push(glua.LNumber(top - 1))
		return 1
	}
	n := checkInt(l, 1)
	if n < 0 {
		n = top + n
	} else if n > top {
		n = top
	}
	if n < 1 {
		badArgument(l, 1, "index out of range")
	}
	return top - n
}

// resultsMax is how many values a function returns at most, as in Lua 5.1.
const resultsMax = 7990

// unpack(list [, i [, j]])
func unpack(l *glua.LState) int {
	t, i := checkTable(l, 1), optInt(l, 2, 1)
	j := optInt(l, 3, t.Len())
	if i > j {
		return 0
	}
	if n := uint64(j) - uint64(i); n >= resultsMax {
		fail(l, "too many results to unpack")
	}
	for k := i; ; k++ {
		l.Push(t.RawGet(glua.LNumber(k)))
		if k == j {
			return j - i + 1
		}
	}
}

// rawget(table, key)
func (m *Machine) rawget(l *glua.LState) int {
	l.Push(m.view(checkTable(l, 1)).RawGet(checkAny(l, 2)))
	return 1
}

// rawset(table, key, value)
func (m *Machine) rawset(l *glua.LState) int {
	t := m.writable(l, 1)
	l.RawSet(t, checkAny(l, 2), checkAny(l, 3))
	l.SetTop(1)
	return 1
}

// rawequal(a, b)
func rawequal(l *glua.LState) int {
	l.Push(glua.LBool(l.RawEqual(checkAny(l, 1), checkAny(l, 2))))
	return 1
}

// getmetatable(v)
func (m *Machine) getmetatable(l *glua.LState) int {
	v := checkAny(l, 1)
	if t, ok := v.(*glua.LTable); ok && m.view(t) != t {
		l.Push(m.frontMeta)
		return 1
	}
	if _, ok := v.(glua.LString); ok {
		l.Push(m.stringMeta)
		return 1
	}
	l.Push(l.GetMetatable(v))
	return 1
}

// setmetatable(table, metatable)
func (m *Machine) setmetatable(l *glua.LState) int {
	t := m.writable(l, 1)
	meta := l.Get(2)
	switch meta.(type) {
	case *glua.LTable, *glua.LNilType:
	default:
		badArgument(l, 2, "nil or table expected")
	}
	if l.GetTop() < 2 {
		badArgument(l, 2, "nil or table expected")
	}
	if l.GetMetaField(t, "__metatable") != glua.LNil {
		fail(l, "cannot change a protected metatable")
	}
	t.Metatable = meta
	l.SetTop(1)
	return 1
}

// loadstring(text [, name])
func (m *Machine) loadstring(l *glua.LState) int {
	code := checkText(l, 1)
	return m.loadChunk(l, code, optText(l, 2, code))
}

// load(function [, name])
func (m *Machine) load(l *glua.LState) int {
	f, name := checkFunction(l, 1), optText(l, 2, "=(load)")
	var code strings.Builder
	for {
		m.call(l, f, 1)
		piece := l.Get(-1)
		l.Pop(1)
		s, ok := text(piece)
		if piece == glua.LNil || ok && s == "" {
			break
		}
		if !ok {
			l.Push(glua.LNil)
			l.Push(glua.LString("reader function must return a string"))
			return 2
		}
		m.pay(l, int64(len(s))*2)
		code.WriteString(s)
	}
	return m.loadChunk(l, code.String(), name)
}

func (m *Machine) loadChunk(l *glua.LState, code, name string) int {
	m.pay(l, int64(len(code))*compileCost)
	proto, err := compile([]byte(code), chunkName(name))
	if err != nil {
		l.Push(glua.LNil)
		l.Push(glua.LString(SyntaxText(err)))
		return 2
	}
	l.Push(l.NewFunctionFromProto(proto))
	return 1
}

// compileCost is how many bytes a byte of a text takes when it is compiled, at most and roughly.
const compileCost = 64

// chunkName is how messages call a text: by its name, or by its beginning.
func chunkName(name string) string {
	if name != "" && (name[0] == '=' || name[0] == '@') {
		return name[1:min(len(name), 60)]
	}
	line, _, more := strings.Cut(name, "\n")
	if len(line) > 44 {
		line, more = line[:44], true
	}
	if more {
		line += "..."
	}
	return `[string "` + line + `"]`
}

// collectgarbage([option [, argument]])
func (m *Machine) collectgarbage(l *glua.LState) int {
	switch option := optText(l, 1, "collect"); option {
	case "count":
		return m.gcinfo(l)
	case "collect", "step", "stop", "restart", "setpause", "setstepmul":
		l.Push(glua.LNumber(0)) // Go collects when it thinks best
		return 1
	default:
		badArgument(l, 1, "invalid option '"+option+"'")
	}
	return 0
}

// gcinfo()
func (m *Machine) gcinfo(l *glua.LState) int {
	u := m.watch.usage()
	l.Push(glua.LNumber((u.objects - u.held) / 1024))
	return 1
}
