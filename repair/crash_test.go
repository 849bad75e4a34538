package repair

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"holdfast/engine"
	"holdfast/history/historytest"
	"holdfast/internal/vfs"
)

// TestCrash cuts the power at every operation of a repair. A start then refuses the directory, or finds it repaired, with
// all that was cut in quarantine; and another repair ends as the first would have.
func TestCrash(t *testing.T) {
	whole := historytest.Play(t)
	for name, scene := range scenes(t, whole) {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				root := t.TempDir()
				dir := filepath.Join(root, "data")
				historytest.CopyDir(t, scene.dir, dir)
				fsys := vfs.NewFaulty(root, int64(n))
				fsys.CrashAt(n)
				err := once(fsys, dir)
				if fsys.Crashed() == (err == nil) {
					t.Fatalf("crash at %d: %v", n, err)
				}
				scene.check(t, dir, fmt.Sprintf("crash at %d, as it was seen", n))
				if !scene.bbolt {
					for mode := vfs.OnlySynced; mode <= vfs.RandomOrdered; mode++ {
						left := filepath.Join(t.TempDir(), "left")
						must(t, fsys.Materialise(left, mode, int64(n)))
						scene.check(t, filepath.Join(left, "data"), fmt.Sprintf("crash at %d, %v", n, mode))
					}
				}
				must(t, os.RemoveAll(root))
				if !fsys.Crashed() {
					t.Logf("%d crash points", n-1)
					return
				}
			}
		})
	}
}

// once is a repair as the command does it.
func once(fsys vfs.FS, dir string) (err error) {
	r, err := Open(options(fsys, dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		p, err := r.Plan()
		if err != nil || len(p.Steps) == 0 {
			return err
		}
		if err := r.Do(p); err != nil {
			return err
		}
	}
}

// scene is a damaged directory, and what it is when it is repaired.
type scene struct {
	dir   string
	lsn   uint64
	state historytest.State
	cut   string // what the quarantine is to hold, once a start accepts the directory
	bbolt bool   // bbolt changes files that Faulty does not follow
}

func scenes(t *testing.T, whole historytest.Played) map[string]scene {
	t.Helper()
	log := logOnly(t, whole)
	at := records(t, log.Dir)[4]
	path := filepath.Join(log.Dir, engine.LogDir, filepath.Base(at.File))
	flip(t, path, at.Offset+at.Bytes-1)

	base := whole.Copy(t)
	spoil(t, filepath.Join(base.Dir, engine.BaseName), "again")
	return map[string]scene{
		"log": {dir: log.Dir, lsn: at.lsn - 1, state: whole.States[at.lsn-1], cut: read(t, path)[at.Offset:]},
		"base": {dir: base.Dir, lsn: whole.Last(), state: whole.States[whole.Last()],
			cut: read(t, filepath.Join(base.Dir, engine.BaseName)), bbolt: true},
	}
}

// check looks at what a crash left.
func (s scene) check(t *testing.T, dir, what string) {
	t.Helper()
	tried := copyOf(t, dir)
	if server, err := historytest.TryOpen(t, tried, historytest.NewClock()); err == nil && !s.bbolt {
		if differs := server.State().Differs(s.state); differs != "" || server.LSN() != s.lsn {
			t.Errorf("%s: a start finds LSN %d:\n%s", what, server.LSN(), differs)
		}
		server.Close(false)
		s.isSaved(t, dir, what)
	} else if err == nil {
		server.Close(false)
	}
	must(t, once(historytest.FS(), dir))
	s.isSaved(t, dir, what)
	if differs := historytest.StateOf(t, dir).Differs(s.state); differs != "" {
		t.Errorf("%s: after another repair:\n%s", what, differs)
	}
}

// isSaved checks that a quarantine holds what was cut.
func (s scene) isSaved(t *testing.T, dir, what string) {
	t.Helper()
	found := false
	must(t, filepath.WalkDir(filepath.Join(dir, engine.QuarantineName), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = found || read(t, path) == s.cut
		}
		return err
	}))
	if !found {
		t.Errorf("%s: no quarantine holds what was cut", what)
	}
}

// TestFailingOperation fails every single operation once: the error is told, and another repair ends as the first would have.
func TestFailingOperation(t *testing.T) {
	whole := historytest.Play(t)
	for name, scene := range scenes(t, whole) {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				root := t.TempDir()
				dir := filepath.Join(root, "data")
				historytest.CopyDir(t, scene.dir, dir)
				fsys := vfs.NewFaulty(root, int64(n))
				fsys.FailAt(n, syscall.EIO)
				err := once(fsys, dir)
				injected := fsys.Injected()
				if len(injected) == 0 {
					must(t, err)
					t.Logf("%d operations", n-1)
					return
				}
				if !errors.Is(err, injected[0].Err) {
					t.Errorf("operation %d (%v) failed, and the repair said %v", n, injected[0].Op, err)
				}
				scene.check(t, dir, fmt.Sprintf("failed operation %d (%v)", n, injected[0].Op))
				must(t, os.RemoveAll(root))
			}
		})
	}
}

// TestFullDisk: a repair that has no room changes nothing, and leaves no copies that would be in the way of the next one.
func TestFullDisk(t *testing.T) {
	scene := scenes(t, historytest.Play(t))["log"]
	for n := 1; ; n++ {
		root := t.TempDir()
		dir := filepath.Join(root, "data")
		historytest.CopyDir(t, scene.dir, dir)
		before := names(t, dir)
		fsys := vfs.NewFaulty(root, int64(n))
		fsys.FailFrom(n, syscall.ENOSPC, vfs.Write)
		if err := once(fsys, dir); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		after := names(t, dir)
		if slices.ContainsFunc(after, func(path string) bool { return filepath.Base(path) == ManifestName }) {
			if n < 3 {
				t.Errorf("all was copied by %d writes", n-1)
			}
			return // what follows takes no room
		}
		if !slices.Equal(after, before) {
			t.Errorf("the first %d writes had room, and there are %q, not %q", n-1, after, before)
		}
	}
}

// names are those of all that is in a directory, and in those within it.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}))
	return names
}
