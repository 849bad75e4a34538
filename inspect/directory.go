package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// Why there is nothing to show.
var (
	// ErrNoDirectory: the data directory is not there.
	ErrNoDirectory = errors.New("no data directory")
	// ErrNothing: there is no snapshot, or no log, or neither, where one was asked for.
	ErrNothing = errors.New("nothing there")
	// ErrNoKey: the snapshot does not have the key.
	ErrNoKey = errors.New("no such key")
)

// Directory is a data directory that is looked at from outside.
type Directory struct {
	fs    vfs.FS
	path  string
	names []string
}

// Open looks whether dir is a directory: ErrNoDirectory, or ErrNothing where it holds nothing of holdfast's.
func Open(fsys vfs.FS, dir string) (*Directory, error) {
	names, err := fsys.List(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s does not exist; say where the data is with --dir", ErrNoDirectory, dir)
	case err != nil:
		return nil, fmt.Errorf("reading the data directory: %w", err)
	}
	d := &Directory{fs: fsys, path: dir, names: names}
	if d.has(engine.BaseName) || d.has(engine.LogDir) || d.has(engine.SnapshotDir) || d.has(engine.ReportName) {
		return d, nil
	}
	what := "is empty"
	if len(names) > 0 {
		what = fmt.Sprintf("holds %s and neither %s nor %s", names[0], engine.BaseName, engine.LogDir)
	}
	return nil, fmt.Errorf("%w: %s %s; say where the data is with --dir", ErrNothing, dir, what)
}

func (d *Directory) has(name string) bool { return slices.Contains(d.names, name) }

func (d *Directory) basePath() string { return filepath.Join(d.path, engine.BaseName) }

func (d *Directory) logPath() string { return filepath.Join(d.path, engine.LogDir) }

// staged: the log was being turned on when its server stopped, or is at this moment. Until that is finished the base
// alone is the data, and a start removes the log.
func (d *Directory) staged() bool { return d.has(engine.StagedName) }

// Snapshot opens the directory's base.
func (d *Directory) Snapshot() (*Snapshot, error) {
	if !d.has(engine.BaseName) {
		return nil, fmt.Errorf("%w: %s has no %s yet; a server writes it at its first checkpoint (BGSAVE), and until then all is in the log",
			ErrNothing, d.path, engine.BaseName)
	}
	return OpenSnapshot(d.fs, d.basePath())
}

// Named opens one of the directory's snapshots. It is safe beside a running server.
func (d *Directory) Named(name string) (*Snapshot, error) {
	path := engine.SnapshotPath(d.path, name)
	if _, err := d.fs.Stat(path); errors.Is(err, fs.ErrNotExist) || filepath.Base(path) != name+".db" {
		return nil, fmt.Errorf("%w: %s has no snapshot %q; holdfast snapshot list shows those that there are", ErrNothing, d.path, name)
	}
	return OpenSnapshot(d.fs, path)
}

// OpenAny opens the base of a directory, the base or the RDB file at a path, or, where there is nothing at that path, the
// snapshot of that name in the directory dir.
func OpenAny(fsys vfs.FS, what, dir string) (DiffSide, error) {
	info, err := fsys.Stat(what)
	switch {
	case err == nil && info.IsDir():
		d, err := Open(fsys, what)
		if err != nil {
			return nil, err
		}
		return d.Snapshot()
	case err == nil && info.Mode().IsRegular() && beginsLikeRDB(fsys, what):
		return OpenRDB(fsys, what)
	case err == nil:
		return OpenSnapshot(fsys, what)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	d, err := Open(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("there is neither a file %s nor a directory with such a snapshot: %w", what, err)
	}
	return d.Named(what)
}

// CheckFile refuses a pipe and a device: what is read here is read more than once, and not from its beginning on. Whether there
// is anything at the path is for others to say.
func CheckFile(fsys vfs.FS, path string) error {
	if info, err := fsys.Stat(path); err != nil || info.IsDir() || info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%w: %s is a pipe or a device, and is to be read more than once: give a file", ErrNothing, path)
}

// beginsLikeRDB reports whether a file begins as an RDB file does. One that cannot be read does not.
func beginsLikeRDB(fsys vfs.FS, path string) bool {
	file, err := fsys.OpenRead(path)
	if err != nil {
		return false
	}
	size, err := file.Size()
	if err == nil {
		_, err = rdb.Open(file, size)
	}
	return file.Close() == nil && !errors.Is(err, rdb.ErrNotRDB)
}

// openBase opens a base for reading.
func openBase(fsys vfs.FS, path string) (*snapshot.Base, error) {
	if info, err := fsys.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%w: %s is a directory and no file; a data directory is named with --dir", ErrNothing, path)
	}
	if err := CheckFile(fsys, path); err != nil {
		return nil, err
	}
	base, err := snapshot.Open(path, snapshot.OpenOptions{FS: fsys, ReadOnly: true})
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", ErrNothing, path)
	}
	if errors.Is(err, snapshot.ErrNotBase) && beginsLikeRDB(fsys, path) {
		return nil, fmt.Errorf("%w; it is an RDB file: name it with --rdb", err)
	}
	return base, advise(err)
}

// advise adds to an error of a base what to do about it.
func advise(err error) error {
	advice := ""
	switch {
	case errors.Is(err, snapshot.ErrLocked):
		advice = "a server is writing it: read a snapshot instead (holdfast snapshot create NAME, and then --name NAME), ask the server (holdfast cli), or stop it first"
	case errors.Is(err, snapshot.ErrUnfinished):
		advice = "nothing is lost by it: start holdfast serve on its directory once, which finishes it"
	case errors.Is(err, snapshot.ErrNewer):
		advice = newerAdvice
	case errors.Is(err, snapshot.ErrCorrupt):
		advice = "bring the file back from a copy"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}
