package lua

import (
	"errors"
	"strings"
	"testing"
	"time"

	"holdfast/resp"
)

// fakeHost answers commands with the replies that a test gives, and ends a script after so many looks.
type fakeHost struct {
	calls  [][]string
	reply  string
	proto  int
	looks  int // left; below 0: without end
	lines  []string
	denied bool
}

var errKilled = errors.New("killed")

func (h *fakeHost) Call(args [][]byte) []byte {
	var call []string
	for _, arg := range args {
		call = append(call, string(arg))
	}
	h.calls = append(h.calls, call)
	return []byte(h.reply)
}

func (h *fakeHost) SetProto(version int)                   { h.proto = version }
func (h *fakeHost) Allowed([][]byte) (allowed, known bool) { return !h.denied, true }
func (h *fakeHost) Log(_ Level, message string)            { h.lines = append(h.lines, message) }
func (h *fakeHost) Look() error {
	if h.looks == 0 {
		return errKilled
	}
	h.looks--
	return nil
}

const testMemory = 16 << 20

func newTestMachine(functions bool) *Machine {
	return New(Options{Version: "7.0.15", Memory: func() int64 { return testMemory }, Functions: functions})
}

// run runs a script and returns its reply, or the text of its error.
func run(t testing.TB, m *Machine, h *fakeHost, code string, args ...string) string {
	t.Helper()
	s, err := Compile([]byte(code))
	if err != nil {
		return err.Error()
	}
	var argv [][]byte
	for _, arg := range args {
		argv = append(argv, []byte(arg))
	}
	var w resp.Writer
	if failed := m.Run(s, nil, argv, h, &w); failed != nil {
		return failed.Text
	}
	return string(w.Bytes())
}

func TestScriptsReply(t *testing.T) {
	m := newTestMachine(false)
	for _, c := range []struct{ code, want string }{
		{`return 1`, ":1\r\n"},
		{`return {1, 'a', {false, true}}`, "*3\r\n:1\r\n$1\r\na\r\n*2\r\n$-1\r\n:1\r\n"},
		{`return ARGV[1] .. 0.1 .. 1e15`, "$9\r\nx0.11e+15\r\n"},
		{`local t = {} for i = 1, 200 do t[i] = 'x' end return #(table.concat(t) .. t[1] .. t[2] .. t[3])`, ":203\r\n"},
		{`return ('%d'):format(7) .. 1 .. (function() return 2, 3 end)()`, "$3\r\n712\r\n"},
		{`local function f(...) return 'a' .. ... end return f('b', 'c')`, "$2\r\nab\r\n"},
	} {
		if got := run(t, m, &fakeHost{looks: -1}, c.code, "x"); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.code, got, c.want)
		}
	}
}

// What a command replies becomes the value that Redis makes of it, in both protocols.
func TestRepliesBecomeValues(t *testing.T) {
	m := newTestMachine(false)
	for _, c := range []struct{ reply, expr, want string }{
		{"$-1\r\n", "r == false", ":1\r\n"},
		{"*-1\r\n", "r == false", ":1\r\n"},
		{"_\r\n", "r == nil", ":1\r\n"},
		{"#f\r\n", "r == false", ":1\r\n"},
		{",1.5\r\n", "r.double == 1.5", ":1\r\n"},
		{",inf\r\n", "r.double == math.huge", ":1\r\n"},
		{"(123\r\n", "r.big_number", "$3\r\n123\r\n"},
		{"=7\r\ntxt:abc\r\n", "r.verbatim_string.format .. r.verbatim_string.string", "$6\r\ntxtabc\r\n"},
		{"%1\r\n$1\r\nk\r\n:2\r\n", "r.map.k", ":2\r\n"},
		{"~1\r\n$1\r\nk\r\n", "r.set.k == true", ":1\r\n"},
		{"*2\r\n:1\r\n*1\r\n+OK\r\n", "r[2][1].ok", "$2\r\nOK\r\n"},
		{"|1\r\n+a\r\n+b\r\n:5\r\n", "r", ":5\r\n"},
	} {
		h := &fakeHost{reply: c.reply, looks: -1}
		if got := run(t, m, h, "local r = redis.call('X', 1, 0.1) return "+c.expr); got != c.want {
			t.Errorf("%q: %s\n got %q\nwant %q", c.reply, c.expr, got, c.want)
		}
		if want := "X 1 0.10000000000000001"; strings.Join(h.calls[0], " ") != want {
			t.Errorf("called %q, want %q", h.calls[0], want)
		}
	}
}

// A script leaves nothing behind for the next one.
func TestScriptsShareNothing(t *testing.T) {
	m := newTestMachine(false)
	for _, code := range []string{
		`string.format = nil`, `math.pi = 3`, `rawset(string, 'x', 1)`, `redis.call = nil`, `_G.x = 1`, `x = 1`,
		`getmetatable('').__index = nil`, `getmetatable(_G).__index = {}`, `setmetatable(_G, {})`, `setmetatable(string, {})`,
		`table.insert(string, 1)`, `table.sort(_G)`, `cjson.null = 1`, `rawset(_G, '_G', {})`, `table.remove(math, 1)`,
		`for k in pairs(_G) do _G[k] = nil end`, `local t = _G t.string = nil`,
	} {
		if got := run(t, m, &fakeHost{looks: -1}, code); !strings.Contains(got, readonlyText) {
			t.Errorf("%s: %q", code, got)
		}
	}
	if got := run(t, m, &fakeHost{looks: -1}, `cjson.encode_max_depth(1) math.randomseed(5) return 1`); got != ":1\r\n" {
		t.Error(got)
	}
	if got := run(t, m, &fakeHost{looks: -1}, `return cjson.encode({{{1}}})`); got != "$7\r\n[[[1]]]\r\n" {
		t.Error(got)
	}
}

// There is no way out of the sandbox.
func TestNothingOutsideIsReached(t *testing.T) {
	m := newTestMachine(false)
	for _, name := range []string{"os", "io", "debug", "package", "require", "dofile", "loadfile", "print", "setfenv", "getfenv", "newproxy", "module", "channel", "goto_"} {
		if got := run(t, m, &fakeHost{looks: -1}, "return "+name); !strings.Contains(got, "nonexistent global variable '"+name+"'") {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, code := range []string{`return string.dump(function() end)`, "return loadstring('\\27Lua')()"} {
		if got := run(t, m, &fakeHost{looks: -1}, code); !strings.HasPrefix(got, "ERR ") {
			t.Errorf("%s: %q", code, got)
		}
	}
}

// Whatever loops ends when somebody kills it, also where it catches errors, and within functions of ours and coroutines.
func TestLoopsAreKilled(t *testing.T) {
	m := newTestMachine(false)
	for _, code := range []string{
		`while true do end`,
		`while true do pcall(function() while true do end end) end`,
		`repeat local ok = pcall(error, 'x') until false`,
		`local function f() return f() end f()`,
		`coroutine.wrap(function() while true do end end)()`,
		`local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end`,
		`while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
		`return string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(40))`,
		`return string.gsub(('a'):rep(5000), '.-.-.-.-b', '')`,
		`while true do table.sort({3, 2, 1}, function(a, b) return a < b end) end`,
		`local t = setmetatable({}, {__index = function() while true do end end}) return t.x`,
		`for i = 1, math.huge do end`,
		`xpcall(function() while true do end end, function() while true do end end)`,
		`while true do loadstring('return 1')() end`,
	} {
		began := time.Now()
		got := run(t, m, &fakeHost{looks: 20}, code)
		if !strings.Contains(got, errKilled.Error()) {
			t.Errorf("%s: %q", code, got)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %s after 20 looks", code, took)
		}
	}
	if got := run(t, m, &fakeHost{looks: -1}, `return 1`); got != ":1\r\n" {
		t.Errorf("after all that: %q", got)
	}
}

// Whatever takes memory without end ends with an error, and what it took is free again.
func TestMemoryIsBounded(t *testing.T) {
	m := newTestMachine(false)
	for _, code := range []string{
		`local s = 'x' while true do s = s .. s end`,
		`local s = 'x' while true do s = s:rep(1000) end`,
		`local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end`,
		`local t = {} while true do t = {t} end`,
		`local t = {} for i = 1, 1e9 do t[i] = i end`,
		`local t = {} while true do local big = {} big[1e6] = 1 t[#t + 1] = big end`,
		`local t = {} while true do t[#t + 1] = coroutine.create(function() end) end`,
		`local s = ('x'):rep(1e6) local t = {} while true do t[#t + 1] = s:upper() end`,
		`local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(1000) end return table.concat(t)`,
		`return (('x'):rep(1e4)):gsub('x', ('y'):rep(1e5))`,
		`return ('x'):rep(1e10)`,
		`return string.format('%s%s%s', ('x'):rep(3e7), ('x'):rep(3e7), ('x'):rep(3e7)) .. 'x'`,
		`return load(function() return ('x'):rep(1e6) end)`,
		`local t = {} for i = 1, 1e5 do t[i] = i end return #table.concat(t, ('x'):rep(4e6))`,
		`local s = ('x'):rep(1e5) local t = {} for i = 1, 1e5 do t[i] = s end return #table.concat(t)`,
		`return (('x'):rep(1e6)):gsub('.*', ('%0'):rep(1e6))`,
		`return (('x'):rep(1e6)):gsub('(.*)', ('%1'):rep(1e6))`,
		`local s = ('\0'):rep(2e6) return string.format(('%q'):rep(200), unpack((function() local t = {} for i = 1, 200 do t[i] = s end return t end)()))`,
		`local s = ('x'):rep(2e6) local t = {} for i = 1, 7000 do t[i] = s end return redis.call('ECHO', unpack(t))`,
		`local s = ('x'):rep(2e6) local t = {} for i = 1, 7000 do t[i] = s end return redis.acl_check_cmd('ECHO', unpack(t))`,
		`local s = ('x'):rep(2e6) local t = {} for i = 1, 7000 do t[i] = s end return t`,
		`local t = {1, 2, 3} for i = 1, 100 do t = {t, t} end return t`,
		`local s = ('x'):rep(1e5) local t = {} for i = 1, 1e5 do t[i] = s end return cjson.encode(t)`,
		`return cjson.encode(('\1'):rep(4e6))`,
		`return cjson.decode('[' .. ('[],'):rep(1e6) .. '1]')`,
		`local s = ('x'):rep(1e5) local t = {} for i = 1, 1e5 do t[i] = s end return cmsgpack.pack(t)`,
		`return cmsgpack.unpack('\221\0\15\0\0' .. ('\144'):rep(1e6))`,
		`local t = {} while true do t[#t + 1] = struct.pack('c1000000', ('x'):rep(1e6)) end`,
		`local t = {} while true do local n = #t t[n + 1] = function() return n end end`,
		`local t = {} while true do t['k' .. (t.n or 0)] = true t.n = (t.n or 0) + 1 end`,
		`local t, n = {}, 0 while true do local ok, e = pcall(error, ('x'):rep(1e5) .. n) n = n + 1 t[n] = e end`,
		`local t = {} while true do t[#t + 1] = redis.error_reply(('x'):rep(1e5) .. #t) end`,
		`local t = {} while true do t[#t + 1] = loadstring('return ' .. #t) end`,
		`local t = {} for w in (('x'):rep(5e6)):gmatch('.') do t[#t + 1] = w .. #t end`,
	} {
		if got := run(t, m, &fakeHost{looks: -1}, code); !strings.Contains(got, errMemory.Error()) {
			t.Errorf("%s: %.200q", code, got)
		}
	}
	if got := run(t, m, &fakeHost{looks: -1}, `return #('x'):rep(1e6)`); got != ":1000000\r\n" {
		t.Errorf("after all that: %q", got)
	}
}

// Recursion of every kind ends with an error.
func TestRecursionIsBounded(t *testing.T) {
	m := newTestMachine(false)
	for _, c := range []struct{ code, want string }{
		{`local function f(n) if n == 0 then return 'deep' end return f(n - 1) .. '' end return f(9900)`, "deep"},
		{`local function f() return 1 + f() end return f()`, "stack overflow"},
		{`local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end return f()`, "C stack overflow"},
		{`local function f(n) return coroutine.wrap(f)(n + 1) end return f(1)`, "C stack overflow"},
		{`local t = {} t.t = t setmetatable(t, {__index = t}) return t.x`, "too many recursions"},
		{`local function f() table.sort({2, 1}, function() f() end) end return f()`, "C stack overflow"},
		{`local function f() return (('x'):gsub('x', f)) end return f()`, "C stack overflow"},
		{`return cjson.encode((function() local t = {} t[1] = t return t end)())`, "excessive nesting"},
		{`local t = {} t[1] = t return t`, "reached lua stack limit"},
		{`return ` + strings.Repeat("(", 200_000) + `1` + strings.Repeat(")", 200_000), "too large"},
		{`return ` + strings.Repeat("{", 6000) + strings.Repeat("}", 6000), "too many syntax levels"},
		{`return #cmsgpack.pack((function() local t = {} t[1] = t return t end)())`, ":17\r\n"},
	} {
		if got := run(t, m, &fakeHost{looks: -1}, c.code); !strings.Contains(got, c.want) {
			t.Errorf("%.100s: %.200q, want %q", c.code, got, c.want)
		}
	}
}

// Variables that functions share stay shared, whatever fails in between.
func TestErrorsLeaveClosuresAlone(t *testing.T) {
	m := newTestMachine(false)
	for _, c := range []struct{ code, want string }{
		{`local x = 1 local function inc() x = x + 1 end for i = 1, 3 do pcall(error, 'x') end inc() inc() return x`, ":3\r\n"},
		{`local x = 1 local function inc() x = x + 1 end
		  pcall(function() pcall(error, 'x') error('y') end) inc() pcall(function() pcall(error, 'x') local z = nil + 1 end) inc() return x`, ":3\r\n"},
		{`local x = 1 local function inc() x = x + 1 end
		  for i = 1, 3 do coroutine.resume(coroutine.create(function() pcall(error, 'x') error('x') end)) end inc() inc() return x`, ":3\r\n"},
		{`local f pcall(function() local y = 5 f = function(v) y = v return y end error('x') end)
		  local a, b, c = 10, 20, 30 f(1) f(2) return a + b + c`, ":60\r\n"},
	} {
		if got := run(t, m, &fakeHost{looks: -1}, c.code); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.code, got, c.want)
		}
	}
}

// A library registers functions, which keep what is local to it.
func TestLibrary(t *testing.T) {
	m := newTestMachine(true)
	lib, err := m.Load([]byte("#!lua name=lib\nlocal n = 0\nredis.register_function('next', function(keys, args) n = n + #keys + args[1] return n end)"), &fakeHost{looks: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{":6\r\n", ":12\r\n"} {
		var w resp.Writer
		if failed := m.RunFunction(lib.Functions[0], [][]byte{[]byte("k")}, [][]byte{[]byte("5")}, &fakeHost{looks: -1}, &w); failed != nil || string(w.Bytes()) != want {
			t.Errorf("%v %q, want %q", failed, w.Bytes(), want)
		}
	}
	if _, err := m.Load([]byte("#!lua name=loops\nwhile true do end"), &fakeHost{looks: 5}); err == nil || !strings.Contains(err.Error(), errKilled.Error()) {
		t.Errorf("a library that loops: %v", err)
	}
	if _, err := m.Load([]byte("#!lua name=x\nredis.register_function('f', function() redis.register_function('g', function() end) end)"), &fakeHost{looks: -1}); err != nil {
		t.Error(err)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{{0, "0"}, {1e14, "1e+14"}, {123456789012, "123456789012"}, {0.1 + 0.2, "0.3"}, {-1.5, "-1.5"}, {1e300, "1e+300"}, {infinity, "inf"}} {
		if got := string(appendNumber(nil, c.f)); got != c.want {
			t.Errorf("%v is %s, want %s", c.f, got, c.want)
		}
	}
	for text, want := range map[string]float64{"010": 10, " 5 ": 5, "0x10": 16, "-0x10": -16, "1e2": 100, ".5": 0.5, "5.": 5} {
		if got, ok := parseNumber(text); !ok || got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", " ", "x", "1_0", "0x", "--1", "1 2", "0b1"} {
		if got, ok := parseNumber(text); ok {
			t.Errorf("%q is %v, want none", text, got)
		}
	}
}
