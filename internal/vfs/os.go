package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	fileMode = 0o600
	dirMode  = 0o700

	// zeroChunkBytes is how much Preallocate writes at a time.
	zeroChunkBytes = 1 << 20
)

// OS is the machine's own file system. Files are made with mode 0600, directories with 0700.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(path string) (File, error) {
	return openOS(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (osFS) Open(path string) (File, error) { return openOS(path, os.O_RDWR) }

func (osFS) OpenRead(path string) (File, error) { return openOS(path, os.O_RDONLY) }

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) Remove(path string) error { return os.Remove(path) }

func (osFS) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

func (osFS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

func (o osFS) MkdirAll(dir string) error {
	mkdir := func(dir string) error { return os.Mkdir(dir, dirMode) }
	return mkdirAll(filepath.Clean(dir), mkdir, o.SyncDir)
}

// SyncDir is fsync, not fdatasync: which of the two covers a directory's entries differs between file systems.
func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock uses flock, which belongs to the open file description: two holders in one process exclude each other
// too, and a process that dies in whatever way lets go.
func (osFS) Lock(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	err = control(file, "flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (osFS) Free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return available(&st), nil
}

// mkdirAll makes dir and the parents it lacks by mkdir, from the top down, and each new entry durable by syncDir.
// Entries that are there already are left alone: their parents need not be ours to open.
func mkdirAll(dir string, mkdir, syncDir func(dir string) error) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if err := mkdirAll(parent, mkdir, syncDir); err != nil {
		return err
	}
	if err := mkdir(dir); err != nil && !isDir(dir) {
		return err
	}
	return syncDir(parent)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// osFile is an os.File, whose ReadAt, WriteAt, Truncate and Close are what File asks for.
type osFile struct{ *os.File }

func openOS(path string, flag int) (File, error) {
	file, err := os.OpenFile(path, flag, fileMode)
	if err != nil {
		return nil, err
	}
	return osFile{file}, nil
}

func (f osFile) Sync() error { return Datasync(f.File) }

// Datasync is File.Sync for a file that others opened.
func Datasync(f *os.File) error { return control(f, "fdatasync", datasync) }

// Hasten has the disk begin with what was written to a range of a file, and does not wait for it: a sync later has less to do. It makes
// nothing durable, and says nothing of errors: a sync does.
func Hasten(f *os.File, off, size int64) {
	_ = control(f, "sync_file_range", func(fd int) error { return hasten(fd, off, size) })
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Preallocate reserves by fallocate, so that a full disk says so before a byte has changed, and then writes zeros:
// fallocate alone leaves unwritten extents, and each later write into one would make its fdatasync commit the
// file system's journal. The zeros become durable with the next Sync.
func (f osFile) Preallocate(off, size int64) error {
	end := off + size
	if off < 0 || size <= 0 || end < 0 {
		return &fs.PathError{Op: "preallocate", Path: f.Name(), Err: syscall.EINVAL}
	}
	old, err := f.Size()
	if err != nil {
		return err
	}
	// What lies beyond the old end comes first: that is where room may be lacking, and cutting it off undoes it.
	err = control(f.File, "fallocate", func(fd int) error { return reserve(fd, off, size) })
	if err == nil {
		err = f.zero(max(off, old), end)
	}
	if err == nil {
		return f.zero(off, min(old, end))
	}
	if end > old {
		err = errors.Join(err, f.Truncate(old))
	}
	return err
}

// zeros are read only, so that the kernel shows its one page of zeros for all of them.
var zeros [zeroChunkBytes]byte

// zero writes zeros from one offset up to another; it does nothing where from is not below to.
func (f osFile) zero(from, to int64) error {
	if from >= to {
		return nil
	}
	for from < to {
		n, err := f.WriteAt(zeros[:min(to-from, zeroChunkBytes)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// control makes a system call on the descriptor, again when a signal interrupts it; Close cannot take the descriptor
// away in the middle of it.
func control(file *os.File, op string, call func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var errno error
	err = conn.Control(func(fd uintptr) {
		for errno = unix.EINTR; errors.Is(errno, unix.EINTR); {
			errno = call(int(fd))
		}
	})
	if err != nil { // the one reason; package os does not name it here
		errno = fs.ErrClosed
	}
	if errno != nil {
		return &fs.PathError{Op: op, Path: file.Name(), Err: errno}
	}
	return nil
}
