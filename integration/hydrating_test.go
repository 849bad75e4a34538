package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A base large enough that hydration goes on for a while, and what each command must say of it.
const (
	coldStrings  = 200_000 // in database 0
	coldTimed    = 30_000  // in database 1, with deadlines
	coldLists    = 20      // in database 2, of so many elements
	coldElements = 20_000
)

func coldKey(i int) string { return fmt.Sprintf("cold:%06d", i) }

// laidDown writes the base and ends the server.
func laidDown(t *testing.T, o Options) (digestOfAll string) {
	t.Helper()
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	flood(t, c, coldStrings, func(i int) []string { return []string{"SET", coldKey(i), fmt.Sprint("value ", i)} })
	must(t, c, "SELECT", "1")
	flood(t, c, coldTimed, func(i int) []string {
		return []string{"SET", coldKey(i), "timed", "PXAT", strconv.Itoa(4_000_000_000_000 + i)}
	})
	must(t, c, "SELECT", "2")
	flood(t, c, coldLists*coldElements/100, func(i int) []string {
		command := []string{"RPUSH", fmt.Sprint("list:", i%coldLists)}
		for j := range 100 {
			command = append(command, fmt.Sprintf("element %d of %d", j, i))
		}
		return command
	})
	must(t, c, "SELECT", "0")
	digestOfAll = digest(t, c)
	save(t, c)
	proc.Kill()
	return digestOfAll
}

// Commands while the keys are cold. Each case is asked of a server that has just been started on a copy of the same base,
// before hydration is done, and the state that it leaves is there after a kill -9.
func TestCommandsWhileHydrating(t *testing.T) {
	o := Options{Dir: t.TempDir(), Fsync: "no", Extra: []string{"--save", "3600 1"}}
	want := laidDown(t, o)

	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	info := must(t, c, "INFO", "persistence").Text
	for _, line := range []string{"loading:0", "hydrating:1", "hydrated_perc:", "hydration_left_sec:"} {
		if !strings.Contains(info, line) {
			t.Errorf("right after the start INFO does not say %s:\n%s", line, info)
		}
	}
	expect := func(want string, args ...string) {
		t.Helper()
		if got := must(t, c, args...).Text; got != want {
			t.Errorf("%.100q: %.100s, not %s", args, got, want)
		}
	}
	expect(strconv.Itoa(coldStrings), "DBSIZE")
	last := coldKey(coldStrings - 1) // the order of hydration is that of names
	expect("value "+strconv.Itoa(coldStrings-1), "GET", last)
	expect("OK", "RENAME", last, "renamed")
	expect("0", "EXISTS", last)
	expect("1", "COPY", coldKey(coldStrings-2), "copied")
	expect("value "+strconv.Itoa(coldStrings-2), "GET", "copied")
	expect("1", "EXPIRE", coldKey(coldStrings-3), "100000")
	expect("1", "PEXPIRE", coldKey(coldStrings-4), "1")
	expect("1", "DEL", coldKey(coldStrings-5))
	expect("1", "APPEND", "appended", "x")
	expect("OK", "RENAME", coldKey(coldStrings-6), coldKey(coldStrings-7)) // onto a cold key
	for must(t, c, "EXISTS", coldKey(coldStrings-4)).Text != "0" {
	}
	expect(strconv.Itoa(coldStrings-1), "DBSIZE") // -1 +1 (renamed) +1 (copied) -1 (lapsed) -1 (deleted) +1 (appended) -1 (renamed onto)
	if key := must(t, c, "RANDOMKEY").Text; must(t, c, "EXISTS", key).Text != "1" {
		t.Errorf("RANDOMKEY: %q, which is not there", key)
	}
	expect("OK", "SELECT", "1")
	expect(strconv.FormatInt(4_000_000_000_000, 10), "PEXPIRETIME", coldKey(0))
	expect("1", "PERSIST", coldKey(coldTimed-1))
	expect("OK", "SELECT", "2")
	expect(strconv.Itoa(coldElements+1), "LPUSH", "list:7", "new")
	expect("element 99 of "+strconv.Itoa(coldLists*coldElements/100-coldLists+7), "LINDEX", "list:7", "-1")
	expect("OK", "SELECT", "0")
	hydratingStill(t, c, "the single commands")
	if reply, err := c.Do("BGSAVE"); err != nil || reply.IsError() {
		t.Errorf("BGSAVE: %s, %v", reply, err)
	}
	seen := map[string]bool{}
	for cursor := "0"; ; {
		reply := must(t, c, "SCAN", cursor, "COUNT", "5000")
		for _, key := range reply.Elems[1].Elems {
			seen[key.Text] = true
		}
		if cursor = reply.Elems[0].Text; cursor == "0" {
			break
		}
	}
	if len(seen) != coldStrings-1 || seen[last] || !seen["renamed"] || !seen[coldKey(0)] {
		t.Errorf("SCAN saw %d keys, not %d", len(seen), coldStrings-1)
	}
	if n := len(must(t, c, "KEYS", coldKey(123)[:9]+"*").Elems); n != 100 {
		t.Errorf("KEYS of a hundred cold keys finds %d", n)
	}
	awaitHydrated(t, c)
	changed := digest(t, c)
	if changed == want {
		t.Error("the digest has not changed")
	}
	proc.Kill()
	proc = start(t, subject, o)
	c = dial(t, proc.Addr)
	expectDigest(t, "after kill -9", c, changed)

	// Whole databases go and change places while they are cold.
	proc.Kill()
	proc = start(t, subject, o)
	c = dial(t, proc.Addr)
	expect("OK", "SWAPDB", "0", "1")
	expect("OK", "SELECT", "2")
	expect("OK", "FLUSHDB")
	expect(strconv.Itoa(0), "DBSIZE")
	expect("OK", "SELECT", "0")
	expect(strconv.Itoa(coldTimed), "DBSIZE")
	expect("timed", "GET", coldKey(5))
	hydratingStill(t, c, "SWAPDB and FLUSHDB")
	changed = digest(t, c)
	proc.Kill()
	proc = start(t, subject, o)
	c = dial(t, proc.Addr)
	expectDigest(t, "after SWAPDB, FLUSHDB and kill -9", c, changed)
	proc.Kill()
	proc = start(t, subject, o)
	c = dial(t, proc.Addr)
	expect("OK", "FLUSHALL")
	expect("0", "DBSIZE")
	expect("OK", "SELECT", "1")
	expect("0", "DBSIZE")
	proc.Kill()
	proc = start(t, subject, o)
	expect2 := dial(t, proc.Addr)
	if n := must(t, expect2, "DBSIZE").Text; n != "0" {
		t.Errorf("after FLUSHALL and kill -9 there are %s keys", n)
	}
}

// hydratingStill checks that what came before was asked of a server that was still hydrating; else it shows nothing.
func hydratingStill(t *testing.T, c *Conn, after string) {
	t.Helper()
	if infoNumber(t, c, "persistence", "hydrating") != 1 {
		t.Errorf("hydration was done before %s were: the base is too small for this machine", after)
	}
}

func awaitHydrated(t *testing.T, c *Conn) {
	t.Helper()
	for deadline := time.Now().Add(3 * replyWaitMax); infoNumber(t, c, "persistence", "hydrating") != 0; {
		if time.Now().After(deadline) {
			t.Fatal("hydration does not end")
		}
	}
	expectInfo(t, c, "persistence", "hydrated_perc:100.00%")
}

// Deadlines that pass while their keys are cold: the keys are gone on time, for whoever asks and for DBSIZE.
func TestDeadlinesOfColdKeys(t *testing.T) {
	o := Options{Dir: t.TempDir(), Fsync: "no", Extra: []string{"--save", "3600 1"}}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	const stay, down, soon = 100_000, 500, 500
	flood(t, c, stay, func(i int) []string { return []string{"SET", coldKey(i), "stays"} })
	// The first lapse while the server is down, the others some time after its start; they sort behind everything else. Both
	// are in the base before any of them lapses, on a slow machine after some tries.
	var lapsed, due time.Time
	for wait := 1500 * time.Millisecond; !time.Now().Before(lapsed); wait *= 2 {
		if wait > replyWaitMax {
			t.Fatalf("the keys are not saved within %v", wait/2)
		}
		lapsed = time.Now().Add(wait)
		due = lapsed.Add(time.Second)
		flood(t, c, down, func(i int) []string {
			return []string{"SET", fmt.Sprint("zz:down:", i), "v", "PXAT", strconv.FormatInt(lapsed.UnixMilli(), 10)}
		})
		flood(t, c, soon, func(i int) []string {
			return []string{"SET", fmt.Sprint("zz:soon:", i), "v", "PXAT", strconv.FormatInt(due.UnixMilli(), 10)}
		})
		save(t, c)
	}
	proc.Kill()
	for time.Now().Before(lapsed.Add(100 * time.Millisecond)) {
		time.Sleep(10 * time.Millisecond) // real deadlines need real time
	}
	proc = start(t, subject, o)
	c = dial(t, proc.Addr)
	if got := string(must(t, c, "GET", "zz:down:7").Raw); got != "$-1\r\n" {
		t.Errorf("a key that lapsed while the server was down: %q", got)
	}
	for time.Now().Before(due) {
		time.Sleep(10 * time.Millisecond)
	}
	if got := string(must(t, c, "GET", "zz:soon:7").Raw); got != "$-1\r\n" {
		t.Errorf("a key that lapsed while it was cold: %q", got)
	}
	deadline := time.Now().Add(replyWaitMax)
	for must(t, c, "DBSIZE").Text != strconv.Itoa(stay) {
		if time.Now().After(deadline) {
			t.Fatalf("%s keys, not %d", must(t, c, "DBSIZE").Text, stay)
		}
	}
	if n := infoNumber(t, c, "stats", "expired_keys"); n != down+soon {
		t.Errorf("expired_keys is %d, not %d", n, down+soon)
	}
}
