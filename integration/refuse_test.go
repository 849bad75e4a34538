package integration

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Exit codes, a contract with scripts.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitDamaged = 3
	exitInUse   = 4
)

// refusal is a start that must fail.
type refusal struct {
	options Options
	code    []int    // any of these
	says    []string // each must stand in what stderr says, case aside
}

// expectRefusal starts the server and checks that it refuses: with its exit code, in one line on stderr that
// names the cause, and with every file under the directory as it was.
func expectRefusal(t *testing.T, r refusal) {
	t.Helper()
	before := tree(t, r.options.Dir)
	proc, err := Launch(subject, r.options)
	if err != nil {
		t.Fatal(err)
	}
	code, err := proc.Exit()
	if err != nil {
		t.Fatal(err)
	}
	said := strings.TrimSpace(proc.Stderr.String())
	if !slices.Contains(r.code, code) {
		t.Errorf("exit code %d, not one of %v; stderr:\n%s", code, r.code, said)
	}
	if lines := strings.Count(said, "\n") + 1; said == "" || lines != 1 {
		t.Errorf("stderr should be one line:\n%s", said)
	}
	for _, word := range r.says {
		if !strings.Contains(strings.ToLower(said), strings.ToLower(word)) {
			t.Errorf("stderr does not say %q:\n%s", word, said)
		}
	}
	if strings.Contains(proc.Output(), "goroutine ") {
		t.Errorf("it panicked:\n%s", proc.Output())
	}
	after := tree(t, r.options.Dir)
	for path := range after {
		if before[path] != after[path] {
			t.Errorf("it made or changed %s: %q was %q", path, after[path], before[path])
		}
	}
	for path := range before {
		if _, there := after[path]; !there {
			t.Errorf("it removed %s", path)
		}
	}
}

// tree describes every file under a path: mode, time of change, content.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			files[path] = info.Mode().String()
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files[path] = fmt.Sprintf("%s %s %x", info.Mode(), info.ModTime(), sha256.Sum256(content))
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}

func TestWrongCommandLineRefuses(t *testing.T) {
	for _, c := range []struct {
		flags []string
		says  string
	}{
		{[]string{"--nosuch"}, "nosuch"},
		{[]string{"--nosuch", "value"}, "nosuch"},
		{[]string{"--fsync", "sometimes"}, "fsync"},
		{[]string{"--appendonly", "perhaps"}, "appendonly"},
		{[]string{"--save", "60"}, "save"},
		{[]string{"--save", "-1 -1"}, "save"},
		{[]string{"--maxmemory", "lots"}, "maxmemory"},
		{[]string{"--maxmemory-policy", "guess"}, "maxmemory-policy"},
		{[]string{"--addr", "nowhere"}, "addr"},
		{[]string{"--addr", "127.0.0.1:99999"}, "addr"},
		{[]string{"surplus"}, "surplus"},
		{[]string{"--requirepass"}, "requirepass"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			expectRefusal(t, refusal{
				options: Options{Dir: t.TempDir(), Extra: c.flags},
				code:    []int{exitUsage},
				says:    []string{c.says},
			})
		})
	}
}

// A file of directives is refused with the number of the line.
func TestWrongConfigFileRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, line string }{
		"unknown directive": {"appendonly yes\n\n# a comment\nnosuch-directive 1\n", "4"},
		"bad value":         {"appendfsync sometimes\n", "1"},
		"no value":          {"maxmemory 1gb\nappendonly\n", "2"},
		"open quote":        {"requirepass \"open\n", "1"},
		"binary":            {"\x00\x01\x02\n", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.conf")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			expectRefusal(t, refusal{
				options: Options{Dir: t.TempDir(), Extra: []string{"--config", path}},
				code:    []int{exitUsage},
				says:    []string{"test.conf", c.line},
			})
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.conf")
	expectRefusal(t, refusal{
		options: Options{Dir: t.TempDir(), Extra: []string{"--config", missing}},
		code:    []int{exitFailed, exitUsage},
		says:    []string{"missing.conf"},
	})
}

// What lies in the way and is not ours is left alone.
func TestForeignDirectoryRefuses(t *testing.T) {
	put := func(t *testing.T, name string, content []byte) Options {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return Options{Dir: dir}
	}
	notOurs := []int{exitFailed, exitDamaged}
	t.Run("a file instead of a directory", func(t *testing.T) {
		o := put(t, "file", []byte("text"))
		o.Dir = filepath.Join(o.Dir, "file")
		expectRefusal(t, refusal{options: o, code: []int{exitFailed}, says: []string{"file"}})
	})
	t.Run("a text file called base.db", func(t *testing.T) {
		expectRefusal(t, refusal{options: put(t, "base.db", []byte("my precious notes\n")), code: notOurs, says: []string{"base.db"}})
	})
	t.Run("an empty file called base.db", func(t *testing.T) {
		expectRefusal(t, refusal{options: put(t, "base.db", nil), code: []int{exitDamaged}, says: []string{"base.db"}})
	})
	t.Run("a SQLite file called base.db", func(t *testing.T) {
		content := append([]byte("SQLite format 3\x00"), make([]byte, 32<<10)...)
		expectRefusal(t, refusal{options: put(t, "base.db", content), code: notOurs, says: []string{"base.db"}})
	})
	t.Run("another program's bbolt file", func(t *testing.T) {
		expectRefusal(t, refusal{options: put(t, "base.db", emptyBolt()), code: notOurs, says: []string{"base.db"}})
	})
	t.Run("something else in the log's place", func(t *testing.T) {
		name := "aof/00000000000000000001.aof"
		expectRefusal(t, refusal{options: put(t, name, []byte("*1\r\n$4\r\nPING\r\n")), code: notOurs, says: []string{name}})
	})
}

// emptyBolt makes the bbolt file of a program that has not stored anything: two meta pages, a freelist and an empty
// leaf, as bbolt 1.x lays them out (little endian, pages of 4096).
func emptyBolt() []byte {
	const pageBytes = 4096
	le := binary.LittleEndian
	file := make([]byte, 4*pageBytes)
	page := func(id uint64, flags uint16) []byte {
		p := file[id*pageBytes:]
		le.PutUint64(p, id)
		le.PutUint16(p[8:], flags)
		return p[16:]
	}
	const metaFlag, freelistFlag, leafFlag = 4, 16, 2
	for id := range uint64(2) {
		meta := page(id, metaFlag)
		le.PutUint32(meta, 0xED0CDAED) // magic
		le.PutUint32(meta[4:], 2)      // version
		le.PutUint32(meta[8:], pageBytes)
		le.PutUint64(meta[16:], 3)  // root bucket: page 3
		le.PutUint64(meta[32:], 2)  // freelist: page 2
		le.PutUint64(meta[40:], 4)  // pages
		le.PutUint64(meta[48:], id) // transaction
		sum := fnv.New64a()
		sum.Write(meta[:56])
		le.PutUint64(meta[56:], sum.Sum64())
	}
	page(2, freelistFlag)
	page(3, leafFlag)
	return file
}

// awaitRest waits until a server that nobody asks for anything has made the next log segment, and changes its directory no more.
func awaitRest(t *testing.T, dir string) {
	t.Helper()
	const ahead, segmentBytes = "next.tmp", 16 << 20 // the default
	for deadline := time.Now().Add(replyWaitMax); ; time.Sleep(20 * time.Millisecond) {
		before := tree(t, dir)
		next, err := os.Stat(filepath.Join(dir, "aof", ahead))
		if err == nil && next.Size() == segmentBytes && maps.Equal(before, tree(t, dir)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not at rest: %v, %v", dir, before, err)
		}
	}
}

// Two servers never share a directory: the second says who has it, and the first goes on.
func TestDirectoryInUseRefuses(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	must(t, c, "SET", "k", "v")
	awaitRest(t, o.Dir)
	expectRefusal(t, refusal{options: o, code: []int{exitInUse}, says: []string{o.Dir}})
	must(t, c, "SET", "k", "w")
	proc.Kill()
	if reply := must(t, dial(t, start(t, subject, o).Addr), "GET", "k"); reply.Text != "w" {
		t.Errorf("GET k: %s", reply)
	}
}

func TestAddressInUseRefuses(t *testing.T) {
	proc := start(t, subject, Options{})
	second, err := Launch(subject, Options{Dir: t.TempDir(), Extra: []string{"--addr", proc.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	code, err := second.Exit()
	if err != nil || code != exitFailed {
		t.Errorf("exit code %d, %v; it wrote:\n%s", code, err, second.Output())
	}
	if !strings.Contains(second.Stderr.String(), "address already in use") {
		t.Errorf("stderr does not say that the address is in use:\n%s", second.Stderr)
	}
}

// refusesToServe starts a server that must end by itself, with a code and a last line that says why. Its data directory may
// have been made by then.
func refusesToServe(t *testing.T, o Options, want int, says string) {
	t.Helper()
	proc, err := Launch(subject, o)
	if err != nil {
		t.Fatal(err)
	}
	code, err := proc.Exit()
	lines := strings.Split(strings.TrimSpace(proc.Stderr.String()), "\n") // of which the last is the reason
	if err != nil || code != want || !strings.Contains(lines[len(lines)-1], says) {
		t.Errorf("%q: exit code %d, %v, want %d and %q; it wrote:\n%s", o.Extra, code, err, want, says, proc.Output())
	}
}

// Settings that cannot work are told from failures that may pass: whoever starts servers need not try again.
func TestSettingsThatCannotWorkRefuse(t *testing.T) {
	if twins {
		t.Skip("of holdfast's exit codes")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "notes")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flags, says string }{
		{"--port 0", "neither a port nor a unix socket is configured"},
		{"--tls-port 1", "TLS cannot be set up: tls-cert-file is not set"},
		{"--logfile " + filepath.Join(dir, "none", "log"), "--logfile: open " + filepath.Join(dir, "none", "log") + ": no such file or directory"},
		{"--unixsocket " + file, "unixsocket " + file + ": what is there is no socket"},
	} {
		refusesToServe(t, Options{Dir: filepath.Join(dir, "data"), Extra: strings.Fields(c.flags)}, exitUsage, c.says)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file in the socket's place: %q, %v", text, err)
	}
}

// A unix socket on which a server answers is not taken from it, and one that a server has left by dying is.
func TestUnixSocketInUseRefuses(t *testing.T) {
	if twins {
		t.Skip("of holdfast's unix socket")
	}
	path := filepath.Join(t.TempDir(), "socket")
	o := Options{Dir: t.TempDir(), Extra: []string{"--unixsocket", path}}
	first := start(t, subject, o)
	refusesToServe(t, Options{Dir: t.TempDir(), Extra: o.Extra}, exitFailed, "on the unix socket "+path+": address already in use; stop what listens there")
	binary, _ := subject.Args(Options{}, 0)
	if out, ok := ran(t, binary, "cli", "-s", path, "PING"); !ok || out != "PONG\n" {
		t.Errorf("after the second's end the first says %q", out)
	}
	first.Kill()
	second := start(t, subject, o)
	if out, ok := ran(t, binary, "cli", "-s", path, "PING"); !ok || out != "PONG\n" {
		t.Errorf("in the place of a dead socket: %q", out)
	}
	if _, err := second.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the socket is left behind:", err)
	}
}

// Damage that hydration finds ends the server with the code of damage.
func TestDamageFoundWhileHydrating(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	for i := range 50 {
		must(t, c, "SET", fmt.Sprintf("damaged:%d", i), strings.Repeat("value", 100))
	}
	save(t, c)
	proc.Kill()
	path := filepath.Join(o.Dir, "base.db")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(content), "valuevalue")
	if at < 0 {
		t.Fatal("the value is not in the base")
	}
	content[at] ^= 0x20
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	refusesToServe(t, o, exitDamaged, "no part of the data is served as if it were all")
}

// A directory that cannot be written: whoever runs the server has no permission.
func TestReadOnlyDirectoryRefuses(t *testing.T) {
	parent, err := os.MkdirTemp("", "holdfast-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(parent, "data")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: dir, Credential: nobody(t, parent)}
	expectRefusal(t, refusal{options: o, code: []int{exitFailed}, says: []string{"permission denied"}})
	o.Dir = filepath.Join(dir, "new")
	expectRefusal(t, refusal{options: o, code: []int{exitFailed}, says: []string{"permission denied"}})
}

// nobody is an unprivileged user, for tests that run as root: permissions mean nothing to root. The user gets
// at the program and at the directory.
func nobody(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	binary, _ := subject.Args(Options{}, 0)
	for _, path := range []string{dir, filepath.Dir(binary)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const nobodyID = 65534
	return &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
}

// A log of a newer format is neither read nor called damaged. (docs/format-log.md: the version is the u32 at byte
// 8 of a segment, the CRC32C of the first 48 bytes the u32 at byte 48.)
func TestNewerFormatRefuses(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	must(t, dial(t, proc.Addr), "SET", "k", "v")
	proc.Kill()
	segments, err := filepath.Glob(filepath.Join(o.Dir, "aof", "*.aof"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	last := segments[len(segments)-1]
	content, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(content[8:], 2)
	binary.LittleEndian.PutUint32(content[48:], crc32.Checksum(content[:48], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(last, content, 0o600); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, refusal{options: o, code: []int{exitFailed}, says: []string{filepath.Base(last), "format 2"}})
}

// Damage to acknowledged records stops the start (P4): file, offset and LSN are said, nothing is changed, and
// the way to the repair is shown.
func TestDamagedLogRefuses(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	for i := range 50 {
		must(t, c, "SET", fmt.Sprintf("damaged:%d", i), "value")
	}
	proc.Kill()
	segments, err := filepath.Glob(filepath.Join(o.Dir, "aof", "*.aof"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(content), "damaged:7")
	if at < 0 {
		t.Fatal("the key is not in the segment")
	}
	content[at] ^= 0x20
	if err := os.WriteFile(segments[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, refusal{
		options: o,
		code:    []int{exitDamaged},
		says:    []string{filepath.Base(segments[0]), "lsn", "offset", "holdfast check"},
	})
}
