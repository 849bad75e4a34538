package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

func TestReadFile(t *testing.T) {
	fsys, path := vfs.OS(), filepath.Join(t.TempDir(), "small")
	if _, err := vfs.ReadFile(fsys, path, 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
	for _, text := range []string{"", "x", "ten bytes."} {
		must(t, vfs.WriteFile(fsys, path, []byte(text)))
		if got, err := vfs.ReadFile(fsys, path, 10); err != nil || string(got) != text {
			t.Errorf("%q was read as %q, %v", text, got, err)
		}
	}
	if got, err := vfs.ReadFile(fsys, path, 9); !errors.Is(err, vfs.ErrTooLarge) || got != nil {
		t.Errorf("ten bytes where nine are allowed were read as %q, %v", got, err)
	}
}

// Each failure on the way is reported.
func TestReadFileReportsEveryFailure(t *testing.T) {
	const want = "what the file holds"
	dir := t.TempDir()
	path := filepath.Join(dir, "small")
	must(t, vfs.WriteFile(vfs.OS(), path, []byte(want)))
	for n := 1; ; n++ {
		f := vfs.NewFaulty(dir, int64(n))
		f.FailAt(n, syscall.EIO, vfs.Read)
		got, err := vfs.ReadFile(f, path, 100)
		if injected := f.Injected(); len(injected) > 0 {
			if !errors.Is(err, injected[0].Err) {
				t.Errorf("failure %d, %s, was told as %v", n, injected[0].Op, err)
			}
			continue
		}
		if err != nil || string(got) != want || n == 1 {
			t.Errorf("undisturbed at fault %d: %q, %v", n, got, err)
		}
		return
	}
}

// What was left under the temporary name is removed, and nothing else: an error that a directory cannot be written to is of the file.
func TestWriteFileRemovesOnlyWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "small")
	f := vfs.NewFaulty(dir, 1)
	for _, left := range []bool{false, true} {
		if left {
			must(t, os.WriteFile(path+".tmp", []byte("left by somebody"), 0o600))
		}
		before := f.Ops(vfs.Remove)
		must(t, vfs.WriteFile(f, path, []byte("text")))
		if removed := f.Ops(vfs.Remove) > before; removed != left {
			t.Errorf("something was left: %v, and removed: %v", left, removed)
		}
		if got, err := vfs.ReadFile(f, path, 10); err != nil || string(got) != "text" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// A link stays, and what is no file: as root it could be /dev/null.
func TestRewriteReplacesOnlyFiles(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	must(t, errors.Join(os.Symlink("file", link), syscall.Mkfifo(pipe, 0o600)))
	for _, path := range []string{file, link, file} { // none is there, a link to one, one
		if path == link {
			must(t, os.WriteFile(file, []byte("old"), 0o600))
		}
		must(t, vfs.Rewrite(vfs.OS(), path, []byte(path)))
		if text, err := os.ReadFile(file); err != nil || string(text) != path {
			t.Errorf("%s: the file has %q, %v", path, text, err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	if err := vfs.Rewrite(vfs.OS(), pipe, nil); err == nil {
		t.Error("a pipe was replaced")
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe is %v, %v", info, err)
	}
}
