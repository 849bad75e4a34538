package vfs_test

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func closing(t *testing.T, c io.Closer) {
	t.Helper()
	must(t, c.Close())
}

func create(t *testing.T, fsys vfs.FS, path string) vfs.File {
	t.Helper()
	file, err := fsys.Create(path)
	must(t, err)
	return file
}

func write(t *testing.T, file vfs.File, off int64, text string) {
	t.Helper()
	n, err := file.WriteAt([]byte(text), off)
	must(t, err)
	if n != len(text) {
		t.Fatalf("wrote %d of %d bytes without an error", n, len(text))
	}
}

// put makes a file; nothing of it is synced.
func put(t *testing.T, fsys vfs.FS, path, text string) {
	t.Helper()
	file := create(t, fsys, path)
	write(t, file, 0, text)
	must(t, file.Close())
}

// files reads all files under dir, by their slash-separated paths in it; a directory ends in a slash and has no text.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			found[filepath.ToSlash(name)+"/"] = ""
			return nil
		}
		text, err := os.ReadFile(path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	}))
	return found
}

// want compares the files under dir, directories aside.
func want(t *testing.T, dir string, expected map[string]string) {
	t.Helper()
	found := files(t, dir)
	maps.DeleteFunc(found, func(name, _ string) bool { return name[len(name)-1] == '/' })
	if !maps.Equal(found, expected) {
		t.Errorf("found %.200q, want %.200q", found, expected)
	}
}

// after is what a crash now, or the one that was, leaves.
func after(t *testing.T, f *vfs.Faulty, mode vfs.Mode, seed int64) map[string]string {
	t.Helper()
	dst := t.TempDir()
	must(t, f.Materialise(dst, mode, seed))
	return files(t, dst)
}
