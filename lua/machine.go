// Package lua runs scripts: Lua 5.1 in the sandbox of Redis 7.0, on github.com/yuin/gopher-lua, which is imported nowhere else.
//
//	text ──► parse ──► rewrite ──► compile ──► Script ──► Machine.Run ──► a reply
//	                                                         │  ▲
//	                                                         ▼  │
//	                                                      Host.Call
//
// A Machine has one Lua state, made once and used by one script at a time. It knows nothing of the server: a Host runs the
// commands that scripts call, and is asked between instructions whether the script may go on.
//
// Invariants
//
//   - Nothing that a script does outlives it but what commands did. What all scripts share (the globals, the modules, the
//     metatable of strings) is reached through empty tables in front of it, which cannot be written to.
//   - A script that loops ends when the Host says so, and one that takes too much memory ends with an error: gopher-lua asks its
//     context before each instruction, and the context is ours (watch.go). What is done by one instruction, or by one function
//     of ours, is bounded or paid for in advance.
//   - There is no way to files, processes or bytecode: those functions do not exist.
//
// Strings are joined by a function of ours, not by gopher-lua's instruction: the compiler's input is rewritten for that
// (compile.go). The instruction prints numbers as Go does, and makes a string of any size at once.
//
// Rejected: a state for each call (100 microseconds and 100 KB); a count of instructions as the limit (redis.call takes a
// thousand times as long as an addition); gopher-lua's own libraries of strings, tables and patterns (they differ from Lua 5.1
// where scripts rely on it, go on for minutes on bad patterns, and print numbers as Go does).
package lua

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"

	glua "github.com/yuin/gopher-lua"

	"holdfast/resp"
)

// Host is what scripts act on. It is called on the goroutine that runs the script.
type Host interface {
	// Call runs a command and returns its reply, in the protocol asked for. The reply is the caller's until the next Call.
	Call(args [][]byte) (reply []byte)
	// SetProto chooses the protocol of replies, 2 or 3.
	SetProto(version int)
	// Allowed says whether the script's user may run a command; ok is false where there is no such command.
	Allowed(args [][]byte) (allowed, ok bool)
	// Log writes a line into the server's log.
	Log(level Level, message string)
	// Look is called about once a millisecond, between two instructions. An error ends the script with that text.
	Look() error
}

// Level is how important a line in the log is.
type Level int

// The levels, as redis.LOG_… has them.
const (
	Debug Level = iota
	Verbose
	Notice
	Warning
)

// Options are what a Machine is made with.
type Options struct {
	// Version is that of Redis which scripts are told, "7.0.15".
	Version string
	// Memory is how many bytes a script may take; 0 is no limit.
	Memory func() int64
	// Held is how many bytes the keyspace holds. Those are not the script's.
	Held func() int64
	// Beside is how many bytes else lived on the heap when that was last known; nil: the machine finds out.
	Beside func() int64
	// Functions says that the machine is for libraries of functions: they are given their keys as arguments, and no globals.
	Functions bool
}

// Bounds of a state.
const (
	framesMax    = 10_000  // Lua 5.1 has twice that: what the library does when they are full takes the square of it, 0.4 s here
	registryMax  = 1 << 20 // values
	registryStep = 1 << 12
	callsMax     = 200 // Go calling Lua calling Go …, in one coroutine
	resumesMax   = 64  // coroutines resuming coroutines
)

// Machine is a Lua state and what belongs to it. It is not for concurrent use.
type Machine struct {
	o    Options
	l    *glua.LState
	rand *rand.Rand
	watch

	env       *glua.LTable                  // what scripts see as _G: an empty table
	globals   *glua.LTable                  // what is behind it
	envMeta   *glua.LTable                  // how it is behind it
	protected map[*glua.LTable]*glua.LTable // empty tables, and what is behind them
	redis     *glua.LTable                  // behind the table redis
	loading   *glua.LTable                  // the globals while a library is loaded; nil on a machine for scripts
	registry  *register                     // where redis.register_function puts functions; nil but while a library is loaded
	identity  *glua.LFunction
	nothing   *glua.LFunction // an empty function of Lua
	handler   *glua.LFunction // sees errors where they are raised
	null      *glua.LUserData // cjson.null
	step      *glua.LFunction // of ipairs
	// What getmetatable shows of the tables in front, and of strings.
	frontMeta, stringMeta *glua.LTable
	json                  jsonOptions

	errorField uintptr // see keepUpvalues
	ledger

	host    Host
	counted bool // see ErrorCounted
	calls   int  // how often Go has called Lua within this coroutine
	resumes int
	proto   int // of replies that the script sees
	// Room for the arguments of redis.call.
	args [][]byte
	room []byte
	ends []int
}

// New returns a machine.
func New(o Options) *Machine {
	m := &Machine{
		o: o, errorField: errorField(), protected: map[*glua.LTable]*glua.LTable{}, rand: rand.New(rand.NewPCG(0, 0)), json: defaultJSON(),
		l: glua.NewState(glua.Options{
			SkipOpenLibs: true, CallStackSize: framesMax,
			RegistrySize: registryStep, RegistryMaxSize: registryMax, RegistryGrowStep: registryStep,
		}),
	}
	checkTwins()
	m.l.Options.RegistrySize, m.l.Options.RegistryGrowStep, m.l.Options.MinimizeStackMemory = 256, 1024, true // of coroutines
	m.l.SetContext(&m.watch)
	gone := new(atomic.Bool)
	m.watch.alarm = new(atomic.Bool)
	ring(m.watch.alarm, gone)
	runtime.AddCleanup(m, func(gone *atomic.Bool) { gone.Store(true) }, gone)
	m.build()
	return m
}

// build makes the globals.
func (m *Machine) build() {
	l := m.l
	m.globals = l.NewTable()
	m.null = &glua.LUserData{Metatable: glua.LNil}
	m.env, m.envMeta = m.front(m.globals)
	m.globals.Metatable = m.table(map[string]glua.LGFunction{"__index": missingGlobal})
	l.G.Global, l.Env = m.env, m.env
	m.env.RawSetString(concatName, l.NewFunction(m.concat))
	m.env.RawSetString(loopName, l.NewFunction(loopNumber))
	m.env.RawSetString(moduloName, l.NewFunction(moduloFunction()))

	m.setFunctions(m.globals, m.baseFunctions())
	m.globals.RawSetString("_G", m.env)
	m.globals.RawSetString("_VERSION", glua.LString("Lua 5.1"))
	m.module("string", m.stringFunctions())
	m.module("table", m.tableFunctions())
	mathematics := m.module("math", m.mathFunctions())
	mathematics.RawSetString("pi", glua.LNumber(pi))
	mathematics.RawSetString("huge", glua.LNumber(infinity))
	m.module("coroutine", m.coroutineFunctions())
	m.module("bit", bitFunctions())
	m.module("struct", m.structFunctions())
	m.nameModule(m.module("cmsgpack", m.msgpackFunctions()), "cmsgpack", "lua-cmsgpack 0.4.0")
	m.jsonModule()
	m.redisModule()
	m.stringMetatable()
	m.handler, m.step = l.NewFunction(m.handleError), l.NewFunction(ipairsStep)
	m.frontMeta, _ = m.front(l.NewTable())
	m.identity = l.NewFunction(identity)
	empty, err := compile(nil, scriptChunk)
	if err != nil {
		panic("BUG: an empty script does not compile: " + err.Error())
	}
	m.nothing = l.NewFunctionFromProto(empty)
	if m.o.Functions {
		m.loadingGlobals()
		return
	}
	m.globals.RawSetString("__redis__err__handler", m.handler)
}

// module makes a table of functions a global that cannot be written to, and returns what is behind it.
func (m *Machine) module(name string, functions map[string]glua.LGFunction) *glua.LTable {
	behind := m.table(functions)
	front, _ := m.front(behind)
	m.globals.RawSetString(name, front)
	return behind
}

func (m *Machine) table(functions map[string]glua.LGFunction) *glua.LTable {
	t := m.l.NewTable()
	m.setFunctions(t, functions)
	return t
}

func (m *Machine) setFunctions(t *glua.LTable, functions map[string]glua.LGFunction) {
	for _, name := range sortedNames(functions) {
		t.RawSetString(name, m.l.NewFunction(functions[name]))
	}
}

// front returns an empty table that shows what is in another one and cannot be written to.
func (m *Machine) front(behind *glua.LTable) (front, meta *glua.LTable) {
	front = m.l.NewTable()
	meta = m.table(map[string]glua.LGFunction{"__newindex": readonly})
	meta.RawSetString("__index", behind)
	front.Metatable = meta
	m.protected[front] = behind
	return front, meta
}

const readonlyText = "Attempt to modify a readonly table"

func readonly(l *glua.LState) int {
	fail(l, readonlyText)
	return 0
}

func missingGlobal(l *glua.LState) int {
	fail(l, "Script attempted to access nonexistent global variable '%s'", display(l.Get(2)))
	return 0
}

// view is what a script sees in a table.
func (m *Machine) view(t *glua.LTable) *glua.LTable {
	if t.Metatable != glua.LNil {
		if behind, ok := m.protected[t]; ok {
			return behind
		}
	}
	return t
}

// writable is the i-th argument, a table that may be written to.
func (m *Machine) writable(l *glua.LState, i int) *glua.LTable {
	t := checkTable(l, i)
	if m.view(t) != t {
		l.Error(glua.LString(readonlyText), 0)
	}
	return t
}

// Run runs a script with its keys and arguments, and writes its reply. An error is one that the script did not catch.
func (m *Machine) Run(s *Script, keys, args [][]byte, host Host, w *resp.Writer) *Error {
	m.globals.RawSetString("KEYS", list(keys))
	m.globals.RawSetString("ARGV", list(args))
	f := m.l.NewFunctionFromProto(s.proto)
	err := m.run(f, nil, host, w)
	if size(keys)+size(args) > roomKept { // the next script may not come for long
		m.globals.RawSetString("KEYS", list(nil))
		m.globals.RawSetString("ARGV", list(nil))
	}
	return err
}

func size(values [][]byte) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}

// run calls a function and writes what it returns.
func (m *Machine) run(f *glua.LFunction, args []glua.LValue, host Host, w *resp.Writer) *Error {
	l := m.l
	m.begin(host)
	defer m.end()
	l.Push(f)
	for _, arg := range args {
		l.Push(arg)
	}
	if err := l.PCall(len(args), 1, m.handler); err != nil {
		return m.failure(err)
	}
	result := l.Get(-1)
	l.SetTop(0)
	before := w.Len()
	r := replier{m: m, w: w}
	r.value(result, 0)
	if r.failed != nil {
		w.Truncate(before)
		return &Error{Text: "ERR " + r.failed.Error()}
	}
	return nil
}

// begin makes the machine ready for a run.
func (m *Machine) begin(host Host) {
	m.host, m.counted, m.calls, m.resumes, m.proto, m.json = host, false, 0, 0, 2, defaultJSON()
	m.rand = rand.New(rand.NewPCG(0, 0)) // as Redis does, so that scripts are the same each time
	host.SetProto(2)
	m.watch.begin(m.o, host)
}

// end clears up after a run, however it ended.
func (m *Machine) end() {
	m.watch.end()
	m.host = nil
	m.l.SetTop(0)
	m.l.G.CurrentThread = m.l
	if cap(m.room) > roomKept {
		m.room, m.args = nil, nil
	}
}

// roomKept is how many bytes of arguments, or of room for those of commands, are kept until the next script.
const roomKept = 64 << 10

func list(values [][]byte) *glua.LTable {
	t := &glua.LTable{Metatable: glua.LNil}
	for _, v := range values {
		t.Append(glua.LString(v))
	}
	return t
}
