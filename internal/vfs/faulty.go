package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Faulty is an FS for tests. It works in a real directory, which always shows what programs see, and keeps beside it
// what of that a power cut would leave: per file what was synced (history), per directory which entries were (tree).
// Any operation can be made to fail (fault.go) or to be the machine's last (crash.go).
//
// A file that others write, as bbolt does, is durable as it stands; under which name, if any, is up to SyncDir as
// for every file. It must be left to them: from the first WriteAt, Truncate or Preallocate through Faulty on, a file is
// what Faulty was told, until a Rename finds all of it synced and so hands it over to whoever goes on. So that tests run
// fast, Sync and SyncDir only move the books, and Preallocate takes no room.
//
// The alternative was a file system in memory. bbolt opens its file by name and maps it; it would have needed a copy
// at every operation.
type Faulty struct {
	root string // absolute

	// mu guards all below, and is held while an operation other than a ReadAt runs.
	mu        sync.Mutex
	rng       *rand.Rand
	tree      *tree
	free      int64 // what Free returns; negative: ask the real file system
	counts    [kindCount]int
	rules     []*rule
	intercept func(kind Kind, path string) error
	injected  []Injection

	crashRule *rule
	crashed   bool
	wreck     image // the untracked files at the crash
	wreckErr  error // why wreck is incomplete
}

var _ FS = (*Faulty)(nil)

// NewFaulty makes an FS for the paths under root, which is created if need be. What is in it is taken as durable. seed
// decides how much a failing write wrote. It panics when root cannot be read.
func NewFaulty(root string, seed int64) *Faulty {
	abs, err := filepath.Abs(root)
	if err == nil {
		err = os.MkdirAll(abs, dirMode)
	}
	f := &Faulty{
		root: abs,
		rng:  rand.New(rand.NewPCG(uint64(seed), 0)),
		tree: &tree{root: newInode(true)},
		free: -1,
	}
	if err == nil {
		err = f.tree.walk(f.tree.root, abs, func(*inode, string) error { return nil })
	}
	if err != nil {
		panic(fmt.Sprintf("BUG: faulty file system at %s: %v", root, err))
	}
	f.tree.syncAll()
	return f
}

// Create implements FS.
func (f *Faulty) Create(path string) (File, error) {
	return f.open(Create, path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Open implements FS.
func (f *Faulty) Open(path string) (File, error) { return f.open(Read, path, os.O_RDWR) }

// OpenRead implements FS.
func (f *Faulty) OpenRead(path string) (File, error) { return f.open(Read, path, os.O_RDONLY) }

func (f *Faulty) open(kind Kind, path string, flag int) (File, error) {
	err := f.begin(kind, path)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	at, err := f.locate(path)
	if err != nil {
		return nil, err
	}
	real, err := os.OpenFile(path, flag, fileMode)
	if err != nil {
		return nil, err
	}
	ino, err := f.tree.look(at.dir, at.name, path)
	if err == nil && (ino == nil || ino.isDir()) {
		err = &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	if err != nil {
		return nil, errors.Join(err, real.Close())
	}
	return &faultyFile{fs: f, ino: ino, real: real, path: path}, nil
}

// Rename implements FS. It is lost or kept as a whole, and durable when both directories are synced.
func (f *Faulty) Rename(from, to string) error {
	err := f.begin(Rename, from)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	source, err := f.locate(from)
	if err != nil {
		return err
	}
	target, err := f.locate(to)
	if err != nil {
		return err
	}
	ino, err := f.tree.look(source.dir, source.name, from)
	if err != nil {
		return err
	}
	if err := f.keepBytes(target, to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil || source == target {
		return err
	}
	f.tree.record(edit{source, nil}, edit{target, ino})
	ino.release()
	return nil
}

// Remove implements FS.
func (f *Faulty) Remove(path string) error {
	err := f.begin(Remove, path)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	at, err := f.locate(path)
	if err != nil {
		return err
	}
	if err := f.keepBytes(at, path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	f.tree.record(edit{at, nil})
	return nil
}

// keepBytes tracks what is at a place before it goes, because a crash may bring it back.
func (f *Faulty) keepBytes(at place, path string) error {
	ino, err := f.tree.look(at.dir, at.name, path)
	if err != nil || ino == nil || ino.isDir() {
		return err
	}
	real, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(ino.track(real), real.Close())
}

// Stat implements FS.
func (f *Faulty) Stat(path string) (fs.FileInfo, error) {
	err := f.begin(Read, path)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// List implements FS.
func (f *Faulty) List(dir string) ([]string, error) {
	err := f.begin(Read, dir)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return osFS{}.List(dir)
}

// MkdirAll implements FS. Each directory it makes is two operations: Create, and SyncDir of the parent.
func (f *Faulty) MkdirAll(dir string) error {
	if _, err := f.Stat(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return mkdirAll(filepath.Clean(dir), f.mkdir, f.SyncDir)
}

func (f *Faulty) mkdir(dir string) error {
	err := f.begin(Create, dir)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	at, err := f.locate(dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil {
		return err
	}
	_, err = f.tree.look(at.dir, at.name, dir)
	return err
}

// SyncDir implements FS. A failed one leaves the entries unsynced, and a later one makes them durable.
func (f *Faulty) SyncDir(dir string) error {
	err := f.begin(SyncDir, dir)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	ino, err := f.directory(dir)
	if err != nil {
		return err
	}
	if err := f.tree.scan(ino, dir); err != nil {
		return err
	}
	f.tree.sync(ino)
	return nil
}

// Lock implements FS by a real lock. A crash does not release it, only Close does.
func (f *Faulty) Lock(path string) (io.Closer, error) {
	kind := Read
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		kind = Create
	}
	err := f.begin(kind, path)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return osFS{}.Lock(path)
}

// Free implements FS.
func (f *Faulty) Free(dir string) (int64, error) {
	err := f.begin(Read, dir)
	defer f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if f.free >= 0 {
		return f.free, nil
	}
	return osFS{}.Free(dir)
}

// SetFree sets what Free returns, in bytes; a negative number asks the real file system again.
func (f *Faulty) SetFree(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = bytes
}

// locate finds the directory and the name that a path means. The root itself is the place without a name.
func (f *Faulty) locate(path string) (place, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return place{}, err
	}
	rel, err := filepath.Rel(f.root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return place{}, fmt.Errorf("%s is not under %s: %w", path, f.root, fs.ErrInvalid)
	}
	at := place{dir: f.tree.root}
	if rel == "." {
		return at, nil
	}
	parents, walked := strings.Split(rel, string(filepath.Separator)), f.root
	last := len(parents) - 1
	for _, name := range parents[:last] {
		walked = filepath.Join(walked, name)
		next, err := f.tree.look(at.dir, name, walked)
		switch {
		case err != nil:
			return place{}, err
		case next == nil:
			return place{}, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
		case !next.isDir():
			return place{}, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
		}
		at.dir = next
	}
	at.name = parents[last]
	return at, nil
}

// directory finds the directory that a path means.
func (f *Faulty) directory(path string) (*inode, error) {
	at, err := f.locate(path)
	if err != nil {
		return nil, err
	}
	ino, err := f.tree.look(at.dir, at.name, path)
	switch {
	case err != nil:
		return nil, err
	case ino == nil:
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	case !ino.isDir():
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	return ino, nil
}
