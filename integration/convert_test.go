package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a Redis has is taken into a holdfast, and what that has is given back, in every form that there is: each time the same
// keys with the same digests, deadlines and streams.
func TestConversions(t *testing.T) {
	if twins {
		t.Skip("redis-server has no such commands")
	}
	t.Parallel()
	origin := t.TempDir()
	proc := start(t, model, Options{Dir: origin, Fsync: "no"})
	c := dial(t, proc.Addr)
	must(t, c, "CONFIG", "SET", "aof-timestamp-enabled", "yes")
	must(t, c, "SET", "before", "the rewrite")
	must(t, c, "BGREWRITEAOF")
	fillForConversion(t, c)
	must(t, c, "SAVE")
	keys := picture(t, proc)
	proc.Kill()
	dump := filepath.Join(origin, "dump.rdb")
	dir := func(name string) string { return filepath.Join(t.TempDir(), name) }

	fromRDB, fromAOF, fromJSON := dir("rdb"), dir("aof"), dir("json")
	expectTool(t, 0, "imported", "snapshot", "import", dump, "--to", fromRDB)
	expectTool(t, 0, "AOF of several files", "snapshot", "import", filepath.Join(origin, "appendonlydir"), "--to", fromAOF)
	text := filepath.Join(t.TempDir(), "export.json")
	expectTool(t, 0, "", "snapshot", "export", "--dir", fromRDB, "--out", text)
	expectTool(t, 0, "JSON lines", "snapshot", "import", text, "--to", fromJSON)
	again := t.TempDir()
	expectTool(t, 0, "", "snapshot", "export", "--dir", fromJSON, "--format", "rdb", "--compress", "--out", filepath.Join(again, "dump.rdb"))
	plain := filepath.Join(t.TempDir(), "plain.rdb")
	expectTool(t, 0, "", "snapshot", "export", "--rdb", filepath.Join(again, "dump.rdb"), "--format", "rdb", "--out", plain)

	samePicture(t, "holdfast, of an RDB file", start(t, subject, Options{Dir: fromRDB, Fsync: "no"}), keys)
	samePicture(t, "holdfast, of JSON lines", start(t, subject, Options{Dir: fromJSON, Fsync: "no"}), keys)
	sameButReads(t, "holdfast, of an AOF", start(t, subject, Options{Dir: fromAOF, Fsync: "no"}), keys)
	loaded := start(t, model, Options{Dir: again, AppendOnly: "no"})
	samePicture(t, "redis, of an exported RDB file", loaded, keys)

	// Over the wire: refused while keys are there, replaced on demand, and into an empty one.
	address := strings.Split(loaded.Addr, ":")
	expectTool(t, 1, "--replace", "snapshot", "import", plain, "-p", address[1])
	expectTool(t, 0, "are replaced", "snapshot", "import", plain, "-p", address[1], "--replace")
	samePicture(t, "redis, of its own keys replaced", loaded, keys)
	must(t, dial(t, loaded.Addr), "FLUSHALL")
	expectTool(t, 0, "imported", "snapshot", "import", text, "-p", address[1])
	samePicture(t, "redis, of JSON lines over the wire", loaded, keys)
	must(t, dial(t, loaded.Addr), "FLUSHALL")
	expectTool(t, 0, "imported", "snapshot", "import", filepath.Join(origin, "appendonlydir"), "-p", address[1])
	sameButReads(t, "redis, of an AOF over the wire", loaded, keys)
}

// fillForConversion makes values of every kind, with and without deadlines, in two databases.
func fillForConversion(t *testing.T, c *Conn) {
	t.Helper()
	for i, args := range dumped() {
		must(t, c, args...)
		if i%10 == 0 && args[0] != "XREADGROUP" && args[0] != "XGROUP" {
			must(t, c, "PEXPIREAT", args[1], fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()+int64(i)))
		}
	}
	for i := range 30 { // sparse at first, and dense in the end
		args := []string{"PFADD", "sketch"}
		for j := range 50 {
			args = append(args, fmt.Sprint(50*i+j))
		}
		must(t, c, args...)
	}
	must(t, c, "SELECT", "3")
	must(t, c, "SET", "bin\x00\xff \"'\r\n", "\xff\xfe")
	must(t, c, "MULTI")
	must(t, c, "SET", "", "empty key")
	must(t, c, "RPUSH", "élan", "ü", "\x80")
	must(t, c, "EXEC")
	must(t, c, "SELECT", "0")
}

// picture is what a server has: each key with its digest and its deadline, and what else its streams know.
func picture(t *testing.T, proc *Process) (lines []string) {
	t.Helper()
	c := dial(t, proc.Addr)
	for _, db := range []string{"0", "3"} {
		must(t, c, "SELECT", db)
		for _, k := range must(t, c, "KEYS", "*").Elems {
			key := k.Text
			line := fmt.Sprintf("%s %q %s %s", db, key, must(t, c, "DEBUG", "DIGEST-VALUE", key).Elems[0].Text, must(t, c, "PEXPIRETIME", key).Raw)
			if strings.HasPrefix(key, "stream") {
				for _, question := range []string{"XINFO STREAM %s", "XINFO GROUPS %s"} {
					text := string(must(t, c, strings.Fields(fmt.Sprintf(question, key))...).Raw)
					if at := strings.Index(text, "radix-tree-keys"); at >= 0 {
						text = text[:at] + text[strings.Index(text, "last-generated-id"):]
					}
					line += fmt.Sprintf(" %q", text)
				}
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func samePicture(t *testing.T, where string, proc *Process, want []string) {
	t.Helper()
	comparePictures(t, where, picture(t, proc), want)
}

// sameButReads is samePicture but for how many entries groups have read: the AOF of Redis 7.0 does not say it.
func sameButReads(t *testing.T, where string, proc *Process, want []string) {
	t.Helper()
	reads := regexp.MustCompile(`entries-read.*?lag(\\r\\n[^\\]*)`)
	mask := func(lines []string) (masked []string) {
		for _, line := range lines {
			masked = append(masked, reads.ReplaceAllString(line, ""))
		}
		return masked
	}
	comparePictures(t, where, mask(picture(t, proc)), mask(want))
}

func comparePictures(t *testing.T, where string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: missing or other: %s", where, line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s: there is %s", where, line)
		}
	}
}

// What holdfast's log has, a redis-server loads as an AOF.
func TestLogAsAOF(t *testing.T) {
	if twins {
		t.Skip("redis-server has no such commands")
	}
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	proc := start(t, subject, Options{Dir: dir, Fsync: "no"})
	c := dial(t, proc.Addr)
	fillForConversion(t, c)
	must(t, c, "RENAME", "string:4", "renamed")
	must(t, c, "SPOP", "set:2000", "7")
	keys := picture(t, proc)
	proc.Kill()
	code, out, errs := tool(t, "log", "export", "--dir", dir, "--stamps")
	if code != 0 {
		t.Fatal(errs)
	}
	if err := os.WriteFile(filepath.Join(to, "appendonly.aof"), []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	samePicture(t, "redis, of a plain AOF", start(t, model, Options{Dir: to, Fsync: "no"}), keys)

	// A log that begins later needs the snapshot.
	again := start(t, subject, Options{Dir: dir, Fsync: "no"})
	c = dial(t, again.Addr)
	must(t, c, "SAVE")
	must(t, c, "SET", "later", "1")
	must(t, c, "SAVE")
	must(t, c, "INCR", "later")
	keys = picture(t, again)
	again.Kill()
	several := t.TempDir()
	expectTool(t, 0, "keys as of LSN", "log", "export", "--dir", dir, "--aof", filepath.Join(several, "appendonlydir"))
	expectTool(t, 1, "already", "log", "export", "--dir", dir, "--aof", filepath.Join(several, "appendonlydir"))
	samePicture(t, "redis, of an AOF of several files", start(t, model, Options{Dir: several, Fsync: "no"}), keys)
}
