package lua

import (
	"sort"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

func (m *Machine) tableFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"concat": m.tableConcat, "foreach": m.foreach, "foreachi": m.foreachi, "getn": getn, "insert": m.insert,
		"maxn": m.maxn, "remove": m.remove, "setn": setn, "sort": m.sort,
	}
}

// table.concat(list [, separator [, i [, j]]])
func (m *Machine) tableConcat(l *glua.LState) int {
	t, sep, i := checkTable(l, 1), optText(l, 2, ""), optInt(l, 3, 1)
	j := optInt(l, 4, t.Len())
	size := 0 // at most
	for k := i; k <= j; k++ {
		switch v := t.RawGet(glua.LNumber(k)).(type) {
		case glua.LString:
			size += len(v) + len(sep)
		case glua.LNumber:
			size += numberMax + len(sep)
		default:
			fail(l, "invalid value (%s) at index %d in table for 'concat'", v.Type().String(), k)
		}
		if size > stringMax {
			fail(l, "%s", errMemory.Error())
		}
		if k%64 == 0 {
			m.spend(l)
		}
	}
	m.pay(l, int64(size))
	var out strings.Builder
	out.Grow(size)
	var digits [numberMax]byte
	for k := i; k <= j; k++ {
		switch v := t.RawGet(glua.LNumber(k)).(type) {
		case glua.LString:
			out.WriteString(string(v))
		case glua.LNumber:
			out.Write(appendNumber(digits[:0], float64(v)))
		}
		if k < j {
			out.WriteString(sep)
		}
	}
	l.Push(glua.LString(out.String()))
	return 1
}

// numberMax is the length of a number that is printed, at most.
const numberMax = 32

// table.foreach(table, f)
func (m *Machine) foreach(l *glua.LState) int {
	t, f := m.view(checkTable(l, 1)), checkFunction(l, 2)
	for key, value := t.Next(glua.LNil); key != glua.LNil; key, value = t.Next(key) {
		m.call(l, f, 1, key, value)
		if l.Get(-1) != glua.LNil {
			return 1
		}
		l.Pop(1)
	}
	return 0
}

// table.foreachi(table, f)
func (m *Machine) foreachi(l *glua.LState) int {
	t, f := checkTable(l, 1), checkFunction(l, 2)
	for i := 1; i <= t.Len(); i++ {
		m.call(l, f, 1, glua.LNumber(i), t.RawGetInt(i))
		if l.Get(-1) != glua.LNil {
			return 1
		}
		l.Pop(1)
	}
	return 0
}

// table.getn(table)
func getn(l *glua.LState) int {
	l.Push(glua.LNumber(checkTable(l, 1).Len()))
	return 1
}

// table.setn is there to say that it is gone, as in Lua 5.1.
func setn(l *glua.LState) int {
	checkTable(l, 1)
	fail(l, "'setn' is obsolete")
	return 0
}

// table.insert(table, [position,] value)
func (m *Machine) insert(l *glua.LState) int {
	t := m.writable(l, 1)
	switch l.GetTop() {
	case 2:
		t.RawSetInt(m.index(l, t.Len()+1), l.Get(2))
	case 3:
		at, end := checkInt(l, 2), t.Len()+1
		if at < 1 || at > end {
			l.RawSet(t, glua.LNumber(at), l.Get(3))
			return 0
		}
		m.pay(l, int64(end-at)) // moving them takes time
		m.index(l, end)
		t.Insert(at, l.Get(3))
	default:
		fail(l, "wrong number of arguments to 'insert'")
	}
	return 0
}

// index is a place in an array, which an error ends the script for if arrays do not go so far: what is put there would have no
// place of its own, as nothing is counted beyond.
func (m *Machine) index(l *glua.LState, at int) int {
	if at >= placesMax {
		fail(l, "an array has at most %d places", placesMax-1)
	}
	return at
}

// table.remove(table [, position])
func (m *Machine) remove(l *glua.LState) int {
	t := m.writable(l, 1)
	n := t.Len()
	at := optInt(l, 2, n)
	if at < 1 || at > n {
		return 0
	}
	v := t.RawGetInt(at)
	if at == n {
		t.RawSetInt(n, glua.LNil)
		t.Remove(t.MaxN() + 1) // so that the array does not stay longer than what is in it
	} else {
		t.Remove(at)
	}
	l.Push(v)
	return 1
}

// table.maxn(table)
func (m *Machine) maxn(l *glua.LState) int {
	most := 0.0
	m.view(checkTable(l, 1)).ForEach(func(key, _ glua.LValue) {
		if n, ok := key.(glua.LNumber); ok {
			most = max(most, float64(n))
		}
	})
	l.Push(glua.LNumber(most))
	return 1
}

// table.sort(table [, less])
func (m *Machine) sort(l *glua.LState) int {
	t := m.writable(l, 1)
	s := sorter{m: m, l: l, t: t, n: t.Len()}
	if l.Get(2) != glua.LNil {
		s.less = checkFunction(l, 2)
	}
	s.calls = m.enter(l)
	sort.Sort(&s)
	m.calls = s.calls
	return 0
}

// sorter is a table to be sorted.
type sorter struct {
	m     *Machine
	l     *glua.LState
	t     *glua.LTable
	n     int
	calls int
	less  *glua.LFunction
}

func (s *sorter) Len() int { return s.n }

func (s *sorter) Swap(i, j int) {
	a, b := s.t.RawGetInt(i+1), s.t.RawGetInt(j+1)
	s.t.RawSetInt(i+1, b)
	s.t.RawSetInt(j+1, a)
}

func (s *sorter) Less(i, j int) bool {
	s.m.spend(s.l)
	a, b := s.t.RawGetInt(i+1), s.t.RawGetInt(j+1)
	if s.less == nil {
		return s.l.LessThan(a, b)
	}
	s.l.Push(s.less)
	s.l.Push(a)
	s.l.Push(b)
	s.l.Call(2, 1)
	is := glua.LVAsBool(s.l.Get(-1))
	s.l.Pop(1)
	return is
}
