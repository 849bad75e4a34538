package vfs

import (
	"cmp"
	"errors"

	"golang.org/x/sys/unix"
)

// datasync makes a file's data and size durable.
func datasync(fd int) error { return unix.Fdatasync(fd) }

func hasten(fd int, off, size int64) error {
	return unix.SyncFileRange(fd, off, size, unix.SYNC_FILE_RANGE_WRITE)
}

// available is what an unprivileged writer may still allocate, in bytes. Blocks are counted in fragments: Bsize is what a file system
// likes to be asked for at a time, which is more than that on some.
func available(st *unix.Statfs_t) int64 {
	return int64(st.Bavail) * cmp.Or(int64(st.Frsize), int64(st.Bsize))
}

// reserve allocates the range and grows the file over it. A file system that cannot do so is no error: the zeros
// that follow allocate as well, only later.
func reserve(fd int, off, size int64) error {
	err := unix.Fallocate(fd, 0, off, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
