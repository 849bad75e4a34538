package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// What may be done to a data directory that no server has. Each takes the directory's lock, so that none starts
// meanwhile: ErrInUse where one runs.

// ErrLogAhead: the base alone is not all data, as the log has newer records.
var ErrLogAhead = errors.New("the log goes beyond the base")

// CreateSnapshotAtRest makes a named snapshot of a directory whose base has all data: what SHUTDOWN SAVE leaves.
func CreateSnapshotAtRest(fsys vfs.FS, dir, name string) error {
	if err := CheckSnapshotName(name); err != nil {
		return err
	}
	return atRest(fsys, dir, func(base *snapshot.Base) error {
		if err := vacant(fsys, dir, name); err != nil {
			return err
		}
		if err := baseHasAll(fsys, dir, base.Meta()); err != nil {
			return err
		}
		if err := fsys.MkdirAll(filepath.Join(dir, SnapshotDir)); err != nil {
			return fmt.Errorf("making the directory of the snapshots: %w", err)
		}
		return base.CopyTo(fsys, SnapshotPath(dir, name), nil)
	})
}

// DropSnapshotAtRest removes a named snapshot.
func DropSnapshotAtRest(fsys vfs.FS, dir, name string) error {
	if err := CheckSnapshotName(name); err != nil {
		return err
	}
	if _, err := fsys.Stat(SnapshotPath(dir, name)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoSnapshot, name)
	}
	return locked(fsys, dir, func() error { return dropSnapshot(fsys, dir, name) })
}

// Compact writes the base anew, without the pages that are free, and tells its size before and after, in bytes. It wants
// room for the new file beside the old.
func Compact(fsys vfs.FS, dir string) (before, after int64, err error) {
	err = atRest(fsys, dir, func(base *snapshot.Base) error {
		if before, err = fileSize(fsys, base.Path()); err != nil {
			return err
		}
		none := snapshot.NewChanges(fsys, dir, sortMemory)
		_, err := base.Rewrite(none, base.Meta())
		if err = errors.Join(err, none.Discard()); err != nil {
			return err
		}
		after, err = fileSize(fsys, base.Path())
		return err
	})
	return before, after, err
}

// atRest calls fn with the base of a directory that no server has, and that none can take until fn returns.
func atRest(fsys vfs.FS, dir string, fn func(*snapshot.Base) error) error {
	path := filepath.Join(dir, BaseName)
	if _, err := fsys.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s has no %s; a server writes it at its first checkpoint (BGSAVE)", snapshot.ErrNotExist, dir, BaseName)
	}
	return locked(fsys, dir, func() (err error) {
		base, err := snapshot.Open(path, snapshot.OpenOptions{FS: fsys})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, base.Close()) }()
		return fn(base)
	})
}

// locked calls fn while no server can take the directory.
func locked(fsys vfs.FS, dir string, fn func() error) error {
	lock, err := lockDir(fsys, dir)
	if err != nil {
		return err
	}
	return errors.Join(fn(), lock.Close())
}

// baseHasAll is ErrLogAhead where the log has what the base has not.
func baseHasAll(fsys vfs.FS, dir string, meta snapshot.Meta) error {
	if _, err := fsys.Stat(filepath.Join(dir, StagedName)); err == nil {
		return nil // the log does not count yet
	}
	segments, err := aof.List(fsys, filepath.Join(dir, LogDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, s := range segments {
		if s.Damage != nil {
			return s.Damage
		}
		if s.Last > meta.LSN {
			return fmt.Errorf("%w: the base is as of LSN %d, and the log ends at %d; start a server on %s and ask it (holdfast snapshot create), or stop it with SHUTDOWN SAVE first",
				ErrLogAhead, meta.LSN, s.Last, dir)
		}
	}
	return nil
}

func fileSize(fsys vfs.FS, path string) (int64, error) {
	info, err := fsys.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("looking at %s: %w", path, err)
	}
	return info.Size(), nil
}
