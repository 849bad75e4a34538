package vfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// both runs a test on the real file system and on its faulty twin: without faults they are the same.
func both(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Helper()
	t.Run("os", func(t *testing.T) { test(t, vfs.OS(), t.TempDir()) })
	t.Run("faulty", func(t *testing.T) {
		dir := t.TempDir()
		test(t, vfs.NewFaulty(dir, 1), dir)
	})
}

func TestErrorsNameTheirCause(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		put(t, fsys, filepath.Join(dir, "file"), "x")
		missing, file := filepath.Join(dir, "missing"), filepath.Join(dir, "file")
		opening := func(open func(string) (vfs.File, error), path string) func() error {
			return func() error { _, err := open(path); return err }
		}
		for _, c := range []struct {
			name string
			do   func() error
			want error
		}{
			{"create what is there", opening(fsys.Create, file), fs.ErrExist},
			{"create in a missing directory", opening(fsys.Create, filepath.Join(missing, "x")), fs.ErrNotExist},
			{"open what is missing", opening(fsys.Open, missing), fs.ErrNotExist},
			{"read what is missing", opening(fsys.OpenRead, missing), fs.ErrNotExist},
			{"open below a file", opening(fsys.Open, filepath.Join(file, "x")), syscall.ENOTDIR},
			{"open a directory", opening(fsys.Open, dir), syscall.EISDIR},
			{"remove what is missing", func() error { return fsys.Remove(missing) }, fs.ErrNotExist},
			{"rename what is missing", func() error { return fsys.Rename(missing, file) }, fs.ErrNotExist},
			{"stat what is missing", func() error { _, err := fsys.Stat(missing); return err }, fs.ErrNotExist},
			{"list what is missing", func() error { _, err := fsys.List(missing); return err }, fs.ErrNotExist},
			{"sync what is missing", func() error { return fsys.SyncDir(missing) }, fs.ErrNotExist},
			{"make a directory of a file", func() error { return fsys.MkdirAll(file) }, syscall.ENOTDIR},
			{"make a directory below a file", func() error { return fsys.MkdirAll(filepath.Join(file, "x")) }, syscall.ENOTDIR},
		} {
			if err := c.do(); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
	})
}

func TestNames(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		deep := filepath.Join(dir, "a", "b")
		must(t, fsys.MkdirAll(deep))
		must(t, fsys.MkdirAll(deep))
		put(t, fsys, filepath.Join(deep, "z"), "zed")
		put(t, fsys, filepath.Join(deep, "y"), "why")
		must(t, fsys.Rename(filepath.Join(deep, "z"), filepath.Join(dir, "y")))
		put(t, fsys, filepath.Join(deep, "c"), "see")
		must(t, fsys.Remove(filepath.Join(deep, "y")))
		must(t, fsys.Rename(filepath.Join(deep, "c"), filepath.Join(dir, "y")))
		must(t, fsys.SyncDir(deep))
		must(t, fsys.SyncDir(dir))

		want(t, dir, map[string]string{"y": "see"})
		names, err := fsys.List(dir)
		if err != nil || !slices.Equal(names, []string{"a", "y"}) {
			t.Errorf("List: %q, %v", names, err)
		}
		for path, mode := range map[string]fs.FileMode{deep: 0o700 | fs.ModeDir, filepath.Join(dir, "y"): 0o600} {
			if info, err := fsys.Stat(path); err != nil || info.Mode() != mode {
				t.Errorf("Stat(%s): %v, %v, want mode %v", path, info, err, mode)
			}
		}
	})
}

func TestBytes(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		path := filepath.Join(dir, "file")
		file := create(t, fsys, path)
		write(t, file, 3, "abc")
		must(t, file.Truncate(5))
		must(t, file.Truncate(7))
		must(t, file.Sync())
		want(t, dir, map[string]string{"file": "\x00\x00\x00ab\x00\x00"})
		if size, err := file.Size(); err != nil || size != 7 {
			t.Errorf("Size: %d, %v, want 7", size, err)
		}

		reader, err := fsys.OpenRead(path)
		must(t, err)
		p := make([]byte, 2)
		if n, err := reader.ReadAt(p, 3); n != 2 || err != nil || string(p) != "ab" {
			t.Errorf("ReadAt: %q, %d, %v", p, n, err)
		}
		if _, err := reader.WriteAt(p, 0); !errors.Is(err, syscall.EBADF) {
			t.Errorf("writing to what was opened for reading: %v", err)
		}
		must(t, reader.Close())
		must(t, file.Close())
		if err := file.Sync(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Sync of a closed file: %v", err)
		}
	})
}

func TestPreallocateFillsTheRangeWithZeros(t *testing.T) {
	const chunk = 1 << 20
	for _, c := range []struct {
		name      string
		off, size int64
		want      int64 // size afterwards
	}{
		{"before the end", 2, 3, 10},
		{"across the end", 8, 5, 13},
		{"beyond the end", 12, 4, 16},
		{"over all, in several chunks", 0, 2*chunk + 1, 2*chunk + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, fsys vfs.FS, dir string) {
				file := create(t, fsys, filepath.Join(dir, "file"))
				defer closing(t, file)
				write(t, file, 0, "0123456789")
				must(t, file.Preallocate(c.off, c.size))

				expected := make([]byte, c.want)
				copy(expected, "0123456789")
				clear(expected[c.off : c.off+c.size])
				if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || !bytes.Equal(got, expected) {
					t.Errorf("%d bytes (%v), want %d with zeros in the range only", len(got), err, len(expected))
				}
			})
		})
	}
}

func TestPreallocateRefusesEmptyAndImpossibleRanges(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		file := create(t, fsys, filepath.Join(dir, "file"))
		defer closing(t, file)
		write(t, file, 0, "kept")
		for _, r := range [][2]int64{{0, 0}, {-1, 5}, {5, -1}, {1 << 62, 1 << 62}} {
			if err := file.Preallocate(r[0], r[1]); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("Preallocate(%d, %d): %v", r[0], r[1], err)
			}
		}
		want(t, dir, map[string]string{"file": "kept"})
	})
}

func TestPreallocatedRoomIsRealRoom(t *testing.T) {
	dir := t.TempDir()
	file := create(t, vfs.OS(), filepath.Join(dir, "file"))
	defer closing(t, file)
	must(t, file.Preallocate(0, 1<<20))
	must(t, file.Sync())
	info, err := os.Stat(filepath.Join(dir, "file"))
	must(t, err)
	if blocks := info.Sys().(*syscall.Stat_t).Blocks; blocks*512 < 1<<20 {
		t.Errorf("1 MiB takes %d blocks of 512 bytes", blocks)
	}
}

func TestLockExcludes(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		path := filepath.Join(dir, "LOCK")
		first, err := fsys.Lock(path)
		must(t, err)
		if _, err := fsys.Lock(path); !errors.Is(err, vfs.ErrLocked) {
			t.Errorf("a second holder: %v", err)
		}
		must(t, first.Close())
		if _, err := fsys.Stat(path); err != nil {
			t.Errorf("the file should stay: %v", err)
		}
		second, err := fsys.Lock(path)
		must(t, err)
		must(t, second.Close())
	})
}

func TestFree(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		if free, err := fsys.Free(dir); err != nil || free <= 0 {
			t.Errorf("Free: %d, %v", free, err)
		}
		if _, err := fsys.Free(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Free of what is missing: %v", err)
		}
	})
	faulty := vfs.NewFaulty(t.TempDir(), 1)
	faulty.SetFree(42)
	if free, err := faulty.Free("anywhere"); err != nil || free != 42 {
		t.Errorf("after SetFree(42): %d, %v", free, err)
	}
}

// What was hastened is as it was, and what cannot be is no matter.
func TestHasten(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	vfs.Hasten(f, 0, 4)
	vfs.Hasten(f, 100, -1)
	if got, err := os.ReadFile(f.Name()); string(got) != "text" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := errors.Join(vfs.Datasync(f), f.Close()); err != nil {
		t.Error(err)
	}
	vfs.Hasten(f, 0, 4)
}
