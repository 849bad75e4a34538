package lua

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"holdfast/resp"
)

// hoard are ways to keep things from call to call: what is done for each i, with what is local to the library.
var hoards = []struct{ name, local, each string }{
	{"numbers", `local t = {}`, `t[#t + 1] = i + 0.5`},
	{"a number of 32", `local t = {}`, `local x = i + 0.5 if i % 32 == 0 then t[#t + 1] = x end`},
	{"texts", `local t = {}`, `t[#t + 1] = ('x'):rep(50) .. i`},
	{"a text of many places", `local t, s = {}, ('x'):rep(50)`, `t[#t + 1] = s`},
	{"parts of texts", `local t = {}`, `t[#t + 1] = ((('x'):rep(5000) .. i):sub(1, 10))`},
	{"parts that a pattern finds", `local t = {}`, `t[#t + 1] = (('ab'):rep(2000) .. i):match('%d+$')`},
	{"names", `local t = {}`, `t['name' .. i] = true`},
	{"names that are gone", `local t = {}`, `t['name' .. i] = true t['name' .. i] = nil`},
	{"keys", `local t = {}`, `t[-i] = i`},
	{"tables", `local t = {}`, `t[#t + 1] = {i}`},
	{"tables with a name", `local t = {}`, `t[#t + 1] = {n = i}`},
	{"a chain", `local t = {}`, `t = {t}`},
	{"functions", `local t = {}`, `local n = i t[#t + 1] = function() return n end`},
	{"coroutines", `local t = {}`, `if i % 100 == 0 then local c = coroutine.wrap(function() local s = ('x'):rep(2000) coroutine.yield() return s end) c() t[#t + 1] = c end`},
	{"what coroutines leave", `local t = {}`, `if i % 100 == 0 then local f coroutine.wrap(function() local s = ('x'):rep(2000) .. i f = function() return s end end)() t[#t + 1] = f end`},
	{"iterators", `local t = {}`, `if i % 10 == 0 then t[#t + 1] = (('x'):rep(2000) .. i):gmatch('x') end`},
	{"code", `local t = {}`, `if i % 100 == 0 then t[#t + 1] = loadstring('return ' .. i) end`},
	{"upvalues", `local s = ''`, `if i % 1000 == 0 then s = s .. ('x'):rep(20000) end`},
	{"an empty array", `local t = {}`, `if i == 1 then t[1000000] = 1 end`},
	{"what JSON says", `local t = {}`, `t[#t + 1] = cjson.decode('["' .. i .. '", 1.5]')`},
	{"errors", `local t = {}`, `local ok, e = pcall(error, {('x'):rep(100) .. i}) t[#t + 1] = e`},
	{"environments", `local t = {}`, `t[#t + 1] = setmetatable({}, {__index = {('x') .. i}})`},
}

func loadHoard(t *testing.T, m *Machine, local, each string) *Library {
	t.Helper()
	lib, err := m.Load([]byte("#!lua name=lib\n"+local+"\nredis.register_function('f', function() for i = 1, 10000 do "+each+" end return 1 end)"), &fakeHost{looks: -1})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func call(m *Machine, f *Function) string {
	var w resp.Writer
	if failed := m.RunFunction(f, nil, nil, &fakeHost{looks: -1}, &w); failed != nil {
		return failed.Text
	}
	return string(w.Bytes())
}

// What a library keeps is measured about as large as the heap has grown by it.
func TestKeptIsWhatTheHeapHolds(t *testing.T) {
	for _, h := range hoards {
		m := New(Options{Version: "7.0.15", Memory: func() int64 { return 1 << 30 }, Functions: true})
		lib := loadHoard(t, m, h.local, h.each)
		call(m, &Function{Name: "nothing", f: m.nothing})
		before := heapLives()
		if got := call(m, lib.Functions[0]); got != ":1\r\n" {
			t.Errorf("%s: %s", h.name, got)
		}
		grown, kept := heapLives()-before, m.kept(lib, 1<<30)-lib.loaded
		t.Logf("%-30s heap %9d kept %9d  %.2f", h.name, grown, kept, float64(kept)/float64(grown))
		if float64(kept) < 0.5*float64(grown) || float64(kept) > 3*float64(grown)+100_000 {
			t.Errorf("%s: the heap has grown by %d bytes, and the library keeps %d", h.name, grown, kept)
		}
		runtime.KeepAlive(lib)
	}
}

func heapLives() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// A library that keeps ever more begins anew, and others beside it go on with what they keep.
func TestHoardsAreBounded(t *testing.T) {
	m := newTestMachine(true)
	count := []byte("#!lua name=count\nlocal n = 0\nredis.register_function('n', function() n = n + 1 return n end)")
	other, err := m.Load(count, &fakeHost{looks: -1})
	if err != nil {
		t.Fatal(err)
	}
	lib := loadHoard(t, m, `local t = {}`, `t[#t + 1] = ('x'):rep(50) .. i`)
	libs := map[string]*Library{lib.Name: lib, other.Name: other}
	before, most, times := heapLives(), int64(0), 0
	for i := 1; i <= 50; i++ {
		for _, forgotten := range m.Bound(libs) {
			if times++; forgotten != lib {
				t.Fatalf("call %d: %s was to forget", i, forgotten.Name)
			}
		}
		if lib.Functions[0].Forgotten() {
			if err := m.Reload(lib, &fakeHost{looks: -1}); err != nil {
				t.Fatal(err)
			}
		}
		if got := call(m, lib.Functions[0]); got != ":1\r\n" {
			t.Fatalf("call %d: %s", i, got)
		}
		if got, want := call(m, other.Functions[0]), fmt.Sprintf(":%d\r\n", i); got != want {
			t.Fatalf("the other library replies %q, want %q", got, want)
		}
		if i%10 == 0 {
			most = max(most, heapLives()-before)
		}
	}
	if times < 1 || most > 2*testMemory {
		t.Errorf("forgot %d times, and the heap grew by up to %d bytes", times, most)
	}
}

// Code that cannot be loaded again, as it is another one each time, is an error of the calls, and the server's memory is free.
func TestLibraryThatDoesNotLoadAgain(t *testing.T) {
	m := newTestMachine(true)
	lib := loadHoard(t, m, `local t = {} for i = 1, 1e6 do t[1] = i end`, `t[#t + 1] = {i}`)
	lib.forget()
	if err := m.Reload(lib, &fakeHost{looks: 0}); err == nil || !strings.Contains(err.Error(), errKilled.Error()) {
		t.Errorf("a load that is killed: %v", err)
	}
	if !lib.Functions[0].Forgotten() {
		t.Error("it has functions nevertheless")
	}
	if err := m.Reload(lib, &fakeHost{looks: -1}); err != nil || call(m, lib.Functions[0]) != ":1\r\n" {
		t.Errorf("the next load: %v", err)
	}
}

// An array ends with an error where places would no longer be counted.
func TestArraysEnd(t *testing.T) {
	m := New(Options{Version: "7.0.15", Memory: func() int64 { return 1 << 30 }})
	const long = `local t = {} t[4194303] = 1 `
	code := long + `local ok, e = pcall(table.insert, t, 1) local ok, e2 = pcall(table.insert, t, 1, 1) t[4194304] = 'x' return e .. e2 .. t[4194304] .. #t`
	end := "an array has at most 4194303 places"
	if got := run(t, m, &fakeHost{looks: -1}, code); !strings.HasSuffix(got, end+end+"x4194303\r\n") {
		t.Errorf("%q", got)
	}
}
