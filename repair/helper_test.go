package repair

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history/historytest"
	"holdfast/internal/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repaired repairs a directory that a start refuses, until nothing is left to do, and returns the plans that were
// carried out. Each has been planned twice, and planning changes nothing.
func repaired(t *testing.T, dir string) (plans []*Plan) {
	t.Helper()
	if s, err := historytest.TryOpen(t, copyOf(t, dir), historytest.NewClock()); err == nil {
		s.Close(false)
		t.Error("a start does not mind what is to be repaired")
	}
	plans = repairAll(t, historytest.FS(), dir)
	if len(plans) == 0 {
		t.Fatal("nothing was repaired")
	}
	for _, p := range plans {
		if p.Quarantine != "" && !strings.HasPrefix(p.Quarantine, filepath.Join(dir, engine.QuarantineName, "20231114T221320Z")) {
			t.Errorf("the quarantine is %s", p.Quarantine)
		}
	}
	if more := repairAll(t, historytest.FS(), dir); len(more) > 0 {
		t.Errorf("a second repair finds %+v", more[0].Steps)
	}
	return plans
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	historytest.CopyDir(t, dir, to)
	return to
}

func options(fsys vfs.FS, dir string) Options {
	return Options{FS: fsys, Dir: dir, Clock: historytest.NewClock().Now}
}

func repairAll(t *testing.T, fsys vfs.FS, dir string) (plans []*Plan) {
	t.Helper()
	r, err := Open(options(fsys, dir))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	for range 5 {
		before := historytest.Picture(t, dir)
		p, err := r.Plan()
		must(t, err)
		if historytest.Picture(t, dir) != before {
			t.Fatal("planning changed something")
		}
		if len(p.Steps) == 0 {
			return plans
		}
		must(t, r.Do(p))
		plans = append(plans, p)
	}
	t.Fatal("the repair never ends")
	return nil
}

// isAt checks that a server starts on the directory, finds the state of an LSN, and goes on.
func isAt(t *testing.T, p historytest.Played, lsn uint64) {
	t.Helper()
	s := historytest.Open(t, p.Dir, historytest.NewClock())
	if differs := s.State().Differs(p.States[lsn]); differs != "" {
		t.Errorf("repaired to LSN %d:\n%s", lsn, differs)
	}
	if s.LSN() != lsn {
		t.Errorf("repaired to LSN %d, expected %d", s.LSN(), lsn)
	}
	s.Do("SET", "goes", "on")
	state := s.State()
	s.Close(false)
	if differs := historytest.StateOf(t, p.Dir).Differs(state); differs != "" {
		t.Errorf("after another restart:\n%s", differs)
	}
}

// logOnly is the history with nothing but its log.
func logOnly(t *testing.T, p historytest.Played) historytest.Played {
	t.Helper()
	p = p.Copy(t)
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.SnapshotDir)))
	must(t, os.Remove(filepath.Join(p.Dir, engine.BaseName)))
	return p
}

// record is where a record lies.
type record struct {
	aof.Position
	lsn uint64
}

func records(t *testing.T, dir string) (all []record) {
	t.Helper()
	_, err := aof.Scan(historytest.FS(), filepath.Join(dir, engine.LogDir), 0, func(at aof.Position, r aof.Record) error {
		all = append(all, record{at, r.LSN})
		return nil
	})
	must(t, err)
	return all
}

func laterThan(segments []string, path string) []string {
	return segments[slices.Index(segments, path)+1:]
}

func firstOf(t *testing.T, segment string) (first uint64) {
	t.Helper()
	_, err := fmt.Sscanf(filepath.Base(segment), "%d.aof", &first)
	must(t, err)
	return first
}

// hopeless expects that nothing can be done, and that nothing is.
func hopeless(t *testing.T, dir string, says string) {
	t.Helper()
	before := historytest.Picture(t, dir)
	r, err := Open(options(historytest.FS(), dir))
	must(t, err)
	if _, err := r.Plan(); !errors.Is(err, ErrHopeless) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "bring back from a copy") {
		t.Errorf("%v; expected that nothing can be done because of %q", err, says)
	}
	must(t, r.Close())
	if historytest.Picture(t, dir) != before {
		t.Error("something was changed")
	}
}

// unknownFrom expects that a plan admits not to know what is lost.
func unknownFrom(t *testing.T, plan *Plan, lsn uint64) {
	t.Helper()
	l := plan.Loss
	if want := fmt.Sprintf("what the log held from LSN %d on", lsn); l.From != lsn || l.To != 0 || !strings.HasPrefix(l.String(), want) {
		t.Errorf("the loss is %+v, %q; expected to begin with %q", l, l.String(), want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	b := []byte(read(t, path))
	b[offset] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// zero overwrites a part of a file, or all from an offset on.
func zero(t *testing.T, path string, offset, size int64) {
	t.Helper()
	b := []byte(read(t, path))
	if size < 0 {
		size = int64(len(b)) - offset
	}
	clear(b[offset : offset+size])
	must(t, os.WriteFile(path, b, 0o600))
}

// spoil changes a text wherever it stands in a file.
func spoil(t *testing.T, path, text string) {
	t.Helper()
	b := read(t, path)
	if !strings.Contains(b, text) {
		t.Fatalf("%s does not hold %q", path, text)
	}
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(b, text, strings.Repeat("?", len(text)))), 0o600))
}
