package vfs

import (
	"errors"

	"golang.org/x/sys/unix"
)

// datasync makes a file's data and size durable.
func datasync(fd int) error { return unix.Fdatasync(fd) }

func hasten(fd int, off, size int64) error {
	return unix.SyncFileRange(fd, off, size, unix.SYNC_FILE_RANGE_WRITE)
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
