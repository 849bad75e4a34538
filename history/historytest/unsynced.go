package historytest

import "holdfast/internal/vfs"

// FS is the operating system's file system, whose syncs do nothing: tests that cut no power need not wait for the disk.
func FS() vfs.FS { return unsynced{vfs.OS()} }

type unsynced struct{ vfs.FS }

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error { return nil }

func (unsynced) SyncDir(string) error { return nil }

func (u unsynced) Create(path string) (vfs.File, error)   { return wrap(u.FS.Create(path)) }
func (u unsynced) Open(path string) (vfs.File, error)     { return wrap(u.FS.Open(path)) }
func (u unsynced) OpenRead(path string) (vfs.File, error) { return wrap(u.FS.OpenRead(path)) }

func wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}
