package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func mustSet(t *testing.T, c *Config, origin Origin, name, value string) {
	t.Helper()
	if err := c.Set(origin, name, value); err != nil {
		t.Fatalf("%s %q: %v", name, value, err)
	}
}

func wantValue(t *testing.T, c *Config, name, want string) {
	t.Helper()
	if got, ok := c.Get(name); !ok || got != want {
		t.Errorf("%s is %q (known: %t), want %q", name, got, ok, want)
	}
}

func TestHigherOriginWinsInAnyOrder(t *testing.T) {
	values := map[Origin]string{File: "1", Environment: "2", Flag: "3", RunTime: "4"}
	for _, order := range [][]Origin{
		{File, Environment, Flag}, {Flag, Environment, File}, {Environment, Flag, File, RunTime}, {File}, {Environment, File},
	} {
		c := New()
		for _, origin := range order {
			mustSet(t, c, origin, "timeout", values[origin])
		}
		highest := slices.Max(order)
		wantValue(t, c, "timeout", values[highest])
		if got, ok := c.Origin("timeout"); !ok || got != highest {
			t.Errorf("order %v: origin %v, want %v", order, got, highest)
		}
	}
}

func TestLaterWinsWithinAnOrigin(t *testing.T) {
	c := New()
	mustSet(t, c, File, "fsync", "no")
	mustSet(t, c, File, "appendfsync", "everysec")
	wantValue(t, c, "fsync", "everysec")
}

func TestOverruledValueIsCheckedAllTheSame(t *testing.T) {
	c := New()
	mustSet(t, c, Flag, "timeout", "5")
	if err := c.Set(File, "timeout", "soon"); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
}

func TestErrorsHaveSentinels(t *testing.T) {
	for _, test := range []struct {
		origin Origin
		pairs  [][2]string
		want   error
	}{
		{RunTime, [][2]string{{"nope", "1"}}, ErrUnknown},
		{RunTime, [][2]string{{"databases", "1"}}, ErrImmutable},
		{RunTime, [][2]string{{"dir", "/"}}, ErrImmutable},
		{RunTime, [][2]string{{"addr", "a:1"}}, ErrImmutable},
		{Flag, [][2]string{{"databases", "0"}}, ErrInvalid},
		{Flag, [][2]string{{"daemonize", "yes"}}, ErrInvalid},
		{RunTime, [][2]string{{"hz", "1"}, {"Hz", "2"}}, ErrDuplicate},
	} {
		if err := New().SetMany(test.origin, test.pairs); !errors.Is(err, test.want) {
			t.Errorf("%v: error %v, want %v", test.pairs, err, test.want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"hz", "fast", "hz \"fast\": give a whole number from 0 to 2147483647"},
		{"maxmemroy", "1", "maxmemroy: unknown setting: did you mean maxmemory?"},
		{"daemonize", "yes", "daemonize \"yes\": only no is supported: remove it, or give no"},
		{"replicaof", "x", `replicaof "x": only "" is supported: remove it, or give ""`},
		{"fsync", "fast", "fsync \"fast\": give one of everysec, always, no"},
	} {
		var e *Error
		if err := New().Set(Flag, test.name, test.value); !errors.As(err, &e) {
			t.Errorf("%s %s: error %v", test.name, test.value, err)
		} else if got := e.Explain(); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.name, test.value, got, test.want)
		}
	}
}

func TestFileNamesStayInTheDirectory(t *testing.T) {
	for _, name := range []string{"dbfilename", "appendfilename", "appenddirname"} {
		mustSet(t, New(), File, name, "plain.file")
		for _, value := range []string{"", "../x", `a\b`} {
			if err := New().Set(File, name, value); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s %q: error %v, want ErrInvalid", name, value, err)
			}
		}
	}
}

func TestSizesBeyondInt64AreRefused(t *testing.T) {
	for _, value := range []string{"9223372036854775808", "9007199254740992kb", "99999999999999999999gb"} {
		if err := New().Set(Flag, "maxmemory", value); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", value, err)
		}
	}
}

func TestModes(t *testing.T) {
	c := New()
	mustSet(t, c, Flag, "unixsocketperm", "0770")
	wantValue(t, c, "unixsocketperm", "770")
	if got := c.Int("unixsocketperm").Load(); got != 0o770 {
		t.Errorf("mode %o", got)
	}
	for value, want := range map[string]string{
		"999":  "argument couldn't be parsed as an octal number",
		"1777": "argument must be between 0 and 777 inclusive",
	} {
		if err := c.Set(Flag, "unixsocketperm", value); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want …%s", value, err, want)
		}
	}
}

func TestAddrIsBindAndPort(t *testing.T) {
	for _, test := range []struct{ addr, bind, port, back string }{
		{"127.0.0.1:7000", "127.0.0.1", "7000", "127.0.0.1:7000"},
		{"[::1]:7000", "::1", "7000", "[::1]:7000"},
		{":7000", "* -::*", "7000", "*:7000"},
		{"*:7000", "* -::*", "7000", "*:7000"},
		{"localhost:0", "localhost", "0", "localhost:0"},
	} {
		c := New()
		mustSet(t, c, Flag, "addr", test.addr)
		wantValue(t, c, "bind", test.bind)
		wantValue(t, c, "port", test.port)
		wantValue(t, c, "addr", test.back)
	}
	for _, addr := range []string{"", "7000", "host", "host:", "host:x", "host:65536", "host:007", "a b:1", "::1:5"} {
		if err := New().Set(Flag, "addr", addr); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: error %v, want ErrInvalid", addr, err)
		}
	}
}

func TestAddrOfLowerOriginLeavesPort(t *testing.T) {
	c := New()
	mustSet(t, c, Flag, "port", "7000")
	mustSet(t, c, Environment, "addr", "10.0.0.1:6379")
	wantValue(t, c, "addr", "10.0.0.1:7000")
}

func TestHooksDecide(t *testing.T) {
	c := New()
	var calls []string
	note := func(name string) func(string) error {
		return func(value string) error { calls = append(calls, name+"="+value); return nil }
	}
	c.OnChange("hz", note("hz"))
	c.OnChange("timeout", note("timeout"))
	errDisk := errors.New("no room for the log")
	c.OnChange("appendonly", func(string) error { return errDisk })

	err := c.SetMany(RunTime, [][2]string{{"hz", "20"}, {"timeout", "7"}, {"appendonly", "no"}, {"maxmemory", "1gb"}})
	if !errors.Is(err, ErrRefused) || !errors.Is(err, errDisk) {
		t.Errorf("error %v, want ErrRefused and what the hook returned", err)
	}
	if want := "ERR CONFIG SET failed (possibly related to argument 'appendonly') - no room for the log"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if want := []string{"hz=20", "timeout=7", "timeout=0", "hz=10"}; !slices.Equal(calls, want) {
		t.Errorf("hooks called with %v, want %v", calls, want)
	}
	for name, want := range map[string]string{"hz": "10", "timeout": "0", "appendonly": "yes", "maxmemory": "0"} {
		wantValue(t, c, name, want)
	}
	if origin, _ := c.Origin("hz"); origin != Default {
		t.Errorf("origin %v after a refusal", origin)
	}
}

func TestRefusalInMidSettingUndoesItsEarlierHook(t *testing.T) {
	c := New()
	var first []string
	c.OnChange("hz", func(v string) error { first = append(first, v); return nil })
	c.OnChange("hz", func(string) error { return errors.New("no") })
	if err := c.Set(RunTime, "hz", "20"); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
	if want := []string{"20", "10"}; !slices.Equal(first, want) {
		t.Errorf("first hook called with %v, want %v", first, want)
	}
}

// TestOneHookIsTheLast: what cannot be taken back is asked for when nobody can refuse any more.
func TestOneHookIsTheLast(t *testing.T) {
	c := New()
	var last []string
	c.OnChangeLast("appendonly", func(value func(string) string) error {
		last = append(last, value("appendonly")+" "+value("appendfsync"))
		return nil
	})
	no := errors.New("no")
	c.OnChange("hz", func(string) error { return no })
	c.OnChangeOf([]string{"tls-cert-file"}, func(func(string) string) error { return no })
	for _, other := range [][2]string{{"hz", "20"}, {"tls-cert-file", "a.pem"}} {
		if err := c.SetMany(RunTime, [][2]string{{"appendonly", "no"}, other}); !errors.Is(err, no) || len(last) > 0 {
			t.Errorf("with %s: error %v, and the last hook called with %q", other[0], err, last)
		}
		wantValue(t, c, "appendonly", "yes")
	}
	mustSet(t, c, RunTime, "appendonly", "yes") // as it is
	if err := c.SetMany(RunTime, [][2]string{{"appendonly", "no"}, {"appendfsync", "everysec"}}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"yes always", "no everysec"}; !slices.Equal(last, want) {
		t.Errorf("the last hook called with %q, want %q", last, want)
	}
}

func TestTheLastHookCanRefuse(t *testing.T) {
	c := New()
	var calls []string
	c.OnChange("hz", func(v string) error { calls = append(calls, v); return nil })
	no := errors.New("no")
	c.OnChangeLast("appendonly", func(func(string) string) error { return no })
	err := c.SetMany(RunTime, [][2]string{{"appendonly", "no"}, {"hz", "20"}})
	if want := "ERR CONFIG SET failed (possibly related to argument 'appendonly') - no"; !errors.Is(err, no) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if want := []string{"20", "10"}; !slices.Equal(calls, want) {
		t.Errorf("the other hook called with %q, want %q", calls, want)
	}
	wantValue(t, c, "appendonly", "yes")
}

func TestFailureToGoBackIsReported(t *testing.T) {
	c := New()
	errBack := errors.New("stuck")
	c.OnChange("hz", func(v string) error {
		if v == "10" {
			return errBack
		}
		return nil
	})
	c.OnChange("timeout", func(string) error { return errors.New("no") })
	err := c.SetMany(RunTime, [][2]string{{"hz", "20"}, {"timeout", "1"}})
	if !errors.Is(err, errBack) || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("error %v does not tell of the failure to go back", err)
	}
}

func TestHookSeesTheChangeBeforeReadersDo(t *testing.T) {
	c := New()
	memory := c.Bytes("maxmemory")
	called := false
	memory.OnChange(func(n int64) error {
		called = true
		if n != 1<<30 || memory.Load() != 0 {
			t.Errorf("hook got %d while readers see %d", n, memory.Load())
		}
		return nil
	})
	mustSet(t, c, RunTime, "maxmemory", "1gb")
	if !called || memory.Load() != 1<<30 {
		t.Errorf("called: %t, value %d", called, memory.Load())
	}
}

func TestSameValueCallsNoHook(t *testing.T) {
	c := New()
	c.OnChange("maxmemory", func(string) error { return errors.New("called") })
	mustSet(t, c, RunTime, "maxmemory", "0gb")
	if origin, _ := c.Origin("maxmemory"); origin != RunTime {
		t.Errorf("origin %v", origin)
	}
}

func TestTypedHandles(t *testing.T) {
	c := New()
	mustSet(t, c, Flag, "save", "60 1000")
	mustSet(t, c, Flag, "bind", "127.0.0.1  -::1")
	mustSet(t, c, Flag, "client-output-buffer-limit", "replica 1kb 2 3")
	mustSet(t, c, Flag, "notify-keyspace-events", "AKn")
	mustSet(t, c, Flag, "maxmemory-clients", "5%")
	for what, pair := range map[string][2]any{
		"bool":        {c.Bool("appendonly").Load(), true},
		"int":         {c.Int("tcp-backlog").Load(), int64(511)},
		"bytes":       {c.Bytes("segment-bytes").Load(), int64(16 << 20)},
		"share":       {c.Bytes("maxmemory-clients").Load(), int64(-5)},
		"choice":      {c.String("fsync").Load(), "always"},
		"string":      {c.String("dir").Load(), "data"},
		"words":       {c.Words("bind").Load(), []string{"127.0.0.1", "-::1"}},
		"percentiles": {c.Percentiles().Load(), []float64{50, 99, 99.9}},
		"save":        {c.SaveRules().Load(), []SaveRule{{60, 1000}}},
		"limits":      {c.OutputLimits().Load().Replica, OutputLimit{1024, 2, 3}},
		"events":      {c.Events().Load(), EventsAll | EventNew | EventKeyspace},
	} {
		if got, want := fmt.Sprintf("%T %v", pair[0], pair[0]), fmt.Sprintf("%T %v", pair[1], pair[1]); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
}

func TestWrongHandlesAreBugs(t *testing.T) {
	c := New()
	for name, resolve := range map[string]func(){
		"unknown":        func() { c.Int("nope") },
		"wrong kind":     func() { c.Int("maxmemory") },
		"shorthand":      func() { c.String("addr") },
		"hook":           func() { c.OnChange("nope", nil) },
		"shorthand hook": func() { c.OnChange("addr", nil) },
	} {
		func() {
			defer func() {
				if r, _ := recover().(string); !strings.HasPrefix(r, "BUG: ") {
					t.Errorf("%s: panic %q", name, r)
				}
			}()
			resolve()
		}()
	}
}

// With -race: readers, writers and CONFIG GET at a time. Each value read is one that was set.
func TestConcurrentUse(t *testing.T) {
	c := New()
	memory := c.Bytes("maxmemory")
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 200 {
				if g == 0 {
					if err := c.Set(RunTime, "maxmemory", []string{"1kb", "1mb"}[i%2]); err != nil {
						t.Error(err)
					}
				}
				if n := memory.Load(); n != 0 && n != 1<<10 && n != 1<<20 {
					t.Errorf("read %d", n)
				}
				if got := c.Match([]string{"maxmemory"}); len(got) != 1 {
					t.Errorf("match %v", got)
				}
			}
		})
	}
	all.Wait()
}

func TestLoadingAHandleAllocatesNothing(t *testing.T) {
	c := New()
	memory, events, appendOnly := c.Bytes("maxmemory"), c.Events(), c.Bool("appendonly")
	var sum int64
	if n := testing.AllocsPerRun(100, func() {
		if appendOnly.Load() {
			sum += memory.Load() + int64(events.Load())
		}
	}); n != 0 {
		t.Errorf("%v allocations per run (sum %d)", n, sum)
	}
}

// Settings that belong together are looked at together, even if none of them changes.
func TestOnChangeOf(t *testing.T) {
	c := New()
	var seen []string
	refuse := false
	names := []string{"tls-cert-file", "tls-key-file"}
	c.OnChangeOf(names, func(value func(string) string) error {
		seen = append(seen, value(names[0])+"+"+value(names[1]))
		if refuse {
			return errors.New("they do not match")
		}
		return nil
	})
	both := [][2]string{{"tls-key-file", "k"}, {"tls-cert-file", "c"}}
	for range 2 {
		if err := c.SetMany(RunTime, both); err != nil {
			t.Fatal(err)
		}
	}
	mustSet(t, c, RunTime, "timeout", "1")
	refuse = true
	err := c.SetMany(RunTime, [][2]string{{"timeout", "2"}, {"tls-cert-file", "other"}})
	if want := "ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - they do not match"; err == nil || err.Error() != want || !errors.Is(err, ErrRefused) {
		t.Errorf("got %v, want %s", err, want)
	}
	wantValue(t, c, "timeout", "1")
	wantValue(t, c, "tls-cert-file", "c")
	if want := []string{"c+k", "c+k", "other+k"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
}
