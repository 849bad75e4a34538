package aof

import (
	"errors"
	"fmt"
	"path/filepath"

	"holdfast/internal/vfs"
)

// CutAt ends the log in dir at an offset of the segment that begins at LSN first: the segments behind it are removed,
// the newest first, and what it holds from the offset on becomes zeroes, as where a torn tail is cut. An offset within
// the header removes the segment too, and the seal of the one before it. It is for damage that Recover does not pass; whoever calls it has copied away
// what it takes, and holds the data directory's lock.
//
// A crash on the way leaves the damage, or nothing of it: Recover says which, and CutAt may be called again.
func CutAt(fsys vfs.FS, dir string, first uint64, offset int64) error {
	named, _, _, err := sortNames(fsys, dir)
	if err != nil {
		return err
	}
	for i := len(named) - 1; i >= 0 && named[i].first >= first; i-- {
		if named[i].first == first && offset >= HeaderBytes {
			break
		}
		if err := fsys.Remove(named[i].path); err != nil {
			return fmt.Errorf("cut the log: %w", err)
		}
	}
	if err := fsys.SyncDir(dir); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	if offset < HeaderBytes {
		return unseal(fsys, dir)
	}
	return zeroFrom(fsys, filepath.Join(dir, segmentName(first)), offset)
}

// zeroFrom overwrites what a file holds from an offset on.
func zeroFrom(fsys vfs.FS, path string, offset int64) error {
	f, err := fsys.OpenRead(path)
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	size, err := f.Size()
	end := int64(0)
	if err == nil {
		end, err = dataEnd(f, offset, size)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read log segment %s behind offset %d: %w", path, offset, err)
	}
	return Options{FS: fsys}.cut(path, offset, max(0, end-offset))
}
