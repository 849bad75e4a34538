package integration

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Texts of BUSY, in which clients look for the command that helps.
const (
	busyScript   = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	busyFunction = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
)

// impatient makes a server tell clients BUSY soon.
var impatient = []string{"--busy-reply-threshold", "50"}

// awaitBusy asks until the server says that a script runs over its time.
func awaitBusy(t *testing.T, c *Conn, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		reply, err := c.Do("GET", "k")
		if err != nil {
			t.Fatal(err)
		}
		if reply.Text == text {
			return
		}
		if reply.IsError() {
			t.Fatalf("GET while a script runs: %s", reply)
		}
	}
	t.Fatal("nobody is told BUSY")
}

// A script that takes long holds nobody up without a word: what others may do and are told is what Redis says, and the script
// can be ended unless it has written.
func TestBusyScript(t *testing.T) {
	t.Parallel()
	for _, p := range []Program{subject, model} {
		t.Run(p.Name, func(t *testing.T) {
			proc := start(t, p, Options{Dir: t.TempDir(), Extra: impatient})
			runner, other := dial(t, proc.Addr), dial(t, proc.Addr)
			must(t, other, "FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('loop', function() while true do end end)")
			expect := func(want string, args ...string) {
				t.Helper()
				reply, err := other.Do(args...)
				if err != nil || reply.Text != want {
					t.Errorf("%v: %s %v, want %s", args, reply, err, want)
				}
			}
			for _, c := range []struct {
				call               []string
				busy, wrong, right string
				ends               string
			}{
				{[]string{"EVAL", "while true do end", "0"}, busyScript, "FUNCTION", "SCRIPT", "ERR Script killed by user with SCRIPT KILL... script: "},
				{[]string{"EVAL", "while true do pcall(function() while true do end end) end", "0"}, busyScript, "FUNCTION", "SCRIPT", "ERR Script killed by user with SCRIPT KILL... script: "},
				{[]string{"FCALL", "loop", "0"}, busyFunction, "SCRIPT", "FUNCTION", "ERR Script killed by user with SCRIPT KILL... script: loop, on @user_function:2."},
			} {
				if err := runner.Send(c.call...); err != nil {
					t.Fatal(err)
				}
				awaitBusy(t, other, c.busy)
				expect(c.busy, "PING")
				expect(c.busy, "SET", "k", "v")
				expect(c.busy, "EVAL", "return 1", "0")
				expect(c.busy, "SHUTDOWN")
				expect("OK", "MULTI")
				expect(c.busy, "SET", "k", "v")
				expect("EXECABORT Transaction discarded because of: "+c.busy, "EXEC")
				expect("OK", "WATCH", "k")
				expect("OK", "UNWATCH")
				expect("OK", "MULTI")
				expect("QUEUED", "AUTH", "nobody", "nothing")
				expect("QUEUED", c.right, "KILL")
				expect("OK", "DISCARD")
				if c.busy == busyScript {
					expect(busyScript, "FUNCTION", "STATS")
				} else if reply := must(t, other, "FUNCTION", "STATS"); !bytes.Contains(reply.Raw, []byte("$5\r\nFCALL\r\n")) {
					t.Errorf("FUNCTION STATS: %s", reply)
				}
				expect(c.busy, c.wrong, "KILL")
				expect("OK", c.right, "KILL")
				if reply, err := runner.Read(); err != nil || !strings.HasPrefix(reply.Text, c.ends) {
					t.Errorf("%v ends with %s %v, want %s", c.call, reply, err, c.ends)
				}
				expect("NOTBUSY No scripts in execution right now.", c.right, "KILL")
				expect("PONG", "PING")
			}
		})
	}
}

// What a script has written before SHUTDOWN NOSAVE or kill -9 ended it is gone, all of it; one that has ended stays, all of it.
func TestScriptIsThereWhollyOrNot(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Extra: impatient}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	must(t, c, "SET", "before", "1")
	must(t, c, "EVAL", "for i = 1, 1000 do redis.call('SET', 'whole:' .. i, i) end", "0")
	for _, end := range []string{"kill -9", "SHUTDOWN NOSAVE", "SIGTERM"} {
		runner, other := dial(t, proc.Addr), dial(t, proc.Addr)
		if err := runner.Send("EVAL", "redis.call('SET', 'half', 1) redis.call('DEL', 'before') while true do end", "0"); err != nil {
			t.Fatal(err)
		}
		awaitBusy(t, other, busyScript)
		switch end {
		case "kill -9":
			proc.Kill()
		case "SIGTERM":
			if code, err := proc.Stop(); code != 0 || err != nil {
				t.Errorf("SIGTERM: exit code %d, %v", code, err)
			}
		default:
			if reply, err := other.Do("SCRIPT", "KILL"); err != nil || !strings.HasPrefix(reply.Text, "UNKILLABLE ") {
				t.Errorf("SCRIPT KILL: %s %v", reply, err)
			}
			if err := other.Send("SHUTDOWN", "NOSAVE"); err != nil {
				t.Fatal(err)
			}
			if code, err := proc.Exit(); code != 0 || err != nil {
				t.Errorf("SHUTDOWN NOSAVE: exit code %d, %v", code, err)
			}
		}
		proc = start(t, subject, o)
		c := dial(t, proc.Addr)
		if n := must(t, c, "EXISTS", "half", "before"); n.Text != "1" {
			t.Errorf("after %s: half of a script is there, or more", end)
		}
		if n := must(t, c, "DBSIZE"); n.Text != "1001" {
			t.Errorf("after %s: %s keys, want 1001", end, n.Text)
		}
	}
}

// A script goes on to its end though its client has left, and what it wrote is kept.
func TestScriptWithoutItsClient(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Extra: impatient}
	proc := start(t, subject, o)
	runner, other := dial(t, proc.Addr), dial(t, proc.Addr)
	if err := runner.Send("EVAL", "redis.call('SET', 'k', 'v') for i = 1, 2e7 do end", "0"); err != nil {
		t.Fatal(err)
	}
	awaitBusy(t, other, busyScript)
	if err := runner.Close(); err != nil {
		t.Fatal(err)
	}
	for {
		reply, err := other.Do("GET", "k")
		if err != nil {
			t.Fatal(err)
		}
		if reply.Text == "v" {
			break
		}
		if reply.Text != busyScript {
			t.Fatalf("GET: %s", reply)
		}
	}
	proc.Kill()
	if reply := must(t, dial(t, start(t, subject, o).Addr), "GET", "k"); reply.Text != "v" {
		t.Errorf("after kill -9: %s", reply)
	}
}

// Functions are there after kill -9, with and without a checkpoint, after an orderly end, and where a checkpoint came between two
// changes of them.
func TestFunctionsOutliveEverything(t *testing.T) {
	t.Parallel()
	load := func(c *Conn, name, result string) {
		t.Helper()
		must(t, c, "FUNCTION", "LOAD", "REPLACE", "#!lua name="+name+"\nredis.register_function('"+name+"', function() return '"+result+"' end)")
	}
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	again := func(end func()) {
		t.Helper()
		want := must(t, c, "FUNCTION", "DUMP").Raw
		end()
		proc = start(t, subject, o)
		c = dial(t, proc.Addr)
		if got := must(t, c, "FUNCTION", "DUMP").Raw; !bytes.Equal(got, want) {
			t.Fatalf("the functions are %q, and were %q", got, want)
		}
	}
	kill := func() { proc.Kill() }
	stop := func() {
		if code, err := proc.Stop(); code != 0 || err != nil {
			t.Errorf("SIGTERM: exit code %d, %v", code, err)
		}
	}
	load(c, "one", "1")
	load(c, "two", "2")
	again(kill)
	must(t, c, "SAVE")
	again(kill)
	load(c, "two", "second")
	must(t, c, "FUNCTION", "DELETE", "one")
	load(c, "large", strings.Repeat("x", 3<<20))
	again(kill)
	must(t, c, "SAVE")
	load(c, "three", "3")
	again(stop)
	must(t, c, "FLUSHALL")
	again(kill)
	for call, want := range map[string]string{"two": "second", "three": "3"} {
		if reply := must(t, c, "FCALL", call, "0"); reply.Text != want {
			t.Errorf("FCALL %s: %s, want %s", call, reply, want)
		}
	}
	must(t, c, "DEBUG", "RELOAD")
	again(kill)
	payload := must(t, c, "FUNCTION", "DUMP").Text
	must(t, c, "FUNCTION", "FLUSH")
	again(kill)
	must(t, c, "FUNCTION", "RESTORE", payload)
	again(kill)
}

// FUNCTION RESTORE … FLUSH that is refused leaves the libraries that there were, for now and for the next start.
func TestRefusedRestoreChangesNothing(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	for i := range 5 {
		must(t, c, "FUNCTION", "LOAD", fmt.Sprintf("#!lua name=large%d\nlocal s = ('x'):rep(15e6)\nredis.register_function('large%[1]d', function() return #s end)", i))
	}
	payload := must(t, c, "FUNCTION", "DUMP").Text
	must(t, c, "FUNCTION", "FLUSH")
	must(t, c, "FUNCTION", "LOAD", "#!lua name=old\nredis.register_function('old', function() return 'old' end)")
	want := must(t, c, "FUNCTION", "LIST", "WITHCODE").Raw
	must(t, c, "CONFIG", "SET", "script-memory-limit", "64mb")
	reply, err := c.Do("FUNCTION", "RESTORE", payload, "FLUSH")
	if err != nil || reply.Text != "ERR not enough memory for what libraries keep" {
		t.Fatalf("FUNCTION RESTORE: %s %v", reply, err)
	}
	for _, when := range []string{"before", "after"} {
		if got := must(t, c, "FUNCTION", "LIST", "WITHCODE").Raw; !bytes.Equal(got, want) {
			t.Errorf("%s a restart: %q, and was %q", when, got, want)
		}
		if got := must(t, c, "FCALL", "old", "0"); got.Text != "old" {
			t.Errorf("%s a restart: FCALL: %s", when, got)
		}
		proc.Kill()
		proc = start(t, subject, o)
		c = dial(t, proc.Addr)
	}
}

// What one server dumps of functions, the other restores.
func TestFunctionDumpsGoBothWays(t *testing.T) {
	t.Parallel()
	ours, theirs := bothServers(t)
	codes := []string{
		"#!lua name=short\nredis.register_function('short', function() return 1 end)",
		"#!lua name=long\nredis.register_function('long', function() return '" + strings.Repeat("abc", 5000) + "' end)",
		"#!lua name=flagged\nredis.register_function{function_name='flagged', callback=function() return 3 end, flags={'no-writes', 'allow-oom'}, description='d'}",
	}
	for _, way := range []struct{ from, to *Conn }{{ours, theirs}, {theirs, ours}} {
		must(t, way.from, "FUNCTION", "FLUSH")
		must(t, way.to, "FUNCTION", "FLUSH")
		for _, code := range codes {
			must(t, way.from, "FUNCTION", "LOAD", code)
		}
		must(t, way.to, "FUNCTION", "RESTORE", must(t, way.from, "FUNCTION", "DUMP").Text)
		for _, name := range []string{"short", "long", "flagged"} {
			for _, question := range [][]string{{"FCALL", name, "0"}, {"FUNCTION", "LIST", "LIBRARYNAME", name, "WITHCODE"}} {
				want, got := must(t, way.from, question...), must(t, way.to, question...)
				if question[0] == "FCALL" && !bytes.Equal(want.Raw, got.Raw) || len(want.Raw) != len(got.Raw) {
					t.Errorf("%v: %.200q, and was %.200q", question, got.Raw, want.Raw)
				}
			}
		}
	}
}

// A script that takes memory without end ends with an error, and the server serves on.
func TestScriptMemory(t *testing.T) {
	t.Parallel()
	p := start(t, subject, Options{Extra: []string{"--script-memory-limit", "32mb"}})
	c := dial(t, p.Addr)
	must(t, c, "SET", "big", strings.Repeat("v", 10<<20))
	for _, code := range []string{
		"local s = 'x' while true do s = s .. s end",
		"local t = {} while true do t[#t + 1] = {#t} end",
		"local t = {} for i = 1, 40 do t[i] = {} end for i = 1, 40 do t[i][4e6] = 1 end",
		"local t = {} for i = 1, 7000 do t[i] = 'big' end return redis.call('MGET', unpack(t))",
		"local s = redis.call('GET', 'big') local t = {} for i = 1, 7000 do t[i] = s end return t",
		"local s = redis.call('GET', 'big') local t = {} for i = 1, 7000 do t[i] = s end return redis.call('ECHO', unpack(t))",
		"local t = {1, 2, 3} for i = 1, 900 do t = {t, t} end return t",
	} {
		reply, err := c.Do("EVAL", code, "0")
		if err != nil || !strings.Contains(reply.Text, "not enough memory") {
			t.Errorf("%s: %.200s %v", code, reply, err)
		}
	}
	must(t, c, "FUNCTION", "LOAD", "#!lua name=hoard\nlocal t = {}\n"+
		"redis.register_function('f', function(keys, args) for i = 1, 1000 do t[#t + 1] = ('x'):rep(4000) .. i end return #t end)")
	began := 0
	for range 60 { // 240 MB
		if must(t, c, "FCALL", "f", "0").Text == "1000" {
			began++
		}
	}
	if began < 3 {
		t.Errorf("a library that keeps 4 MB more each time has begun anew %d times", began)
	}
	// What a script stores is not its own memory.
	must(t, c, "EVAL", "local s = ('x'):rep(1e6) for i = 1, 100 do redis.call('SET', 'large:' .. i, s) end", "0")
	if n := must(t, c, "DBSIZE"); n.Text != "101" {
		t.Errorf("%s keys, want 101", n.Text)
	}
	// The race detector takes several times as much as what it watches: 1.9 GB in all.
	if most := peakMemory(t, p); most > 1<<20 && !raceBuilt() {
		t.Errorf("scripts that may take 32 MB made the process hold %d KB", most)
	}
}

// peakMemory is the most that a process has held, in KB.
func peakMemory(t *testing.T, p *Process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	words := strings.Fields(rest)
	if len(words) == 0 {
		t.Fatalf("no VmHWM in %s", status)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KB at most", n)
	return n
}
