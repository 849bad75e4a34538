package vfs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A file system by FUSE may like a mebibyte at a time, and count in pages.
func TestAvailable(t *testing.T) {
	for _, c := range []struct {
		st   unix.Statfs_t
		want int64
	}{
		{unix.Statfs_t{Bavail: 1000, Bsize: 4096, Frsize: 4096}, 4_096_000},
		{unix.Statfs_t{Bavail: 1000, Bsize: 1 << 20, Frsize: 4096}, 4_096_000},
		{unix.Statfs_t{Bavail: 1000, Bsize: 512}, 512_000}, // says nothing of fragments
	} {
		if got := available(&c.st); got != c.want {
			t.Errorf("%d blocks of %d bytes, fragments of %d: %d bytes, want %d", c.st.Bavail, c.st.Bsize, c.st.Frsize, got, c.want)
		}
	}
}
