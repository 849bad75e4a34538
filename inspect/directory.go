package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"holdfast/engine"
	"holdfast/internal/vfs"
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
	if d.has(engine.BaseName) || d.has(engine.LogDir) {
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

// openBase opens a base for reading.
func openBase(fsys vfs.FS, path string) (*snapshot.Base, error) {
	base, err := snapshot.Open(path, snapshot.OpenOptions{FS: fsys, ReadOnly: true})
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", ErrNothing, path)
	}
	return base, advise(err)
}

// advise adds to an error of a base what to do about it.
func advise(err error) error {
	advice := ""
	switch {
	case errors.Is(err, snapshot.ErrLocked):
		advice = "a server is writing it at this moment; try again, ask the server (holdfast cli), or stop it first"
	case errors.Is(err, snapshot.ErrUnfinished):
		advice = "start holdfast serve on its directory once, which does that"
	case errors.Is(err, snapshot.ErrNewer):
		advice = "use the version of holdfast that wrote it"
	case errors.Is(err, snapshot.ErrCorrupt):
		advice = "bring the file back from a copy"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}
