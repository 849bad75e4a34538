package engine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

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
