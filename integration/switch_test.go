package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// way is one of the three ways to keep data.
type way struct {
	name, appendonly, save string
}

var ways = []way{
	{"log", "yes", "3600 1"},
	{"snapshot", "no", "60 1000"},
	{"memory", "no", ""},
}

func (w way) options(dir string) Options {
	return Options{Dir: dir, AppendOnly: w.appendonly, Extra: []string{"--save", w.save}}
}

// set switches a running server to this way.
func (w way) set(t *testing.T, c *Conn) {
	t.Helper()
	must(t, c, "CONFIG", "SET", "save", w.save)
	must(t, c, "CONFIG", "SET", "appendonly", w.appendonly)
}

// fill writes a data set that the round number tells from others: strings, lists, deadlines, two databases.
func fill(t *testing.T, c *Conn, round int) {
	t.Helper()
	for i := range 200 {
		n := strconv.Itoa(i)
		must(t, c, "SET", "string:"+n, fmt.Sprintf("round %d", round))
		must(t, c, "RPUSH", "list:"+strconv.Itoa(i%7), fmt.Sprintf("%d-%d", round, i))
	}
	must(t, c, "SET", "timed", "v", "PXAT", strconv.Itoa(4_102_444_800_000+round))
	must(t, c, "DEL", fmt.Sprintf("string:%d", round))
	must(t, c, "INCR", "rounds")
	must(t, c, "SELECT", "5")
	must(t, c, "SET", "elsewhere", strconv.Itoa(round))
	must(t, c, "SELECT", "0")
}

func digest(t *testing.T, c *Conn) string {
	t.Helper()
	return must(t, c, "DEBUG", "DIGEST").Text
}

// end ends a server in an orderly way that keeps what is in memory, and checks its exit code. Who keeps data in
// memory only has to say SAVE.
func end(t *testing.T, proc *Process, c *Conn) {
	t.Helper()
	if err := c.Send("SHUTDOWN", "SAVE"); err != nil {
		t.Fatal(err)
	}
	if code, err := proc.Exit(); err != nil || code != 0 {
		t.Fatalf("SHUTDOWN SAVE: exit code %d, %v\n%s", code, err, proc.Output())
	}
}

// From every way to every other, by a restart: everything is there, changes go on, and another restart
// still has all of it.
func TestSwitchByRestart(t *testing.T) {
	for _, from := range ways {
		for _, to := range ways {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				proc := start(t, subject, from.options(dir))
				c := dial(t, proc.Addr)
				fill(t, c, 1)
				want := digest(t, c)
				end(t, proc, c)

				proc = start(t, subject, to.options(dir))
				c = dial(t, proc.Addr)
				expectDigest(t, "after the switch", c, want)
				fill(t, c, 2)
				want = digest(t, c)
				end(t, proc, c)

				c = dial(t, start(t, subject, to.options(dir)).Addr)
				expectDigest(t, "after the next start", c, want)
			})
		}
	}
}

func expectDigest(t *testing.T, when string, c *Conn, want string) {
	t.Helper()
	if got := digest(t, c); got != want {
		t.Errorf("%s: digest %s, not %s; %s keys", when, got, want, must(t, c, "DBSIZE").Text)
	}
}

// From every way to every other by CONFIG SET while serving. What was there when CONFIG SET replied, and what the
// new way promises to keep, is there after a kill -9.
func TestSwitchAtRunTime(t *testing.T) {
	for _, from := range ways {
		for _, to := range ways {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				proc := start(t, subject, from.options(dir))
				c := dial(t, proc.Addr)
				fill(t, c, 1)
				to.set(t, c)
				expectSetting(t, c, "appendonly", to.appendonly)
				expectSetting(t, c, "save", to.save)
				fill(t, c, 2)
				if to.appendonly == "no" {
					save(t, c)
				}
				want := digest(t, c)
				proc.Kill()

				proc = start(t, subject, to.options(dir))
				c = dial(t, proc.Addr)
				expectDigest(t, "after kill -9", c, want)
				end(t, proc, c)

				// And back to the log, which may know nothing older than the snapshot does.
				c = dial(t, start(t, subject, ways[0].options(dir)).Addr)
				expectDigest(t, "with the log again", c, want)
			})
		}
	}
}

// save saves, after any checkpoint that is under way: SAVE refuses beside one, as in Redis.
func save(t *testing.T, c *Conn) {
	t.Helper()
	if reply := trySave(t, c); reply.IsError() {
		t.Fatalf("SAVE: %s", reply)
	}
}

// trySave replies what SAVE does once no checkpoint is under way that the server began by itself.
func trySave(t *testing.T, c *Conn) Reply {
	t.Helper()
	deadline := time.Now().Add(replyWaitMax)
	for {
		reply, err := c.Do("SAVE")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(reply.Text, "in progress") || time.Now().After(deadline) {
			return reply
		}
	}
}

func expectSetting(t *testing.T, c *Conn, name, want string) {
	t.Helper()
	reply := must(t, c, "CONFIG", "GET", name)
	if len(reply.Elems) != 2 || reply.Elems[1].Text != want {
		t.Errorf("CONFIG GET %s: %s, not %q", name, reply, want)
	}
}

// Turning the log on begins with what is in memory: a kill -9 right after the reply loses nothing.
func TestLogTurnedOnHoldsWhatWasInMemory(t *testing.T) {
	dir := t.TempDir()
	proc := start(t, subject, ways[2].options(dir))
	c := dial(t, proc.Addr)
	fill(t, c, 1)
	must(t, c, "CONFIG", "SET", "appendonly", "yes")
	want := digest(t, c)
	proc.Kill()
	expectDigest(t, "after kill -9", dial(t, start(t, subject, ways[0].options(dir)).Addr), want)
}

// Turning the log off moves what the log held into the snapshot. A kill -9 right after the reply may come before
// that is done; then a start without the log refuses, and one with the log has everything. Nothing is lost,
// whichever way the next start goes.
func TestLogTurnedOffLosesNothing(t *testing.T) {
	for _, next := range ways {
		t.Run("then "+next.name, func(t *testing.T) {
			dir := t.TempDir()
			proc := start(t, subject, ways[0].options(dir))
			c := dial(t, proc.Addr)
			fill(t, c, 1)
			want := digest(t, c)
			must(t, c, "CONFIG", "SET", "appendonly", "no")
			proc.Kill()

			proc, err := Start(subject, next.options(dir))
			if err != nil {
				t.Logf("refused, as it may: %v", err)
				proc = start(t, subject, ways[0].options(dir))
			}
			t.Cleanup(proc.Kill)
			expectDigest(t, "after kill -9", dial(t, proc.Addr), want)
		})
	}
}

// A start that would ignore the log refuses while the log knows more than the snapshot, changes nothing, and
// says what to do; with the log everything is there.
func TestStartThatWouldIgnoreTheLogRefuses(t *testing.T) {
	for _, w := range ways[1:] {
		t.Run(w.name, func(t *testing.T) {
			dir := t.TempDir()
			proc := start(t, subject, ways[0].options(dir))
			c := dial(t, proc.Addr)
			fill(t, c, 1)
			want := digest(t, c)
			proc.Kill()

			expectRefusal(t, refusal{options: w.options(dir), code: []int{exitFailed}, says: []string{"appendonly"}})
			expectDigest(t, "with the log", dial(t, start(t, subject, ways[0].options(dir)).Addr), want)
		})
	}
}

// Memory only is said loudly at the start.
func TestMemoryOnlyIsSaidLoudly(t *testing.T) {
	proc := start(t, subject, ways[2].options(t.TempDir()))
	if out := strings.ToLower(proc.Output()); !strings.Contains(out, "memory") {
		t.Errorf("nothing is said about memory:\n%s", proc.Output())
	}
	quiet := start(t, subject, ways[0].options(t.TempDir()))
	if out := strings.ToLower(quiet.Output()); strings.Contains(out, "memory only") {
		t.Errorf("memory only, with a log?\n%s", quiet.Output())
	}
}
