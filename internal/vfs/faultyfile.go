package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// faultyFile is an open file of a Faulty.
type faultyFile struct {
	fs   *Faulty
	ino  *inode
	real *os.File
	path string // as given to Create, Open or OpenRead
}

var _ File = (*faultyFile)(nil)

// ReadAt reads without the lock, so that it may go on beside a Sync that Intercept holds up.
func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	err := f.fs.begin(Read, f.path)
	f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.real.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	failed := f.fs.begin(Write, f.path)
	defer f.fs.mu.Unlock()
	if errors.Is(failed, ErrCrashed) {
		return 0, failed
	}
	if failed != nil {
		p = p[:f.fs.rng.IntN(len(p)+1)]
	}
	if err := f.ino.track(f.real); err != nil {
		return 0, err
	}
	n, err := f.real.WriteAt(p, off)
	f.ino.data.write(off, p[:n])
	if failed != nil {
		err = failed
	}
	return n, err
}

func (f *faultyFile) Sync() error {
	failed := f.fs.begin(Sync, f.path)
	defer f.fs.mu.Unlock()
	if errors.Is(failed, ErrCrashed) {
		return failed
	}
	if _, err := f.real.Stat(); err != nil { // it was closed
		return err
	}
	switch {
	case f.ino.data == nil:
	case failed != nil:
		f.ino.data.syncFailed()
	default:
		f.ino.data.sync()
	}
	return failed
}

func (f *faultyFile) Preallocate(off, size int64) error {
	err := f.fs.begin(Preallocate, f.path)
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	end := off + size
	if off < 0 || size <= 0 || end < 0 {
		return &fs.PathError{Op: "preallocate", Path: f.path, Err: syscall.EINVAL}
	}
	if err := f.ino.track(f.real); err != nil {
		return err
	}
	old := f.ino.data.size()
	if end > old {
		if err := f.real.Truncate(end); err != nil {
			return err
		}
	}
	if err := (osFile{f.real}).zero(off, min(old, end)); err != nil {
		return err
	}
	f.ino.data.preallocate(off, size)
	return nil
}

func (f *faultyFile) Truncate(size int64) error {
	err := f.fs.begin(Truncate, f.path)
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.ino.track(f.real); err != nil {
		return err
	}
	if err := f.real.Truncate(size); err != nil {
		return err
	}
	f.ino.data.truncate(size)
	return nil
}

func (f *faultyFile) Size() (int64, error) {
	err := f.fs.begin(Read, f.path)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return osFile{f.real}.Size()
}

// Close is no operation: it never fails by injection, and after a crash it lets the real file go.
func (f *faultyFile) Close() error { return f.real.Close() }
