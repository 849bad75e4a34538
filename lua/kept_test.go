package lua

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

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
	{"tail calls", `local t = {}`, `if i % 1000 == 0 then local c = coroutine.wrap(function()
		local function down(n) if n == 0 then coroutine.yield() return 0 end return down(n - 1) end
		return down(20000) end) c() t[#t + 1] = c end`},
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

// A library that registers others than before has none of its functions, not some.
func TestLibraryThatRegistersOthers(t *testing.T) {
	m := newTestMachine(true)
	register := func(names ...string) []byte {
		code := "#!lua name=lib\n"
		for _, name := range names {
			code += "redis.register_function('" + name + "', function() return 1 end)\n"
		}
		return []byte(code)
	}
	lib, err := m.Load(register("a", "b", "c"), &fakeHost{looks: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"a", "b"}, {"a", "b", "d"}, {"a", "b", "c", "d"}} {
		lib.forget()
		lib.Code = register(names...)
		if err := m.Reload(lib, &fakeHost{looks: -1}); err == nil || !strings.Contains(err.Error(), "other functions than before") {
			t.Errorf("%v: %v", names, err)
		}
		for _, f := range lib.Functions {
			if !f.Forgotten() {
				t.Errorf("%v: %s is there", names, f.Name)
			}
		}
	}
}

// To measure makes garbage, which is no reason to measure again, and takes time, in which much has to be made for the next measuring.
func TestMeasuringIsSeldom(t *testing.T) {
	limit := int64(1 << 30)
	m := New(Options{Version: "7.0.15", Memory: func() int64 { return limit }, Functions: true})
	lib := loadHoard(t, m, `local t = {} for i = 1, 80000 do t[i] = {} end`, `local n = #t`)
	limit = lib.loaded + lib.loaded/8
	libs := map[string]*Library{lib.Name: lib}
	measured := func() bool {
		lib.kept, m.worked = 0, true
		m.Bound(libs)
		return lib.kept > 0
	}
	if !measured() || lib.kept < 80_000*tableBytes || m.ledger.due > limit/4 {
		t.Fatalf("%d bytes are kept, and %d may be made", lib.kept, m.ledger.due)
	}
	m.ledger.took = 0
	if measured() {
		t.Error("what measuring made was a reason to measure")
	}
	m.ledger.took, m.ledger.due = time.Hour, 1
	m.ledger.made -= limit / 4
	if measured() || !m.worked {
		t.Error("measured too soon, or not noted that it is due")
	}
	m.ledger.made -= limit / 4
	if !measured() || m.ledger.took >= time.Hour {
		t.Error("not measured though much was made")
	}
}

// However many libraries keep however much, so much is walked at a time, and those that were not come later.
func TestMeasuringIsBounded(t *testing.T) {
	m := New(Options{Version: "7.0.15", Memory: func() int64 { return 1 << 30 }, Functions: true})
	libs := map[string]*Library{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		lib := loadHoard(t, m, `local t = {}`, `t[#t + 1] = {}`)
		lib.Name, libs[name] = name, lib
		call(m, lib.Functions[0])
		lib.kept = -1
	}
	limit := m.kept(libs["a"], 1<<30) - 10_000
	came := 0
	forgotten, due := m.measure(libs, limit)
	for _, lib := range libs {
		if lib.kept >= 0 {
			came++
		}
	}
	if came < 2 || came > 3 || len(forgotten) == 0 || due != limit/collectShare {
		t.Errorf("measured %d, of which %d were forgotten, and %d of %d may be made", came, len(forgotten), due, limit)
	}
	for range 6 {
		m.measure(libs, limit)
	}
	for name, lib := range libs {
		if lib.kept < 0 || !lib.Functions[0].Forgotten() && name != "f" {
			t.Errorf("nobody came to %s, which keeps %d", name, lib.kept)
		}
	}
}

func TestTwinsAreAlike(t *testing.T) {
	type (
		pointed = *int
		named   interface{ Name() string }
	)
	of := reflect.TypeFor[unsafe.Pointer]()
	for _, c := range []struct {
		theirs, ours reflect.Type
		want         bool
	}{
		{reflect.TypeFor[pointed](), of, true},
		{reflect.TypeFor[uintptr](), of, false},
		{reflect.TypeFor[named](), reflect.TypeFor[any](), true},
		{reflect.TypeFor[string](), reflect.TypeFor[any](), false},
		{reflect.TypeFor[int](), reflect.TypeFor[uint](), false},
		{reflect.TypeFor[int32](), reflect.TypeFor[int64](), false},
		{reflect.TypeFor[[]int](), reflect.TypeFor[[]int](), true},
		{reflect.TypeFor[[]int](), reflect.TypeFor[[]float64](), false},
		{reflect.TypeFor[map[string]int](), reflect.TypeFor[map[string]int](), true},
		{reflect.TypeFor[map[string]int](), reflect.TypeFor[map[any]int](), false},
		{reflect.TypeFor[map[string]int](), reflect.TypeFor[map[string]uint](), false},
	} {
		if got := alike(c.theirs, c.ours); got != c.want {
			t.Errorf("%v for %v: %v", c.ours, c.theirs, got)
		}
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
