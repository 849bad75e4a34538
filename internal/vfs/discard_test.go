package vfs_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

const mebibyte = 1 << 20

// A file loses its end bit by bit, and what is left of it is what it was.
func TestShrink(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		path := filepath.Join(dir, "file")
		put(t, fsys, path, "begin"+strings.Repeat("x", 3*mebibyte))
		f, err := fsys.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, c := range []struct{ size, steps int64 }{{5, 3}, {5, 0}, {10, 0}, {0, 1}} {
			before, err := f.Size()
			if err != nil {
				t.Fatal(err)
			}
			steps := int64(0)
			err = vfs.Shrink(f, c.size, func() { steps++ })
			if now, err1 := f.Size(); err != nil || err1 != nil || now != min(before, c.size) || steps != c.steps {
				t.Errorf("from %d to %d bytes: %d in %d steps, %v, %v", before, c.size, now, steps, err, err1)
			}
		}
	})
}

func TestDiscard(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		for size, want := range map[int]int{0: 0, mebibyte: 0, 3*mebibyte + 1: 4} {
			path, steps := filepath.Join(dir, "file"), 0
			put(t, fsys, path, strings.Repeat("x", size))
			err := vfs.Discard(fsys, path, func() {
				steps++
				if _, err := fsys.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a file that is shorter has its name: %v", err)
				}
			})
			if _, err1 := fsys.Stat(path); err != nil || !errors.Is(err1, fs.ErrNotExist) || steps != want {
				t.Errorf("%d bytes: %v in %d steps, and then %v", size, err, steps, err1)
			}
		}
		if err := vfs.Discard(fsys, filepath.Join(dir, "none"), func() {}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that is not there: %v", err)
		}
	})
}
