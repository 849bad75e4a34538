package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// Error is what a script ended with: a reply's text, its code first, and the place where it was raised, if it is known.
type Error struct {
	Text   string
	Source string
	Line   int
}

// redisModule makes the table redis.
func (m *Machine) redisModule() {
	m.redis = m.module("redis", map[string]glua.LGFunction{
		"call": m.redisCall, "pcall": m.redisPcall, "error_reply": m.errorReply, "status_reply": statusReply,
		"sha1hex": m.sha1hex, "log": m.log, "setresp": m.setresp, "set_repl": setRepl, "acl_check_cmd": m.aclCheck,
	})
	m.setConstants(m.redis)
	if !m.o.Functions {
		m.setFunctions(m.redis, map[string]glua.LGFunction{
			"replicate_commands": replicateCommands, "breakpoint": breakpoint, "debug": noDebug,
		})
	}
	for name, n := range map[string]int{"NONE": replNone, "AOF": replAOF, "REPLICA": replReplica, "SLAVE": replReplica, "ALL": replAll} {
		m.redis.RawSetString("REPL_"+name, glua.LNumber(n))
	}
}

// setConstants sets what both scripts and libraries that are being loaded see.
func (m *Machine) setConstants(t *glua.LTable) {
	for name, level := range map[string]Level{"DEBUG": Debug, "VERBOSE": Verbose, "NOTICE": Notice, "WARNING": Warning} {
		t.RawSetString("LOG_"+name, glua.LNumber(level))
	}
	t.RawSetString("REDIS_VERSION", glua.LString(m.o.Version))
	t.RawSetString("REDIS_VERSION_NUM", glua.LNumber(versionNumber(m.o.Version)))
}

// Bits of redis.set_repl.
const (
	replNone    = 0
	replAOF     = 1
	replReplica = 2
	replAll     = replAOF | replReplica
)

// versionNumber is 0x00070000 and so on for "7.0.0".
func versionNumber(version string) (n int) {
	for part := range strings.SplitSeq(version, ".") {
		f, _ := parseNumber(part)
		n = n<<8 | int(f)
	}
	return n
}

// redis.call(command, ...)
func (m *Machine) redisCall(l *glua.LState) int {
	v, failed := m.command(l)
	if failed {
		m.throw(l, v)
	}
	l.Push(v)
	return 1
}

// redis.pcall(command, ...)
func (m *Machine) redisPcall(l *glua.LState) int {
	v, _ := m.command(l)
	l.Push(v)
	return 1
}

// command runs the command that a call's arguments are.
func (m *Machine) command(l *glua.LState) (v glua.LValue, failed bool) {
	args, problem := m.arguments(l)
	if problem != "" {
		return errorTable("ERR " + problem), true
	}
	reply := m.host.Call(args)
	m.pay(l, int64(len(reply))*2)
	c := converter{b: reply, m: m, l: l}
	v = c.value(0)
	return v, len(reply) > 0 && reply[0] == '-'
}

const (
	noArguments  = "Please specify at least one argument for this redis lib call"
	badArguments = "Lua redis lib command arguments must be strings or integers"
)

// arguments are a call's as bytes, in room that the next call uses again.
func (m *Machine) arguments(l *glua.LState) (args [][]byte, problem string) {
	top := l.GetTop()
	if top == 0 {
		return nil, noArguments
	}
	m.args, m.room, m.ends = m.args[:0], m.room[:0], m.ends[:0]
	for i := 1; i <= top; i++ {
		switch v := l.Get(i).(type) {
		case glua.LString:
			m.pay(l, 2*int64(len(v)))
			m.room = append(m.room, v...)
		case glua.LNumber:
			m.room = appendG(m.room, float64(v), 17)
		default:
			return nil, badArguments
		}
		m.ends = append(m.ends, len(m.room))
	}
	at := 0
	for _, end := range m.ends { // cut out now, as appending may have moved the room
		m.args = append(m.args, m.room[at:end:end])
		at = end
	}
	return m.args, ""
}

// throw raises an error value, with the place of the caller noted in it.
func (m *Machine) throw(l *glua.LState, v glua.LValue) {
	if t, ok := v.(*glua.LTable); ok {
		notePlace(l, t)
	}
	l.Error(v, 0)
}

// errorTable is an error as scripts see it. Its text begins with its code.
func errorTable(text string) *glua.LTable {
	t := &glua.LTable{Metatable: glua.LNil}
	t.RawSetString("err", glua.LString(text))
	return t
}

// countedField says of an error that it is the reply to a command: who counts error replies has seen it.
const countedField = "ignore_error_stats_update"

func counted(t *glua.LTable) bool { return t.RawGetString(countedField) == glua.LTrue }

// ErrorCounted reports whether the error that the last run ended with, or returned, has been counted as the reply to a command.
func (m *Machine) ErrorCounted() bool { return m.counted }

// complain raises an error of a function of the table redis.
func complain(l *glua.LState, text string) int {
	t := errorTable("ERR " + text)
	notePlace(l, t)
	l.Error(t, 0)
	return 0
}

// notePlace writes into an error where the script is.
func notePlace(l *glua.LState, t *glua.LTable) {
	for level := 0; ; level++ {
		frame, ok := l.GetStack(level)
		if !ok {
			return
		}
		if _, err := l.GetInfo("Sl", frame, glua.LNil); err == nil && frame.Source != "" {
			t.RawSetString("source", glua.LString("@"+frame.Source))
			t.RawSetString("line", glua.LNumber(frame.CurrentLine))
			return
		}
	}
}

// handleError sees an error where it is raised, and makes a table of it that tells the place.
func (m *Machine) handleError(l *glua.LState) int {
	v := l.Get(1)
	t, ok := v.(*glua.LTable)
	if !ok {
		t = &glua.LTable{Metatable: glua.LNil}
		t.RawSetString("err", glua.LString("ERR "+display(inLuasWords(v))))
	}
	if m.view(t) == t && t.RawGetString("line") == glua.LNil {
		notePlace(l, t)
	}
	l.Push(t)
	return 1
}

// failure is what a run ended with.
func (m *Machine) failure(err error) *Error {
	e := &Error{}
	raised, ok := err.(*glua.ApiError)
	if !ok || raised.Object == nil {
		e.Text = "ERR " + err.Error()
		return e
	}
	if t, ok := raised.Object.(*glua.LTable); ok {
		e.Text = "ERR unknown error"
		if s, ok := text(t.RawGetString("err")); ok {
			e.Text = s
		}
		e.Source, _ = text(t.RawGetString("source"))
		line, _ := number(t.RawGetString("line"))
		e.Line = toInt(line)
		m.counted = counted(t)
	} else {
		e.Text = "ERR " + display(inLuasWords(raised.Object))
	}
	if e.Source == "" {
		e.Source, e.Line = placeIn(strings.TrimPrefix(e.Text, "ERR "))
	}
	if m.watch.doom != nil {
		e.Text = "ERR " + m.watch.doom.Error()
	}
	return e
}

// placeIn is the place with which an error's text begins, where the handler has not seen the error: on an overflowing stack.
func placeIn(text string) (source string, line int) {
	source, rest, ok := strings.Cut(text, ":")
	digits, _, more := strings.Cut(rest, ":")
	f, isNumber := parseNumber(digits)
	if !ok || !more || !isNumber || source != scriptChunk && source != functionChunk {
		return "", 0
	}
	return "@" + source, toInt(f)
}

// redis.error_reply(text)
func (m *Machine) errorReply(l *glua.LState) int {
	s, ok := l.Get(1).(glua.LString)
	if l.GetTop() != 1 || !ok {
		l.Push(errorTable("ERR wrong number or type of arguments"))
		return 1
	}
	m.pay(l, int64(len(s)))
	code, rest, ok := strings.Cut(strings.TrimPrefix(string(s), "-"), " ")
	if !ok {
		code, rest = "ERR", code
	}
	l.Push(errorTable(strings.TrimRight(code+" "+rest, "\r\n")))
	return 1
}

// redis.status_reply(text)
func statusReply(l *glua.LState) int {
	s, ok := l.Get(1).(glua.LString)
	if l.GetTop() != 1 || !ok {
		l.Push(errorTable("ERR wrong number or type of arguments"))
		return 1
	}
	l.Push(single("ok", s))
	return 1
}

// redis.sha1hex(text)
func (m *Machine) sha1hex(l *glua.LState) int {
	if l.GetTop() != 1 {
		return complain(l, "wrong number of arguments")
	}
	s, _ := text(l.Get(1))
	m.pay(l, int64(len(s)))
	l.Push(glua.LString(SHA1([]byte(s))))
	return 1
}

// redis.log(level, ...)
func (m *Machine) log(l *glua.LState) int {
	top := l.GetTop()
	if top < 2 {
		return complain(l, "redis.log() requires two arguments or more.")
	}
	level, ok := number(l.Get(1))
	if !ok {
		return complain(l, "First argument must be a number (log level).")
	}
	if level < float64(Debug) || level > float64(Warning) {
		return complain(l, "Invalid debug level.")
	}
	const most = 1024 // bytes of a line
	line := make([]byte, 0, most)
	for i := 2; i <= top && len(line) < most; i++ {
		s, ok := text(l.Get(i))
		if !ok {
			continue
		}
		if i > 2 {
			line = append(line, ' ')
		}
		line = append(line, s[:min(len(s), most-len(line))]...)
	}
	m.host.Log(Level(level), string(line))
	return 0
}

// redis.setresp(version)
func (m *Machine) setresp(l *glua.LState) int {
	if l.GetTop() != 1 {
		return complain(l, "redis.setresp() requires one argument.")
	}
	version, _ := number(l.Get(1))
	if version != 2 && version != 3 {
		return complain(l, "RESP version must be 2 or 3.")
	}
	m.proto = int(version)
	m.host.SetProto(m.proto)
	return 0
}

// redis.set_repl(flags) changes nothing: what a script does is logged.
func setRepl(l *glua.LState) int {
	if l.GetTop() != 1 {
		return complain(l, "redis.set_repl() requires two arguments.")
	}
	f, _ := number(l.Get(1))
	if flags := toInt(f); flags&^replAll != 0 {
		return complain(l, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

// redis.acl_check_cmd(command, ...)
func (m *Machine) aclCheck(l *glua.LState) int {
	args, problem := m.arguments(l)
	if problem != "" {
		return complain(l, problem)
	}
	allowed, ok := m.host.Allowed(args)
	if !ok {
		return complain(l, "Invalid command passed to redis.acl_check_cmd()")
	}
	l.Push(glua.LBool(allowed))
	return 1
}

// redis.replicate_commands()
func replicateCommands(l *glua.LState) int {
	l.Push(glua.LTrue)
	return 1
}

// redis.breakpoint(): there is no debugger.
func breakpoint(l *glua.LState) int {
	l.Push(glua.LFalse)
	return 1
}

// redis.debug()
func noDebug(*glua.LState) int { return 0 }
