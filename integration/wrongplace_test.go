package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The directory is moved away under a running server. What needs a file of it by name fails, and says which; what was
// acknowledged is in the directory, wherever it is now.
func TestVanishedDirectory(t *testing.T) {
	parent := t.TempDir()
	o := Options{Dir: filepath.Join(parent, "data")}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	must(t, c, "SET", "k", "v")
	moved := filepath.Join(parent, "moved")
	if err := os.Rename(o.Dir, moved); err != nil {
		t.Fatal(err)
	}
	if reply, err := c.Do("SNAPSHOT", "CREATE", "s"); err == nil && !reply.IsError() {
		t.Errorf("SNAPSHOT CREATE: %s", reply)
	}
	reply, err := c.Do("SET", "k", "w")
	proc.Kill()
	said := proc.Output()
	if !strings.Contains(said, o.Dir) || !strings.Contains(said, "no such file or directory") {
		t.Errorf("it does not say what is gone:\n%s", said)
	}
	want := "v"
	if err == nil && !reply.IsError() {
		want = "w"
	}
	if got := must(t, dial(t, start(t, subject, Options{Dir: moved}).Addr), "GET", "k").Text; got != want {
		t.Errorf("in the directory that was moved k is %q, and %q was acknowledged", got, want)
	}
}

// What the server of another user may not read or write is named, and nothing is changed.
func TestWrongPermissionsRefuse(t *testing.T) {
	for _, name := range []string{"base.db", "aof", "LOCK", "aof/SEGMENT"} {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			parent, err := os.MkdirTemp("", "holdfast-permissions-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(parent); err != nil {
					t.Error(err)
				}
			})
			o := Options{Dir: filepath.Join(parent, "data"), Credential: nobody(t, parent)}
			if err := os.Mkdir(o.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if o.Credential != nil {
				if err := os.Chown(o.Dir, int(o.Credential.Uid), int(o.Credential.Gid)); err != nil {
					t.Fatal(err)
				}
			}
			proc := start(t, subject, o)
			c := dial(t, proc.Addr)
			must(t, c, "SET", "k", "v")
			save(t, c)
			must(t, c, "SET", "k", "w")
			proc.Kill()
			path := filepath.Join(o.Dir, strings.ReplaceAll(name, "SEGMENT", filepath.Base(segmentFiles(t, o.Dir)[0])))
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
			expectRefusal(t, refusal{options: o, code: []int{exitFailed}, says: []string{path, "permission denied; the directory and all in it are to belong to the user"}})
			if err := os.Chmod(path, info.Mode()); err != nil {
				t.Fatal(err)
			}
			if got := must(t, dial(t, start(t, subject, o).Addr), "GET", "k").Text; got != "w" {
				t.Errorf("with the permissions back k is %q", got)
			}
		})
	}
}

// segmentFiles are the log's segments, oldest first.
func segmentFiles(t *testing.T, dir string) []string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "aof", "*.aof"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return segments
}

// Halves of a data set, from outside: what the engine's own tests show in more ways (TestAStartThatIsRefused), of the built
// program with its exit code, in one line that says what is missing and what to do.
func TestHalfADataSetRefuses(t *testing.T) {
	lay := func(t *testing.T) Options {
		o := Options{Dir: t.TempDir()}
		proc := start(t, subject, o)
		c := dial(t, proc.Addr)
		fill(t, c, 1)
		save(t, c)
		fill(t, c, 2)
		proc.Kill()
		return o
	}
	remove := func(t *testing.T, path string) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		says  []string
	}{
		"no base": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "base.db")) },
			[]string{".aof at offset 0, lsn 1: ", "and there is no ", "base.db; nothing has been changed; bring that back"}},
		"no log": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "aof")) },
			[]string{"base.db was written with a log going on after lsn ", "holds no segment; bring the segments back"}},
		"no newest": {func(t *testing.T, dir string) { removeNewest(t, dir) },
			[]string{".aof at offset ", ", lsn ", "is not there; nothing has been changed; bring that segment back"}},
		"an empty file": {func(t *testing.T, dir string) { truncate(t, segmentFiles(t, dir)[0]) },
			[]string{".aof at offset 0, lsn ", "the file is empty; nothing has been changed; bring the file back"}},
		"another's log": {func(t *testing.T, dir string) { swapLogs(t, dir, lay(t).Dir) },
			[]string{".aof at offset 0, lsn ", "data-set id ", "nothing has been changed; base and segments are to be of one data set"}},
		"an older base": {func(t *testing.T, dir string) { putOlderBase(t, dir) },
			[]string{".aof at offset 0, lsn ", "base.db is as of lsn ", "nothing has been changed; bring those segments back"}},
		"a flipped byte": {func(t *testing.T, dir string) { flipFirst(t, segmentFiles(t, dir)[0], "string:7") },
			[]string{".aof at offset ", ", lsn ", "nothing has been changed; bring the file back"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := lay(t)
			c.spoil(t, o.Dir)
			expectRefusal(t, refusal{options: o, code: []int{exitDamaged}, says: append(c.says, "holdfast check --dir "+o.Dir)})
		})
	}
}

// removeNewest makes a data set of several segments in place of this one, and removes the last of them.
func removeNewest(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	proc := start(t, subject, Options{Dir: dir, Extra: []string{"--segment-bytes", "1mb"}})
	c := dial(t, proc.Addr)
	for i := range 60 {
		must(t, c, "SET", "large", strings.Repeat(strconv.Itoa(i), 40_000))
	}
	proc.Kill()
	segments := segmentFiles(t, dir)
	if len(segments) < 2 {
		t.Fatalf("only %q", segments)
	}
	if err := os.Remove(segments[len(segments)-1]); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
}

// swapLogs puts another data set's log in the place of this one's.
func swapLogs(t *testing.T, dir, other string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "aof")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, "aof"), filepath.Join(dir, "aof")); err != nil {
		t.Fatal(err)
	}
}

// putOlderBase goes on with the data set and puts the base of before in the place of the new one.
func putOlderBase(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "base.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	proc := start(t, subject, Options{Dir: dir})
	c := dial(t, proc.Addr)
	save(t, c)
	fill(t, c, 3)
	proc.Kill()
	if err := os.WriteFile(path, older, 0o600); err != nil {
		t.Fatal(err)
	}
}

func flipFirst(t *testing.T, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(text))
	if at < 0 {
		t.Fatalf("%q is not in %s", text, path)
	}
	content[at] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
