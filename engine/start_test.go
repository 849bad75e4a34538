package engine_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// stocked is a data directory, closed in good order, with a base and at least three segments behind it, with keys in
// databases 0 and 3.
func stocked(t *testing.T) *session {
	t.Helper()
	s := begin(t, setup{})
	s.pipeline("SET a 1", "RPUSH l x y z", "SET timed v PXAT 1900000000000", "SELECT 3", "SET based 3", "SELECT 0")
	s.save()
	for i := range 5 {
		s.pipeline("SET big "+big(fmt.Sprint("value", i)), "INCR a")
	}
	s.pipeline("SELECT 3", "SET logged 3", "SELECT 0")
	s.mustClose(false)
	if n := len(segments(t, s.setup.dir)); n < 3 {
		t.Fatalf("only %d segments", n)
	}
	return s
}

// segments are the paths of the log's segments, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, engine.LogDir, "*.aof"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// tree is everything under a directory.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, dir)
		if err != nil || d.IsDir() {
			fmt.Fprintf(&b, " %s/", name)
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, " %s:%d:%.4x", name, len(content), sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit changes a file's bytes.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, change(content))
}

func last(paths []string) string { return paths[len(paths)-1] }

// rewriteMeta changes what a base says of itself.
func rewriteMeta(t *testing.T, dir string, change func(*snapshot.Meta)) {
	t.Helper()
	base, err := snapshot.Open(filepath.Join(dir, engine.BaseName), snapshot.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	meta := base.Meta()
	change(&meta)
	if _, err := base.Apply(snapshot.NewChanges(vfs.OS(), dir, 0), meta); err != nil {
		t.Fatal(err)
	}
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestALogIsMissedFromItsBeginningOn: what is acknowledged needs no checkpoint for a start to know that something is gone with its log.
func TestALogIsMissedFromItsBeginningOn(t *testing.T) {
	based := func(t *testing.T, appendonly string) *session { // on a base that knows of no log
		s := begin(t, setup{settings: []string{"appendonly", "no"}})
		s.say("SET a 1")
		s.mustClose(true)
		return &session{rig: s.again("appendonly", appendonly), history: s.history}
	}
	for name, begin := range map[string]func(t *testing.T) *session{
		"on such a base": func(t *testing.T) *session { return based(t, "yes") },
		"when it is turned on": func(t *testing.T) *session {
			s := based(t, "no")
			s.turned("yes")
			return s
		},
		"when it is turned on without a base": func(t *testing.T) *session {
			s := begin(t, setup{settings: []string{"appendonly", "no"}})
			s.say("SET a 1")
			s.turned("yes")
			return s
		},
		"when that was begun, and a start began another": func(t *testing.T) *session {
			s := based(t, "no")
			s.mustClose(false)
			put(t, filepath.Join(s.setup.dir, engine.StagedName), nil)
			return &session{rig: s.again("appendonly", "yes"), history: s.history}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.say("SET b 2")
			s.mustClose(false)
			kept := filepath.Join(t.TempDir(), engine.LogDir)
			if err := os.Rename(filepath.Join(s.setup.dir, engine.LogDir), kept); err != nil {
				t.Fatal(err)
			}
			for _, keeping := range []string{"yes", "no"} {
				refuse(t, s.setup, badStart{settings: []string{"appendonly", keeping}, want: engine.ErrLogMissing, says: []string{"DIR/aof holds no segment"}})
			}
			if err := os.Rename(kept, filepath.Join(s.setup.dir, engine.LogDir)); err != nil {
				t.Fatal(err)
			}
			s.recovered(s.again("appendonly", "yes"), "with its log")
		})
	}
}

// TestAnImportedStateIsNotTheBeginning: LSN 0 is empty, and who builds an older state from a log that begins with LSN 1 takes no base.
func TestAnImportedStateIsNotTheBeginning(t *testing.T) {
	for _, keeping := range []string{"yes", "no"} {
		s := begin(t, setup{})
		s.pipeline("SET a 1", "RPUSH l x")
		s.save()
		s.mustClose(false)
		remove(t, filepath.Join(s.setup.dir, engine.LogDir))
		path := filepath.Join(s.setup.dir, engine.BaseName)
		rewriteMeta(t, s.setup.dir, func(m *snapshot.Meta) { m.LSN, m.Logged = 0, false }) // as snapshot import leaves it
		r := open(t, setup{dir: s.setup.dir, settings: []string{"appendonly", keeping}})
		r.turned("yes")
		r.expect("SET b 2", "+OK")
		r.expect("DBSIZE", ":3")
		r.mustClose(false)
		if found := segments(t, s.setup.dir); len(found) != 1 || filepath.Base(found[0]) != "00000000000000000002.aof" {
			t.Errorf("appendonly %s: segments %v, want one that begins with LSN 2", keeping, found)
		}
		base, err := snapshot.Open(path, snapshot.OpenOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if lsn := base.Meta().LSN; lsn != 1 {
			t.Errorf("appendonly %s: the base is as of LSN %d, want 1", keeping, lsn)
		}
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, setup{dir: s.setup.dir}).expect("MGET a b", "*2 $1 1 $1 2")
	}
}

// One directory, one engine. Another directory, or the same one when it is free, is fine.
func TestADirectoryInUse(t *testing.T) {
	s := begin(t, setup{})
	s.say("SET a 1")
	s.untilReady()
	before := tree(t, s.setup.dir)
	_, err := tryOpen(t, s.setup)
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), s.setup.dir) || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("a second engine: %v", err)
	}
	if after := tree(t, s.setup.dir); after != before {
		t.Errorf("the second engine changed the directory\nfrom %s\nto   %s", before, after)
	}
	s.say("INCR a")
	s.mustClose(false)
	s.recovered(s.again(), "after the other has gone")
}

func TestADirectoryThatHoldsSomethingElse(t *testing.T) {
	for _, name := range []string{"dump.rdb", "photo.jpg", "aof.tmp"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, name), []byte("precious"))
		before := tree(t, dir)
		_, err := tryOpen(t, setup{fs: vfs.OS(), dir: dir})
		if !errors.Is(err, engine.ErrNotOurs) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%s: %v", name, err)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%s: the directory was changed\nfrom %s\nto   %s", name, before, after)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, []byte("precious"))
	if _, err := tryOpen(t, setup{fs: vfs.OS(), dir: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in place of the directory: %v", err)
	}
}

// A log alone is a data set, and nobody else's.
func TestADirectoryWithALogAlone(t *testing.T) {
	s := begin(t, setup{})
	s.say("SET a 1")
	s.mustClose(false)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, engine.LogDir), os.DirFS(filepath.Join(s.setup.dir, engine.LogDir))); err != nil {
		t.Fatal(err)
	}
	s.recovered(open(t, setup{fs: vfs.OS(), dir: dir}), "a log alone")
}

// As good as empty is empty.
func TestAnEmptyDirectory(t *testing.T) {
	for _, name := range []string{"", ".keep", "lost+found"} {
		dir := t.TempDir()
		if name != "" {
			put(t, filepath.Join(dir, name), nil)
		}
		r := open(t, setup{fs: vfs.OS(), dir: dir})
		r.expect("SET a 1", "+OK")
		r.mustClose(false)
		r.again().expect("GET a", "$1 1")
	}
}

// What a start may mend by itself: a log that was being turned on and did not count, and unfinished files.
func TestWhatAStartClearsAway(t *testing.T) {
	s := begin(t, setup{settings: []string{"appendonly", "no"}})
	s.say("SET a 1")
	s.save()
	s.mustClose(false)
	other := stocked(t)
	if err := os.Rename(filepath.Join(other.setup.dir, engine.LogDir), filepath.Join(s.setup.dir, engine.LogDir)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(s.setup.dir, engine.StagedName), []byte("does not count"))
	put(t, filepath.Join(s.setup.dir, "base.db"+snapshot.TemporarySuffix), []byte("unfinished"))
	for _, appendonly := range []string{"no", "yes"} {
		r := s.again("appendonly", appendonly)
		s.recovered(r, "appendonly "+appendonly)
		r.mustClose(false)
		names, err := vfs.OS().List(s.setup.dir)
		if err != nil || strings.Contains(strings.Join(names, " "), snapshot.TemporarySuffix) || strings.Contains(strings.Join(names, " "), engine.StagedName) {
			t.Errorf("a start leaves %q, %v", names, err)
		}
	}
}
