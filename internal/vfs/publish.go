package vfs

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// WriteFile publishes a small file whole or not at all: temporary name, sync, rename, sync of the directory. Without room
// for it nothing is left.
func WriteFile(fsys FS, path string, data []byte) (err error) {
	tmp := path + ".tmp"
	if err := fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(tmp)
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
