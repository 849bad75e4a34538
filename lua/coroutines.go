package lua

import (
	glua "github.com/yuin/gopher-lua"
)

// coroutineFunctions are gopher-lua's, watched as the state itself is and bounded as in Lua 5.1.
func (m *Machine) coroutineFunctions() map[string]glua.LGFunction {
	theirs := glua.NewState(glua.Options{SkipOpenLibs: true})
	defer theirs.Close()
	theirs.Push(theirs.NewFunction(glua.OpenCoroutine))
	theirs.Push(glua.LString(glua.CoroutineLibName))
	theirs.Call(1, 0)
	module, _ := theirs.GetGlobal(glua.CoroutineLibName).(*glua.LTable)
	take := func(name string) glua.LGFunction {
		f, ok := module.RawGetString(name).(*glua.LFunction)
		if !ok {
			panic("BUG: gopher-lua has no coroutine." + name)
		}
		return f.GFunction
	}
	c := coroutines{m: m, create: take("create"), resume: take("resume")}
	return map[string]glua.LGFunction{
		"create": c.creates, "resume": c.resumes, "wrap": c.wraps, "yield": c.yields,
		"running": take("running"), "status": take("status"),
	}
}

type coroutines struct {
	m              *Machine
	create, resume glua.LGFunction
}

// coroutineBytes is what a coroutine takes before it does anything, roughly.
const coroutineBytes = 32 << 10

// coroutine.create(f)
func (c coroutines) creates(l *glua.LState) int {
	checkFunction(l, 1)
	c.m.pay(l, coroutineBytes)
	n := c.create(l)
	if thread, ok := l.Get(-1).(*glua.LState); ok {
		thread.SetContext(&c.m.watch)
	}
	return n
}

// coroutine.resume(thread, ...)
func (c coroutines) resumes(l *glua.LState) int {
	m := c.m
	thread, ok := l.Get(1).(*glua.LState)
	if !ok {
		badArgument(l, 1, "coroutine expected")
	}
	if status := l.Status(thread); status != "suspended" {
		l.Push(glua.LFalse)
		l.Push(glua.LString("cannot resume " + status + " coroutine"))
		return 2
	}
	if m.resumes >= resumesMax {
		fail(l, "C stack overflow")
	}
	calls := m.calls
	m.resumes++
	m.calls = 0
	n := c.resume(l)
	m.resumes--
	m.calls = calls
	return n
}

// coroutine.wrap(f)
func (c coroutines) wraps(l *glua.LState) int {
	c.creates(l)
	thread := l.Get(-1)
	l.Push(l.NewClosure(func(l *glua.LState) int {
		l.Insert(l.Get(glua.UpvalueIndex(1)), 1)
		n := c.resumes(l)
		from := l.GetTop() - n + 1
		if glua.LVAsBool(l.Get(from)) {
			return n - 1
		}
		message := l.Get(from + 1)
		l.Error(message, 0)
		return 0
	}, thread))
	return 1
}

// coroutine.yield(...)
func (c coroutines) yields(l *glua.LState) int {
	if c.m.calls > 0 || c.m.resumes == 0 {
		l.Error(glua.LString("attempt to yield across metamethod/C-call boundary"), 0)
	}
	return -1
}
