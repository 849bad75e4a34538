package engine

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/config"
	"holdfast/internal/vfs"
	"holdfast/resp"
	"holdfast/snapshot"
)

// shelf is an engine on a directory, with one client and a clock that stands still, for tests of what lies in the directory.
// Its writes say their LSN, so that any state tells which one it is.
type shelf struct {
	t      *testing.T
	fs     vfs.FS
	dir    string
	clock  *atomic.Int64 // unix ms
	config *config.Config
	e      *Engine
	user   *commands.Client
	log    diary
}

// diary is what an engine logs.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

// count is how many lines say something.
func (d *diary) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), what)
}

const shelfBegin = 1_700_000_000_000

// openShelf opens an engine on dir. The settings are pairs of name and value.
func openShelf(t *testing.T, fsys vfs.FS, dir string, clock *atomic.Int64, settings ...string) *shelf {
	t.Helper()
	s, err := tryShelf(t, fsys, dir, clock, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func tryShelf(t *testing.T, fsys vfs.FS, dir string, clock *atomic.Int64, settings ...string) (*shelf, error) {
	s := &shelf{t: t, fs: fsys, dir: dir, clock: clock, config: config.New()}
	settings = append([]string{"segment-bytes", "1mb"}, settings...) // zeroes take time
	for i := 0; i < len(settings); i += 2 {
		if err := s.config.Set(config.Flag, settings[i], settings[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.e, err = Open(Options{
		FS: fsys, Dir: dir, Config: s.config, Clock: func() time.Time { return time.UnixMilli(clock.Load()) },
		Log:   slog.New(slog.NewTextHandler(&s.log, nil)),
		Fatal: func(err error) { t.Logf("fatal: %v", err) },
		Stop:  func(bool) {},
	})
	s.user = &commands.Client{ID: 1, Proto: 2, Authenticated: true, Peer: make(ear, 1)}
	return s, err
}

func newClock() *atomic.Int64 {
	clock := new(atomic.Int64)
	clock.Store(shelfBegin)
	return clock
}

func (s *shelf) close() {
	if err := s.e.Close(false); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, vfs.ErrCrashed) {
		s.t.Error(err)
	}
}

// ear is the client's end: it hears what comes after a wait.
type ear chan string

func (e ear) Deliver(reply []byte, _ uint64) { e <- string(reply) }
func (e ear) Resume()                        {}
func (e ear) Kill(bool)                      {}
func (e ear) Buffers() (in, out int)         { return 0, 0 }
func (e ear) FD() int                        { return 0 }
func (e ear) Collect(*resp.Writer) uint64    { return 0 }

// do runs a command to its reply, however long that takes, with blanks for line ends.
func (s *shelf) do(words ...string) string {
	s.t.Helper()
	args := make([][]byte, len(words))
	for i := range words {
		args[i] = []byte(words[i])
	}
	var w resp.Writer
	s.e.Run(s.user, &w, [][][]byte{args})
	if err := s.e.Commit(); err != nil && !errors.Is(err, vfs.ErrCrashed) {
		s.t.Fatalf("%q: %v", words, err)
	}
	reply := string(w.Bytes())
	if reply == "" {
		reply = <-s.user.Peer.(ear)
	}
	return strings.TrimSuffix(strings.ReplaceAll(reply, "\r\n", " "), " ")
}

func (s *shelf) expect(want string, words ...string) {
	s.t.Helper()
	if got := s.do(words...); got != want {
		s.t.Errorf("%.100q replied %.200s, want %s", words, got, want)
	}
}

// write writes n records, each with that much beside its LSN, which is the key's value.
func (s *shelf) write(n, padding int) {
	s.t.Helper()
	for range n {
		s.expect("+OK", "SET", "lsn", fmt.Sprintf("%d:%s", s.last()+1, strings.Repeat("x", padding)))
	}
}

func (s *shelf) last() (lsn uint64) {
	s.e.Do(func() { lsn = s.e.lsn })
	return lsn
}

// save writes a checkpoint, after one that is running.
func (s *shelf) save() {
	s.t.Helper()
	if err := s.e.checkpointNow(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) advance(d time.Duration) { s.clock.Add(d.Milliseconds()) }

// files are the names in snapshots/.
func (s *shelf) files() []string {
	s.t.Helper()
	names, err := os.ReadDir(filepath.Join(s.dir, SnapshotDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	var files []string
	for _, n := range names {
		files = append(files, n.Name())
	}
	return files
}

func (s *shelf) expectFiles(want ...string) {
	s.t.Helper()
	if got := s.files(); !slices.Equal(got, want) {
		s.t.Errorf("%s holds %q, want %q", SnapshotDir, got, want)
	}
}

func (s *shelf) figures() (f commands.Figures) {
	s.e.Do(func() { f = s.e.Figures() })
	return f
}

// stateAt builds the state at an LSN from what a directory holds, as holdfast restore is to do: from the newest snapshot
// that is no newer, or from nothing, and the log. It returns the LSN that the state says it is of.
func stateAt(t *testing.T, dir string, lsn uint64) (uint64, error) {
	t.Helper()
	infos, err := Snapshots(vfs.OS(), dir)
	if err != nil {
		return 0, err
	}
	from, room := uint64(0), t.TempDir()
	var source string
	for _, info := range infos {
		if info.Problem != "" {
			return 0, errors.New(info.Problem)
		}
		if info.LSN <= lsn {
			from, source = info.LSN, SnapshotPath(dir, info.Name)
		}
	}
	if source != "" {
		b, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(filepath.Join(room, BaseName), b, 0o600)
		}
		if err != nil {
			return 0, err
		}
	}
	return replayTo(room, filepath.Join(dir, LogDir), from, lsn)
}

func replayTo(room, log string, from, through uint64) (lsn uint64, err error) {
	e := newEngine(Options{
		FS: vfs.OS(), Dir: room, Config: config.New(), Clock: func() time.Time { return time.UnixMilli(shelfBegin) },
		Fatal: func(error) {}, Log: slog.New(slog.DiscardHandler),
	})
	if _, err := e.openBase(); err != nil {
		return 0, err
	}
	defer func() {
		if base := e.base.Load(); base != nil {
			err = errors.Join(err, base.Close())
		}
	}()
	_, err = aof.Scan(vfs.OS(), log, from+1, func(_ aof.Position, r aof.Record) error {
		if r.LSN > through {
			return errEnough
		}
		return e.replay(r)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	var w resp.Writer
	e.Run(&commands.Client{Authenticated: true, Proto: 2}, &w, [][][]byte{{[]byte("GET"), []byte("lsn")}})
	reply := string(w.Bytes())
	if reply == "$-1\r\n" {
		return 0, nil
	}
	_, value, _ := strings.Cut(reply, "\r\n")
	number, _, _ := strings.Cut(value, ":")
	return strconv.ParseUint(number, 10, 64)
}

func expectState(t *testing.T, dir string, lsn uint64) {
	t.Helper()
	if got, err := stateAt(t, dir, lsn); err != nil || got != lsn {
		t.Errorf("the state at LSN %d is that of LSN %d, %v", lsn, got, err)
	}
}

func TestNamedSnapshot(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock)
	s.write(10, 0)
	s.expect("+OK", "SNAPSHOT", "CREATE", "before")
	s.write(5, 0)
	s.save()
	s.expect("+OK", "SNAPSHOT", "CREATE", "behind.2-x_Y")
	s.write(5, 0)
	s.expectFiles("before.db", "behind.2-x_Y.db")
	expectState(t, dir, 15) // by a snapshot: the log begins later
	for name, want := range map[string]uint64{"before": 10, "behind.2-x_Y": 15} {
		b, err := snapshot.Open(SnapshotPath(dir, name), snapshot.OpenOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if r, ok, err := b.Get(snapshot.Store(s.e.world.Keys.DB(0).Store()), []byte("lsn")); !ok || err != nil || string(r.Payload) != fmt.Sprintf("%d:", want) {
			t.Errorf("%s: %q, %t, %v", name, r.Payload, ok, err)
		}
		if got := b.Meta(); got.LSN != want || got.Time != shelfBegin {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := b.Verify(nil); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	size, err := fileSize(vfs.OS(), SnapshotPath(dir, "before"))
	if err != nil {
		t.Fatal(err)
	}
	list := fmt.Sprintf("*10 $4 name $6 before $3 lsn :10 $4 time :%d $4 keys :1 $5 bytes :%d", shelfBegin, size)
	if got := s.do("SNAPSHOT", "LIST"); !strings.HasPrefix(got, "*2 "+list) {
		t.Errorf("SNAPSHOT LIST: %s", got)
	}
	if n := s.figures().NamedSnapshots; n != 2 {
		t.Errorf("%d named snapshots", n)
	}
	s.close()

	s = openShelf(t, vfs.OS(), dir, clock)
	if n := s.figures().NamedSnapshots; n != 2 {
		t.Errorf("%d named snapshots after a start", n)
	}
	s.expect("+OK", "SNAPSHOT", "DROP", "behind.2-x_Y")
	s.expectFiles("before.db")
	s.expect("*1 "+list, "SNAPSHOT", "LIST")
	if n := s.figures().NamedSnapshots; n != 1 {
		t.Errorf("%d named snapshots after a drop", n)
	}
}

func TestNamedSnapshotIsRefused(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock())
	s.expect("+OK", "SNAPSHOT", "CREATE", strings.Repeat("n", 64))
	for name, want := range map[string]string{
		strings.Repeat("n", 64): "-ERR there is a snapshot of that name: " + strings.Repeat("n", 64),
		"":                      `-ERR not a name for a snapshot: ""; take up to 64 letters, digits and -_., not with a dot in front`,
		strings.Repeat("n", 65): "-ERR not a name for a snapshot",
		".hidden":               "-ERR not a name for a snapshot",
		"..":                    "-ERR not a name for a snapshot",
		"a/b":                   "-ERR not a name for a snapshot",
		"a b":                   "-ERR not a name for a snapshot",
		"é":                     "-ERR not a name for a snapshot",
		"a\xff":                 "-ERR not a name for a snapshot",
		"a\x00":                 "-ERR not a name for a snapshot",
		"auto-1":                "-ERR not a name for a snapshot: \"auto-1\"; names that begin with auto-",
	} {
		if got := s.do("SNAPSHOT", "CREATE", name); !strings.HasPrefix(got, want) {
			t.Errorf("CREATE %q: %s", name, got)
		}
	}
	s.expect("-ERR no such snapshot: nobody", "SNAPSHOT", "DROP", "nobody")
	if got := s.do("SNAPSHOT", "DROP", "../base"); !strings.HasPrefix(got, "-ERR not a name") {
		t.Errorf("DROP ../base: %s", got)
	}
	s.expect("+OK", "MULTI")
	s.expect("-ERR Command not allowed inside a transaction", "SNAPSHOT", "CREATE", "x")
	s.expectFiles(strings.Repeat("n", 64) + ".db")
}

// A copy that takes long holds nobody up: neither commands, nor a checkpoint that puts another file in the base's place. It
// is of the state that it began with.
func TestCheckpointReplacesTheBaseBesideACopy(t *testing.T) {
	dir := t.TempDir()
	fsys := vfs.NewFaulty(dir, 1)
	s := openShelf(t, fsys, dir, newClock(), "save", "")
	s.write(3, 0)
	s.save()
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Write && strings.Contains(path, SnapshotDir) && !once.Swap(true) {
			close(begun)
			<-goOn
		}
		return nil
	})
	done := make(chan error, 1)
	s.e.Do(func() {
		if err := s.e.CreateSnapshot("slow", func(err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
	})
	<-begun
	old := s.e.base.Load()
	var requests [][][]byte
	for i := range smallCheckpoint + 1 {
		requests = append(requests, [][]byte{[]byte("SET"), []byte(strconv.Itoa(i)), []byte("v")})
	}
	var w resp.Writer
	s.e.Run(s.user, &w, requests)
	if err := s.e.Commit(); err != nil {
		t.Fatal(err)
	}
	s.save()
	if s.e.base.Load() == old {
		t.Error("the checkpoint has not replaced the base, so nothing was shown")
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	infos, err := Snapshots(vfs.OS(), dir)
	if err != nil || len(infos) != 1 || infos[0].LSN != 3 || infos[0].Keys != 1 {
		t.Errorf("%+v, %v", infos, err)
	}
	if _, _, err := old.Get(1, []byte("lsn")); !errors.Is(err, snapshot.ErrClosed) {
		t.Errorf("the replaced base is still open: %v", err)
	}
	if _, _, err := s.e.base.Load().Get(1, []byte("lsn")); err != nil {
		t.Error(err)
	}
}

// Somebody who reads a new base when the server opens it makes the server wait, not fail; one who goes on reading makes the
// checkpoint fail, which is tried again.
func TestABaseThatIsBeingReadIsWaitedFor(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "")
	s.write(1, 0)
	s.save()
	reader := s.e.base.Load() // the engine's own, which keeps everybody out
	if _, err := s.e.openUnlocked(); !errors.Is(err, snapshot.ErrLocked) {
		t.Fatalf("beside somebody who stays: %v", err)
	}
	closed := make(chan error)
	go func() { closed <- reader.Close() }()
	base, err := s.e.openUnlocked()
	if err != nil {
		t.Fatalf("beside somebody who goes: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s.e.Do(func() { s.e.base.Store(base) })
	s.write(1, 0)
	s.save()
}

// A copy must not take the room that the log will want.
func TestSnapshotLeavesTheLogItsRoom(t *testing.T) {
	dir := t.TempDir()
	fsys := vfs.NewFaulty(dir, 1)
	s := openShelf(t, fsys, dir, newClock())
	s.write(1, 0)
	fsys.SetFree(2 << 20)
	if got := s.do("SNAPSHOT", "CREATE", "x"); !strings.Contains(got, "no room for a copy of the base: 2097152 bytes are free") {
		t.Error(got)
	}
	s.expectFiles()
	fsys.SetFree(-1)
	s.expect("+OK", "SNAPSHOT", "CREATE", "x")
}

// Whatever operation fails while a snapshot is made, the reply says so, nothing half made is left under the name, and
// the next attempt succeeds.
func TestSnapshotSurvivesEveryFailure(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, 1)
		s := openShelf(t, fsys, dir, newClock(), "save", "")
		s.write(3, 0)
		s.save()
		var began, failed atomic.Int64
		fsys.Intercept(func(kind vfs.Kind, path string) error {
			inside := strings.Contains(path, SnapshotDir) && kind != vfs.Read
			if inside && began.Add(1) == int64(n) {
				failed.Add(1)
				return syscall.EIO
			}
			return nil
		})
		reply := s.do("SNAPSHOT", "CREATE", "x")
		if failed.Load() == 0 {
			if reply != "+OK" {
				t.Errorf("without a failure: %s", reply)
			}
			if n < 6 {
				t.Errorf("only %d operations", n)
			}
			return
		}
		if !strings.HasPrefix(reply, "-ERR ") || !strings.Contains(reply, syscall.EIO.Error()) {
			t.Errorf("operation %d failed, and the reply was %s", n, reply)
		}
		fsys.Intercept(nil)
		if again := s.do("SNAPSHOT", "CREATE", "x"); again != "+OK" && !strings.Contains(again, "there is a snapshot of that name") {
			t.Errorf("after the failure of operation %d: %s", n, again)
		}
		expectState(t, dir, 3)
		s.close()
	}
}

// A crash while a snapshot is made or dropped leaves it whole or not at all, and a start removes the rest.
func TestSnapshotSurvivesEveryCrash(t *testing.T) {
	for n, more := 1, true; more; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		s := openShelf(t, fsys, dir, newClock(), "save", "")
		s.write(3, 0)
		s.save()
		fsys.CrashAt(fsys.Ops() + n)
		s.do("SNAPSHOT", "CREATE", "x")
		s.do("SNAPSHOT", "DROP", "x")
		more = fsys.Crashed()
		for _, mode := range []vfs.Mode{vfs.OnlySynced, vfs.Everything, vfs.Random} {
			after := t.TempDir()
			if err := fsys.Materialise(after, mode, int64(n)); err != nil {
				t.Fatal(err)
			}
			again := openShelf(t, vfs.OS(), after, newClock())
			if files := again.files(); len(files) > 1 || len(files) == 1 && files[0] != "x.db" {
				t.Errorf("crash at operation %d, %s: %q", n, mode, files)
			}
			for _, info := range mustList(t, after) {
				if info.Problem != "" || info.LSN != 3 {
					t.Errorf("crash at operation %d, %s: %+v", n, mode, info)
				}
			}
			again.expect("$2 3:", "GET", "lsn")
			again.close()
		}
		s.close()
	}
}

func mustList(t *testing.T, dir string) []commands.SnapshotInfo {
	t.Helper()
	infos, err := Snapshots(vfs.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

// A snapshot that cannot be read is listed as such, and can be dropped.
func TestDamagedSnapshotIsListedAndDropped(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock())
	s.expect("+OK", "SNAPSHOT", "CREATE", "good")
	if err := os.WriteFile(SnapshotPath(s.dir, "bad"), make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	infos := mustList(t, s.dir)
	if len(infos) != 2 || infos[0].Name != "bad" && infos[1].Name != "bad" {
		t.Fatalf("%+v", infos)
	}
	for _, info := range infos {
		if (info.Problem == "") != (info.Name == "good") {
			t.Errorf("%+v", info)
		}
	}
	if got := s.do("SNAPSHOT", "LIST"); !strings.Contains(got, "$4 name $3 bad $7 problem ") {
		t.Error(got)
	}
	s.expect("+OK", "SNAPSHOT", "DROP", "bad")
	s.expectFiles("good.db")
}

// The end of the engine ends a copy.
func TestStoppableFilesTakeNoMoreOnceTheEngineCloses(t *testing.T) {
	quit, dir := make(chan struct{}), t.TempDir()
	f, err := stoppable{vfs.OS(), quit}.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("a"), 0); err != nil {
		t.Error(err)
	}
	close(quit)
	if _, err := f.WriteAt([]byte("b"), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("written though the engine is closed: %v", err)
	}
	b := make([]byte, 2)
	if n, err := f.ReadAt(b, 0); n != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", b[:n], err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestSnapshotsAtRest(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	create := func(name string) error { return CreateSnapshotAtRest(vfs.OS(), dir, name) }
	if err := create("x"); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	s := openShelf(t, vfs.OS(), dir, clock)
	s.write(3, 0)
	s.save()
	if err := create("x"); !errors.Is(err, ErrInUse) {
		t.Errorf("beside a server: %v", err)
	}
	if _, _, err := Compact(vfs.OS(), dir); !errors.Is(err, ErrInUse) {
		t.Errorf("compacting beside a server: %v", err)
	}
	s.write(1, 0)
	s.close()
	if err := create("x"); !errors.Is(err, ErrLogAhead) || !strings.Contains(err.Error(), "the base is as of LSN 3, and the log ends at 4") {
		t.Errorf("with a log that goes on: %v", err)
	}
	s = openShelf(t, vfs.OS(), dir, clock)
	if err := s.e.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := create("x"); err != nil {
		t.Fatal(err)
	}
	if err := create("x"); !errors.Is(err, ErrSnapshotExists) {
		t.Errorf("twice: %v", err)
	}
	if err := create("auto-x"); !errors.Is(err, ErrSnapshotName) {
		t.Errorf("a name of ours: %v", err)
	}
	if infos := mustList(t, dir); len(infos) != 1 || infos[0].LSN != 4 {
		t.Errorf("%+v", infos)
	}
	for _, want := range []error{nil, ErrNoSnapshot} {
		if err := DropSnapshotAtRest(vfs.OS(), dir, "x"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// Compacting changes the base's file and nothing else that can be seen.
func TestCompact(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "", "fsync", "no")
	for i := range 2000 {
		s.do("SET", strconv.Itoa(i), strings.Repeat("v", 1000), "PX", "1000000")
	}
	s.save()
	for i := range 1900 {
		s.do("DEL", strconv.Itoa(i))
	}
	s.save()
	s.write(1, 0)
	s.close()
	before, after, err := Compact(vfs.OS(), dir)
	if err != nil || after >= before/2 {
		t.Errorf("from %d to %d bytes, %v", before, after, err)
	}
	s = openShelf(t, vfs.OS(), dir, clock)
	s.expect(":101", "DBSIZE")
	s.expect(":1000000", "PTTL", "1950")
	s.expect("$5 3901:", "GET", "lsn")
}
