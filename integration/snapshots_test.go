package integration

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool runs the program with other arguments than serve's.
func tool(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	path, _ := subject.Args(Options{}, 0)
	proc, err := Launch(Program{Name: "holdfast", Args: func(Options, int) (string, []string) { return path, args }}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err = proc.Exit(); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return code, proc.Stdout.String(), proc.Stderr.String()
}

func expectTool(t *testing.T, wantCode int, says string, args ...string) {
	t.Helper()
	if code, out, errs := tool(t, args...); code != wantCode || !strings.Contains(out+errs, says) {
		t.Errorf("%q: exit code %d, want %d and %q; it wrote:\n%s%s", args, code, wantCode, says, out, errs)
	}
}

// snapshotNames are what SNAPSHOT LIST names.
func snapshotNames(t *testing.T, c *Conn) (names []string) {
	t.Helper()
	for _, s := range must(t, c, "SNAPSHOT", "LIST").Elems {
		names = append(names, s.Elems[1].Text)
	}
	return names
}

// A day with snapshots: made while serving, by a client and from the shell, listed, dropped; each of them is the data of its
// moment, for a server that is started on it; and none of them is touched by a kill -9.
func TestSnapshots(t *testing.T) {
	dir := t.TempDir()
	proc := start(t, subject, Options{Dir: dir})
	c, other := dial(t, proc.Addr), dial(t, proc.Addr)
	_, port, err := net.SplitHostPort(proc.Addr)
	if err != nil {
		t.Fatal(err)
	}

	fill(t, c, 1)
	digests := map[string]string{"first": digest(t, c)}
	if err := c.Send("SNAPSHOT", "CREATE", "first"); err != nil {
		t.Fatal(err)
	}
	must(t, other, "PING") // others go on
	if reply, err := c.Read(); err != nil || reply.Text != "OK" {
		t.Fatalf("SNAPSHOT CREATE: %s, %v", reply, err)
	}
	fill(t, c, 2)
	digests["second"] = digest(t, c)
	expectTool(t, 0, "snapshot second created\n", "snapshot", "create", "second", "-p", port)
	expectTool(t, exitFailed, "there is a snapshot of that name: second", "snapshot", "create", "second", "-p", port)
	expectTool(t, exitUsage, "not a name for a snapshot", "snapshot", "create", "../second", "-p", port)
	expectTool(t, exitInUse, "in use", "snapshot", "create", "third", "--dir", dir)
	expectTool(t, exitInUse, "in use", "snapshot", "compact", "--dir", dir)
	must(t, c, "SNAPSHOT", "CREATE", "third")
	expectTool(t, 0, "snapshot third dropped\n", "snapshot", "drop", "-p", port, "third")
	if names := snapshotNames(t, c); len(names) != 2 || names[0] != "first" || names[1] != "second" {
		t.Errorf("SNAPSHOT LIST: %q", names)
	}
	if info := must(t, c, "INFO", "persistence").Text; !strings.Contains(info, "named_snapshots:2\r\n") {
		t.Errorf("INFO persistence:\n%s", info)
	}
	fill(t, c, 3)
	last := digest(t, c)
	proc.Kill()

	code, out, errs := tool(t, "snapshot", "list", "--dir", dir, "--json")
	var list struct {
		Snapshots []struct {
			Name  string
			LSN   uint64 `json:"lsn"`
			Keys  int64
			LogTo uint64 `json:"log_to_lsn"`
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 || len(list.Snapshots) != 2 {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if first, second := list.Snapshots[0], list.Snapshots[1]; first.Keys == 0 || first.LSN >= second.LSN || first.LogTo != 0 || second.LogTo <= second.LSN {
		t.Errorf("%+v", list)
	}
	for name, want := range digests {
		restored := t.TempDir()
		if err := os.Rename(filepath.Join(dir, "snapshots", name+".db"), filepath.Join(restored, "base.db")); err != nil {
			t.Fatal(err)
		}
		opts := Options{Dir: restored, AppendOnly: "no"}
		expectDigest(t, "snapshot "+name, dial(t, start(t, subject, opts).Addr), want)
	}
	expectTool(t, exitFailed, "SHUTDOWN SAVE", "snapshot", "create", "offline", "--dir", dir)
	proc = start(t, subject, Options{Dir: dir})
	c = dial(t, proc.Addr)
	expectDigest(t, "after the kill", c, last)
	end(t, proc, c)
	expectTool(t, 0, "snapshot offline created\n", "snapshot", "create", "offline", "--dir", dir)
	expectTool(t, 0, "base.db: ", "snapshot", "compact", "--dir", dir)
	expectTool(t, 0, "snapshot offline dropped\n", "snapshot", "drop", "offline", "--dir", dir)
	expectDigest(t, "after compacting", dial(t, start(t, subject, Options{Dir: dir}).Addr), last)
}

// Turning retention on where data is begins the history there: a snapshot is made, and checkpoints leave the log behind
// it, also across a kill -9. Turning it off ends the history.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	proc := start(t, subject, Options{Dir: dir})
	c := dial(t, proc.Addr)
	fill(t, c, 1)
	save(t, c)
	fill(t, c, 2)
	must(t, c, "CONFIG", "SET", "retain", "7d")
	expectSetting(t, c, "retain", "604800")
	names := awaitSnapshots(t, c, 1)
	if !strings.HasPrefix(names[0], "auto-") {
		t.Errorf("SNAPSHOT LIST: %q", names)
	}
	save(t, c)
	fill(t, c, 3)
	save(t, c)
	proc.Kill()

	if code, out, errs := tool(t, "snapshot", "list", "--dir", dir); code != 0 || !strings.Contains(out, " to LSN ") {
		t.Errorf("no log behind the snapshot: exit code %d\n%s%s", code, out, errs)
	}
	proc = start(t, subject, Options{Dir: dir, Extra: []string{"--retain", "7d"}})
	c = dial(t, proc.Addr)
	if got := awaitSnapshots(t, c, 1); got[0] != names[0] {
		t.Errorf("SNAPSHOT LIST: %q, before the kill %q", got, names)
	}
	must(t, c, "CONFIG", "SET", "retain", "0")
	awaitSnapshots(t, c, 0)
}

// awaitSnapshots waits until there are so many.
func awaitSnapshots(t *testing.T, c *Conn, n int) (names []string) {
	t.Helper()
	deadline := time.Now().Add(replyWaitMax)
	for {
		if names = snapshotNames(t, c); len(names) == n {
			return names
		}
		if time.Now().After(deadline) {
			t.Fatalf("snapshots: %q, not %d", names, n)
		}
	}
}
