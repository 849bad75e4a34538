package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Named snapshots are copies of the base, snapshots/NAME.db: the state at the checkpoint that was written for them. They
// are files of their own, which stay until somebody drops them, and any tool that opens a base opens them.
//
// A copy is made beside everything else. It reads one state of the base, whatever checkpoints write meanwhile; a
// checkpoint that replaces the base's file leaves the old one open for it. Copies are made one at a time.

const (
	// SnapshotDir is the directory of the snapshots in the data directory.
	SnapshotDir = "snapshots"

	snapshotSuffix  = ".db"
	snapshotNameMax = 64 // bytes
	// automaticPrefix begins the names of the snapshots that retention makes, with their LSN behind it.
	automaticPrefix = "auto-"
)

// Why a snapshot is not made, or not dropped.
var (
	ErrSnapshotName   = errors.New("not a name for a snapshot")
	ErrSnapshotExists = errors.New("there is a snapshot of that name")
	ErrNoSnapshot     = errors.New("no such snapshot")
	ErrNoRoomToCopy   = errors.New("no room for a copy of the base")
)

// CheckSnapshotName says whether people may use a name: ErrSnapshotName, and what is wrong with it.
func CheckSnapshotName(name string) error {
	const marks = "-_."
	foreign := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(marks, r))
	}
	switch {
	case name == "" || len(strings.TrimPrefix(name, strayPrefix)) > snapshotNameMax || name[0] == '.' || strings.ContainsFunc(name, foreign):
		return fmt.Errorf("%w: %.80q; take up to %d letters, digits and %s, not with a dot in front",
			ErrSnapshotName, name, snapshotNameMax, marks)
	case strings.HasPrefix(name, automaticPrefix):
		return fmt.Errorf("%w: %.80q; names that begin with %s are for the snapshots that retain makes, and drops",
			ErrSnapshotName, name, automaticPrefix)
	}
	return nil
}

// SnapshotPath is the file of a snapshot in a data directory.
func SnapshotPath(dir, name string) string {
	return filepath.Join(dir, SnapshotDir, name+snapshotSuffix)
}

// snapshotNames lists the snapshots of a data directory, in the order of their names. A missing directory holds none.
func snapshotNames(fsys vfs.FS, dir string) (names []string, err error) {
	files, err := fsys.List(filepath.Join(dir, SnapshotDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the snapshots: %w", err)
	}
	for _, file := range files {
		if name, ok := strings.CutSuffix(file, snapshotSuffix); ok && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Snapshots describes the snapshots of a data directory, automatic ones too, the oldest state first. It is safe beside
// a running server. One that cannot be read is described by its Problem.
func Snapshots(fsys vfs.FS, dir string) ([]commands.SnapshotInfo, error) {
	names, err := snapshotNames(fsys, dir)
	if err != nil {
		return nil, err
	}
	infos := make([]commands.SnapshotInfo, 0, len(names))
	for _, name := range names {
		info, err := describeSnapshot(fsys, SnapshotPath(dir, name))
		if errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, fs.ErrNotExist) {
			continue // dropped meanwhile
		}
		if err != nil {
			info.Problem = err.Error()
		}
		info.Name = name
		infos = append(infos, info)
	}
	slices.SortStableFunc(infos, func(a, b commands.SnapshotInfo) int { return cmp.Compare(a.LSN, b.LSN) })
	return infos, nil
}

// describeSnapshot opens a snapshot and reads what it says of itself.
func describeSnapshot(fsys vfs.FS, path string) (info commands.SnapshotInfo, err error) {
	base, err := snapshot.Open(path, snapshot.OpenOptions{FS: fsys, ReadOnly: true})
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	stats, err := base.Stats()
	if err != nil {
		return info, err
	}
	meta := base.Meta()
	info = commands.SnapshotInfo{ID: meta.ID, LSN: meta.LSN, Time: meta.Time, Bytes: stats.FileBytes}
	for _, db := range meta.DBs {
		info.Keys += db.Keys
	}
	return info, nil
}

// copier makes copies of the base.
type copier struct {
	job sync.Mutex // held by whoever makes or drops a snapshot

	mu       sync.Mutex     // guards what follows
	from     *snapshot.Base // being copied; nil while none is
	replaced bool           // it is no longer the base, and the copier is to close it
}

// copyBase copies the base to path, which must be vacant, unless the engine closes first. It does not take the room that
// the log will want.
func (e *Engine) copyBase(path string) error {
	base := e.pin()
	err := e.roomToCopy(base)
	if err == nil {
		err = base.CopyTo(stoppable{e.o.FS, e.quit}, path, nil)
	}
	if err = errors.Join(err, e.unpin(base)); err != nil {
		return fmt.Errorf("copying the base %s: %w", e.basePath(), err)
	}
	return nil
}

func (e *Engine) roomToCopy(base *snapshot.Base) error {
	size, err := copyBytes(base)
	if err != nil {
		return err
	}
	free, err := e.o.FS.Free(e.o.Dir)
	if err != nil {
		return err
	}
	if need := size + 2*e.o.Config.Bytes("segment-bytes").Load(); free < need {
		return fmt.Errorf("%w: %d bytes are free, and %d are needed for it and the log's next segments", ErrNoRoomToCopy, free, need)
	}
	return nil
}

// copyBytes is what a copy of a base takes. The base's own file has been grown ahead of need.
func copyBytes(base *snapshot.Base) (int64, error) {
	stats, err := base.Stats()
	return stats.Pages * int64(stats.PageBytes), err
}

// pin takes the base for a copy: whoever replaces it meanwhile leaves it open.
func (e *Engine) pin() *snapshot.Base {
	c := &e.copies
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = e.base.Load()
	return c.from
}

func (e *Engine) unpin(base *snapshot.Base) error {
	c := &e.copies
	c.mu.Lock()
	replaced := c.replaced
	c.from, c.replaced = nil, false
	c.mu.Unlock()
	if !replaced {
		return nil
	}
	return base.Close()
}

// letGo closes a base that is the base no longer, giving way to others, or leaves that to the copy that reads it.
func (e *Engine) letGo(old *snapshot.Base) error {
	c := &e.copies
	c.mu.Lock()
	mine := c.from == old
	c.replaced = c.replaced || mine
	c.mu.Unlock()
	if mine {
		return nil
	}
	return old.Retire()
}

// stoppable is a file system whose new files take no more bytes once quit is closed, so that a long copy ends.
type stoppable struct {
	vfs.FS
	quit <-chan struct{}
}

type stoppableFile struct {
	vfs.File
	quit <-chan struct{}
}

func (s stoppable) Create(path string) (vfs.File, error) {
	f, err := s.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return stoppableFile{f, s.quit}, nil
}

func (f stoppableFile) WriteAt(b []byte, off int64) (int, error) {
	select {
	case <-f.quit:
		return 0, ErrClosed
	default:
		return f.File.WriteAt(b, off)
	}
}

// CreateSnapshot makes a named snapshot of what is there now, in the background. An error says that it did not begin; done
// hears the outcome, under the lock.
func (e *Engine) CreateSnapshot(name string, done func(error)) error {
	if err := CheckSnapshotName(name); err != nil {
		return err
	}
	return e.aside(func() error { return e.createSnapshot(name) }, done)
}

// DropSnapshot removes a named snapshot, as CreateSnapshot makes one.
func (e *Engine) DropSnapshot(name string, done func(error)) error {
	if err := CheckSnapshotName(name); err != nil {
		return err
	}
	return e.aside(func() error {
		e.copies.job.Lock()
		defer e.copies.job.Unlock()
		if err := dropSnapshot(e.o.FS, e.o.Dir, name); err != nil {
			return err
		}
		e.snapshots.Add(-1)
		return nil
	}, done)
}

// ListSnapshots describes the snapshots to done, under the lock.
func (e *Engine) ListSnapshots(done func([]commands.SnapshotInfo, error)) error {
	var infos []commands.SnapshotInfo
	return e.aside(func() (err error) {
		infos, err = Snapshots(e.o.FS, e.o.Dir)
		return err
	}, func(err error) { done(infos, err) })
}

// aside calls fn without the lock, beside the commands, and then done under it.
func (e *Engine) aside(fn func() error, done func(error)) error {
	if e.closing {
		return ErrClosed
	}
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		err := fn()
		e.mu.Lock()
		defer e.mu.Unlock()
		done(err)
	}()
	return nil
}

func (e *Engine) createSnapshot(name string) error {
	e.copies.job.Lock()
	defer e.copies.job.Unlock()
	if err := vacant(e.o.FS, e.o.Dir, name); err != nil {
		return err
	}
	if err := e.checkpointNow(); err != nil {
		return fmt.Errorf("writing a checkpoint for the snapshot %s: %w", name, err)
	}
	if err := e.makeSnapshotDir(); err != nil {
		return err
	}
	if err := e.copyBase(SnapshotPath(e.o.Dir, name)); err != nil {
		return err
	}
	e.snapshots.Add(1)
	e.o.Log.Info("snapshot", "name", name)
	return nil
}

// vacant says whether a name is free.
func vacant(fsys vfs.FS, dir, name string) error {
	_, err := fsys.Stat(SnapshotPath(dir, name))
	switch {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrSnapshotExists, name)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("looking for the snapshot %s: %w", name, err)
}

func (e *Engine) makeSnapshotDir() error {
	if err := e.o.FS.MkdirAll(filepath.Join(e.o.Dir, SnapshotDir)); err != nil {
		return fmt.Errorf("making the directory of the snapshots: %w", err)
	}
	return nil
}

// dropSnapshot removes a snapshot's file, durably.
func dropSnapshot(fsys vfs.FS, dir, name string) error {
	err := fsys.Remove(SnapshotPath(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoSnapshot, name)
	}
	if err == nil {
		err = fsys.SyncDir(filepath.Join(dir, SnapshotDir))
	}
	if err != nil {
		return fmt.Errorf("dropping the snapshot %s: %w", name, err)
	}
	return nil
}

// openSnapshots removes what an interrupted copy left, and counts the snapshots.
func (e *Engine) openSnapshots() error {
	dir := filepath.Join(e.o.Dir, SnapshotDir)
	if _, err := e.o.FS.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := snapshot.RemoveTemporary(e.o.FS, dir); err != nil {
		return err
	}
	names, err := snapshotNames(e.o.FS, e.o.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, automatic := automaticLSN(name); automatic {
			e.history.kept.Store(true)
		} else {
			e.snapshots.Add(1)
		}
	}
	return nil
}
