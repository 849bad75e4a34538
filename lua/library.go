package lua

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	glua "github.com/yuin/gopher-lua"

	"holdfast/resp"
)

// Library is a loaded library of functions.
type Library struct {
	Name      string
	Code      []byte      // with its shebang
	Functions []*Function // by name

	kept   int64 // bytes, when that was last measured
	loaded int64 // the same, when it had just been loaded
}

// Function is one that a library has registered.
type Function struct {
	Name        string
	Description string
	Described   bool
	Flags       Flags
	Library     *Library
	f           *glua.LFunction
}

// register is a library under way.
type register struct {
	functions []*Function
}

// loadingGlobals are what a library sees while it is loaded: it can register functions, and write to the log.
func (m *Machine) loadingGlobals() {
	m.loading = m.l.NewTable()
	m.loading.Metatable = m.globals.Metatable
	behind := m.table(map[string]glua.LGFunction{"register_function": m.registerFunction, "log": m.log})
	behind.Metatable = m.globals.Metatable
	m.setConstants(behind)
	front, _ := m.front(behind)
	m.loading.RawSetString("redis", front)
}

// Load loads a library. The error's text is the reply.
func (m *Machine) Load(body []byte, host Host) (*Library, error) {
	body = bytes.Clone(body)
	name, code, err := libraryHead(body)
	if err != nil {
		return nil, errors.New("ERR " + err.Error())
	}
	proto, err := compile(code, functionChunk)
	if err != nil {
		return nil, errors.New("ERR Error compiling function: " + SyntaxText(err))
	}
	m.registry = &register{}
	m.envMeta.RawSetString("__index", m.loading)
	m.protected[m.env] = m.loading
	defer func() {
		m.registry = nil
		m.envMeta.RawSetString("__index", m.globals)
		m.protected[m.env] = m.globals
	}()
	m.begin(host)
	defer m.end()
	m.l.Push(m.l.NewFunctionFromProto(proto))
	if err := m.l.PCall(0, 0, m.handler); err != nil {
		return nil, errors.New("ERR Error registering functions: " + m.failure(err).Text)
	}
	if len(m.registry.functions) == 0 {
		return nil, errors.New("ERR No functions registered")
	}
	lib := &Library{Name: name, Code: body, Functions: m.registry.functions}
	slices.SortFunc(lib.Functions, func(a, b *Function) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range lib.Functions {
		f.Library = lib
	}
	if limit := m.o.Memory(); limit > 0 {
		lib.kept = m.kept(lib, limit)
		lib.loaded = lib.kept
	}
	return lib, nil
}

// RunFunction runs a function as Run runs a script.
func (m *Machine) RunFunction(f *Function, keys, args [][]byte, host Host, w *resp.Writer) *Error {
	return m.run(f.f, []glua.LValue{list(keys), list(args)}, host, w)
}

// redis.register_function(name, callback), or with a table of named arguments
func (m *Machine) registerFunction(l *glua.LState) int {
	if m.registry == nil {
		return complain(l, "redis.register_function can only be called on FUNCTION LOAD command")
	}
	f, problem := m.readFunction(l)
	if problem == "" && !validName(f.Name) {
		problem = nameText
	}
	if problem == "" && slices.ContainsFunc(m.registry.functions, func(o *Function) bool { return o.Name == f.Name }) {
		problem = "Function already exists in the library"
	}
	if problem != "" {
		return complain(l, problem)
	}
	m.registry.functions = append(m.registry.functions, f)
	return 0
}

func (m *Machine) readFunction(l *glua.LState) (f *Function, problem string) {
	switch l.GetTop() {
	case 1:
		t, ok := l.Get(1).(*glua.LTable)
		if !ok {
			return nil, "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."
		}
		return m.namedArguments(t)
	case 2:
		name, ok := text(l.Get(1))
		if !ok {
			return nil, "first argument to redis.register_function must be a string"
		}
		callback, ok := l.Get(2).(*glua.LFunction)
		if !ok {
			return nil, "second argument to redis.register_function must be a function"
		}
		return &Function{Name: name, f: callback}, ""
	}
	return nil, "wrong number of arguments to redis.register_function"
}

func (m *Machine) namedArguments(t *glua.LTable) (*Function, string) {
	f, named := &Function{}, false
	for key, value := t.Next(glua.LNil); key != glua.LNil; key, value = t.Next(key) {
		name, ok := key.(glua.LString)
		if !ok {
			return nil, "named argument key given to redis.register_function is not a string"
		}
		switch {
		case strings.EqualFold(string(name), "function_name"):
			if f.Name, named = text(value); !named {
				return nil, "function_name argument given to redis.register_function must be a string"
			}
		case strings.EqualFold(string(name), "description"):
			if f.Description, f.Described = text(value); !f.Described {
				return nil, "description argument given to redis.register_function must be a string"
			}
		case strings.EqualFold(string(name), "callback"):
			if f.f, ok = value.(*glua.LFunction); !ok {
				return nil, "callback argument given to redis.register_function must be a function"
			}
		case strings.EqualFold(string(name), "flags"):
			list, ok := value.(*glua.LTable)
			if !ok {
				return nil, "flags argument to redis.register_function must be a table representing function flags"
			}
			if f.Flags, ok = readFlags(list); !ok {
				return nil, "unknown flag given"
			}
		default:
			return nil, "unknown argument given to redis.register_function"
		}
	}
	switch {
	case !named:
		return nil, "redis.register_function must get a function name argument"
	case f.f == nil:
		return nil, "redis.register_function must get a callback argument"
	}
	return f, ""
}

func readFlags(list *glua.LTable) (flags Flags, ok bool) {
	for i := 1; list.RawGetInt(i) != glua.LNil; i++ {
		name, _ := text(list.RawGetInt(i))
		flag, ok := flagNamed(name)
		if !ok {
			return 0, false
		}
		flags |= flag
	}
	return flags, true
}
