package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

func (m *Machine) stringFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"byte": stringByte, "char": stringChar, "dump": stringDump, "find": m.find, "format": m.format,
		"gfind": m.gmatch, "gmatch": m.gmatch, "gsub": m.gsub, "len": stringLen, "lower": m.lower, "match": m.matchString,
		"rep": m.rep, "reverse": m.reverse, "sub": m.stringSub, "upper": m.upper,
	}
}

// stringMetatable gives strings their methods, and arithmetic with strings that are numbers as Lua 5.1 reads them.
func (m *Machine) stringMetatable() {
	meta := m.l.NewTable()
	meta.RawSetString("__index", m.globals.RawGetString("string"))
	m.stringMeta, _ = m.front(meta)
	hidden := m.table(arithmetic())
	hidden.RawSetString("__index", m.globals.RawGetString("string"))
	m.l.SetMetatable(glua.LString(""), hidden)
}

// concat joins its arguments: what the operator .. has become.
func (m *Machine) concat(l *glua.LState) int {
	top, n := l.GetTop(), 0
	for i := 1; i <= top; i++ {
		switch v := l.Get(i).(type) {
		case glua.LString:
			n += len(v)
		case glua.LNumber:
			n += 8
		default:
			return m.concatSlowly(l)
		}
	}
	m.pay(l, int64(n))
	b := make([]byte, 0, n)
	for i := 1; i <= top; i++ {
		switch v := l.Get(i).(type) {
		case glua.LString:
			b = append(b, v...)
		case glua.LNumber:
			b = appendNumber(b, float64(v))
		}
	}
	l.Push(glua.LString(b))
	return 1
}

// concatSlowly joins from the right, where something is no string.
func (m *Machine) concatSlowly(l *glua.LState) int {
	right := l.Get(l.GetTop())
	for i := l.GetTop() - 1; i >= 1; i-- {
		left := l.Get(i)
		a, okA := text(left)
		b, okB := text(right)
		if okA && okB {
			m.pay(l, int64(len(a)+len(b)))
			right = glua.LString(a + b)
			continue
		}
		f := l.GetMetaField(left, "__concat")
		if f == glua.LNil {
			f = l.GetMetaField(right, "__concat")
		}
		if f == glua.LNil {
			bad := left
			if okA {
				bad = right
			}
			fail(l, "attempt to concatenate a %s value", bad.Type().String())
		}
		m.call(l, f, 1, left, right)
		right = l.Get(-1)
		l.Pop(1)
	}
	l.Push(right)
	return 1
}

// span turns the positions that scripts give, 1 the first and -1 the last, into those of a slice.
func span(n, i, j int) (from, to int) {
	if i < 0 {
		i = max(n+i+1, 1)
	} else if i == 0 {
		i = 1
	}
	if j < 0 {
		j = n + j + 1
	} else if j > n {
		j = n
	}
	if i > j {
		return 0, 0
	}
	return i - 1, j
}

// string.sub(s, i [, j])
func (m *Machine) stringSub(l *glua.LState) int {
	s := checkText(l, 1)
	from, to := span(len(s), checkInt(l, 2), optInt(l, 3, -1))
	l.Push(m.part(l, s, from, to))
	return 1
}

// part is s[from:to]: a copy, so that a part that is kept does not keep the whole from being freed.
func (m *Machine) part(l *glua.LState, s string, from, to int) glua.LString {
	if to-from == len(s) {
		return glua.LString(s)
	}
	m.pay(l, int64(to-from))
	return glua.LString(strings.Clone(s[from:to]))
}

// string.byte(s [, i [, j]])
func stringByte(l *glua.LState) int {
	s, i := checkText(l, 1), optInt(l, 2, 1)
	if i < 0 {
		i = max(len(s)+i+1, 0)
	}
	j := optInt(l, 3, i)
	if j < 0 {
		j = len(s) + j + 1
	}
	i, j = max(i, 1), min(j, len(s))
	if i > j {
		return 0
	}
	if j-i >= resultsMax {
		fail(l, "string slice too long")
	}
	for _, c := range []byte(s[i-1 : j]) {
		l.Push(glua.LNumber(c))
	}
	return j - i + 1
}

// string.char(...)
func stringChar(l *glua.LState) int {
	b := make([]byte, l.GetTop())
	for i := range b {
		n := checkInt(l, i+1)
		if n < 0 || n > 255 {
			badArgument(l, i+1, "invalid value")
		}
		b[i] = byte(n)
	}
	l.Push(glua.LString(b))
	return 1
}

// string.dump(f): there is no bytecode for anybody.
func stringDump(l *glua.LState) int {
	checkFunction(l, 1)
	fail(l, "unable to dump given function")
	return 0
}

// string.len(s)
func stringLen(l *glua.LState) int {
	l.Push(glua.LNumber(len(checkText(l, 1))))
	return 1
}

// mapBytes pushes a string's bytes as f makes them.
func (m *Machine) mapBytes(l *glua.LState, f func(from, to []byte)) int {
	s := checkText(l, 1)
	m.pay(l, 2*int64(len(s)))
	b := make([]byte, len(s))
	f([]byte(s), b)
	l.Push(glua.LString(b))
	return 1
}

// string.lower(s)
func (m *Machine) lower(l *glua.LState) int {
	return m.mapBytes(l, func(from, to []byte) {
		for i, c := range from {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			to[i] = c
		}
	})
}

// string.upper(s)
func (m *Machine) upper(l *glua.LState) int {
	return m.mapBytes(l, func(from, to []byte) {
		for i, c := range from {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			to[i] = c
		}
	})
}

// string.reverse(s)
func (m *Machine) reverse(l *glua.LState) int {
	return m.mapBytes(l, func(from, to []byte) {
		for i, c := range from {
			to[len(to)-1-i] = c
		}
	})
}

// string.rep(s, n)
func (m *Machine) rep(l *glua.LState) int {
	s, n := checkText(l, 1), checkInt(l, 2)
	if n <= 0 || s == "" {
		l.Push(glua.LString(""))
		return 1
	}
	if n > stringMax/len(s) {
		fail(l, "%s", errMemory.Error())
	}
	m.pay(l, int64(len(s))*int64(n))
	l.Push(glua.LString(strings.Repeat(s, n)))
	return 1
}

// stringMax is the longest string that a script can make, in bytes.
const stringMax = 1 << 30

// string.find(s, pattern [, init [, plain]])
func (m *Machine) find(l *glua.LState) int { return m.search(l, true) }

// string.match(s, pattern [, init])
func (m *Machine) matchString(l *glua.LState) int { return m.search(l, false) }

func (m *Machine) search(l *glua.LState, find bool) int {
	s, p := checkText(l, 1), checkText(l, 2)
	init := optInt(l, 3, 1)
	if init < 0 {
		init = len(s) + init + 1
	}
	init = min(max(init-1, 0), len(s))
	if find && (glua.LVAsBool(l.Get(4)) || !strings.ContainsAny(p, "^$*+?.([%-")) {
		if i := strings.Index(s[init:], p); i >= 0 {
			l.Push(glua.LNumber(init + i + 1))
			l.Push(glua.LNumber(init + i + len(p)))
			return 2
		}
		l.Push(glua.LNil)
		return 1
	}
	anchored := strings.HasPrefix(p, "^")
	ms := matcher{m: m, l: l, src: s, pat: strings.TrimPrefix(p, "^")}
	for at := init; ; at++ {
		ms.level = 0
		if end := ms.match(at, 0); end >= 0 {
			if !find {
				return ms.push(at, end, true)
			}
			l.Push(glua.LNumber(at + 1))
			l.Push(glua.LNumber(end))
			return 2 + ms.push(at, end, false)
		}
		if anchored || at >= len(s) {
			l.Push(glua.LNil)
			return 1
		}
	}
}

// string.gmatch(s, pattern)
func (m *Machine) gmatch(l *glua.LState) int {
	src, pat := checkText(l, 1), checkText(l, 2)
	at := 0
	l.Push(l.NewClosure(func(l *glua.LState) int {
		ms := matcher{m: m, l: l, src: src, pat: pat}
		for ; at <= len(ms.src); at++ {
			ms.level, ms.depth = 0, 0
			end := ms.match(at, 0)
			if end < 0 {
				continue
			}
			start := at
			at = end
			if end == start {
				at++
			}
			return ms.push(start, end, true)
		}
		l.Push(glua.LNil)
		return 1
	}, glua.LString(src), glua.LString(pat))) // it holds them: see kept
	return 1
}

// string.gsub(s, pattern, replacement [, n])
func (m *Machine) gsub(l *glua.LState) int {
	s, p := checkText(l, 1), checkText(l, 2)
	switch l.Get(3).(type) {
	case glua.LString, glua.LNumber, *glua.LTable, *glua.LFunction:
	default:
		badArgument(l, 3, "string/function/table expected")
	}
	most := optInt(l, 4, len(s)+1)
	anchored := strings.HasPrefix(p, "^")
	ms := matcher{m: m, l: l, src: s, pat: strings.TrimPrefix(p, "^")}
	var out []byte
	at, n := 0, 0
	for n < most {
		ms.level = 0
		end := ms.match(at, 0)
		if end >= 0 {
			n++
			out = m.replacement(&ms, out, at, end)
		}
		switch {
		case end > at:
			at = end
		case at < len(s):
			out = append(out, s[at])
			at++
		default:
			at++
		}
		if at > len(s) || anchored {
			break
		}
	}
	if at < len(s) {
		m.pay(l, int64(len(s)-at))
		out = append(out, s[at:]...)
	}
	l.Push(glua.LString(out))
	l.Push(glua.LNumber(n))
	return 2
}

// replacement appends what stands for the match from s to e.
func (m *Machine) replacement(ms *matcher, out []byte, s, e int) []byte {
	l := ms.l
	var v glua.LValue
	switch with := l.Get(3).(type) {
	case *glua.LTable:
		v = l.GetTable(with, ms.value(0, s, e))
	case *glua.LFunction:
		calls := m.enter(l)
		l.Push(with)
		l.Call(ms.push(s, e, true), 1)
		m.calls = calls
		v = l.Get(-1)
		l.Pop(1)
	default:
		template := checkText(l, 3)
		m.pay(l, int64(len(template))*2)
		return ms.template(out, template, s, e)
	}
	if !glua.LVAsBool(v) {
		m.pay(l, int64(e-s))
		return append(out, ms.src[s:e]...)
	}
	piece, ok := text(v)
	if !ok {
		fail(l, "invalid replacement value (a %s)", v.Type().String())
	}
	m.pay(l, int64(len(piece))*2)
	return append(out, piece...)
}

// template appends a replacement in which %1 is a capture.
func (ms *matcher) template(out []byte, with string, s, e int) []byte {
	for i := 0; i < len(with); i++ {
		if with[i] != '%' {
			out = append(out, with[i])
			continue
		}
		i++
		switch {
		case i == len(with):
			return append(out, 0)
		case !isDigit(with[i]):
			out = append(out, with[i])
		case with[i] == '0':
			ms.m.pay(ms.l, int64(e-s)*2)
			out = append(out, ms.src[s:e]...)
		default:
			piece, _ := text(ms.value(int(with[i]-'1'), s, e))
			ms.m.pay(ms.l, int64(len(piece))*2)
			out = append(out, piece...)
		}
	}
	return out
}
