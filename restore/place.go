package restore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// Place is a new data directory under construction: a base is built in a work directory within it, and gets its name when it is
// whole. Until then a start finds no data there, and what a crash leaves is known for what it is.
type Place struct {
	fs   vfs.FS
	to   string
	made bool      // the directory was not there before
	lock io.Closer // held while the work directory is in use; nil while nothing is under way
}

const lockName = "restore.lock" // in the work directory: held while somebody works there

// NewPlace looks whether a directory can be the new one: ErrNotEmpty where it holds anything but what an interrupted attempt
// left, which is removed.
func NewPlace(fsys vfs.FS, to string) (*Place, error) {
	made, err := vacant(fsys, to)
	return &Place{fs: fsys, to: to, made: made}, err
}

// Work is the directory to work in, Base the file to make there.
func (p *Place) Work() string { return filepath.Join(p.to, engine.WorkName) }

// Base is the file to make.
func (p *Place) Base() string { return filepath.Join(p.Work(), engine.BaseName) }

// vacant reports whether the new directory is to be made.
func vacant(fsys vfs.FS, dir string) (missing bool, err error) {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the new directory: %w", err)
	}
	begun := slices.Contains(names, engine.WorkName) && !slices.Contains(names, engine.BaseName)
	for _, name := range names {
		if name != "lost+found" && !(begun && slices.Contains(leavings(), name)) {
			return false, fmt.Errorf("%w: %s holds %s; give a new one with --to", ErrNotEmpty, dir, name)
		}
	}
	if !begun {
		return false, nil
	}
	lock, err := fsys.Lock(filepath.Join(dir, engine.WorkName, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return false, fmt.Errorf("%w: another restore to %s is under way", engine.ErrInUse, dir)
	}
	if err != nil {
		return false, fmt.Errorf("looking at what another restore left: %w", err)
	}
	return false, errors.Join(clean(fsys, dir), lock.Close())
}

// leavings are what is made in the new directory before the base: what an attempt that was interrupted leaves.
func leavings() []string {
	return []string{engine.RestoredName + ".tmp", engine.RestoredName, engine.WorkName}
}

// clean removes the leavings, the work directory last: while that is there the others are known for what they are.
func clean(fsys vfs.FS, dir string) error {
	for _, name := range leavings()[:2] {
		if err := fsys.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what an unfinished restore left: %w", err)
		}
	}
	return engine.DropWork(fsys, dir)
}

// Begin makes the work directory.
func (p *Place) Begin() (err error) {
	if err := p.fs.MkdirAll(p.Work()); err != nil {
		return fmt.Errorf("making the new directory: %w", err)
	}
	p.lock, err = p.fs.Lock(filepath.Join(p.Work(), lockName))
	return err
}

// Publish gives the base its name, and puts the text about how it came to be, if any, beside it.
func (p *Place) Publish(about []byte) error {
	file, err := p.fs.Open(p.Base())
	if err == nil {
		err = errors.Join(file.Sync(), file.Close())
	}
	if err != nil {
		return fmt.Errorf("syncing %s: %w", p.Base(), err)
	}
	if about != nil {
		if err := vfs.WriteFile(p.fs, filepath.Join(p.to, engine.RestoredName), about); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	if err := p.fs.Rename(p.Base(), filepath.Join(p.to, engine.BaseName)); err != nil {
		return fmt.Errorf("publishing the new base: %w", err)
	}
	for _, dir := range []string{p.to, p.Work()} {
		if err := p.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("syncing %s: %w", dir, err)
		}
	}
	return nil
}

// End removes the work directory.
func (p *Place) End() error {
	err := engine.DropWork(p.fs, p.to)
	return errors.Join(err, p.lock.Close())
}

// Abandon takes back what was done in the new directory, that itself too if it was made for it.
func (p *Place) Abandon() error {
	if p.lock == nil {
		return nil // somebody else works there
	}
	err := p.fs.Remove(filepath.Join(p.to, engine.BaseName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, clean(p.fs, p.to), p.lock.Close())
	p.lock = nil
	if err == nil && p.made {
		err = p.fs.Remove(p.to)
	}
	return err
}
