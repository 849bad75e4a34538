// Package vfs is the door to files. Everything that holdfast keeps goes through an FS, so that a test can
// put Faulty in its place, fail any single operation, and play a crash at any point. bbolt's own file is
// the one exception: bbolt opens it itself, and only its publication (sync, rename, directory sync) comes here.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// FS is a file system as holdfast needs one. Paths are ordinary operating-system paths. Every method is safe
// for concurrent use. Errors satisfy errors.Is for fs.ErrNotExist, fs.ErrExist, fs.ErrPermission and the
// syscall.Errno beneath (ENOSPC, EIO, EROFS …).
type FS interface {
	// Create makes a new, empty file for reading and writing; an existing one is fs.ErrExist.
	Create(path string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(path string) (File, error)
	// OpenRead opens an existing file for reading only.
	OpenRead(path string) (File, error)
	// Rename moves a file, replacing what has the new name. It is durable after SyncDir of both directories.
	Rename(from, to string) error
	// Remove deletes a file.
	Remove(path string) error
	// Stat describes a file or directory.
	Stat(path string) (fs.FileInfo, error)
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory (mode 0700) and its parents, and makes their entries durable.
	MkdirAll(dir string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock on the file, creating it if need be, without waiting: ErrLocked when
	// another process (or another holder in this one) has it. Closing releases it; the file stays.
	Lock(path string) (io.Closer, error)
	// Free returns the bytes that an unprivileged writer may still allocate on the file system of dir.
	Free(dir string) (int64, error)
}

// File is an open file. WriteAt and ReadAt may be called concurrently on different ranges.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Sync makes data and size durable (fdatasync).
	Sync() error
	// Preallocate reserves and zero-fills the range, so that later writes within it move no metadata; the
	// file grows to off+size where it was shorter. ENOSPC leaves the file as it was.
	Preallocate(off, size int64) error
	Truncate(size int64) error
	Size() (int64, error)
	Close() error
}

// NoRoom reports whether an error says that what was to be written had no room: on the disk, or in what a quota leaves of it.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// ErrLocked says that somebody else holds the lock.
var ErrLocked = errors.New("locked by another process")

// Clock hands in the time; tests hand in their own.
type Clock func() time.Time
