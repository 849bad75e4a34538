package restore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"holdfast/engine"
	"holdfast/history/historytest"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// TestCrash cuts the power at every operation of a restore. The new directory then has a base that is complete, or none
// and nothing that a server would start on; and another restore to it succeeds.
func TestCrash(t *testing.T) {
	p := historytest.Play(t)
	for n := 1; ; n++ {
		root := t.TempDir()
		to := filepath.Join(root, "data", "new")
		fsys := vfs.NewFaulty(filepath.Join(root, "data"), int64(n))
		fsys.CrashAt(n)
		o := options(p, to, AtLSN(p.Last()-2))
		o.FS = sourceAside{fsys, p.Dir}
		_, err := Restore(context.Background(), o)
		if fsys.Crashed() == (err == nil) {
			t.Fatalf("crash at %d: %v", n, err)
		}
		o.FS = historytest.FS()
		afterCrash(t, p, o, n)
		for mode := vfs.OnlySynced; mode <= vfs.RandomOrdered; mode++ {
			left := filepath.Join(root, mode.String())
			must(t, fsys.Materialise(left, mode, int64(n)))
			namesAfterCrash(t, filepath.Join(left, "new"), n, mode, err == nil)
			must(t, os.RemoveAll(left))
		}
		must(t, os.RemoveAll(root))
		if !fsys.Crashed() {
			t.Logf("%d crash points", n-1)
			return
		}
	}
}

// afterCrash looks at the directory as programs saw it last.
func afterCrash(t *testing.T, p historytest.Played, o Options, n int) {
	t.Helper()
	base, err := snapshot.Open(filepath.Join(o.To, engine.BaseName), snapshot.OpenOptions{ReadOnly: true})
	if err == nil {
		if _, err := base.Verify(nil); err != nil || base.Meta().LSN != p.Last()-2 {
			t.Errorf("crash at %d: a base at LSN %d: %v", n, base.Meta().LSN, err)
		}
		must(t, base.Close())
		if differs := historytest.StateOf(t, o.To).Differs(p.States[p.Last()-2]); differs != "" {
			t.Errorf("crash at %d:\n%s", n, differs)
		}
		return
	}
	if !errors.Is(err, snapshot.ErrNotExist) {
		t.Fatalf("crash at %d: %v", n, err)
	}
	if names, err := historytest.FS().List(o.To); err == nil && len(names) > 0 {
		if s, err := historytest.TryOpen(t, o.To, historytest.NewClock()); err == nil {
			s.Close(false)
			t.Fatalf("crash at %d: a server starts on %q", n, names)
		}
	}
	if _, err := Restore(context.Background(), o); err != nil {
		t.Errorf("crash at %d: the next restore: %v", n, err)
	}
}

// namesAfterCrash looks at what a power cut left: the base has its name only after the report has, and for good once
// the restore has returned. What bbolt wrote itself is not Faulty's to know, so nothing is said of contents here.
func namesAfterCrash(t *testing.T, dir string, n int, mode vfs.Mode, done bool) {
	t.Helper()
	_, base := os.Stat(filepath.Join(dir, engine.BaseName))
	_, report := os.Stat(filepath.Join(dir, engine.RestoredName))
	if base == nil && report != nil || done && base != nil {
		t.Errorf("crash at %d, %v: the base: %v, the report: %v", n, mode, base, report)
	}
}

// TestFailingOperation fails every single operation once: the error is told, and the new directory is as it was.
func TestFailingOperation(t *testing.T) {
	p := historytest.Play(t)
	for n := 1; ; n++ {
		root := t.TempDir()
		to := filepath.Join(root, "new")
		fsys := vfs.NewFaulty(root, int64(n))
		fsys.FailAt(n, syscall.EIO)
		o := options(p, to, AtLSN(p.Last()-2))
		o.FS = sourceAside{fsys, p.Dir}
		_, err := Restore(context.Background(), o)
		injected := fsys.Injected()
		if len(injected) == 0 {
			must(t, err)
			t.Logf("%d operations", n-1)
			return
		}
		if !errors.Is(err, injected[0].Err) {
			t.Errorf("operation %d (%v) failed, and the restore said %v", n, injected[0].Op, err)
		}
		if _, err := os.Stat(filepath.Join(to, engine.BaseName)); err == nil && injected[0].Kind != vfs.Remove && injected[0].Kind != vfs.SyncDir {
			t.Errorf("operation %d (%v) failed, and there is a base", n, injected[0].Op)
		}
		must(t, os.RemoveAll(root))
	}
}

// sourceAside leaves the source to the real file system: it is read only, and its operations are not to count.
type sourceAside struct {
	*vfs.Faulty
	source string
}

func (s sourceAside) at(path string) vfs.FS {
	if rel, err := filepath.Rel(s.source, path); err == nil && filepath.IsLocal(rel) {
		return historytest.FS()
	}
	return s.Faulty
}

func (s sourceAside) OpenRead(path string) (vfs.File, error) { return s.at(path).OpenRead(path) }
func (s sourceAside) Stat(path string) (os.FileInfo, error)  { return s.at(path).Stat(path) }
func (s sourceAside) List(dir string) ([]string, error)      { return s.at(dir).List(dir) }
