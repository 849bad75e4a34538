package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// WriteFile publishes a small file whole or not at all: temporary name, sync, rename, sync of the directory. Without room
// for it nothing is left.
func WriteFile(fsys FS, path string, data []byte) (err error) {
	tmp := path + ".tmp"
	f, err := createAnew(fsys, tmp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(tmp))
	}
	if err := fsys.Rename(tmp, path); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}

// Rewrite is WriteFile for a file that somebody named. Behind a symbolic link it is the file that is written; what is no file, least of
// all /dev/null, is not replaced.
func Rewrite(fsys FS, path string, data []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := fsys.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file, and is not replaced", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return WriteFile(fsys, path, data)
}

// createAnew is Create, in the place of a file that was left. One is removed only where it is in the way, so that an error is of
// what was to be done.
func createAnew(fsys FS, path string) (File, error) {
	f, err := fsys.Create(path)
	if errors.Is(err, fs.ErrExist) {
		if err := fsys.Remove(path); err != nil {
			return nil, err
		}
		f, err = fsys.Create(path)
	}
	return f, err
}
