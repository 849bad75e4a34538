package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/resp"
	"holdfast/snapshot"
)

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

// A checkpoint that would write most pages anyway writes a new file; one of as many keys that lie together does not.
func TestCheckpointReplacesTheBaseWhereItTouchesMostPages(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "")
	const keys = 14_000 // three on a page
	s.set(keys, 1, "a")
	s.save()
	old := s.e.base.Load()
	s.set(keys/3, 1, "b")
	s.save()
	if s.e.base.Load() != old {
		t.Error("the checkpoint of keys that lie together replaced the base")
	}
	s.set(keys, 3, "c")
	s.save()
	now := s.e.base.Load()
	if now == old {
		t.Error("the checkpoint of a key on each page has not replaced the base")
	}
	stats, err := now.Stats()
	if err != nil || stats.FreePages != 0 || now.Meta().DBs[0].Keys != keys {
		t.Errorf("%+v, %+v, %v", stats, now.Meta(), err)
	}
	for i, want := range map[int]string{0: "c", 1: "b", keys - 1: "a"} {
		r, ok, err := now.Get(now.Meta().DBs[0].Store, longKey(i))
		if err != nil || !ok || !strings.HasPrefix(string(r.Payload), want) {
			t.Errorf("key %d: %.5q, %v, %v; want %s", i, r.Payload, ok, err, want)
		}
	}
}

func longKey(i int) []byte { return fmt.Appendf(nil, "%08d", i) }

// set sets each n-th of so many keys to a kilobyte.
func (s *shelf) set(keys, n int, value string) {
	s.t.Helper()
	var requests [][][]byte
	for i := 0; i < keys; i += n {
		requests = append(requests, [][]byte{[]byte("SET"), longKey(i), []byte(value + strings.Repeat(".", 1000))})
	}
	var w resp.Writer
	s.e.Run(s.user, &w, requests)
	if err := s.e.Commit(); err != nil {
		s.t.Fatal(err)
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

// A checkpoint that replaced the base and could not open it, as somebody read it or the sync of its name failed, leaves that to the
// next one, however little that has to write.
func TestABaseThatWasReplacedIsOpenedByTheNextCheckpoint(t *testing.T) {
	dir := t.TempDir()
	fsys := vfs.NewFaulty(dir, 1)
	s := openShelf(t, fsys, dir, newClock(), "save", "")
	s.write(1, 0)
	s.save()
	old := s.e.base.Load()
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.SyncDir && path == dir {
			return syscall.EIO
		}
		return nil
	})
	none := snapshot.NewChanges(fsys, dir, sortMemory)
	if _, err := old.Rewrite(none, old.Meta()); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Rewrite: %v", err)
	}
	s.write(1, 0)
	if err := s.e.checkpointNow(); !errors.Is(err, syscall.EIO) || s.e.base.Load() != old {
		t.Errorf("before the name is synced a checkpoint said %v", err)
	}
	fsys.Intercept(nil)
	s.save()
	if now := s.e.base.Load(); now == old || now.Meta().LSN != s.last() {
		t.Errorf("the base is as of LSN %d, the log at %d", now.Meta().LSN, s.last())
	}
	if s.e.failed.Load() {
		t.Error("the engine has failed")
	}
}
