package lua

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/resp"
)

// A script, whatever it is, replies or fails, within its time, and leaves the machine fit for the next one. Half of what is
// tried is raw text, half is made from a grammar by the bytes given.
func FuzzScript(f *testing.F) {
	for _, seed := range []string{
		"return 1", "return redis.call('GET', 1)", "local t = {} t[1] = t return t", "while true do end",
		"return string.format('%q%s%5.2f', 'a', {}, 1)", "return cjson.decode(ARGV[1])", "return cmsgpack.unpack(ARGV[1])",
		"return struct.unpack('>I4s', ARGV[1])", "#!lua flags=no-writes\nreturn 1", "coroutine.wrap(function() coroutine.yield(pcall(coroutine.yield)) end)()",
		"return (''):gsub('()', '%1')", "goto x ::x::", "return 1 .. 2 .. {}", "for k, v in pairs(_G) do return k end",
	} {
		f.Add(seed, uint64(0))
		f.Add(seed, uint64(7))
	}
	m := newTestMachine(false)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		code := text
		if seed != 0 {
			g := grammar{rand: rand.New(rand.NewPCG(seed, uint64(len(text)))), words: text}
			code = g.block(4)
		}
		h := &fakeHost{reply: "*2\r\n:1\r\n$1\r\nx\r\n", looks: 30}
		began := time.Now()
		s, err := Compile([]byte(code))
		if err != nil {
			return
		}
		var w resp.Writer
		failed := m.Run(s, [][]byte{[]byte("k")}, [][]byte{[]byte(text)}, h, &w)
		if took := time.Since(began); took > 20*time.Second {
			t.Fatalf("took %s: %q", took, code)
		}
		if failed == nil && w.Len() == 0 {
			t.Fatalf("no reply: %q", code)
		}
		if got := run(t, m, &fakeHost{looks: -1}, "return 1 .. #'x'"); got != "$2\r\n11\r\n" {
			t.Fatalf("after %q: %q", code, got)
		}
	})
}

// A library, whatever it is, is loaded or refused, and the machine stays fit.
func FuzzLibrary(f *testing.F) {
	f.Add("#!lua name=x\nredis.register_function('f', function() return 1 end)")
	f.Add("#!lua name=x\nredis.register_function{function_name='f', callback=function() end, flags={'no-writes'}}")
	f.Add("#!lua name=\nwhile true do end")
	m := newTestMachine(true)
	f.Fuzz(func(t *testing.T, code string) {
		lib, err := m.Load([]byte(code), &fakeHost{looks: 30})
		if err != nil {
			return
		}
		for _, function := range lib.Functions {
			var w resp.Writer
			m.RunFunction(function, nil, nil, &fakeHost{looks: 10, reply: "+OK\r\n"}, &w)
		}
	})
}

// grammar makes scripts.
type grammar struct {
	rand  *rand.Rand
	words string
}

func (g *grammar) pick(of ...string) string { return of[g.rand.IntN(len(of))] }

func (g *grammar) block(depth int) string {
	var b strings.Builder
	for range 1 + g.rand.IntN(4) {
		b.WriteString(g.statement(depth))
		b.WriteString(g.pick("\n", "; ", " "))
	}
	return b.String() + g.pick("", "return "+g.expr(depth))
}

func (g *grammar) statement(depth int) string {
	if depth <= 0 {
		return "local a = " + g.expr(0)
	}
	in := func() string { return g.block(depth - 1) }
	switch g.rand.IntN(10) {
	case 0:
		return "local " + g.name() + ", " + g.name() + " = " + g.expr(depth) + ", " + g.expr(depth)
	case 1:
		return "if " + g.expr(depth) + " then " + in() + " else " + in() + " end"
	case 2:
		return "for " + g.name() + " = " + g.expr(0) + ", " + g.expr(0) + " do " + in() + " end"
	case 3:
		return "for k, v in " + g.pick("pairs", "ipairs", "next,") + "(" + g.expr(depth-1) + ") do " + in() + " end"
	case 4:
		return "while " + g.expr(depth) + " do " + in() + " end"
	case 5:
		return "do local " + g.name() + " = " + g.expr(depth) + " " + g.name() + " = " + g.expr(depth) + " end"
	case 6:
		return "pcall(function(...) " + in() + " end)"
	case 7:
		return g.name() + "[" + g.expr(depth-1) + "] = " + g.expr(depth-1)
	case 8:
		return "local function " + g.name() + "(" + g.name() + ") " + in() + " end"
	}
	return "repeat " + in() + " until " + g.expr(depth)
}

func (g *grammar) name() string { return g.pick("a", "b", "c", "k", "v", "KEYS", "ARGV") }

func (g *grammar) expr(depth int) string {
	if depth <= 0 {
		return g.pick("1", "0", "-1", "1e308", "nil", "true", "'x'", "{}", "ARGV", "ARGV[1]", "0/0", "a", "2^53", strconv.Quote(g.words[:min(len(g.words), 8)]))
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.rand.IntN(9) {
	case 0:
		return "(" + e() + g.pick(" + ", " .. ", " < ", " == ", " % ", " ^ ", " and ", " or ", " / ", " ~= ") + e() + ")"
	case 1:
		return g.pick("-", "not ", "#") + e()
	case 2:
		return "{" + e() + ", k = " + e() + ", [" + e() + "] = " + e() + "}"
	case 3:
		return "(function(...) " + g.block(depth-1) + " end)(" + e() + ")"
	case 4:
		return g.pick("string.rep", "string.sub", "string.find", "string.gsub", "string.format", "string.byte", "string.match", "table.concat",
			"table.insert", "table.remove", "unpack", "select", "tostring", "tonumber", "math.floor", "math.max", "setmetatable", "rawset",
			"cjson.encode", "cjson.decode", "cmsgpack.pack", "cmsgpack.unpack", "struct.pack", "struct.unpack", "bit.band", "bit.lshift",
			"redis.call", "redis.pcall", "redis.sha1hex", "redis.error_reply", "coroutine.wrap", "coroutine.create", "coroutine.yield",
			"coroutine.resume", "error", "assert", "next", "loadstring", "string.char", "table.sort", "redis.setresp") + "(" + e() + ", " + e() + ", " + e() + ")"
	case 5:
		return e() + "." + g.pick("k", "x", "n")
	case 6:
		return "(" + e() + "):" + g.pick("rep", "upper", "gsub", "len", "format") + "(" + e() + ", " + e() + ")"
	case 7:
		return "setmetatable({}, {__index = " + e() + ", __add = " + e() + ", __concat = " + e() + ", __call = " + e() + "})"
	}
	return "coroutine.wrap(function() " + g.block(depth-1) + " end)(" + e() + ")"
}
